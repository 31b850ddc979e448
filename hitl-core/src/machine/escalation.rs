//! Escalation: the next people asked if nobody decides in time.

use serde::{Deserialize, Serialize};

/// A step of an escalation: the next people asked if nobody decides in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EscalationStep {
    /// The role that must approve from then on; anybody if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The time they have, in milliseconds.
    pub within_ms: u64,
}

impl EscalationStep {
    /// Returns a step for somebody of this role, with `within_ms` milliseconds.
    pub fn new(role: Option<String>, within_ms: u64) -> Self {
        Self { role, within_ms }
    }
}
