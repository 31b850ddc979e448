//! The data of the stream's events.

use std::collections::BTreeSet;

use hitl_base::Timestamp;
use hitl_core::approval::DecisionChannel;
use hitl_core::machine::HistoryEntry;
use hitl_core::{Principal, RequestId};
use serde::{Deserialize, Serialize};

use crate::CallSummary;

/// The data of `hello`, the first event of a stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloEvent {
    /// Who is signed in.
    pub principal: Principal,
}

/// The data of `call`: a call has changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallEvent {
    /// The change: `submitted`, `decide`, `succeed`, ..
    pub event: String,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Who did it, when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub by: Option<Principal>,
    /// The channel through which it came, if it is a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub channel: Option<DecisionChannel>,
    /// The call as it is now.
    pub call: CallSummary,
}

/// The data of `presence`: who looks at a call now.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PresenceEvent {
    /// The call.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub call: RequestId,
    /// The onlookers' names.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub onlookers: BTreeSet<Principal>,
}

impl CallEvent {
    /// Creates the event for a line of the history, with the call as it is now.
    pub fn new(entry: &HistoryEntry, call: CallSummary) -> Self {
        let HistoryEntry { event, at, by, channel, .. } = entry;
        let (event, by, channel) = (event.clone(), by.clone(), channel.clone());
        Self { event, at: *at, by, channel, call }
    }
}
