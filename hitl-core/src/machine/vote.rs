//! One person's approval.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::approval::{DecisionChannel, KnownBy};
use crate::call::{BindingDigest, Principal};
use crate::ids::DecisionId;

/// One approval of the current revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Vote {
    /// The decision's id.
    pub id: DecisionId,
    /// The revision approved.
    pub binding: BindingDigest,
    /// The person who voted.
    pub by: Principal,
    /// The way in which their identity was verified; `None` in old records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The channel through which it came; `None` in old records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<DecisionChannel>,
    /// The name by which the directory knows them, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<Principal>,
    /// Their roles, as the host had verified them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The stage of the quorum for which it counts, from 0.
    pub stage: u32,
    /// The time, by the store's clock.
    pub at: Timestamp,
}
