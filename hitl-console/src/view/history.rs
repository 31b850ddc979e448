//! One line of a call's history.

use hitl_base::Timestamp;
use hitl_core::machine::Entry;
use hitl_core::{CallState, Principal};
use serde::Serialize;
use utoipa::ToSchema;

/// One line of a call's history.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    /// Its number in the history of all calls.
    seq: u64,
    /// What happened: `submitted`, or the event's name.
    event: String,
    /// Where the call stood after it.
    #[schema(value_type = String)]
    state: CallState,
    /// The record's version after it.
    version: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who did it, when a person did.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Principal>,
}

impl EntryView {
    pub(crate) fn of(seq: u64, entry: &Entry) -> Self {
        Self {
            seq,
            event: entry.event.clone(),
            state: entry.state,
            version: entry.version,
            at: entry.at,
            by: entry.by.clone(),
        }
    }
}
