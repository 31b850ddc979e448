//! One line of a call's history, and one record of its audit.

use hitl_base::Timestamp;
use hitl_core::audit::{AuditEvent, StoredRecord};
use hitl_core::machine::HistoryEntry;
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
    pub(crate) fn of(seq: u64, entry: &HistoryEntry) -> Self {
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

/// One record of the audit.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditView {
    /// The chain that it stands in; left out where records are not chained.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    /// Its number in the chain.
    seq: u64,
    /// What happened: `requested`, `shown`, `decided`, `claimed`, `executed`, ..
    #[schema(value_type = String)]
    event: AuditEvent,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who did it, when a person did.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Principal>,
    /// The revision that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u32>,
    /// Which attempt it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// The answer, the reason or the failure, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl AuditView {
    pub(crate) fn of(kept: &StoredRecord) -> Self {
        let record = &kept.record;
        Self {
            stream: kept.stream.clone(),
            seq: kept.seq,
            event: record.event,
            at: record.at,
            by: record.by.clone(),
            revision: record.revision,
            attempt: record.attempt,
            note: record.note.clone(),
        }
    }
}
