//! The history of a call, line by line.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CallRecord, CallState, Event};
use crate::approval::DecisionChannel;
use crate::call::{CallKey, Principal};
use crate::ids::RequestId;

/// One line of a call's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The call.
    pub id: RequestId,
    /// Its key.
    pub key: CallKey,
    /// The event: `submitted`, or the event's name.
    pub event: String,
    /// The state after it.
    pub state: CallState,
    /// The record's version after it.
    pub version: u64,
    /// The time, by the store's clock.
    pub at: Timestamp,
    /// The person who caused it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Principal>,
    /// The channel through which it came, if it is a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<DecisionChannel>,
}

impl HistoryEntry {
    /// Returns the line for an event that led to `record`, by its author.
    pub fn of(event: &Event, record: &CallRecord) -> Self {
        let by = event.by().cloned();
        Self { channel: event.channel().cloned(), ..Self::new(event.name(), record, by) }
    }

    /// Returns the line for a change with this name that led to `record`; of an [`Event`],
    /// [`of`](Self::of) does.
    pub fn new(event: &str, record: &CallRecord, by: Option<Principal>) -> Self {
        Self {
            id: record.id(),
            key: record.key().clone(),
            event: event.to_owned(),
            state: record.state,
            version: record.version,
            at: record.updated_at,
            by,
            channel: None,
        }
    }
}
