//! The snapshot: the exact text of a call's arguments, taken once.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use hitl_base::json::{Limits, parse_with_limits};
use hitl_base::redact::{Taint, looks_drawn, marking, reveal};
use hitl_base::{Json, JsonText, Redactor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::deserializer::Tree;
use super::places::Places;
use super::respell::{or_empty, whole_numbers, without_null};
use super::trace::Trace;
use super::unwritten::prove_defaults;
use super::{ArgumentError, DeclaredOrder, SnapshotError, SnapshotWriter, lossless};
use crate::call::Tool;

/// The exact JSON text of a call's arguments, defaults included. It is shown (without its secrets),
/// digested, stored (sealed) and run. Taken once, when the call is submitted.
#[derive(Clone, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(with = "hitl_base::shared::text")]
    pub(super) text: Arc<str>,
    pub(super) hidden: Vec<Range<usize>>,
    /// Known only in the process that took the snapshot.
    #[serde(skip)]
    trace: Trace,
    /// The secrets in it, collected on first use.
    #[serde(skip)]
    secrets: OnceLock<Secrets>,
}

/// The secrets of a call, for finding copies of them elsewhere.
#[derive(Clone)]
struct Secrets {
    /// Including the keys inside them.
    all: Taint,
    /// Without the keys that are names of fields: they occur elsewhere too and reveal nothing.
    own: Taint,
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.hidden == other.hidden
    }
}

impl Eq for Snapshot {}

/// The knowledge about a snapshot's text before it is shown.
pub(crate) enum SecretScan {
    /// It certainly has nothing to hide besides its marked parts.
    Clean,
    /// Unknown; with the tree, if it is available.
    No(Option<Json>),
}

/// A piece of a snapshot's text.
pub(crate) struct Piece<'s> {
    pub(crate) text: &'s str,
    pub(crate) hidden: bool,
}

impl Snapshot {
    /// Creates a snapshot from a text that was written exactly, and the ranges of it that are
    /// secret.
    pub(crate) fn written(text: String, hidden: Vec<Range<usize>>) -> Self {
        let (trace, secrets) = (Trace::default(), OnceLock::new());
        Self { text: text.into(), hidden, trace, secrets }
    }

    /// Returns why `again`, which was read back from this text, differs from the original. `None`
    /// if it does not.
    pub(crate) fn lost_in(&self, again: &Self) -> Option<ArgumentError> {
        if self != again {
            return Some(self.changed_in(again));
        }
        let number = self.trace.first_difference(&again.trace)?;
        let error = ArgumentError::not_carried();
        let tree = parse_with_limits(&self.text, UNLIMITED).ok();
        let entries = tree.as_ref().map_or(&[][..], Json::entries);
        Some(match entries.get(number) {
            Some((name, _)) if self.trace.names_argument(number) => error.inside(name),
            _ => error,
        })
    }

    /// Creates the error for a text that reads back to another one, with the place where they
    /// differ.
    fn changed_in(&self, again: &Self) -> ArgumentError {
        let tree = |snapshot: &Self| snapshot.clear().unwrap_or(Json::Null);
        part(&tree(self), &tree(again)).unwrap_or_else(ArgumentError::unstable)
    }

    /// Returns whether a list in it may come back in another order, because the order of its type
    /// is unknown.
    pub(crate) fn has_unproven_order(&self) -> bool {
        self.trace.unproven
    }

    /// Returns whether `again` is equal except for the order of lists. Older versions did not sort
    /// sets.
    pub(crate) fn is_reordered_in(&self, again: &Self) -> bool {
        let sorted = |snapshot: &Self| {
            let mut tree = parse_with_limits(&snapshot.text, UNLIMITED).ok()?;
            sort_lists(&mut tree);
            Some(tree)
        };
        self.hidden.len() == again.hidden.len()
            && sorted(self).is_some_and(|tree| sorted(again) == Some(tree))
    }

