//! The snapshot: the exact text of a call's arguments, taken once.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use hitl_base::json::{Limits, scan_within};
use hitl_base::redact::{MASK, Taint, marking, reveal};
use hitl_base::{Json, JsonText, Redactor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::deserializer::Tree;
use super::{ArgumentError, SnapshotWriter, exact};
use crate::call::Tool;

/// The exact JSON text of a call's arguments, defaults included: what is shown (without its
/// secrets), digested, stored (sealed) and run. Taken once, when the call is submitted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    text: Arc<str>,
    hidden: Vec<Range<usize>>,
}

/// What is known of a snapshot's text before it is shown.
pub(crate) enum LookedOver {
    /// It has surely nothing to hide but what is marked.
    Clean,
    /// That has not been told; with its tree, if somebody has it.
    No(Option<Json>),
}

/// A stretch of a snapshot's text.
pub(crate) struct Piece<'s> {
    pub(crate) text: &'s str,
    pub(crate) hidden: bool,
}

impl Snapshot {
    /// Text that was written exactly, and which of its bytes are secret.
    pub(crate) fn written(text: String, hidden: Vec<Range<usize>>) -> Self {
        Self { text: text.into(), hidden }
    }

    /// The text, secrets included. It must not leave the process unsealed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text in stretches that are either clear or secret.
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

    /// Where the clear text before the secret with this number begins.
    fn clear_before(&self, secret: usize) -> usize {
        secret.checked_sub(1).map_or(0, |before| self.hidden[before].end)
    }

    /// The text with `literal` in the place of each secret.
    pub(crate) fn hiding(&self, literal: &str) -> String {
        let mut hiding = String::with_capacity(self.text.len());
        for piece in self.pieces() {
            hiding.push_str(if piece.hidden { literal } else { piece.text });
        }
        hiding
    }

    /// Whether the same secrets stand in both, in the same order.
    pub(crate) fn has_the_secrets_of(&self, other: &Self) -> bool {
        let hidden = |snapshot: &Self| -> Vec<String> {
            let hidden = snapshot.pieces().filter(|piece| piece.hidden);
            hidden.map(|piece| piece.text.to_owned()).collect()
        };
        hidden(self) == hidden(other)
    }

    /// What is not secret, with nothing in the place of what is.
    fn clear(&self) -> Result<Json, ArgumentError> {
        let text: String = self.pieces().map(|p| if p.hidden { "null" } else { p.text }).collect();
        Ok(scan_within(&text, UNLIMITED)?)
    }

    /// What [`shown`](Self::shown) gives, as text. Nothing is copied or written anew where there is
    /// nothing to hide.
    pub(crate) fn shown_text(&self, looked_over: LookedOver, redactor: &Redactor) -> JsonText {
        if !self.hidden.is_empty() {
            return JsonText::from(&self.shown(redactor));
        }
        // There is one way to write a tree, and that is how the text was written.
        let as_it_is = || JsonText::written(Arc::clone(&self.text));
        let tree = match looked_over {
            LookedOver::Clean => return as_it_is(),
            LookedOver::No(tree) => tree,
        };
        let Some(tree) = tree.or_else(|| scan_within(&self.text, UNLIMITED).ok()) else {
            // Our own writer wrote it, so it scans; if it did not, nothing would be shown.
            return JsonText::from(&Json::String(MASK.to_owned()));
        };
        debug_assert_eq!(tree.to_text(), *self.text);
        redactor.cleaned(&tree).as_ref().map_or_else(as_it_is, JsonText::from)
    }

    /// The arguments as they may be shown: marked secrets masked, also where they stand in other
    /// arguments, then whatever `redactor` finds.
    pub fn shown(&self, redactor: &Redactor) -> Json {
        let masked = self.hiding(&format!("\"{MASK}\""));
        // Our own writer wrote it, so it scans; if it did not, nothing would be shown.
        let tree = scan_within(&masked, Limits { depth: usize::MAX, bytes: usize::MAX });
        let Ok(tree) = tree else { return Json::String(MASK.to_owned()) };
        let taint = self.own_taint();
        if taint.is_empty() { redactor.json(&tree) } else { redactor.json(&taint.json(&tree)) }
    }

