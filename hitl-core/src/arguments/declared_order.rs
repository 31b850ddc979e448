//! The order in which the author of a tool declared its parameters: the order in which people see
//! the arguments.
//!
//! A snapshot has its keys sorted, so that a digest does not depend on who wrote the text. Only
//! what is shown is put into this order. The order of the model's text is not shown: a model could
//! put first what it wants to be read.

use std::collections::HashMap;
use std::ops::Range;

use hitl_base::json::write_string;
use hitl_base::{Json, JsonText};

use super::schema_order::OrderFinder;

/// The order in which a tool declares its parameters, and the fields inside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeclaredOrder {
    /// The orders of the objects; the first is that of the arguments. Empty if nothing is known.
    objects: Vec<ObjectOrder>,
}

/// The index of an order.
pub(super) type OrderId = usize;

/// The order of the entries of one kind of object, or the order inside the items of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ObjectOrder {
    /// Sorted by key.
    fields: Vec<OrderedField>,
    /// The order inside entries that are not declared.
    pub(super) other: Option<OrderId>,
    /// The order inside the items, if it is a list.
    pub(super) items: Option<OrderId>,
}

/// A declared field.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OrderedField {
    /// Its key as a JSON string.
    key: String,
    position: usize,
    /// The order inside it.
    inside: Option<OrderId>,
}

impl ObjectOrder {
    /// Creates the order of fields with these names, the first first, and the orders inside them.
    pub(super) fn new<'n>(fields: impl IntoIterator<Item = (&'n str, Option<OrderId>)>) -> Self {
        let field =
            |(position, (name, inside))| OrderedField { key: literal(name), position, inside };
        let mut fields: Vec<_> = fields.into_iter().enumerate().map(field).collect();
        fields.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Self { fields, other: None, items: None }
    }

    fn field(&self, key: &str) -> Option<&OrderedField> {
        let found = self.fields.binary_search_by(|field| (*field.key).cmp(key)).ok()?;
        self.fields.get(found)
    }

    fn position(&self, key: &str) -> usize {
        self.field(key).map_or(usize::MAX, |field| field.position)
    }

    fn inside(&self, key: &str) -> Option<OrderId> {
        self.field(key).map_or(self.other, |field| field.inside)
    }
}

impl DeclaredOrder {
    /// Creates the order of parameters with these names, the first first.
    pub(crate) fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let object = ObjectOrder::new(names.into_iter().map(|name| (name, None)));
        Self { objects: if object.fields.is_empty() { Vec::new() } else { vec![object] } }
    }

    /// Creates the order of the properties of a JSON Schema.
    pub(crate) fn of_schema(schema: &Json) -> Self {
        Self { objects: OrderFinder::new(schema).find(None) }
    }

    /// Creates the order of parameters with these names, the first first, and of the properties
    /// inside them by the schema.
    pub(crate) fn of_parameters(names: &[&str], schema: &Json) -> Self {
        Self { objects: OrderFinder::new(schema).find(Some(names)) }
    }

    /// Creates the order that arguments were shown in before.
    pub(crate) fn of_shown(arguments: &JsonText) -> Self {
        let tree = arguments.tree().unwrap_or(Json::Null);
        let mut order = Self::default();
        order.learn(&[&tree]);
        order
    }

    /// Adds the order of values that stand for the same: those of a list's items.
    fn learn(&mut self, values: &[&Json]) -> Option<OrderId> {
        let mut names: Vec<(&str, Vec<&Json>)> = Vec::new();
        let mut at: HashMap<&str, usize> = HashMap::new();
        let mut items: Vec<&Json> = Vec::new();
        for value in values {
            items.extend(value.as_array().unwrap_or_default());
            for (name, value) in value.entries() {
                let next = names.len();
                match names.get_mut(*at.entry(name).or_insert(next)) {
                    Some((_, values)) => values.push(value),
                    None => names.push((name, vec![value])),
                }
            }
        }
        if names.is_empty() && items.is_empty() {
            return None;
        }
        let id = self.objects.len();
        self.objects.push(ObjectOrder::default());
        let fields: Vec<_> =
            names.iter().map(|(name, values)| (*name, self.learn(values))).collect();
        let items = self.learn(&items);
        self.objects[id] = ObjectOrder { items, ..ObjectOrder::new(fields) };
        Some(id)
    }

    /// Sorts arguments by their declaration; those that are not declared follow as they were.
    ///
    /// The text is compact JSON, as hitl writes it.
    pub(crate) fn sort_text(&self, arguments: JsonText) -> JsonText {
        match self.objects.first().and_then(|order| self.sorted(order, arguments.as_str())) {
            Some(sorted) => JsonText::written(sorted.into()),
            None => arguments,
        }
    }

    /// Returns a sorted text; `None` if it is sorted already.
    fn sorted(&self, order: &ObjectOrder, text: &str) -> Option<String> {
        let is_object = text.starts_with('{');
        if !(is_object || text.starts_with('[') && order.items.is_some()) {
            return None;
        }
        let mut entries = entries(text);
        let key = |entry: &Entry| &text[entry.key.clone()];
        let position = |entry: &Entry| if is_object { order.position(key(entry)) } else { 0 };
        let was_sorted = entries.is_sorted_by_key(position);
        if !was_sorted {
            entries.sort_by_key(position);
        }
        let inside = |entry: &Entry| -> Option<String> {
            let id = if is_object { order.inside(key(entry)) } else { order.items };
            self.sorted(self.objects.get(id?)?, &text[entry.value()])
        };
        let inside: Vec<Option<String>> = entries.iter().map(inside).collect();
        if was_sorted && inside.iter().all(Option::is_none) {
            return None;
        }
        let (open, close) = if is_object { ('{', '}') } else { ('[', ']') };
        let mut sorted = String::with_capacity(text.len());
        for (entry, inside) in entries.iter().zip(&inside) {
            sorted.push(if sorted.is_empty() { open } else { ',' });
            match inside {
                None => sorted.push_str(&text[entry.whole.clone()]),
                Some(inside) => {
                    sorted.push_str(&text[entry.whole.start..entry.value().start]);
                    sorted.push_str(inside);
                }
            }
        }
        sorted.push(close);
        Some(sorted)
    }

    /// Does the same to a tree.
    pub(crate) fn sort_tree(&self, arguments: Json) -> Json {
        self.sort_inside(self.objects.first(), arguments)
    }

    fn sort_inside(&self, order: Option<&ObjectOrder>, tree: Json) -> Json {
        let Some(order) = order else { return tree };
        let of = |id: Option<OrderId>| id.and_then(|id| self.objects.get(id));
        match tree {
            Json::Object(mut entries) => {
                entries.sort_by_cached_key(|(key, _)| order.position(&literal(key)));
                let sort = |(key, value): (String, Json)| {
                    let inside = of(order.inside(&literal(&key)));
                    (key, self.sort_inside(inside, value))
                };
                Json::Object(entries.into_iter().map(sort).collect())
            }
            Json::Array(items) => {
                let sort = |item| self.sort_inside(of(order.items), item);
                Json::Array(items.into_iter().map(sort).collect())
            }
            other => other,
        }
    }
}

