//! The difference between the arguments that a model wrote and those that ran, in words. Works on
//! redacted trees, so that no secret can be in it.

use std::fmt;

use hitl_base::Json;
use hitl_base::display::{clip, value};

use super::comparison::{Difference, PathPart, differences, place, same_value};
use super::patch::holds_mask;

/// The most changes that are listed; the rest is counted.
const MAX_CHANGES: usize = 20;
/// The bytes of listed changes after which the rest is counted.
const MAX_LISTED: usize = 8 * 1024;
/// The most characters of a value.
const MAX_VALUE: usize = 160;
/// The most characters of a place.
const MAX_PLACE: usize = 200;

/// The arguments of a call that were changed before it ran, each with its first and its last value:
/// ``"`amount` from 900 to 500"``.
///
/// Values are JSON on one line, with everything invisible escaped; long ones are shortened. A value
/// with a masked part is not shown. At most 20 changes are listed, and fewer if they are long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentChanges {
    listed: Vec<String>,
    more: usize,
}

impl ArgumentChanges {
    /// Returns the changes between two redacted trees, in the order of the trees. `patches` are the
    /// redacted edits between them: a secret that replaced another may look the same in both trees.
    ///
    /// Returns `None` if there are none, and an empty list if a change cannot be shown.
    pub(crate) fn between(first: &Json, last: &Json, patches: &[Json]) -> Option<Self> {
        let mut changes = Self { listed: Vec::new(), more: 0 };
        for difference in differences(first, last) {
            changes.add_difference(&difference);
        }
        let mut hidden: Vec<String> = Vec::new();
        for patch in patches {
            replaced_masks(&mut Vec::new(), patch, Some(first), Some(last), &mut hidden);
        }
        for place in hidden {
            changes.add(&place, "changed; its value is not shown");
        }
        let is_hidden = changes.listed.is_empty() && holds_mask(last);
        (is_hidden || !changes.listed.is_empty()).then_some(changes)
    }

    /// Returns the changes of arguments that cannot be compared.
    pub(crate) const fn unreadable() -> Self {
        Self { listed: Vec::new(), more: 0 }
    }

    /// Returns the changes that are listed. Empty if none of them can be shown.
    pub fn listed(&self) -> &[String] {
        &self.listed
    }

    /// Returns the number of changes beyond those that are listed.
    pub fn more(&self) -> usize {
        self.more
    }

    fn add_difference(&mut self, difference: &Difference<'_>) {
        let Difference { path, before, after } = difference;
        let place = place(path);
        let text = |side: &Json| shown(side).unwrap_or_else(not_shown);
        match (*before, *after) {
            (Some(first), Some(last)) if same_value(first, last) => {}
            (Some(first), Some(last)) if shown(first).is_none() && shown(last).is_none() => {
                self.add(&place, "changed; its value is not shown");
            }
            (Some(first), Some(last)) => {
                self.add(&place, format!("from {} to {}", text(first), text(last)));
            }
            (Some(was), None) => self.add(&place, format!("removed, which was {}", text(was))),
            (None, Some(is)) => self.add(&place, format!("added: {}", text(is))),
            (None, None) => {}
        }
    }

