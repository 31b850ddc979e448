//! The journaling of a step's output: written as JSON, and read back before it counts.
//!
//! An output that cannot be read back would be noticed only after a crash, when the task can
//! neither continue nor be undone. So the codec reads at once the text that it has written, and the
//! next step gets the value that was read: a task sees the same value whether or not it was
//! interrupted.

use hitl_base::Json;
use hitl_base::json::{Limits, parse_with_limits};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::journal::hidden_null;

/// Writes and reads one type of output.
pub(crate) struct OutputCodec<O> {
    write: fn(&O) -> serde_json::Result<Box<RawValue>>,
    read: fn(&RawValue) -> serde_json::Result<O>,
    hidden_nulls: fn(&O) -> u64,
}

/// The reason why an output cannot be written or read; never quotes it.
pub(crate) type OutputError = String;

impl<O: Serialize + DeserializeOwned> OutputCodec<O> {
    pub(crate) fn new() -> Self {
        Self {
            write: |output| serde_json::value::to_raw_value(output),
            read: |json| serde_json::from_str(json.get()),
            hidden_nulls: hidden_null::count,
        }
    }
}

impl<O> OutputCodec<O> {
    /// Writes an output. Returns the text to record, and the output as it reads back.
    pub(crate) fn round_trip(&self, output: &O) -> Result<(Box<RawValue>, O), OutputError> {
        let text = (self.write)(output)
            .map_err(|error| format!("its output cannot be written as JSON: {error}"))?;
        let again = self.read(&text).map_err(|why| format!("its output {why}"))?;
        let rewritten = (self.write)(&again)
            .map_err(|_| "its output cannot be written again after it was read back".to_owned())?;
        if !is_equivalent(text.get(), rewritten.get()) {
            return Err("its output reads back as another value".to_owned());
        }
        // Most outputs have no null, and so none that hides a value.
        if text.get().contains("null") && (self.hidden_nulls)(output) != (self.hidden_nulls)(&again)
        {
            return Err("its output reads back as another value: JSON has one `null` for `None`, \
                        `Some(None)`, `Some(())` and a number that is not finite"
                .to_owned());
        }
        Ok((text, again))
    }

    /// Reads an output. The error says where and, as far as that quotes nothing, what is wrong.
    pub(crate) fn read(&self, json: &RawValue) -> Result<O, OutputError> {
        (self.read)(json).map_err(|error| unreadable(&error))
    }
}

/// Reads a journaled output. The error says what [`OutputCodec::read`] says.
pub(crate) fn read_json<O: DeserializeOwned>(json: &RawValue) -> Result<O, OutputError> {
    serde_json::from_str(json.get()).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> OutputError {
    let text = error.to_string();
    let quotes_nothing = ["missing field `", "invalid type: null, "];
    let what = if quotes_nothing.iter().any(|start| text.starts_with(start)) {
        text.split(" at line ").next().unwrap_or_default()
    } else {
        "a value does not fit its type"
    };
    format!("cannot be read back from its JSON: {what} (column {})", error.column())
}

/// Returns whether two texts are the same output. Sets and maps have no order, so the order of
/// entries and items does not count.
fn is_equivalent(text: &str, other: &str) -> bool {
    if text == other {
        return true;
    }
    // The depth that serde_json reads.
    let limits = Limits { depth: 128, bytes: usize::MAX };
    match (parse_with_limits(text, limits), parse_with_limits(other, limits)) {
        (Ok(one), Ok(other)) => into_unordered(one) == into_unordered(other),
        _ => false,
    }
}

/// A tree without an order. Comparing hashes of the parts would be shorter, but they collide.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Unordered {
    Null,
    Bool(bool),
    Number(Box<str>),
    String(String),
    Array(Vec<Unordered>),
    Object(Vec<(String, Unordered)>),
}

fn into_unordered(tree: Json) -> Unordered {
    match tree {
        Json::Null => Unordered::Null,
        Json::Bool(value) => Unordered::Bool(value),
        Json::Number(number) => Unordered::Number(number),
        Json::String(text) => Unordered::String(text),
        Json::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(into_unordered).collect();
            items.sort_unstable();
            Unordered::Array(items)
        }
        Json::Object(entries) => {
            let mut entries: Vec<_> =
                entries.into_iter().map(|(key, value)| (key, into_unordered(value))).collect();
            entries.sort_unstable();
            Unordered::Object(entries)
        }
    }
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
