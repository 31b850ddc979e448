//! Given fields that the type does not write: defaults that it leaves out (`skip_serializing_if`),
//! or values that it loses.
//!
//! After an approval, the call that runs is read from the text that was shown. So a field may be
//! missing in it only if its absence means exactly the given value. Serde does not reveal the
//! default of a field, but the type's behaviour does: the text without the field must read back to
//! itself, so the default is left out too; and other values close to the given one must be written,
//! so that only one value is left out, which then is the default.

use hitl_base::Json;
use hitl_base::json::{same_number, whole};

use super::places::{ListKind, PlaceId, Places, Precision};
use super::{ArgumentError, ArgumentErrorKind};

/// The most times that arguments are read again for the proof.
const MAX_READS: usize = 64;
/// The most bytes that are read again in total. A few reads are always made.
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
    /// Its path in the given arguments.
    pub(super) path: Vec<Step<'t>>,
    /// The length of the path that may be named, if the path leads into a secret.
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

/// Proves that every field in `unwritten` has the value that the type fills in if the field is
/// missing. `write` reads a tree as the arguments and writes their text; it returns `None` if the
/// tree cannot be read.
pub(super) fn prove_defaults(
    given: &Json,
    (kept, kept_text): (&Json, &str),
    unwritten: &[Unwritten<'_>],
    places: &Places,
    write: impl Fn(&Json) -> Option<String>,
) -> Result<(), ArgumentError> {
    let Some(first) = unwritten.first() else { return Ok(()) };
    if write(kept).as_deref() != Some(kept_text) {
        let why = "the tool does not write this field, and fills in another value without \
                   it; leave it out";
        return Err(first.refused(why));
    }
    let mut left = (MAX_BYTES / kept_text.len().max(1)).clamp(MIN_READS, MAX_READS);
    // A proof for a value at a place holds for it everywhere at that place.
    let mut proven: Vec<(PlaceId, String)> = Vec::new();
    for field in unwritten {
        let known = (field.place, field.value.to_text());
        if proven.contains(&known) {
            continue;
        }
        let others = others_than(field.value, places, Some(field.place));
        let mut written = others.is_empty();
        // An absent value is another value, but proves nothing about the close ones.
        let absent = *field.value != Json::Null && places.may_be_null(field.place);
        let near =
            others.into_iter().chain(absent.then_some(Json::Null)).map(|other| (other, false));
        let far = last_resort(field.value).into_iter().map(|other| (other, true));
        for (other, if_none_was) in near.chain(far) {
            if if_none_was && written {
                continue;
            }
            let Some(rest) = left.checked_sub(1) else {
                let why = "the tool does not write this field, and there are too many such \
                           fields to find out why; leave out what has its default";
                return Err(field.refused(why));
            };
            left = rest;
            let Some(text) = replaced(given, &field.path, &other).as_ref().and_then(&write) else {
                continue;
            };
            if text == kept_text {
                let why = "the tool does not keep this field: it is never written, or not \
                           with this value";
                return Err(field.refused(why));
            }
            written |= other != Json::Null;
        }
        if !written && says_something(field.value) {
            let why = "the tool does not write this field, so it would be lost; leave it out";
            return Err(field.refused(why));
        }
        proven.push(known);
    }
    Ok(())
}

/// Returns whether a value is not the empty one of its kind, which types leave out.
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

/// The most values that are tried for a part of a list or an object.
const MAX_INSIDE: usize = 3;

/// Returns values close to `value` that a field of its type may have, the most likely to be
/// readable first. Returns none for an empty value, which could be of any type.
fn others_than(value: &Json, places: &Places, at: Option<PlaceId>) -> Vec<Json> {
    match value {
        Json::Null => Vec::new(),
        Json::Bool(value) => vec![Json::Bool(!value)],
        Json::Number(lexeme) => numbers_near(lexeme, places, at),
        Json::String(text) => texts_near(text, places, at).into_iter().map(Json::String).collect(),
        Json::Array(items) => {
            let Some((last, front)) = items.split_last() else { return Vec::new() };
            let inner = at.and_then(|at| places.items(at));
            let with = |other: Json| Json::Array(front.iter().cloned().chain([other]).collect());
            let changed = others_than(last, places, inner).into_iter().take(MAX_INSIDE).map(with);
            let mut others = vec![Json::Array(items.iter().skip(1).cloned().collect())];
            // A set does not change if an item is repeated.
            if at.is_none_or(|at| places.list(at) == ListKind::Ordered) {
                others.push(Json::Array(items.iter().chain([last]).cloned().collect()));
            }
            others.extend(changed);
            others
        }
        Json::Object(entries) => entries
            .iter()
            .enumerate()
            .flat_map(|(position, (key, value))| {
                let inner = at.and_then(|at| places.entry(at, key));
                let others = others_than(value, places, inner).into_iter().take(MAX_INSIDE);
                others.map(move |other| {
                    let mut changed = entries.clone();
                    changed[position] = (key.clone(), other);
                    Json::Object(changed)
                })
            })
            .take(2 * MAX_INSIDE)
            .collect(),
    }
}

/// Returns texts that the schema lists, and texts that an inexact predicate would confuse with this
/// one.
fn texts_near(text: &str, places: &Places, at: Option<PlaceId>) -> Vec<String> {
    let listed = at.map_or(&[][..], |at| places.texts(at));
    let mut near: Vec<String> = listed.to_vec();
    near.extend(digit_changed(text));
    near.extend([format!("{text}x"), String::new()]);
    // If one value has several spellings, another spelling is not another value.
    let spelled = listed.iter().any(|known| known == text);
    if !spelled && !at.is_some_and(|at| places.is_respelled(at)) {
        near.extend([swapped_case(text), format!(" {text}"), format!("{text} ")]);
    }
    near.retain(|other| other != text);
    near.dedup();
    near
}

/// Returns the values to try if none of the close ones can be read.
fn last_resort(value: &Json) -> Vec<Json> {
    let Json::String(text) = value else { return Vec::new() };
    let mut others = vec![format!("{text}1"), "1".to_owned()];
    others.retain(|other| other != text);
    others.into_iter().map(Json::String).collect()
}

/// Returns the text with its last digit increased and decreased by one: the texts of some types are
/// formatted digits.
fn digit_changed(text: &str) -> Vec<String> {
    let Some(at) = text.rfind(|letter: char| letter.is_ascii_digit()) else { return Vec::new() };
    let (before, rest) = text.split_at(at);
    let (digit, after) = rest.split_at(1);
    let digit: u8 = digit.parse().unwrap_or_default();
    let close = [digit.checked_add(1).filter(|digit| *digit < 10), digit.checked_sub(1)];
    close.into_iter().flatten().map(|digit| format!("{before}{digit}{after}")).collect()
}

fn swapped_case(text: &str) -> String {
    let mut swapped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_lowercase() {
            swapped.extend(letter.to_uppercase());
        } else {
            swapped.extend(letter.to_lowercase());
        }
    }
    swapped
}

