//! Changes of calls, as `watch` and `show` print them.

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_core::machine::HistoryEntry;
use hitl_core::{CallState, Principal, RequestId};
use serde::Serialize;

use crate::args::short_id;

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

/// Renders a change of one of many calls for people.
fn change_line(place: &str, entry: &ChangeEntry) -> String {
    format!("{:>6}  {}  {}  {}", visible(place), entry.at, short_id(&entry.id), what(entry))
}

/// Renders a change of the call that is shown.
pub(crate) fn step_line(step: &NumberedEntry) -> String {
    format!("{:>6}  {}  {}", step.number, step.entry.at, what(&step.entry))
}

/// Returns the event, who caused it, and the state after it.
fn what(entry: &ChangeEntry) -> String {
    let by = entry.by.as_ref().map(|by| format!(" by {}", visible(&clip(by.as_str(), NAME))));
    format!("{}{}: {}", visible(&entry.event), by.unwrap_or_default(), entry.state)
}
