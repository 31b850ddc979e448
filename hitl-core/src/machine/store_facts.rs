//! The store's own knowledge, which the machine does not have.

use hitl_base::Timestamp;

/// What the store knows inside the transaction.
#[derive(Clone, Copy, Debug)]
pub struct StoreFacts {
    /// The present, by the store's clock.
    pub now: Timestamp,
    /// Whether the session that holds the record's claim is dead. False without a claim.
    pub claimant_dead: bool,
    /// Whether the event's [decision](super::Event::decision) has counted for another call: it
    /// counts for one. False for an event without a decision.
    pub decision_used: bool,
}
