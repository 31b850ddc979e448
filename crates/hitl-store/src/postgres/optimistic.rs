//! Optimistic updates: work that is prepared without a read before the write.
//!
//! A change takes a read and a write, each a round trip, because the pure machine must see what it
//! judges. What this store has just seen or written itself, it need not ask for: the statement that
//! writes compares what was judged with what is there. That the record is the same is said by its
//! version and by the moment at which it was written (a database that was put back counts versions
//! again); that it is in time, by the database's clock. A key is free, and its run not forgotten,
//! in the very snapshot of the statement. Whenever something differs, nothing is written, and the
//! operation reads and judges as if nothing had been tried. A refusal and a replay are never told
//! from here.

use hitl_core::machine::{self, CallRecord, Event, NewCall, StoreFacts, Transition, grant_of};
use hitl_core::store::EventPayload;
use hitl_core::{RequestId, Tenant};

use super::row::StoredCall;
use super::shared::Shared;
use super::write::UpdateCall;
use crate::record_cache::is_cacheable_event;

/// A new call, stamped.
pub(super) struct StampedCall {
    pub(super) record: CallRecord,
    /// The epoch that it is claimed under, when it runs at once.
    pub(super) epoch: Option<i64>,
    /// In microseconds by the database's clock, as far as is known.
    pub(super) read_at: i64,
}

impl StampedCall {
    /// `None` if the time is not known, or the lease not known to last.
    pub(super) fn new(on: &Shared, call: &NewCall) -> Option<Self> {
        let read_at = on.clock_estimate.now()?;
        let record = call.stamped(on.now_of(read_at));
        let claim = record.claim().map(|claim| on.sessions.epoch(claim.session));
        let epoch = claim.transpose().ok()?;
        Some(Self { record, epoch, read_at })
    }
}

impl UpdateCall {
    /// Returns what an event leads to, if the call still is as this store last saw it. `None` if
    /// the call is not at hand, when more than its record must be looked at, or when the machine
    /// refuses.
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
        let stored = StoredCall { read_at, record: *record, epoch, claimant_dead: false };
        let facts =
            StoreFacts { now: on.now_of(read_at), claimant_dead: false, decision_used: false };
        let Ok(Transition::Changed(next)) = machine::apply(&stored.record, event, facts) else {
            return None;
        };
        Self::new(on, &stored, enclosed.complete(next), event).ok()
    }
}

#[cfg(test)]
#[path = "optimistic_tests.rs"]
mod tests;
