//! The order in which the author of a tool declared its parameters: the order in which people see
//! the arguments.
//!
//! A snapshot has its keys sorted, so that a digest does not depend on who wrote the text. Only
//! what is shown is put into this order. The order of the model's text is not shown: a model could
//! put first what it wants to be read.

use std::ops::Range;

use hitl_base::json::write_string;
use hitl_base::{Json, JsonText};

/// The order in which a tool declares its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeclaredOrder {
    /// The keys as JSON strings, sorted, each with its position.
    positions: Box<[(String, usize)]>,
}

impl DeclaredOrder {
    /// Creates the order of parameters with these names, the first first.
    pub(crate) fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut positions: Vec<(String, usize)> =
            names.into_iter().map(literal).enumerate().map(|(at, name)| (name, at)).collect();
        positions.sort_unstable();
        Self { positions: positions.into() }
    }

    /// Creates the order of the properties of a JSON Schema.
    pub(crate) fn of_schema(schema: &Json) -> Self {
        let properties = schema.get("properties").map_or(&[][..], Json::entries);
        Self::new(properties.iter().map(|(name, _)| &**name))
    }

    /// Creates the order that arguments were shown in before.
    pub(crate) fn of_shown(arguments: &JsonText) -> Self {
        let tree = arguments.tree().unwrap_or(Json::Null);
        Self::new(tree.entries().iter().map(|(name, _)| &**name))
    }

    /// Sorts arguments by their declaration; those that are not declared follow as they were.
    ///
    /// The text is compact JSON, as hitl writes it.
    pub(crate) fn sort_text(&self, arguments: JsonText) -> JsonText {
        if self.positions.is_empty() {
            return arguments;
        }
        let text = arguments.as_str();
        let mut entries = entries(text);
        let position = |entry: &Entry| self.position(&text[entry.key.clone()]);
        if entries.is_sorted_by_key(position) {
            return arguments;
        }
        entries.sort_by_key(position);
        let mut sorted = String::with_capacity(text.len());
        for Entry { whole, .. } in entries {
            sorted.push(if sorted.is_empty() { '{' } else { ',' });
            sorted.push_str(&text[whole]);
        }
        sorted.push('}');
        JsonText::written(sorted.into())
    }

    /// Does the same to a tree.
    pub(crate) fn sort_tree(&self, arguments: Json) -> Json {
        match arguments {
            Json::Object(mut entries) if !self.positions.is_empty() => {
                entries.sort_by_cached_key(|(key, _)| self.position(&literal(key)));
                Json::Object(entries)
            }
            other => other,
        }
    }

    fn position(&self, key: &str) -> usize {
        let found = self.positions.binary_search_by(|(name, _)| (**name).cmp(key));
        found.map_or(usize::MAX, |at| self.positions[at].1)
    }
}

/// Returns a key as hitl writes it. Each key has exactly one spelling.
fn literal(key: &str) -> String {
    let mut out = String::new();
    write_string(&mut out, key);
    out
}

/// The position of an entry in the text of an object.
struct Entry {
    /// `"key"`.
    key: Range<usize>,
    /// `"key":value`, without the comma.
    whole: Range<usize>,
}

/// Returns the entries of an object in compact JSON text; none of any other value.
fn entries(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    if !text.starts_with('{') || text == "{}" {
        return found;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let (mut start, mut key) = (1, None);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            in_string = byte != b'"' || escaped;
            escaped = byte == b'\\' && !escaped;
            if !in_string && depth == 1 {
                key.get_or_insert(start..at + 1);
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_end = depth == 0 || (depth == 1 && byte == b',');
        if is_end && let Some(key) = key.take() {
            found.push(Entry { key, whole: start..at });
            start = at + 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hitl_base::json::parse_json;

    use super::*;

    fn sorted(order: &DeclaredOrder, text: &str) -> String {
        let as_text = order.sort_text(JsonText::new(text.to_owned()).unwrap());
        let as_tree = order.sort_tree(parse_json(text).unwrap());
        assert_eq!(as_text.as_str(), as_tree.to_text(), "{text}");
        as_text.as_str().to_owned()
    }

    #[test]
    fn declared_names_come_first_in_their_order_and_others_follow() {
        let order = DeclaredOrder::new(["to", "amount", "n\"ote", "€"]);
        for (text, expected) in [
            (r#"{"amount":1,"to":"x"}"#, r#"{"to":"x","amount":1}"#),
            (
                r#"{"a":[1,{"to":2}],"amount":1,"z":0,"to":{}}"#,
                r#"{"to":{},"amount":1,"a":[1,{"to":2}],"z":0}"#,
            ),
            (
                r#"{"amount":"}\",\"to\":\\","n\"ote":"\\\"","to":[],"€":"ü,"}"#,
                r#"{"to":[],"amount":"}\",\"to\":\\","n\"ote":"\\\"","€":"ü,"}"#,
            ),
            (r#"{"amount":1}"#, r#"{"amount":1}"#),
            (r#"{"b":1,"a":2}"#, r#"{"b":1,"a":2}"#),
            ("{}", "{}"),
            ("[2,1]", "[2,1]"),
            (r#""{,}""#, r#""{,}""#),
        ] {
            assert_eq!(sorted(&order, text), expected);
        }
    }

    #[test]
    fn without_a_declaration_nothing_moves() {
        let text = r#"{"z":1,"a":2}"#;
        assert_eq!(sorted(&DeclaredOrder::default(), text), text);
        let sorted_names = DeclaredOrder::new(["amount", "to"]);
        assert_eq!(sorted(&sorted_names, r#"{"a":1,"amount":2}"#), r#"{"amount":2,"a":1}"#);
    }

    #[test]
    fn a_schema_and_shown_arguments_have_an_order_too() {
        let schema = parse_json(r#"{"type":"object","properties":{"b":{},"a":{}}}"#).unwrap();
        let order = DeclaredOrder::of_schema(&schema);
        assert_eq!(sorted(&order, r#"{"a":1,"b":2,"c":3}"#), r#"{"b":2,"a":1,"c":3}"#);
        let shown = JsonText::new(r#"{"b":2,"a":1,"c":3}"#.to_owned()).unwrap();
        assert_eq!(
            sorted(&DeclaredOrder::of_shown(&shown), r#"{"a":4,"b":5}"#),
            r#"{"b":5,"a":4}"#
        );
        assert_eq!(DeclaredOrder::of_schema(&Json::Bool(true)), DeclaredOrder::default());
    }

    #[test]
    fn invariant_9_every_entry_stays_in_every_order() {
        proptest::proptest!(|(entries: BTreeMap<String, String>, declared: u64)| {
            let is_declared = |at: usize| declared >> (at % 64) & 1 == 1;
            let names: Vec<&str> = entries.keys().map(String::as_str).collect();
            let some = names.iter().enumerate().filter(|(at, _)| is_declared(*at));
            let known: Vec<&str> = some.map(|(_, name)| *name).rev().collect();
            let order = DeclaredOrder::new(known.iter().copied());
            let tree = entries.iter().map(|(key, text)| (key.clone(), Json::String(text.clone())));
            let text = sorted(&order, &Json::Object(tree.collect()).to_text());
            let after = parse_json(&text).unwrap();
            let others = names.iter().filter(|name| !known.contains(name));
            let expected: Vec<&str> = known.iter().chain(others).copied().collect();
            let found: Vec<&str> = after.entries().iter().map(|(key, _)| &**key).collect();
            proptest::prop_assert_eq!(found, expected);
            for (key, value) in after.entries() {
                proptest::prop_assert_eq!(value.as_str(), Some(&*entries[key]));
            }
        });
    }
}
