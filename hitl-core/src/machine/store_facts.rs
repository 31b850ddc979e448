//! Facts that only the store knows, not the machine.

use hitl_base::Timestamp;

/// The store's knowledge inside the transaction.
#[derive(Clone, Copy, Debug)]
// Exhaustive: a store must supply each fact.
pub struct StoreFacts {
    /// The present, by the store's clock.
    pub now: Timestamp,
    /// True if the session that holds the record's claim is dead. False without a claim.
    pub claimant_dead: bool,
    /// True if the event's [decision](super::Event::decision) has counted for another call: it
    /// counts for one. False for an event without a decision.
    pub decision_used: bool,
    /// True if the call's tenant [is frozen](crate::store::is_frozen), as read in the transaction.
    /// Only a claim asks for it.
    pub frozen: bool,
}
