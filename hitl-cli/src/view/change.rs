//! Changes of calls, as `watch` and a call's history tell them.

use hitl_base::Timestamp;
use hitl_base::display::{clip, visible};
use hitl_core::machine::HistoryEntry;
use hitl_core::{CallState, Principal, RequestId};
use serde::Serialize;

/// How many characters of a name are shown.
const NAME: usize = 60;

/// What happened to a call.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Moved {
    pub(crate) id: RequestId,
    /// `submitted`, `decide`, ..
    pub(crate) event: String,
    /// Where it stood after it.
    pub(crate) state: CallState,
    pub(crate) version: u64,
    pub(crate) at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<Principal>,
}

/// One line of a call's history.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) number: u64,
    #[serde(flatten)]
    pub(crate) moved: Moved,
}

/// What `watch` tells programs, one a line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    /// A call has changed.
    Changed {
        /// What `watch --after` takes.
        place: String,
        /// What happened.
        entry: Moved,
    },
    /// What happened after this place is no longer kept, as far as it is known.
    Gap {
        /// The last place before it.
        after: String,
    },
}

impl Moved {
    pub(crate) fn of(entry: &HistoryEntry) -> Self {
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

impl Step {
    pub(crate) fn of(number: u64, entry: &HistoryEntry) -> Self {
        Self { number, moved: Moved::of(entry) }
    }
}

impl Change {
    /// For people.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Changed { place, entry } => change_line(place, entry) + "\n",
            Self::Gap { after } => format!("what happened after {after} is no longer kept\n"),
        }
    }
}

/// A change for people.
pub(crate) fn change_line(place: &str, moved: &Moved) -> String {
    let by = moved.by.as_ref().map(|by| format!(" by {}", visible(&clip(by.as_str(), NAME))));
    let by = by.unwrap_or_default();
    let (place, event) = (visible(place), visible(&moved.event));
    format!("{place:>6}  {}  {}  {event}{by}: {}", moved.at, moved.id, moved.state)
}
