//! Changes of calls, as `watch` and `show` print them.

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_core::machine::HistoryEntry;
use hitl_core::{CallState, Principal, RequestId};
use serde::Serialize;

/// The number of characters of a name that are shown.
const NAME: usize = 60;

/// A change of a call.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeEntry {
    pub(crate) id: RequestId,
    /// The event: `submitted`, `decide`, ..
    pub(crate) event: String,
    /// The state after it.
    pub(crate) state: CallState,
    pub(crate) version: u64,
    pub(crate) at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<Principal>,
}

/// One line of a call's history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NumberedEntry {
    pub(crate) number: u64,
    #[serde(flatten)]
    pub(crate) entry: ChangeEntry,
}

/// A line of `watch`, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    /// A call has changed.
    Changed {
        /// The value for `watch --after`.
        place: String,
        /// The change.
        entry: ChangeEntry,
    },
    /// Changes after this position are no longer kept.
    Gap {
        /// The last position before it.
        after: String,
    },
}

impl ChangeEntry {
    pub(crate) fn new(entry: &HistoryEntry) -> Self {
        Self {
            id: entry.id,
            event: entry.event.clone(),
            state: entry.state,
            version: entry.version,
            at: entry.at,
            by: entry.by.clone(),
        }
    }
}

impl NumberedEntry {
    pub(crate) fn new(number: u64, entry: &HistoryEntry) -> Self {
        Self { number, entry: ChangeEntry::new(entry) }
    }
}

impl Change {
    /// Renders the change for people.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Changed { place, entry } => change_line(place, entry) + "\n",
            Self::Gap { after } => format!("changes after {after} are no longer kept\n"),
        }
    }
}

/// Renders a change for people.
pub(crate) fn change_line(place: &str, entry: &ChangeEntry) -> String {
    let by = entry.by.as_ref().map(|by| format!(" by {}", visible(&clip(by.as_str(), NAME))));
    let by = by.unwrap_or_default();
    let (place, event) = (visible(place), visible(&entry.event));
    format!("{place:>6}  {}  {}  {event}{by}: {}", entry.at, entry.id, entry.state)
}
