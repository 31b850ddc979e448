//! What a change of a call looks like in the stream.

use hitl_base::Timestamp;
use hitl_core::Principal;
use hitl_core::machine::HistoryEntry;
use serde::Serialize;
use utoipa::ToSchema;

use super::CallSummary;

/// A call has changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallEvent {
    /// What happened: `submitted`, `decide`, `succeed`, ..
    event: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who did it, when a person did.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Principal>,
    /// The call as it stands now.
    call: CallSummary,
}

impl CallEvent {
    pub(crate) fn of(entry: &HistoryEntry, call: CallSummary) -> Self {
        Self { event: entry.event.clone(), at: entry.at, by: entry.by.clone(), call }
    }
}
