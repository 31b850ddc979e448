//! The audit records of a gate, and the handshake between audit and store.

pub(super) mod ledger;
pub(super) mod outbox;
