//! What a gate writes to its audit, and the handshake between audit and store.

pub(super) mod ledger;
pub(super) mod outbox;