/// Returns a key as hitl writes it. Each key has exactly one spelling.
fn literal(key: &str) -> String {
    let mut out = String::new();
    write_string(&mut out, key);
    out
}

/// The position of an entry in the text of an object, or of an item in that of a list.
struct Entry {
    /// `"key"`; empty for an item.
    key: Range<usize>,
    /// `"key":value`, or the item, without the comma.
    whole: Range<usize>,
}

impl Entry {
    fn value(&self) -> Range<usize> {
        let start = if self.key.is_empty() { self.whole.start } else { self.key.end + 1 };
        start..self.whole.end
    }
}

/// Returns the entries of an object, or the items of a list, in compact JSON text; none of any
/// other value.
fn entries(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    let is_object = text.starts_with('{');
    if !(is_object || text.starts_with('[')) || text.len() <= 2 {
        return found;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let (mut start, mut key) = (1, 1..1);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            in_string = byte != b'"' || escaped;
            escaped = byte == b'\\' && !escaped;
            if !in_string && depth == 1 && is_object && key.is_empty() {
                key = start..at + 1;
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
        if is_end && at > 0 {
            let next = at + 1..at + 1;
            found.push(Entry { key: std::mem::replace(&mut key, next), whole: start..at });
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
    fn only_what_is_in_an_object_or_a_list_is_an_entry() {
        let number = |text: &str| entries(text).len();
        for empty in ["{}", "[]", "true", "-1.5e3", r#""a,b""#, r#""{\"a\":1}""#] {
            assert_eq!(number(empty), 0, "{empty}");
        }
        assert_eq!([number("[1]"), number(r#"[{"a":1,"b":2},"x,y"]"#)], [1, 2]);
        assert_eq!(number(r#"{"a":[1,2],"b":{},"c":"}"}"#), 3);
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
    fn fields_inside_arguments_have_their_declared_order_too() {
        let schema = parse_json(
            r##"{"properties":{
                "to":{"anyOf":[{"$ref":"#/$defs/Account"},{"type":"null"}]},
                "lines":{"items":{"properties":{"sku":{},"price":{"$ref":"#/$defs/Money"}}}},
                "by":{"additionalProperties":{"$ref":"#/$defs/Money"}},
                "tree":{"$ref":"#/$defs/Tree"}
            },"$defs":{
                "Account":{"properties":{"name":{},"iban":{}}},
                "Money":{"properties":{"value":{},"currency":{}}},
                "Tree":{"properties":{"name":{},"branches":{"items":{"$ref":"#/$defs/Tree"}}}}
            }}"##,
        )
        .unwrap();
        let order = DeclaredOrder::of_schema(&schema);
        for (text, expected) in [
            (r#"{"to":{"iban":"}","name":","}}"#, r#"{"to":{"name":",","iban":"}"}}"#),
            (
                r#"{"lines":[{"price":{"currency":"E","value":1},"sku":"a"},7,[],{"a":1,"sku":2}],"to":null}"#,
                r#"{"to":null,"lines":[{"sku":"a","price":{"value":1,"currency":"E"}},7,[],{"sku":2,"a":1}]}"#,
            ),
            (
                r#"{"by":{"b":{"currency":1,"value":2},"a":{"currency":3,"value":4}}}"#,
                r#"{"by":{"b":{"value":2,"currency":1},"a":{"value":4,"currency":3}}}"#,
            ),
            (
                r#"{"tree":{"branches":[{"branches":[],"name":1},{"branches":[{"branches":0,"name":2}]}]}}"#,
                r#"{"tree":{"branches":[{"name":1,"branches":[]},{"branches":[{"name":2,"branches":0}]}]}}"#,
            ),
        ] {
            assert_eq!(sorted(&order, text), expected);
            // What was shown has that order as well.
            let shown = DeclaredOrder::of_shown(&JsonText::new(expected.to_owned()).unwrap());
            assert_eq!(sorted(&shown, text), expected);
        }
        let named = DeclaredOrder::of_parameters(&["tree", "to"], &schema);
        assert_eq!(
            sorted(&named, r#"{"lines":1,"to":{"iban":1,"name":2},"tree":3}"#),
            r#"{"tree":3,"to":{"name":2,"iban":1},"lines":1}"#
        );
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