    /// Returns the text, secrets included. It must not leave the process unsealed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text in pieces that are either clear or secret.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let secrets = self.hidden.iter().enumerate().flat_map(|(i, range)| {
            let clear = self.clear_before(i)..range.start;
            [
                Piece { text: &self.text[clear], hidden: false },
                Piece { text: &self.text[range.clone()], hidden: true },
            ]
        });
        let rest = &self.text[self.clear_before(self.hidden.len())..];
        secrets.chain([Piece { text: rest, hidden: false }])
    }

    /// Returns the start of the clear text before the secret with this number.
    fn clear_before(&self, secret: usize) -> usize {
        secret.checked_sub(1).map_or(0, |before| self.hidden[before].end)
    }

    /// Returns the text with `literal` in place of each secret.
    pub(crate) fn hiding(&self, literal: &str) -> String {
        let mut hiding = String::with_capacity(self.text.len());
        for piece in self.pieces() {
            hiding.push_str(if piece.hidden { literal } else { piece.text });
        }
        hiding
    }

    /// Returns whether both contain the same secrets, in the same order.
    pub(crate) fn has_the_secrets_of(&self, other: &Self) -> bool {
        let hidden = |snapshot: &Self| -> Vec<String> {
            let hidden = snapshot.pieces().filter(|piece| piece.hidden);
            hidden.map(|piece| piece.text.to_owned()).collect()
        };
        hidden(self) == hidden(other)
    }

    /// Returns the clear parts, with `null` in place of each secret.
    fn clear(&self) -> Result<Json, ArgumentError> {
        let text: String = self.pieces().map(|p| if p.hidden { "null" } else { p.text }).collect();
        Ok(parse_with_limits(&text, UNLIMITED)?)
    }

    /// Returns whether an argument that is not secret repeats one that is: it is masked too, so a
    /// reviewer does not see its value.
    pub(crate) fn repeats_a_secret(&self) -> bool {
        let taint = self.own_taint();
        if taint.is_empty() {
            return false;
        }
        // A text that cannot be parsed may repeat one.
        self.clear().map_or(true, |clear| taint.json(&clear) != clear)
    }

    /// Returns the secret strings, keys and numbers in it, for finding copies of them elsewhere.
    pub(crate) fn taint(&self) -> Taint {
        self.secrets().map(|secrets| secrets.all.clone()).unwrap_or_default()
    }

    /// Returns the secret strings and numbers in it, for finding copies of them in the call's own
    /// arguments. Of the keys inside a secret, it includes those that are not names of fields.
    pub(crate) fn own_taint(&self) -> Taint {
        self.secrets().map(|secrets| secrets.own.clone()).unwrap_or_default()
    }

    fn secrets(&self) -> Option<&Secrets> {
        if self.hidden.is_empty() {
            return None;
        }
        Some(self.secrets.get_or_init(|| {
            let (mut values, mut keys) = (Vec::new(), Vec::new());
            for piece in self.pieces().filter(|piece| piece.hidden) {
                if let Ok(tree) = parse_with_limits(piece.text, UNLIMITED) {
                    leaves(&tree, &mut values, &mut keys);
                }
            }
            let (drawn, names): (Vec<_>, Vec<_>) =
                keys.into_iter().partition(|key| looks_drawn(key));
            values.extend(drawn);
            let own = Taint::new(values.iter().cloned());
            let all = if names.is_empty() {
                own.clone()
            } else {
                Taint::new(values.into_iter().chain(names))
            };
            Secrets { all, own }
        }))
    }
}

/// Returns an error for the place where two trees differ.
fn part(a: &Json, b: &Json) -> Option<ArgumentError> {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) => {
            let missing = a.iter().find(|(key, _)| !b.iter().any(|(other, _)| other == key));
            let added = b.iter().find(|(key, _)| !a.iter().any(|(other, _)| other == key));
            if let Some((key, _)) = missing.or(added) {
                return Some(ArgumentError::unstable().inside(key));
            }
            a.iter().zip(b).find_map(|((key, a), (_, b))| Some(part(a, b)?.inside(key)))
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            let sorted = |items: &[Json]| {
                let mut list = Json::Array(items.to_vec());
                sort_lists(&mut list);
                list
            };
            if a != b && sorted(a) == sorted(b) {
                return Some(ArgumentError::unordered());
            }
            let mut items = a.iter().zip(b).enumerate();
            items.find_map(|(at, (a, b))| Some(part(a, b)?.inside_item(at)))
        }
        _ => (a != b).then(ArgumentError::unstable),
    }
}

