//! Optimistic updates: work that is prepared without a read before the write.
//!
//! A change takes a read and a write, each a round trip, because the pure state machine must see
//! the record that it judges. What this store has just seen or written itself need not be read
//! again: the statement that writes compares what was judged with what is there. The version and
//! the time of its last write say that the record is the same (a restored database counts versions
//! again); the database's clock says that the change is in time. That a key is free, and its run
//! not forgotten, is checked in the snapshot of the statement itself. If anything differs, nothing
//! is written, and the operation reads and judges as if nothing had been tried. A refusal and a
//! replay are never answered from here.
//!
//! They pay 25 % of the time of "PostgreSQL submit + decide, 32 callers" (cargo xtask bench
//! postgres).

use hitl_core::machine::{self, CallRecord, Event, NewCall, StoreFacts, Transition, grant_of};
use hitl_core::store::{EventPayload, is_frozen};
use hitl_core::{RequestId, Tenant};

use super::row::StoredCall;
use super::shared::Shared;
use super::write::UpdateCall;
use crate::record_cache::is_cacheable_event;

/// A new call, stamped.
pub(super) struct StampedCall {
    pub(super) record: CallRecord,
    /// The epoch that the call is claimed under, if it runs at once.
    pub(super) epoch: Option<i64>,
    /// An estimate, in microseconds by the database's clock.
    pub(super) read_at: i64,
    /// The freezes that it was judged by.
    pub(super) freezes: Option<String>,
}

impl StampedCall {
    /// Returns `None` if the time is not known, the lease may have expired, or it would start while
    /// its tenant was last seen frozen.
    pub(super) fn new(on: &Shared, call: &NewCall) -> Option<Self> {
        let read_at = on.clock_estimate.now()?;
        let freezes = on.freezes.last();
        if call.starts() && is_frozen(freezes.as_deref(), &call.key().tenant) {
            return None;
        }
        let record = call.stamped(on.now_of(read_at));
        let claim = record.claim().map(|claim| on.sessions.epoch(claim.session));
        let epoch = claim.transpose().ok()?;
        Some(Self { record, epoch, read_at, freezes })
    }
}

impl UpdateCall {
    /// Returns the result of an event, if the call is still as this store last saw it. `None` if
    /// the call is not cached, when more than its record must be examined, or when the state
    /// machine refuses.
    pub(super) fn from_cache(
        on: &Shared,
        (tenant, id): (&Tenant, RequestId),
        event: &Event,
        enclosed: &EventPayload,
    ) -> Option<Self> {
        if !is_cacheable_event(event) {
            return None;
        }
        let read_at = on.clock_estimate.now()?;
        let (record, epoch) = on.record_cache.take(tenant, id)?;
        if grant_of(&record, event).is_some() {
            return None;
        }
        let freezes = on.freezes.last();
        let frozen = is_frozen(freezes.as_deref(), tenant);
        let stored = StoredCall { read_at, record: *record, epoch, claimant_dead: false, freezes };
        let now = on.now_of(read_at);
        let facts = StoreFacts { now, claimant_dead: false, decision_used: false, frozen };
        let Ok(Transition::Changed(next)) = machine::apply(&stored.record, event, facts) else {
            return None;
        };
        Self::new(on, &stored, enclosed.complete(next), event).ok()
    }
}

#[cfg(test)]
#[path = "optimistic_tests.rs"]
mod tests;
