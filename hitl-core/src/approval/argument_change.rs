//! The arguments that differ between two revisions of a call, as both are shown.

use std::fmt;

use hitl_base::display::{quoted, value};
use hitl_base::{Json, JsonText};

/// The most characters of a value in a line.
const MAX_VALUE: usize = 200;

/// One argument that differs between two revisions of a call. Its values are those that are shown,
/// so secrets are masked; a change of nothing but a secret is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArgumentChange {
    /// The keys that lead to it, from the outside: `["address", "city"]`. A list is compared as a
    /// whole.
    pub path: Vec<String>,
    /// The value before; `None` if there was none.
    pub before: Option<Json>,
    /// The value after; `None` if there is none.
    pub after: Option<Json>,
}

impl ArgumentChange {
    /// Compares two revisions' arguments, in the order in which they are shown.
    pub fn between(before: &JsonText, after: &JsonText) -> Vec<Self> {
        let tree = |text: &JsonText| text.tree().unwrap_or(Json::Null);
        let mut found = Vec::new();
        compare(&tree(before), &tree(after), &mut Vec::new(), &mut found);
        found
    }
}

fn compare(before: &Json, after: &Json, path: &mut Vec<String>, found: &mut Vec<ArgumentChange>) {
    let (Json::Object(old), Json::Object(new)) = (before, after) else {
        if before != after {
            let (before, after) = (Some(before.clone()), Some(after.clone()));
            found.push(ArgumentChange { path: path.clone(), before, after });
        }
        return;
    };
    for (key, old) in old {
        path.push(key.clone());
        match after.get(key) {
            Some(new) => compare(old, new, path, found),
            None => found.push(ArgumentChange {
                path: path.clone(),
                before: Some(old.clone()),
                after: None,
            }),
        }
        path.pop();
    }
    for (key, new) in new.iter().filter(|(key, _)| before.get(key).is_none()) {
        let path = path.iter().chain([key]).cloned().collect();
        found.push(ArgumentChange { path, before: None, after: Some(new.clone()) });
    }
}

/// `amount: 900 → 500`, with everything invisible escaped.
impl fmt::Display for ArgumentChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.path.iter().enumerate() {
            f.write_str(if at > 0 { "." } else { "" })?;
            if is_simple(key) { f.write_str(key)? } else { f.write_str(&quoted(key))? }
        }
        let shown = |tree: &Option<Json>| match tree {
            Some(tree) => value(tree, MAX_VALUE).text,
            None => "(left out)".to_owned(),
        };
        write!(f, ": {} → {}", shown(&self.before), shown(&self.after))
    }
}

fn is_simple(key: &str) -> bool {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    !key.is_empty() && key.len() <= MAX_VALUE && key.chars().all(simple)
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
                r#"tags: ["a"] → []"#,
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
            [r#""a\n  amount: 1 → 2": (left out) → "\u{202e}\n""#, r#""": (left out) → "x""#]
        );
        let long = changes("{}", &format!(r#"{{"a":"{}"}}"#, "x".repeat(5_000)));
        assert!(long[0].chars().count() < 400 && long[0].contains("left out"), "{long:?}");
    }
}
