//! Optimistic updates: work that is prepared before the transaction, on the caller's thread.
//!
//! One thread writes the file, so all callers wait for the work that it does itself. Stamping,
//! asking the state machine and encoding JSON need not be done there: their preconditions are
//! compared where the result is written. The version says that a record is still the one that was
//! read; the clock says that it is still in time. If either differs, the prepared result is
//! dropped: the operation reads and judges inside the transaction, as if nothing had been prepared.
//!
//! They pay 10 % of the time of "SQLite full round trip, 64 callers" (cargo xtask bench sqlite).

use std::time::Duration;

use hitl_base::Timestamp;
use hitl_core::machine::{self, Event, NewCall, StoreFacts, Transition, grant_of};
use hitl_core::store::EventPayload;
use hitl_core::{RequestId, Tenant};
use rusqlite::Connection;

use super::error::Fault;
use super::query::StoredCall;
use super::row::CallRow;
use crate::record_cache::{RecordCache, is_cacheable_event};

/// The age up to which a time that was read before the transaction counts as current.
const MAX_AGE: Duration = Duration::from_secs(1);

/// A new call, stamped.
pub(super) struct StampedCall {
    row: CallRow,
    at: Timestamp,
}

impl StampedCall {
    /// Returns `None` for a call that draws on a grant: that is judged inside the transaction.
    pub(super) fn new(call: &NewCall, now: Timestamp) -> Option<Self> {
        if call.grant().is_some() {
            return None;
        }
        let row = CallRow::submitted(call.stamped(now)).ok()?;
        Some(Self { row, at: now })
    }

    /// Returns the row, while it is not too old.
    pub(super) fn row(self, now: Timestamp) -> Option<CallRow> {
        is_recent(self.at, now).then_some(self.row)
    }
}

/// The prepared result of an event, valid if the call is still as it was cached.
pub(super) struct OptimisticUpdate {
    from: StoredCall,
    next: CallRow,
    at: Timestamp,
    /// The time from which the event comes too late.
    until: Option<Timestamp>,
}

impl OptimisticUpdate {
    /// Returns `None` if the call is not cached, when more than its record must be examined, or
    /// when the state machine refuses: refusals and replays are judged by the file's content.
    pub(super) fn new(
        record_cache: &RecordCache<i64>,
        (tenant, id): (&Tenant, RequestId),
        event: &Event,
        enclosed: &EventPayload,
        now: Timestamp,
    ) -> Option<Self> {
        if !is_cacheable_event(event) {
            return None;
        }
        let (record, n) = record_cache.take(tenant, id)?;
        let from = StoredCall { n, record };
        if grant_of(&from.record, event).is_some() {
            return None;
        }
        let facts = StoreFacts { now, claimant_dead: false, decision_used: false, frozen: false };
        let Ok(Transition::Changed(next)) = machine::apply(&from.record, event, facts) else {
            return None;
        };
        let next = CallRow::after(event, enclosed.complete(next)).ok()?;
        let expires = matches!(event, Event::Decide(_) | Event::Edit(_) | Event::Claim { .. });
        let until = expires.then_some(from.record.request().expires_at);
        Some(Self { from, next, at: now, until })
    }

    /// Writes the result, if it is still valid. Returns the call's number and its new row.
    pub(super) fn write(
        self,
        on: &Connection,
        now: Timestamp,
    ) -> Result<Option<(i64, CallRow)>, Fault> {
        let StoredCall { n, record } = self.from;
        let in_time = self.until.is_none_or(|until| now < until);
        if !in_time || !is_recent(self.at, now) || !self.next.update(on, n, &record)? {
            return Ok(None);
        }
        Ok(Some((n, self.next)))
    }
}

/// Returns whether the clock has moved forward, and only a little.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    at <= now && now.saturating_duration_since(at) <= MAX_AGE
}
