//! Fields that were given and that the type does not write: defaults that it leaves out
//! (`skip_serializing_if`), or values that it loses.
//!
//! What runs after an approval is read from the text that was shown, so a field may be left out of it
//! only if its absence means the very value that was given. Serde does not tell the default of a
//! field. It shows in what the type does: the text without the field must read back to itself, so the
//! default is left out too; and other values close to the one that was given must be written, so that
//! what is left out is one value, which then is the default.

use hitl_base::Json;
use hitl_base::json::whole;

use super::places::{PlaceId, Places};
use super::{ArgumentError, ArgumentErrorKind};

/// The most often that arguments are read again to prove it.
const MAX_READS: usize = 64;
/// The most bytes that are read again in all. A few reads are always made.
const MAX_BYTES: usize = 8 << 20;
const MIN_READS: usize = 4;

/// A step of a path into a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'t> {
    Key(&'t str),
    Item(usize),
}

/// A field that was given, is known to the schema, and was not written.
#[derive(Debug)]
pub(super) struct Unwritten<'t> {
    /// Where it is in what was given.
    pub(super) path: Vec<Step<'t>>,
    /// How much of the path may be named, if it leads into a secret.
    pub(super) secret: Option<usize>,
    pub(super) value: &'t Json,
    /// The place of the value.
    pub(super) place: PlaceId,
}

impl Unwritten<'_> {
    fn refused(&self, why: &str) -> ArgumentError {
        let named = self.secret.unwrap_or(self.path.len());
        let error = ArgumentError::new(ArgumentErrorKind::UnknownField, why);
        self.path.iter().take(named).rev().fold(error, |error, step| match step {
            Step::Key(key) => error.inside(key),
            Step::Item(index) => error.inside_item(*index),
        })
    }
}

/// Proves that every field in `unwritten` has the value that the type fills in without it. `write`
/// reads a tree as the arguments and writes their text; `None` if it cannot be read.
pub(super) fn prove_defaults(
    given: &Json,
    (kept, kept_text): (&Json, &str),
    unwritten: &[Unwritten<'_>],
    places: &Places,
    write: impl Fn(&Json) -> Option<String>,
) -> Result<(), ArgumentError> {
    let Some(first) = unwritten.first() else { return Ok(()) };
    if write(kept).as_deref() != Some(kept_text) {
        let why = "the parameter's type does not write this field, and fills in another value without \
                   it; leave it out";
        return Err(first.refused(why));
    }
    let mut left = (MAX_BYTES / kept_text.len().max(1)).clamp(MIN_READS, MAX_READS);
    // What is proven for a value at a place holds for it everywhere at that place.
    let mut proven: Vec<(PlaceId, String)> = Vec::new();
    for field in unwritten {
        let known = (field.place, field.value.to_text());
        if proven.contains(&known) {
            continue;
        }
        let others = others_than(field.value, places.texts(field.place));
        let mut written = others.is_empty();
        for other in others {
            let Some(rest) = left.checked_sub(1) else {
                let why = "the parameter's type does not write this field, and there are too many such \
                           fields to find out why; leave out what has its default";
                return Err(field.refused(why));
            };
            left = rest;
            let Some(text) = replaced(given, &field.path, &other).as_ref().and_then(&write) else {
                continue;
            };
            if text == kept_text {
                let why = "the parameter's type does not keep this field: it is never written, or not \
                           with this value";
                return Err(field.refused(why));
            }
            written = true;
        }
        if !written && says_something(field.value) {
            let why =
                "the parameter's type does not write this field, so it would be lost; leave it out";
            return Err(field.refused(why));
        }
        proven.push(known);
    }
    Ok(())
}

/// Whether a value is other than the empty one of its kind, which is what types leave out.
fn says_something(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => false,
        Json::Bool(true) => true,
        Json::Number(lexeme) => whole(lexeme).is_none_or(|whole| whole.magnitude != 0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(entries) => !entries.is_empty(),
    }
}

/// Values close to `value` that a field of its type may have. None for what is empty and could hold
/// anything.
fn others_than(value: &Json, texts: &[String]) -> Vec<Json> {
    match value {
        Json::Null => Vec::new(),
        Json::Bool(value) => vec![Json::Bool(!value)],
        Json::Number(lexeme) => numbers_near(lexeme),
        Json::String(text) => {
            let listed = texts.iter().filter(|other| *other != text).cloned();
            let near = [format!("{text}x"), String::new(), "1".to_owned()];
            listed.chain(near.into_iter().filter(|other| other != text)).map(Json::String).collect()
        }
        Json::Array(items) => {
            let Some(last) = items.last() else { return Vec::new() };
            let longer: Vec<Json> = items.iter().chain([last]).cloned().collect();
            let shorter: Vec<Json> = items.iter().skip(1).cloned().collect();
            let mut others = vec![Json::Array(longer), Json::Array(shorter)];
            let changed = others_than(last, &[]).into_iter().take(1);
            others.extend(
                changed.map(|other| {
                    Json::Array(items.iter().skip(1).cloned().chain([other]).collect())
                }),
            );
            others
        }
        Json::Object(entries) => entries
            .iter()
            .enumerate()
            .flat_map(|(at, (key, value))| {
                others_than(value, &[]).into_iter().take(2).map(move |other| {
                    let mut changed = entries.clone();
                    changed[at] = (key.clone(), other);
                    Json::Object(changed)
                })
            })
            .take(4)
            .collect(),
    }
}

fn numbers_near(lexeme: &str) -> Vec<Json> {
    let number = |text: String| Json::Number(text.into());
    match whole(lexeme).and_then(|n| i128::try_from(n.magnitude).ok().map(|m| (n.negative, m))) {
        Some((negative, magnitude)) => {
            let value = if negative { -magnitude } else { magnitude };
            [value.checked_add(1), value.checked_sub(1)]
                .into_iter()
                .flatten()
                .map(|near| number(near.to_string()))
                .collect()
        }
        None => ["0", "1", "0.5"].iter().map(|text| number((*text).to_owned())).collect(),
    }
}

/// The tree with another value at the end of a path.
fn replaced(tree: &Json, path: &[Step<'_>], value: &Json) -> Option<Json> {
    let mut tree = tree.clone();
    let mut at = &mut tree;
    for step in path {
        at = match (step, at) {
            (Step::Key(key), Json::Object(entries)) => {
                &mut entries.iter_mut().find(|(name, _)| name == key)?.1
            }
            (Step::Item(index), Json::Array(items)) => items.get_mut(*index)?,
            _ => return None,
        };
    }
    value.clone_into(at);
    Some(tree)
}
