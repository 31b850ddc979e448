//! What is worked out before the transaction, on the thread of whoever asks.
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
use super::query::Kept;
use super::row::Row;
use crate::recent::{Recent, is_judged_by_record_and_time};

/// For how long a time that was read before the transaction stands for the present.
const FRESH: Duration = Duration::from_secs(1);

/// A new call, stamped.
pub(super) struct Fresh {
    row: Row,
    at: Timestamp,
}

impl Fresh {
    /// Nothing for a call that draws on a grant: that is judged where the grant is.
    pub(super) fn of(call: &NewCall, now: Timestamp) -> Option<Self> {
        if call.grant().is_some() {
            return None;
        }
        let row = Row::of("submitted", call.stamped(now), None).ok()?;
        Some(Self { row, at: now })
    }

    /// The row, while it is not too old.
    pub(super) fn row(self, now: Timestamp) -> Option<Row> {
        is_fresh(self.at, now).then_some(self.row)
    }
}

/// What an event leads to, if the call still is as it was kept.
pub(super) struct Ready {
    from: Kept,
    next: Row,
    at: Timestamp,
    /// When the event comes too late.
    until: Option<Timestamp>,
}

impl Ready {
    /// Nothing when the call is not at hand, when more than its record must be looked at, or when
    /// the machine refuses: refusals and replays are judged by what the file says.
    pub(super) fn of(
        recent: &Recent<i64>,
        (tenant, id): (&Tenant, RequestId),
        event: &Event,
        enclosed: &EventPayload,
        now: Timestamp,
    ) -> Option<Self> {
        if !is_judged_by_record_and_time(event) {
            return None;
        }
        let (record, n) = recent.take(tenant, id)?;
        let from = Kept { n, record };
        if grant_of(&from.record, event).is_some() {
            return None;
        }
        let facts = StoreFacts { now, claimant_dead: false, decision_used: false };
        let Ok(Transition::Changed(next)) = machine::apply(&from.record, event, facts) else {
            return None;
        };
        let next = Row::of(event.name(), enclosed.complete(next), event.by().cloned()).ok()?;
        let expires = matches!(event, Event::Decide(_) | Event::Edit(_) | Event::Claim { .. });
        let until = expires.then_some(from.record.request.expires_at);
        Some(Self { from, next, at: now, until })
    }

    /// Writes it, if it still holds. Gives the call's number and what it is then.
    pub(super) fn write(
        self,
        on: &Connection,
        now: Timestamp,
    ) -> Result<Option<(i64, Row)>, Fault> {
        let Kept { n, record } = self.from;
        let in_time = self.until.is_none_or(|until| now < until);
        if !in_time || !is_fresh(self.at, now) || !self.next.update(on, n, &record)? {
            return Ok(None);
        }
        Ok(Some((n, self.next)))
    }
}

/// Whether the clock has gone on, and only a little.
fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    at <= now && now.since(at) <= FRESH
}
