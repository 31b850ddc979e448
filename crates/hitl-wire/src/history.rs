//! The history of a call, and its audit records.

use hitl_base::Timestamp;
use hitl_core::approval::DecisionChannel;
use hitl_core::audit::{AuditEvent, StoredRecord};
use hitl_core::{CallState, Principal, machine};
use serde::{Deserialize, Serialize};

/// The history of one call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Audit))]
#[serde(rename_all = "camelCase")]
pub struct CallHistory {
    /// `audit` when `records` are those of the gate's audit; `history` when there are only the
    /// store's `entries`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub source: String,
    /// Why there is only the history although an audit is kept, or that older records of the audit
    /// were not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The records of the gate's audit, oldest first. They are shown as they are read: `hitl audit
    /// verify` finds out whether anything was changed.
    #[serde(default, deserialize_with = "audit_records")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub records: Vec<AuditEntry>,
    /// The store's history of it, oldest first, within retention.
    pub entries: Vec<HistoryEntry>,
}

/// One line of a call's history.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EntryView))]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Its number in the history of all calls.
    pub seq: u64,
    /// The change: `submitted`, or the event's name.
    pub event: String,
    /// The call's state after it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: CallState,
    /// The record's version after it.
    pub version: u64,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Who did it, when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub by: Option<Principal>,
    /// The channel through which it came, if it is a decision: `console`, `terminal`,
    /// `command-line`, `elicitation`, `chat`, `host`, or a name of the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub channel: Option<DecisionChannel>,
}

/// One record of the audit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AuditView))]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The chain that it is part of; left out where records are not chained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Its number in the chain, from 1.
    pub seq: u64,
    /// The event: `requested`, `shown`, `decided`, `claimed`, `executed`, ..
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub event: AuditEvent,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Who did it, when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub by: Option<Principal>,
    /// The channel through which it came, if it is a decision or a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub channel: Option<DecisionChannel>,
    /// The revision that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// Which attempt it is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The answer, the reason or the failure, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl HistoryEntry {
    /// Creates the entry with this number.
    pub fn new(seq: u64, entry: &machine::HistoryEntry) -> Self {
        Self {
            seq,
            event: entry.event.clone(),
            state: entry.state,
            version: entry.version,
            at: entry.at,
            by: entry.by.clone(),
            channel: entry.channel.clone(),
        }
    }
}

impl From<&StoredRecord> for AuditEntry {
    fn from(kept: &StoredRecord) -> Self {
        let record = &kept.record;
        Self {
            stream: kept.stream.clone(),
            seq: kept.seq,
            event: record.event,
            at: record.at,
            by: record.by.clone(),
            channel: record.channel.clone(),
            revision: record.revision,
            attempt: record.attempt,
            note: record.note.clone(),
        }
    }
}

/// Reads the audit's records. Returns none if this version does not know their words.
fn audit_records<'de, D>(from: D) -> Result<Vec<AuditEntry>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Ok(crate::lenient::optional(from)?.unwrap_or_default())
}
