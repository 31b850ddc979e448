//! One person's approval.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::approval::KnownBy;
use crate::call::{BindingDigest, Principal};
use crate::ids::DecisionId;

/// One approval of the revision that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Vote {
    /// The decision's id.
    pub id: DecisionId,
    /// The revision it is about.
    pub binding: BindingDigest,
    /// Who voted.
    pub by: Principal,
    /// How it was known who they are; nothing in records of old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The name that the directory gave them, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<Principal>,
    /// In which roles, as the host had verified them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// For which stage of the quorum, from 0.
    pub stage: u32,
    /// When, by the store's clock.
    pub at: Timestamp,
}