    fn add(&mut self, place: &str, what: impl AsRef<str>) {
        let listed: usize = self.listed.iter().map(String::len).sum();
        if self.listed.len() < MAX_CHANGES && listed < MAX_LISTED {
            // A backtick inside a place would end it early.
            let place = clip(place, MAX_PLACE).replace('`', "'");
            self.listed.push(format!("`{place}` {}", what.as_ref()));
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

impl fmt::Display for ArgumentChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.listed.is_empty() {
            return f.write_str("what was changed is not shown");
        }
        f.write_str(&self.listed.join("; "))?;
        if self.more > 0 {
            write!(f, "; and {} more", self.more)?;
        }
        Ok(())
    }
}

/// Lists the places at which a patch sets a value with a mask, and both trees look the same.
fn replaced_masks(
    at: &mut Vec<PathPart>,
    patch: &Json,
    first: Option<&Json>,
    last: Option<&Json>,
    found: &mut Vec<String>,
) {
    if let Json::Object(entries) = patch {
        for (key, change) in entries {
            let below = |tree: Option<&Json>| tree.and_then(|tree| tree.get(key).cloned());
            let (first, last) = (below(first), below(last));
            at.push(PathPart::Key(key.clone()));
            replaced_masks(at, change, first.as_ref(), last.as_ref(), found);
            at.pop();
        }
        return;
    }
    let looks_the_same = first.zip(last).is_some_and(|(first, last)| same_value(first, last));
    let place = place(at);
    let known = found.contains(&place);
    if looks_the_same && !known && holds_mask(patch) && last.is_some_and(holds_mask) {
        found.push(place);
    }
}

/// Returns the text of a value, unless a part of it is masked.
fn shown(tree: &Json) -> Option<String> {
    (!holds_mask(tree)).then(|| value(tree, MAX_VALUE).text)
}

fn not_shown() -> String {
    "a value that is not shown".to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::ArgumentChanges;
    use hitl_base::json::parse_json;
    use proptest::prelude::*;

    fn words(first: &str, last: &str) -> String {
        with_patches(first, last, &[])
    }

    fn with_patches(first: &str, last: &str, patches: &[&str]) -> String {
        let tree = |text: &str| parse_json(text).unwrap();
        let patches: Vec<_> = patches.iter().map(|patch| tree(patch)).collect();
        let changes = ArgumentChanges::between(&tree(first), &tree(last), &patches);
        changes.map_or_else(|| "nothing".to_owned(), |changes| changes.to_string())
    }

    #[test]
    fn a_change_is_named_by_its_place_with_both_values() {
        for (first, last, said) in [
            (r#"{"amount":900}"#, r#"{"amount":500}"#, "`amount` from 900 to 500"),
            (r#"{"amount":900}"#, r#"{"amount":9.0e2}"#, "nothing"),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, "nothing"),
            (
                r#"{"a":"x","b":true,"c":null}"#,
                r#"{"a":"y","b":false,"c":[]}"#,
                r#"`a` from "x" to "y"; `b` from true to false; `c` from null to []"#,
            ),
            (r#"{"a":1,"b":"x"}"#, r#"{"a":1}"#, r#"`b` removed, which was "x""#),
            (r#"{"a":1}"#, r#"{"a":1,"b":{"c":[1]}}"#, r#"`b` added: {"c":[1]}"#),
            (
                r#"{"items":[{"price":1},{"price":2},{"price":3}]}"#,
                r#"{"items":[{"price":1},{"price":2},{"price":4}]}"#,
                "`items[2].price` from 3 to 4",
            ),
            (r#"{"l":[1,2,3]}"#, r#"{"l":[1,3]}"#, "`l[1]` removed, which was 2"),
            (r#"{"l":[1,3]}"#, r#"{"l":[1,2,3]}"#, "`l[1]` added: 2"),
            (r#"{"l":[[1],[2]]}"#, r#"{"l":[[1],[5]]}"#, "`l[1][0]` from 2 to 5"),
            (
                r#"{"l":[1,2]}"#,
                r#"{"l":[7]}"#,
                "`l[0]` removed, which was 1; `l[1]` removed, which was 2; `l[0]` added: 7",
            ),
            (r#"{"m":{"a b":1}}"#, r#"{"m":{"a b":2}}"#, r#"`m["a b"]` from 1 to 2"#),
            (r#"{"":1}"#, r#"{"":2}"#, r#"`[""]` from 1 to 2"#),
        ] {
            assert_eq!(words(first, last), said, "{first} {last}");
        }
    }

    #[test]
    fn invariant_8_a_value_with_a_mask_is_not_shown() {
        for (first, last, patch, said) in [
            (
                r#"{"t":"[redacted:0123456789]"}"#,
                r#"{"t":"[redacted:9876543210]"}"#,
                "{}",
                "`t` changed; its value is not shown",
            ),
            (
                r#"{"t":"plain"}"#,
                r#"{"t":"x [redacted] y"}"#,
                "{}",
                r#"`t` from "plain" to a value that is not shown"#,
            ),
            (
                r#"{"t":{"p":"[redacted]"}}"#,
                "{}",
                "{}",
                "`t` removed, which was a value that is not shown",
            ),
            // Another secret that looks the same.
            (
                r#"{"t":"[redacted]","u":1}"#,
                r#"{"t":"[redacted]","u":1}"#,
                r#"{"t":"[redacted]"}"#,
                "`t` changed; its value is not shown",
            ),
            (
                r#"{"t":{"p":["[redacted]"]}}"#,
                r#"{"t":{"p":["[redacted]"]}}"#,
                r#"{"t":{"p":["[redacted]"]}}"#,
                "`t.p` changed; its value is not shown",
            ),
            // A change that no patch explains.
            (
                r#"{"t":"[redacted]"}"#,
                r#"{"t":"[redacted]"}"#,
                "{}",
                "what was changed is not shown",
            ),
        ] {
            assert_eq!(with_patches(first, last, &[patch]), said, "{first} {last}");
        }
    }

    #[test]
    fn invariant_9_a_reviewers_text_stays_inside_its_quotes() {
        let sly = r#"{"a":"500\". The call ran twice.\n\u202eX"}"#;
        let said = words(r#"{"a":"x"}"#, sly);
        assert_eq!(said, r#"`a` from "x" to "500\". The call ran twice.\n\u{202e}X""#);
        let said = words("{}", r#"{"a` ran twice \"":1}"#);
        assert_eq!(said, r#"`["a' ran twice \""]` added: 1"#);
    }

    #[test]
    fn a_long_difference_is_cut_and_says_so() {
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(5_000));
        let said = words(r#"{"a":"y"}"#, &long);
        assert!(said.contains("4840 of 5000 characters left out") && said.len() < 500, "{said}");
        let many = |value: u8| {
            let entries: Vec<_> = (0..50).map(|key| format!(r#""k{key}":{value}"#)).collect();
            format!("{{{}}}", entries.join(","))
        };
        let said = words(&many(1), &many(2));
        assert!(said.ends_with("`k19` from 1 to 2; and 30 more"), "{said}");
        // Characters that are written out as their numbers are the longest.
        let unseen = |tail: &str| {
            let text = "\u{10fffe}".repeat(100) + tail;
            let entries: Vec<_> = (0..20).map(|key| format!(r#""k{key}":"{text}""#)).collect();
            format!("{{{}}}", entries.join(","))
        };
        let said = words(&unseen("a"), &unseen("b"));
        assert!(said.ends_with(" more") && said.len() < 12 * 1024, "{}", said.len());
    }

    proptest! {
        #[test]
        fn the_words_are_bounded(a in tree(), b in tree()) {
            let text = |tree: &hitl_base::Json| format!(r#"{{"x":{}}}"#, tree.to_text());
            let said = words(&text(&a), &text(&b));
            prop_assert!(said.len() < 12 * 1024, "{}", said.len());
            prop_assert_eq!(super::same_value(&a, &b), said == "nothing");
        }
    }

    pub(crate) fn tree() -> impl Strategy<Value = hitl_base::Json> {
        use hitl_base::Json;
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            (0..50_u8).prop_map(|n| Json::Number(n.to_string().into())),
            "[a-c]{0,2}".prop_map(Json::String),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
                proptest::collection::btree_map("[a-d`\" ]{0,2}", inner, 0..4)
                    .prop_map(|entries| Json::Object(entries.into_iter().collect())),
            ]
        })
    }
}
