//! Who is asked next when nobody decides in time.

use serde::{Deserialize, Serialize};

/// Who is asked next when nobody decides in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EscalationStep {
    /// The role that must approve from then on; anybody when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// How long they have, in milliseconds.
    pub within_ms: u64,
}

impl EscalationStep {
    /// Another `within_ms` milliseconds, for somebody of this role.
    pub fn new(role: Option<String>, within_ms: u64) -> Self {
        Self { role, within_ms }
    }
}
