//! A document in an editor, and the changes made there, as a JSON merge patch (RFC 7396). Numbers
//! keep their text.

use super::{Json, write_string};

/// Formats a document with a line for each value, for a person who edits it.
///
/// ```
/// use hitl::json::{parse_json, pretty};
///
/// let document = parse_json(r#"{"amount": 1.50}"#).expect("it is JSON");
/// assert_eq!(pretty(&document), "{\n  \"amount\": 1.50\n}\n");
/// ```
pub fn pretty(value: &Json) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out.push('\n');
    out
}

fn write(value: &Json, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    match value {
        Json::Array(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, depth + 1);
                write(item, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Json::Object(members) if !members.is_empty() => {
            out.push('{');
            for (at, (key, member)) in members.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, depth + 1);
                write_string(out, key);
                out.push_str(": ");
                write(member, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        other => other.write(out),
    }
}

/// Returns the merge patch that leads from one document to another; `None` if they are the same.
///
/// ```
/// use hitl::json::{difference, parse_json};
///
/// let before = parse_json(r#"{"to": "ann", "amount": 900}"#).expect("it is JSON");
/// let after = parse_json(r#"{"to": "ann", "amount": 500}"#).expect("it is JSON");
/// let patch = difference(&before, &after).expect("it sets nothing to null");
/// assert_eq!(patch.map(|patch| patch.to_text()).as_deref(), Some(r#"{"amount":500}"#));
/// ```
///
/// # Errors
///
/// [`NullInPatch`] if it would have to set a value to `null`: a merge patch removes it instead.
pub fn difference(from: &Json, to: &Json) -> Result<Option<Json>, NullInPatch> {
    let (Json::Object(before), Json::Object(after)) = (from, to) else {
        if from == to {
            return Ok(None);
        }
        return if has_null(to) { Err(NullInPatch) } else { Ok(Some(to.clone())) };
    };
    let mut patch = Vec::new();
    for (key, _) in before {
        if to.get(key).is_none() {
            patch.push((key.clone(), Json::Null));
        }
    }
    for (key, value) in after {
        let change = match from.get(key) {
            Some(old) => difference(old, value)?,
            None if has_null(value) => return Err(NullInPatch),
            None => Some(value.clone()),
        };
        patch.extend(change.map(|change| (key.clone(), change)));
    }
    Ok((!patch.is_empty()).then_some(Json::Object(patch)))
}

/// The error for a change to `null`, which a merge patch cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an edit cannot set an argument to null, it can only leave it out")]
pub struct NullInPatch;

/// Returns whether a patch would remove a value that should be set to `null`. In an array `null` is
/// a value.
fn has_null(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Object(members) => members.iter().any(|(_, member)| has_null(member)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_json;

    fn patch(from: &str, to: &str) -> Result<Option<String>, NullInPatch> {
        let patch = difference(&parse_json(from).unwrap(), &parse_json(to).unwrap());
        patch.map(|patch| patch.map(|patch| patch.to_text()))
    }

    #[test]
    fn only_what_was_changed_is_in_the_patch() {
        let from = r#"{"a": 1, "b": {"c": "x", "d": 9007199254740993}, "e": [1, 2]}"#;
        let is = |to: &str| patch(from, to).unwrap();
        assert_eq!(is(from), None);
        assert_eq!(
            is(r#"{"a": 1, "b": {"c": "y", "d": 9007199254740993}, "e": [1, 2]}"#).as_deref(),
            Some(r#"{"b":{"c":"y"}}"#)
        );
        assert_eq!(
            is(r#"{"b": {"c": "x", "d": 9007199254740992}, "e": [null]}"#).as_deref(),
            Some(r#"{"a":null,"b":{"d":9007199254740992},"e":[null]}"#)
        );
        assert_eq!(patch(from, r#"{"a": null}"#), Err(NullInPatch));
        assert_eq!(patch("{}", r#"{"a": {"b": null}}"#), Err(NullInPatch));
        assert_eq!(patch("{}", "[1]").unwrap().as_deref(), Some("[1]"));
    }

    #[test]
    fn what_an_editor_is_given_reads_back_as_the_same() {
        let text = r#"{"a":[1.50,{"b":"\n"},[]],"c":{},"d":9007199254740993}"#;
        let pretty = pretty(&parse_json(text).unwrap());
        assert_eq!(parse_json(&pretty).unwrap().to_text(), text);
        assert!(pretty.contains("\n  \"d\": 9007199254740993\n"), "{pretty}");
    }
}
