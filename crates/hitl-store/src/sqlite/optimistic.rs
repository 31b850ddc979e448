//! Optimistic updates: work that is prepared before the transaction, on the caller's thread.
//!
//! The thread that writes does everything for one file, so what it does itself is what all callers
//! wait for. Stamping, asking the machine and JSON need not be done there: what they rest on is
//! compared where it is written. That a record is still the one that was read is said by its
//! version; that it is still in time, by the clock. Whenever either differs, nothing of this is
//! used: the operation reads and judges inside the transaction, as if nobody had thought about it
//! before.

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

/// The age up to which a time that was read before the transaction counts as the present.
const MAX_AGE: Duration = Duration::from_secs(1);

/// A new call, stamped.
pub(super) struct StampedCall {
    row: CallRow,
    at: Timestamp,
}

impl StampedCall {
    /// Nothing for a call that draws on a grant: that is judged where the grant is.
    pub(super) fn new(call: &NewCall, now: Timestamp) -> Option<Self> {
        if call.grant().is_some() {
            return None;
        }
        let row = CallRow::new("submitted", call.stamped(now), None).ok()?;
        Some(Self { row, at: now })
    }

    /// The row, while it is not too old.
    pub(super) fn row(self, now: Timestamp) -> Option<CallRow> {
        is_recent(self.at, now).then_some(self.row)
    }
}

/// The result of an event, if the call still is as it was kept.
pub(super) struct OptimisticUpdate {
    from: StoredCall,
    next: CallRow,
    at: Timestamp,
    /// When the event comes too late.
    until: Option<Timestamp>,
}

impl OptimisticUpdate {
    /// `None` if the call is not at hand, when more than its record must be looked at, or when the
    /// machine refuses: refusals and replays are judged by what the file says.
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
        let facts = StoreFacts { now, claimant_dead: false, decision_used: false };
        let Ok(Transition::Changed(next)) = machine::apply(&from.record, event, facts) else {
            return None;
        };
        let next = CallRow::new(event.name(), enclosed.complete(next), event.by().cloned()).ok()?;
        let expires = matches!(event, Event::Decide(_) | Event::Edit(_) | Event::Claim { .. });
        let until = expires.then_some(from.record.request().expires_at);
        Some(Self { from, next, at: now, until })
    }

    /// Writes it, if it still holds. Gives the call's number and what it is then.
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

/// Returns whether the clock has gone on, and only a little.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    at <= now && now.saturating_duration_since(at) <= MAX_AGE
}
