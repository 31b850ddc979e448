//! What is worked out without reading first.
//!
//! A change takes a read and a write, each a round trip, because the pure machine must see what it
//! judges. What this store has just seen or written itself, it need not ask for: the statement that
//! writes compares what was judged with what is there. That the record is the same is said by its
//! version and by the moment at which it was written (a database that was put back counts versions
//! anew); that it is in time, by the database's clock. A key is free, and its run not forgotten, in
//! the very snapshot of the statement. Whenever something differs, nothing is written, and the
//! operation reads and judges as if nothing had been tried. A refusal and a replay are never told
//! from here.

use hitl_core::machine::{self, CallRecord, Event, NewCall, StoreFacts, Transition, grant_of};
use hitl_core::store::EventPayload;
use hitl_core::{RequestId, Tenant};

use super::change::Change;
use super::error::Fault;
use super::query::{self, Found, Kept};
use super::store::Shared;
use crate::recent::is_judged_by_record_and_time;

/// A new call, stamped.
pub(super) struct Fresh {
    pub(super) record: CallRecord,
    /// The epoch that it is claimed under, when it runs at once.
    pub(super) epoch: Option<i64>,
    /// In microseconds by the database's clock, as far as is known.
    pub(super) read_at: i64,
}

impl Fresh {
    /// Nothing when the time is not known, or the lease not known to last.
    pub(super) fn of(on: &Shared, call: &NewCall) -> Option<Self> {
        let read_at = on.heard.now()?;
        let record = call.stamped(on.now_of(read_at));
        let claim = record.claim.map(|claim| on.sessions.epoch(claim.session));
        let epoch = claim.transpose().ok()?;
        Some(Self { record, epoch, read_at })
    }
}

impl Change {
    /// What an event leads to, if the call still is as this store last saw it. Nothing when the
    /// call is not at hand, when more than its record must be looked at, or when the machine
    /// refuses.
    pub(super) fn ready(
        on: &Shared,
        (tenant, id): (&Tenant, RequestId),
        event: &Event,
        enclosed: &EventPayload,
    ) -> Option<Self> {
        if !is_judged_by_record_and_time(event) {
            return None;
        }
        let read_at = on.heard.now()?;
        let (record, epoch) = on.recent.take(tenant, id)?;
        if grant_of(&record, event).is_some() {
            return None;
        }
        let kept = Kept { read_at, record: *record, epoch, claimant_dead: false };
        let facts =
            StoreFacts { now: on.now_of(read_at), claimant_dead: false, decision_used: false };
        let Ok(Transition::Changed(next)) = machine::apply(&kept.record, event, facts) else {
            return None;
        };
        Self::new(on, &kept, enclosed.complete(next), event).ok()
    }
}

impl Shared {
    /// Reads a call, and remembers it.
    pub(super) async fn look(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Kept>, Fault> {
        let kept = query::get(&self.database, tenant, id).await?;
        if let Some(kept) = &kept {
            self.heard.hear(kept.read_at);
            self.recent.put(&kept.record, kept.epoch);
        }
        Ok(kept)
    }

    /// Reads what a key leads to.
    pub(super) async fn look_for(&self, call: &NewCall) -> Result<Found, Fault> {
        let found = query::find(&self.database, call.key()).await?;
        self.heard.hear(found.read_at);
        Ok(found)
    }

    /// A call was just written like this.
    pub(super) fn wrote(&self, record: &CallRecord, epoch: Option<i64>) {
        self.changed(record.id());
        self.recent.put(record, epoch);
    }
}

#[cfg(test)]
#[path = "ready_tests.rs"]
mod tests;