/// Sorts all lists, the innermost first.
fn sort_lists(tree: &mut Json) {
    match tree {
        Json::Array(items) => {
            items.iter_mut().for_each(sort_lists);
            items.sort_by_cached_key(Json::to_text);
        }
        Json::Object(entries) => entries.iter_mut().for_each(|(_, value)| sort_lists(value)),
        _ => {}
    }
}

fn leaves(tree: &Json, values: &mut Vec<String>, keys: &mut Vec<String>) {
    match tree {
        Json::String(text) => values.push(text.clone()),
        Json::Number(lexeme) => {
            values.push(lexeme.to_string());
            // `1234.0` prints as `1234`.
            values.extend(lexeme.strip_suffix(".0").map(str::to_owned));
        }
        Json::Array(items) => items.iter().for_each(|item| leaves(item, values, keys)),
        Json::Object(entries) => entries.iter().for_each(|(key, value)| {
            keys.push(key.clone());
            leaves(value, values, keys);
        }),
        _ => {}
    }
}

/// For text that this process wrote itself.
pub(super) const UNLIMITED: Limits = Limits { depth: usize::MAX, bytes: usize::MAX };

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(&Redactor::standard()).to_text())
    }
}

/// Takes the snapshot of a typed call.
pub(crate) fn snapshot<T: Tool>(
    call: &T,
    places: Option<&Arc<Places>>,
) -> Result<Snapshot, ArgumentError> {
    let mut writer = SnapshotWriter::within(places);
    marking(|| call.snapshot(&mut writer))?;
    let SnapshotWriter { out, hidden, trace, .. } = writer;
    Ok(Snapshot { trace, ..Snapshot::written(out, hidden) })
}

/// Writes a call for `Debug`, without its secrets. Used by the macro's `impl Debug`.
#[doc(hidden)]
pub fn debug_arguments<T: Tool>(call: &T, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match snapshot(call, None) {
        Ok(snapshot) => {
            let order = DeclaredOrder::new(T::SPEC.parameters.iter().map(|known| known.name));
            write!(f, "{name}({})", snapshot.shown_in(&order).to_text())
        }
        Err(_) => write!(f, "{name}([cannot be shown])"),
    }
}

/// Reads a model's text as the arguments of `T`, and takes their snapshot, with its tree. Refuses
/// values that `T` would change or drop.
pub(crate) fn parse<T: Tool>(
    text: &str,
    limits: Limits,
    places: Option<&Arc<Places>>,
) -> Result<(T, Snapshot, Json), ArgumentError> {
    // The keys inside a secret are part of it.
    let secrets = || T::SPEC.parameters.iter().filter(|parameter| parameter.sensitive);
    parse_all(text, limits, places)
        .map_err(|error| secrets().fold(error, |error, secret| error.only_to(secret.name)))
}

fn parse_all<T: Tool>(
    text: &str,
    limits: Limits,
    places: Option<&Arc<Places>>,
) -> Result<(T, Snapshot, Json), ArgumentError> {
    let text = if text.len() > limits.bytes { text } else { or_empty(text) };
    let (call, given) = read::<T>(parse_with_limits(text, limits)?, places)?;
    let taken = snapshot(&call, places)?;
    let kept = parse_with_limits(taken.text(), UNLIMITED)?;
    let clear = if taken.hidden.is_empty() { None } else { Some(taken.clear()?) };
    let clear = clear.as_ref().unwrap_or(&kept);
    let unwritten = lossless::check(&given, &kept, clear, places.map(AsRef::as_ref))?;
    if let Some(known) = places {
        let write = |tree: &Json| {
            let call = T::deserialize(Tree(tree)).ok()?;
            Some(snapshot(&call, places).ok()?.text().to_owned())
        };
        prove_defaults(&given, (&kept, taken.text()), &unwritten, known, write)?;
    }
    Ok((call, taken, kept))
}

/// The most respellings of a text before it is refused.
const MAX_SPELLINGS: usize = 16;

