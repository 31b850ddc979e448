//! The host keys of a gate: sealing, digests, rotation.

pub(super) mod digest_keys;
pub(super) mod reseal;
pub(super) mod stored_payload;
pub(super) mod vault;