/// Returns the numbers next to this one: integers, and doubles if the place accepts them.
fn numbers_near(lexeme: &str, places: &Places, at: Option<PlaceId>) -> Vec<Json> {
    let precision = at.map(|at| places.precision(at)).unwrap_or_default();
    let mut near: Vec<String> = Vec::new();
    let signed = whole(lexeme)
        .and_then(|n| i128::try_from(n.magnitude).ok().map(|m| if n.negative { -m } else { m }));
    if let Some(value) = signed {
        let close = [value.checked_add(1), value.checked_sub(1)];
        near.extend(close.into_iter().flatten().map(|near| near.to_string()));
        near.retain(|near| is_exact(near, precision));
    }
    let fractions = !at.is_some_and(|at| places.is_integer(at));
    if fractions {
        near.extend(fractions_near(lexeme, precision));
    }
    if signed.is_none() {
        near.extend(["0", "1", "0.5"].map(str::to_owned));
    }
    near.retain(|other| !same_number(other, lexeme));
    // Negative zero is another value, which most predicates treat as zero.
    if fractions && lexeme.starts_with('-') && same_number(lexeme, "0") {
        near.push("0.0".to_owned());
    }
    near.into_iter().map(|text| Json::Number(text.into())).collect()
}

/// Returns whether this precision holds the number exactly: serde rounds it in tagged and flattened
/// types.
fn is_exact(lexeme: &str, precision: Precision) -> bool {
    let held = match precision {
        Precision::Unsaid => return true,
        Precision::Single => lexeme.parse().map(|value: f32| format!("{value:?}")),
        Precision::Double => lexeme.parse().map(|value: f64| format!("{value:?}")),
    };
    held.is_ok_and(|held| same_number(&held, lexeme))
}

/// Returns the adjacent floating-point numbers.
fn fractions_near(lexeme: &str, precision: Precision) -> Vec<String> {
    let doubles = |value: f64| {
        [value.next_up(), value.next_down()]
            .map(|near| near.is_finite().then(|| format!("{near:?}")))
    };
    let singles = |value: f32| {
        [value.next_up(), value.next_down()]
            .map(|near| near.is_finite().then(|| format!("{near:?}")))
    };
    let near = if precision == Precision::Single {
        lexeme.parse().ok().map(singles)
    } else {
        lexeme.parse().ok().map(doubles)
    };
    near.into_iter().flatten().flatten().collect()
}

/// Returns the tree with another value at the end of a path.
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
