//! The writes of single calls: a submission, and an event applied to a call.
//!
//! # How
//!
//! Read the record, ask the pure state machine, then send one statement that changes record,
//! payload, result and history, if the record still has the version that was read. Zero rows mean
//! that another writer was faster: read again. A record that this store has just seen is not read
//! first: see `optimistic`.
//!
//! The row is not locked meanwhile: each statement is a transaction of its own, so no lock is held
//! while a client thinks, pauses or dies, a pooler may send each statement over another connection,
//! and it takes no more round trips.
//!
//! # Invariants
//!
//! - The state machine's input is still true when its result is written: the version says that the
//!   record is the same; the statement carries a time, by the database's clock, after which it
//!   changes nothing (two seconds, and never past the expiry that a decision or a claim was judged
//!   by); a dead session stays dead.
//! - A claim is written only while its session's lease lasts, which the same statement checks, and
//!   only by a holder that renewed the lease within its first half.
//! - A claim is written only while the freezes are those that it was judged by: see `freeze`.
//! - Each operation signs its line in the history with an id of its own. After a connection broke,
//!   the line says whether the operation happened; only when that cannot be read is the answer
//!   ambiguous.

use hitl_core::machine::{self, CallRecord, Event, NewCall, StoreFacts, Transition, grant_of};
use hitl_core::seal::Sealed;
use hitl_core::store::{ApplyError, EventPayload, StoreError, SubmitResult, is_frozen};
use hitl_core::{RequestId, SessionId, Tenant};

use super::decisions;
use super::error::{Fault, ambiguous, unreachable};
use super::multi_call;
use super::optimistic::StampedCall;
use super::query::{self, KeyLookup};
use super::queue;
use super::row::StoredCall;
use super::shared::Shared;
use super::transaction::{WriteOutcome, WriteTarget};
use super::write::{InsertCall, MAX_MISSES, READ_VALIDITY_MICROS, UpdateCall};
use crate::failpoint::reach;

/// Enters a call.
pub(super) async fn submit(
    on: &Shared,
    call: &NewCall,
    payload: &Sealed,
) -> Result<SubmitResult, StoreError> {
    if call.grant().is_some() {
        return multi_call::submit(on, call, payload).await;
    }
    let mut retry = on.database.retry();
    let (write, mut misses, mut unclear) = (SessionId::new(), 0, false);
    let way = WriteTarget::SingleStatement(&on.database);
    if let Some(StampedCall { record, epoch, read_at, freezes }) = StampedCall::new(on, call) {
        let (since, until) = (read_at, read_at.saturating_add(READ_VALIDITY_MICROS));
        let freezes = freezes.as_deref();
        let insert =
            InsertCall { record: &record, call, epoch, payload, since, until, freezes, write };
        match insert.write(&way).await.map_err(|fault| on.reading_failed(fault, false))? {
            WriteOutcome::Done => {
                on.record_written(&record, epoch);
                return Ok(SubmitResult::Created(record));
            }
            // The key may be taken, an identical call attachable, its run forgotten, the queue
            // full, the lease expired: read to find out.
            WriteOutcome::Missed => {}
            WriteOutcome::Unclear => {
                unclear = true;
                if !retry.wait().await {
                    return Err(ambiguous(&on.database.place));
                }
            }
        }
    }
    loop {
        let found = on.read_by_key(call).await;
        let KeyLookup { read_at, stored, freezes, watermark } =
            found.map_err(|fault| on.reading_failed(fault, unclear))?;
        if let Some(StoredCall { record, .. }) = stored {
            return Ok(if record.content() != call.content() {
                SubmitResult::Conflict(record.id())
            } else if record.id() == call.id() {
                SubmitResult::Created(record)
            } else {
                SubmitResult::Existing(record)
            });
        }
        if let Some(record) = find_attachable(on, call, unclear).await? {
            return Ok(if record.id() == call.id() {
                SubmitResult::Created(record)
            } else {
                SubmitResult::Existing(record)
            });
        }
        let began = call.key().run.began();
        if began.is_some() && began < watermark {
            return Err(on.known_or_ambiguous(StoreError::run_forgotten(), unclear));
        }
        if call.starts() && is_frozen(freezes.as_deref(), &call.key().tenant) {
            let place = &on.database.place;
            return if unclear { Err(ambiguous(place)) } else { Ok(SubmitResult::Frozen) };
        }
        let full = queue::broken_cap(&on.database, call).await;
        if let Some(cap) = full.map_err(|fault| on.reading_failed(fault, unclear))? {
            // The queue may be full because of an earlier attempt of this operation.
            return if unclear {
                Err(ambiguous(&on.database.place))
            } else {
                Ok(SubmitResult::Full(cap))
            };
        }
        let record = call.stamped(on.now_of(read_at));
        let claim = record.claim().map(|claim| claim.session);
        let epoch = claim.map(|session| on.sessions.epoch(session)).transpose();
        let epoch = epoch.map_err(|error| on.known_or_ambiguous(error, unclear))?;
        let (since, until) = (read_at, read_at.saturating_add(READ_VALIDITY_MICROS));
        let freezes = freezes.as_deref();
        let insert =
            InsertCall { record: &record, call, epoch, payload, since, until, freezes, write };
        let attempt = insert.write(&way).await;
        match attempt.map_err(|fault| on.reading_failed(fault, unclear))? {
            WriteOutcome::Done => {
                on.record_written(&record, epoch);
                return Ok(SubmitResult::Created(record));
            }
            WriteOutcome::Missed => {
                misses += 1;
                if let Some((session, epoch)) = claim.zip(epoch) {
                    let checked = on.sessions.check(&on.database, session, epoch).await;
                    checked.map_err(|error| on.known_or_ambiguous(error, unclear))?;
                }
                if misses == MAX_MISSES {
                    return Err(on.database.error(Fault::Damaged("a new call's id is taken")));
                }
                // Somebody may be freezing, and waits for starts that are on their way.
                if call.starts() && !retry.wait().await {
                    return Err(on.known_or_ambiguous(unreachable(&on.database.place), unclear));
                }
            }
            WriteOutcome::Unclear => {
                unclear = true;
                if !retry.wait().await {
                    return Err(ambiguous(&on.database.place));
                }
            }
        }
    }
}

