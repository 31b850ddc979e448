//! The arguments that differ between two revisions of a call, as both are shown.

use std::fmt;

use hitl_base::display::value;
use hitl_base::{Json, JsonText};

use crate::arguments::{Difference, PathPart, differences, place};

/// The most characters of a value in a line.
const MAX_VALUE: usize = 200;

/// One argument that differs between two revisions of a call. Its values are those that are shown,
/// so secrets are masked; a change of nothing but a secret is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArgumentChange {
    /// The steps that lead to it, from the outside: `address`, `city`.
    pub path: Vec<PathPart>,
    /// The value before; `None` if there was none.
    pub before: Option<Json>,
    /// The value after; `None` if there is none.
    pub after: Option<Json>,
}

impl ArgumentChange {
    /// Compares two revisions' arguments, in the order in which they are shown. Numbers are
    /// compared as they are spelled.
    pub fn between(before: &JsonText, after: &JsonText) -> Vec<Self> {
        let tree = |text: &JsonText| text.tree().unwrap_or(Json::Null);
        let (before, after) = (tree(before), tree(after));
        let owned = |Difference { path, before, after }: Difference<'_>| Self {
            path,
            before: before.cloned(),
            after: after.cloned(),
        };
        differences(&before, &after).into_iter().map(owned).collect()
    }

    /// Returns the path in words: `address.city`, `items[2].price`, `rates["a b"]`. Everything
    /// invisible is escaped.
    pub fn place(&self) -> String {
        place(&self.path)
    }
}

/// `amount: 900 → 500`, with everything invisible escaped.
impl fmt::Display for ArgumentChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&change_line(&self.place(), self.before.as_ref(), self.after.as_ref()))
    }
}

/// Returns the line of a change of the argument at `place`, which is shown as it is. Of the values
/// everything invisible is escaped.
pub fn change_line(place: &str, before: Option<&Json>, after: Option<&Json>) -> String {
    let shown = |tree: Option<&Json>| match tree {
        Some(tree) => value(tree, MAX_VALUE).text,
        None => "(left out)".to_owned(),
    };
    format!("{place}: {} → {}", shown(before), shown(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(before: &str, after: &str) -> Vec<String> {
        let text = |text: &str| JsonText::new(text.to_owned()).unwrap();
        let changes = ArgumentChange::between(&text(before), &text(after));
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_change_is_a_line_in_the_order_of_the_arguments() {
        let before = r#"{"to":"ann","amount":900,"at":{"city":"Bonn","zip":1},"tags":["a"],"x":1}"#;
        let after =
            r#"{"amount":500.0,"to":"ann","at":{"city":"Köln","zip":1},"tags":[],"y":null}"#;
        assert_eq!(
            changes(before, after),
            [
                "amount: 900 → 500.0",
                r#"at.city: "Bonn" → "Köln""#,
                r#"tags[0]: "a" → (left out)"#,
                "x: 1 → (left out)",
                "y: (left out) → null",
            ]
        );
        assert!(changes(before, before).is_empty());
    }

    #[test]
    fn invariant_9_a_change_cannot_pass_for_another_one() {
        let lines = changes("{}", r#"{"a\n  amount: 1 → 2":"\u202e\n","":"x"}"#);
        assert_eq!(
            lines,
            [r#"["a\n  amount: 1 → 2"]: (left out) → "\u{202e}\n""#, r#"[""]: (left out) → "x""#]
        );
        let long = changes("{}", &format!(r#"{{"a":"{}"}}"#, "x".repeat(5_000)));
        assert!(long[0].chars().count() < 400 && long[0].contains("left out"), "{long:?}");
    }
}
