//! Edits: a JSON merge patch (RFC 7396) over a snapshot's exact text.
//!
//! The patch is applied to our own tree, so that no number is rounded. Secrets are out of reach: a
//! patch that would change, remove or add one is refused, and so is a patch that contains a mask,
//! because a careless editor sends back the mask in place of the secret.

use std::collections::BTreeMap;

use hitl_base::Json;
use hitl_base::json::{Limits, parse_with_limits};

use super::{ArgumentError, ArgumentErrorKind, Snapshot};

/// The placeholder for a secret while the patch is applied. A clear text that is spelled like this
/// would be taken for a secret, and left alone.
const HIDDEN: &str = "\u{F8FF}hidden\u{F8FF}";

/// The prefix of a mask, marked or not.
const MASKED: &str = "[redacted";

/// Returns the text of the arguments after the patch. It must be parsed like a model's text.
pub(crate) fn patched(
    snapshot: &Snapshot,
    patch: &str,
    limits: Limits,
) -> Result<String, ArgumentError> {
    let patch = parse_with_limits(patch, limits)?;
    if !matches!(patch, Json::Object(_)) {
        let why = format!("an edit is an object of the arguments to change, not {}", patch.kind());
        return Err(ArgumentError::new(ArgumentErrorKind::WrongType, why));
    }
    no_masks(&patch)?;
    let unlimited = Limits { depth: usize::MAX, bytes: usize::MAX };
    let real = parse_with_limits(snapshot.text(), unlimited)?;
    let marked = parse_with_limits(&snapshot.hiding(&format!("\"{HIDDEN}\"")), unlimited)?;
    Ok(merge(Some(real), Some(&marked), patch)?.to_text())
}

fn merge(real: Option<Json>, marked: Option<&Json>, patch: Json) -> Result<Json, ArgumentError> {
    let Json::Object(changes) = patch else {
        leaves_secrets(marked)?;
        return Ok(patch);
    };
    let mut entries: BTreeMap<String, Json> = if let Some(Json::Object(entries)) = real {
        entries.into_iter().collect()
    } else {
        leaves_secrets(marked)?;
        BTreeMap::new()
    };
    for (key, change) in changes {
        let below = marked.and_then(|marked| entry(marked, &key));
        if change == Json::Null {
            leaves_secrets(below).map_err(|error| error.inside(&key))?;
            entries.remove(&key);
        } else {
            let old = entries.remove(&key);
            let new = merge(old, below, change).map_err(|error| error.inside(&key))?;
            entries.insert(key, new);
        }
    }
    Ok(Json::Object(entries.into_iter().collect()))
}

/// Returns the value under `key` in an object that our own writer wrote, with its keys in order.
fn entry<'j>(object: &'j Json, key: &str) -> Option<&'j Json> {
    let entries = object.entries();
    let at = entries.binary_search_by(|(own, _)| own.as_bytes().cmp(key.as_bytes())).ok()?;
    entries.get(at).map(|(_, value)| value)
}

fn leaves_secrets(changed: Option<&Json>) -> Result<(), ArgumentError> {
    if changed.is_some_and(holds_secret) {
        let why = "this is a secret, or holds one; an edit cannot change it";
        return Err(ArgumentError::new(ArgumentErrorKind::Secret, why));
    }
    Ok(())
}

fn holds_secret(marked: &Json) -> bool {
    match marked {
        Json::String(text) => text == HIDDEN,
        Json::Array(items) => items.iter().any(holds_secret),
        Json::Object(entries) => {
            entries.iter().any(|(key, value)| key == HIDDEN || holds_secret(value))
        }
        _ => false,
    }
}

/// Returns whether a text in a tree has a masked part, or looks as if it had.
pub(super) fn holds_mask(tree: &Json) -> bool {
    no_masks(tree).is_err()
}

fn no_masks(patch: &Json) -> Result<(), ArgumentError> {
    match patch {
        Json::String(text) if text.contains(MASKED) => Err(mask()),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| no_masks(item).map_err(|error| error.inside_item(at))),
        Json::Object(entries) => entries.iter().try_for_each(|(key, value)| {
            if key.contains(MASKED) {
                return Err(mask());
            }
            no_masks(value).map_err(|error| error.inside(key))
        }),
        _ => Ok(()),
    }
}

fn mask() -> ArgumentError {
    let why = "this holds the mask of a secret; leave out what you do not change";
    ArgumentError::new(ArgumentErrorKind::Mask, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = r#""s3cr3t""#;

    fn edited(text: &str, patch: &str) -> Result<String, ArgumentErrorKind> {
        let hidden = text.match_indices(SECRET).map(|(at, _)| at..at + SECRET.len()).collect();
        let snapshot = Snapshot::written(text.to_owned(), hidden);
        patched(&snapshot, patch, Limits::default()).map_err(|error| error.kind())
    }

    #[test]
    fn invariant_8_no_edit_replaces_or_removes_what_holds_a_secret() {
        for text in [
            r#"{"to":"s3cr3t"}"#,
            r#"{"to":["a","s3cr3t"]}"#,
            r#"{"to":{"name":"a","key":"s3cr3t"}}"#,
            r#"{"to":{"s3cr3t":1}}"#,
            r#"{"to":[{"of":{"key":["s3cr3t"]}}]}"#,
        ] {
            for patch in [r#"{"to":null}"#, r#"{"to":"bob"}"#, r#"{"to":[]}"#] {
                assert_eq!(edited(text, patch), Err(ArgumentErrorKind::Secret), "{text} {patch}");
            }
        }
    }

    #[test]
    fn an_edit_changes_what_is_beside_a_secret() {
        let text = r#"{"note":["a"],"to":{"key":"s3cr3t","name":"ann"}}"#;
        assert_eq!(
            edited(text, r#"{"note":null,"to":{"name":"bob"}}"#).as_deref(),
            Ok(r#"{"to":{"key":"s3cr3t","name":"bob"}}"#)
        );
        assert_eq!(edited(text, r#"{"to":{"key":"x"}}"#), Err(ArgumentErrorKind::Secret));
    }
}
