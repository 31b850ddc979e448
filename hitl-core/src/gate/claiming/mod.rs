//! An approved call is checked once more and claimed.

pub(super) mod atomic_batch;
pub(super) mod claim;
pub(super) mod claim_check;
pub(super) mod claim_effect;
pub(super) mod grace;
pub(super) mod pending_claim;