    /// Whether an argument that is not secret repeats one that is: it is masked too, so a reviewer does
    /// not see what it says.
    pub(crate) fn repeats_a_secret(&self) -> bool {
        let taint = self.own_taint();
        if taint.is_empty() {
            return false;
        }
        // What cannot be looked at may repeat one.
        self.clear().map_or(true, |clear| taint.json(&clear) != clear)
    }

    /// The secret strings, keys and numbers in it, to find them again where they do not belong.
    pub(crate) fn taint(&self) -> Taint {
        if self.hidden.is_empty() {
            return Taint::default();
        }
        let (mut found, keys) = self.secrets();
        found.extend(keys);
        Taint::new(found)
    }

    /// The secret strings and numbers in it, to find them again in the call's own arguments. Not the
    /// keys inside a secret: most are names of fields, which stand elsewhere too and say nothing.
    pub(crate) fn own_taint(&self) -> Taint {
        if self.hidden.is_empty() {
            return Taint::default();
        }
        Taint::new(self.secrets().0)
    }

    /// The strings and numbers inside secrets, and the keys.
    fn secrets(&self) -> (Vec<String>, Vec<String>) {
        let (mut values, mut keys) = (Vec::new(), Vec::new());
        for piece in self.pieces().filter(|piece| piece.hidden) {
            if let Ok(tree) = scan_within(piece.text, UNLIMITED) {
                leaves(&tree, &mut values, &mut keys);
            }
        }
        (values, keys)
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
const UNLIMITED: Limits = Limits { depth: usize::MAX, bytes: usize::MAX };

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(&Redactor::standard()).to_text())
    }
}

/// Takes the snapshot of a typed call.
pub(crate) fn snapshot<T: Tool>(call: &T) -> Result<Snapshot, ArgumentError> {
    let mut writer = SnapshotWriter::roomy();
    marking(|| call.snapshot(&mut writer))?;
    Ok(Snapshot::written(writer.out, writer.hidden))
}

/// Writes a call for `Debug`, without its secrets. For the macro's `impl Debug`.
#[doc(hidden)]
pub fn debug_arguments<T: Tool>(call: &T, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match snapshot(call) {
        Ok(snapshot) => write!(f, "{name}({snapshot:?})"),
        Err(_) => write!(f, "{name}([cannot be shown])"),
    }
}

/// Reads a model's text as the arguments of `T`, and takes their snapshot, with its tree. Refuses what
/// `T` would change or drop.
pub(crate) fn parse<T: Tool>(
    text: &str,
    limits: Limits,
) -> Result<(T, Snapshot, Json), ArgumentError> {
    // The keys inside a secret are part of it.
    let secrets = || T::SPEC.parameters.iter().filter(|parameter| parameter.sensitive);
    parse_all(text, limits)
        .map_err(|error| secrets().fold(error, |error, secret| error.only_to(secret.name)))
}

fn parse_all<T: Tool>(text: &str, limits: Limits) -> Result<(T, Snapshot, Json), ArgumentError> {
    let given = scan_within(text, limits)?;
    let call = T::deserialize(Tree(&given))?;
    let snapshot = snapshot(&call)?;
    let kept = scan_within(snapshot.text(), UNLIMITED)?;
    let clear = if snapshot.hidden.is_empty() { None } else { Some(snapshot.clear()?) };
    exact::check(&given, &kept, clear.as_ref().unwrap_or(&kept))?;
    Ok((call, snapshot, kept))
}

/// Reads JSON text as any type, exactly.
pub(crate) fn parse_text<T: DeserializeOwned>(text: &str) -> Result<T, ArgumentError> {
    let limits = Limits { depth: usize::MAX, bytes: usize::MAX };
    T::deserialize(Tree(&scan_within(text, limits)?))
}

/// Writes any value exactly, secrets included, for sealing.
pub(crate) fn encode<T: Serialize>(value: &T) -> Option<JsonText> {
    let mut writer = SnapshotWriter::default();
    reveal(|| writer.value(value)).ok()?;
    Some(JsonText::written(writer.out.into()))
}
