//! Changes of calls, as `watch` and a call's history tell them.

use hitl_base::display::{clip, visible};
use hitl_core::machine::Entry;
use serde::Serialize;

/// How many characters of a name are shown.
const NAME: usize = 60;

/// What `watch` tells programs, one a line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change<'e> {
    /// A call has changed.
    Changed {
        /// The change's number: what `watch --after` takes.
        number: u64,
        /// What happened.
        entry: &'e Entry,
    },
    /// What happened after that number is no longer kept.
    Gap {
        /// The last number before it.
        after: u64,
    },
}

/// A change for people.
pub(crate) fn change_line(number: u64, entry: &Entry) -> String {
    let by = entry.by.as_ref().map(|by| format!(" by {}", visible(&clip(by.as_str(), NAME))));
    let by = by.unwrap_or_default();
    format!("{number:>6}  {}  {}  {}{by}: {}", entry.at, entry.id, entry.event, entry.state)
}
