//! The batch in which a call was submitted.

use hitl_base::text_id;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::call::CallKey;
use crate::hex::hex;

text_id! {
    /// A batch: the parallel tool calls of one model turn. The same calls in the same order are the
    /// same batch, also after a restart.
    BatchId
}

impl BatchId {
    /// Returns the batch of these calls.
    pub(crate) fn from_keys(keys: &[CallKey]) -> Self {
        // Plain data, which always serialises to JSON.
        let text = serde_json::to_vec(keys).unwrap_or_default();
        let digest: [u8; 32] = Sha256::digest(text).into();
        Self::new(hex(&digest[..16]))
    }
}

/// A call's place in the batch in which it was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Membership {
    /// The batch.
    pub batch: BatchId,
    /// Its place there, from 0.
    pub index: u32,
    /// The number of calls in the batch.
    pub size: u32,
    /// The positions of all its calls in their run, if they run together or not at all: none of
    /// them is claimed before all are approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<u64>,
    /// True once they were released: from then on each is independent.
    #[serde(default, skip_serializing_if = "is_held")]
    pub released: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_held(released: &bool) -> bool {
    !*released
}

impl Membership {
    /// Returns whether it may only be claimed with all of its siblings.
    pub fn is_held(&self) -> bool {
        !self.together.is_empty() && !self.released
    }
}