/// Reads a tree. Spellings that the type does not accept are converted.
fn read<T: Tool>(
    mut given: Json,
    places: Option<&Arc<Places>>,
) -> Result<(T, Json), ArgumentError> {
    let mut refused = match T::deserialize(Tree(&given)) {
        Ok(call) => return Ok((call, given)),
        Err(error) => error,
    };
    for _ in 0..MAX_SPELLINGS {
        let other = places.and_then(|places| {
            without_null(&given, places, &refused).or_else(|| whole_numbers(&given, places))
        });
        let Some(other) = other else { break };
        match T::deserialize(Tree(&other)) {
            Ok(call) => return Ok((call, other)),
            Err(error) => (given, refused) = (other, error),
        }
    }
    Err(refused)
}

/// Reads JSON text as any type, exactly.
pub(crate) fn parse_text<T: DeserializeOwned>(text: &str) -> Result<T, ArgumentError> {
    let limits = Limits { depth: usize::MAX, bytes: usize::MAX };
    T::deserialize(Tree(&parse_with_limits(text, limits)?))
}

/// Checks that `text`, which `value` wrote, reads back to that value.
pub(crate) fn check_round_trip<T: Serialize + DeserializeOwned>(
    value: &T,
    text: &JsonText,
) -> Result<(), ArgumentError> {
    let written = |value: &T| -> Result<Snapshot, ArgumentError> {
        let mut writer = SnapshotWriter::default();
        reveal(|| writer.value(value))?;
        let SnapshotWriter { out, hidden, trace, .. } = writer;
        Ok(Snapshot { trace, ..Snapshot::written(out, hidden) })
    };
    let again: T = parse_text(text.as_str())?;
    written(value)?.lost_in(&written(&again)?).map_or(Ok(()), Err)
}

/// Writes any value exactly, secrets included, for sealing.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<JsonText, SnapshotError> {
    let mut writer = SnapshotWriter::default();
    reveal(|| writer.value(value))?;
    Ok(JsonText::written(writer.out.into()))
}

#[cfg(test)]
mod tests {
    use super::Snapshot;

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::written(text.to_owned(), Vec::new())
    }

    #[test]
    fn invariant_8_debug_shows_all_but_secrets() {
        let text = r#"{"key":"s3cr3t","to":"ann"}"#;
        let hidden = text.find(r#""s3cr3t""#).map(|at| at..at + 8).unwrap();
        let shown = format!("{:?}", Snapshot::written(text.to_owned(), vec![hidden]));
        assert!(shown.contains("ann") && !shown.contains("s3cr3t"), "{shown}");
    }

    #[test]
    fn sets_of_older_records_may_have_another_order_and_nothing_else() {
        let stored = snapshot(r#"{"ids":[3,1,2],"of":[{"tags":["b","a"]},{"tags":[]}]}"#);
        let same = snapshot(r#"{"ids":[1,2,3],"of":[{"tags":[]},{"tags":["a","b"]}]}"#);
        assert!(stored.is_reordered_in(&same));
        for other in [
            r#"{"ids":[1,2,4],"of":[{"tags":[]},{"tags":["a","b"]}]}"#,
            r#"{"ids":[1,2,3],"of":[{"tags":["a"]},{"tags":["b"]}]}"#,
            r#"{"ids":[1,2,3,3],"of":[{"tags":[]},{"tags":["a","b"]}]}"#,
            r#"{"ids":[1,2,3]}"#,
        ] {
            assert!(!stored.is_reordered_in(&snapshot(other)), "{other}");
        }
    }

    #[test]
    fn what_does_not_read_back_is_named_by_its_place() {
        for (text, again, path) in [
            (r#"{"a":1,"b":{"c":[1,2]}}"#, r#"{"a":1,"b":{"c":[1,3]}}"#, "b.c[1]"),
            (r#"{"a":[2,1]}"#, r#"{"a":[1,2]}"#, "a"),
            (r#"{"a":{"x":1}}"#, r#"{"a":{}}"#, "a.x"),
            (r#"{"a":{}}"#, r#"{"a":{"x":1}}"#, "a.x"),
        ] {
            let lost = snapshot(text).lost_in(&snapshot(again)).unwrap();
            assert_eq!(lost.path(), path, "{text} {again}");
        }
        assert!(snapshot("{}").lost_in(&snapshot("{}")).is_none());
    }
}