/// Returns the call that a new call attaches to, if it attaches and there is one. It may be the
/// call itself, stored by an earlier attempt.
async fn find_attachable(
    on: &Shared,
    call: &NewCall,
    unclear: bool,
) -> Result<Option<CallRecord>, StoreError> {
    if !call.attaches() {
        return Ok(None);
    }
    let key = call.key();
    let found = query::attachable(&on.database, &key.tenant, &key.run, call.content()).await;
    found.map_err(|fault| on.reading_failed(fault, unclear))
}

/// Applies an event.
pub(super) async fn apply(
    on: &Shared,
    tenant: &Tenant,
    id: RequestId,
    event: &Event,
    enclosed: &EventPayload,
) -> Result<CallRecord, ApplyError> {
    let mut retry = on.database.retry();
    let (write, mut unclear) = (SessionId::new(), false);
    let way = WriteTarget::SingleStatement(&on.database);
    if let Some(change) = UpdateCall::from_cache(on, (tenant, id), event, enclosed) {
        reach("call-read");
        let attempt = change.write(&way, tenant, event, enclosed, write).await;
        match attempt.map_err(|fault| on.reading_failed(fault, false))? {
            WriteOutcome::Done => {
                on.record_written(&change.next, change.epoch);
                return Ok(change.next);
            }
            // The record has changed, the event comes too late, or the lease has expired: read to
            // find out.
            WriteOutcome::Missed => {}
            WriteOutcome::Unclear => {
                unclear = true;
                if !retry.wait().await {
                    return Err(ambiguous(&on.database.place).into());
                }
            }
        }
    }
    loop {
        let stored = on.read_and_cache(tenant, id).await;
        let stored = stored.map_err(|fault| on.reading_failed(fault, unclear))?;
        let Some(stored) = stored else { return Err(ApplyError::NotFound(id)) };
        // Asked after the record was read: an attempt that was not written by then is not in the
        // record.
        if unclear && on.has_written(tenant, id, write).await? {
            on.changed(id);
            let stored = on.read_and_cache(tenant, id).await;
            let stored = stored.map_err(|fault| on.reading_failed(fault, true))?;
            return stored.map(|stored| stored.record).ok_or(ApplyError::NotFound(id));
        }
        let now = on.now_of(stored.read_at);
        let decision_used = decisions::is_used(&on.database, id, event).await;
        let decision_used = decision_used.map_err(|fault| on.reading_failed(fault, unclear))?;
        let frozen = is_frozen(stored.freezes.as_deref(), tenant);
        let claimant_dead = stored.claimant_dead;
        let facts = StoreFacts { now, claimant_dead, decision_used, frozen };
        reach("call-read");
        if let Some(grant) = grant_of(&stored.record, event) {
            return multi_call::apply(on, tenant, id, event, enclosed, grant).await;
        }
        let next = match machine::apply(&stored.record, event, facts) {
            Ok(Transition::Changed(next)) => enclosed.complete(next),
            Ok(Transition::Replayed) => return Ok(stored.record),
            Err(refusal) => {
                return Err(ApplyError::Rejected { refusal, current: Box::new(stored.record) });
            }
        };
        let change = UpdateCall::new(on, &stored, next, event);
        let change = change.map_err(|error| on.known_or_ambiguous(error, unclear))?;
        let attempt = change.write(&way, tenant, event, enclosed, write).await;
        match attempt.map_err(|fault| on.reading_failed(fault, unclear))? {
            WriteOutcome::Done => {
                on.record_written(&change.next, change.epoch);
                return Ok(change.next);
            }
            WriteOutcome::Missed => {
                if let Event::Claim { session, .. } = event {
                    let epoch = change.epoch.unwrap_or_default();
                    let checked = on.sessions.check(&on.database, *session, epoch).await;
                    checked.map_err(|error| on.known_or_ambiguous(error, unclear))?;
                }
                if retry.is_expired() {
                    let error = unreachable(&on.database.place);
                    return Err(on.known_or_ambiguous(error, unclear).into());
                }
            }
            WriteOutcome::Unclear => {
                unclear = true;
                if !retry.wait().await {
                    return Err(ambiguous(&on.database.place).into());
                }
            }
        }
    }
}

impl Shared {
    /// Returns whether a write whose answer was lost has happened.
    async fn has_written(
        &self,
        tenant: &Tenant,
        id: RequestId,
        write: SessionId,
    ) -> Result<bool, StoreError> {
        let written = query::written(&self.database, tenant, id, write).await;
        Ok(written.map_err(|fault| self.reading_failed(fault, true))?.is_some())
    }
}
