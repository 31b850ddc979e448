//! Changes that take more than one statement: a submission or an event that draws on a grant, and
//! several events that happen together.
//!
//! The grants are locked, and then the calls; what is read after that stays true until the end of
//! the transaction, so the pure state machine is asked once. The statements still check versions,
//! times and leases, because they also write alone. The lines of the history are signed: after a
//! commit whose answer was lost, the next attempt, which has waited for the same rows, finds these
//! lines if the commit happened.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use hitl_core::machine::{
    self, CallRecord, Event, GrantUpdates, NewCall, Refusal, StoreFacts, Transition, grant_of,
};
use hitl_core::seal::Sealed;
use hitl_core::store::{
    ApplyError, ApplyRequest, EventPayload, StoreError, SubmitResult, is_frozen,
};
use hitl_core::{GrantId, GrantRecord, RequestId, SessionId, Tenant};
use tokio_postgres::types::Type;

use super::decisions;
use super::error::{Fault, ambiguous, unreachable};
use super::grants;
use super::query::{self, KeyLookup};
use super::row;
use super::row::{StoredCall, storable};
use super::shared::Shared;
use super::statement::Statement;
use super::transaction::{
    Attempt, Completion, TransactionBody, Tx, WriteOutcome, WriteTarget, run,
};
use super::write::{InsertCall, MAX_MISSES, READ_VALIDITY_MICROS, UpdateCall};
use crate::failpoint::reach;

// All transactions lock grants in the order of their ids.
static LOCK: Statement = Statement {
    text: "SELECT n FROM {s}.calls WHERE id = ANY ($2::text[]::uuid[]) AND (tenant = $1) IS TRUE \
           ORDER BY id FOR UPDATE",
    types: &[Type::TEXT, Type::TEXT_ARRAY],
};
// A separate statement: one that locks sees other tables as they were before it waited.
static READ: Statement = Statement {
    text: "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, c.version, c.record, \
             c.epoch, s.id IS NULL, (SELECT value FROM {s}.meta WHERE name = 'mark.freezes') \
           FROM {s}.calls c LEFT JOIN {s}.sessions s ON s.id = c.claimant \
             AND s.epoch = c.epoch AND s.lease_until > clock_timestamp() \
           WHERE c.id = ANY ($2::text[]::uuid[]) AND (c.tenant = $1) IS TRUE",
    types: &[Type::TEXT, Type::TEXT_ARRAY],
};
static WRITTEN: Statement = Statement {
    text: "SELECT h.version FROM {s}.history h JOIN {s}.calls c ON c.n = h.call \
           WHERE c.id = ANY ($2::text[]::uuid[]) AND (c.tenant = $1) IS TRUE AND h.write = $3::text::uuid \
           LIMIT 1",
    types: &[Type::TEXT, Type::TEXT_ARRAY, Type::TEXT],
};

/// The statements of this module.
pub(super) const ALL: &[&Statement] = &[&LOCK, &READ, &WRITTEN];

/// Applies an event that draws on a grant, or gives a draw back.
pub(super) async fn apply(
    on: &Shared,
    tenant: &Tenant,
    id: RequestId,
    event: &Event,
    enclosed: &EventPayload,
    grant: GrantId,
) -> Result<CallRecord, ApplyError> {
    let parts = [EventRef { id, event, enclosed }];
    let work = MultiCallTx::new(on, tenant, &parts, Some(grant));
    let records = work.run_until_known().await?;
    records.into_iter().next().ok_or(ApplyError::NotFound(id))
}

/// Applies several events.
pub(super) async fn apply_all(
    on: &Shared,
    tenant: &Tenant,
    events: &[ApplyRequest],
) -> Result<Vec<CallRecord>, ApplyError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<_> = events.iter().map(EventRef::new).collect();
    MultiCallTx::new(on, tenant, &parts, None).run_until_known().await
}

/// An event and its payload.
struct EventRef<'a> {
    id: RequestId,
    event: &'a Event,
    enclosed: &'a EventPayload,
}

impl<'a> EventRef<'a> {
    fn new(applied: &'a ApplyRequest) -> Self {
        Self { id: applied.id, event: &applied.event, enclosed: &applied.enclosed }
    }
}

/// Events that happen in one transaction.
struct MultiCallTx<'a> {
    on: &'a Shared,
    tenant: &'a Tenant,
    parts: &'a [EventRef<'a>],
    /// True if there is one event, which is not part of a batch.
    alone: bool,
    /// The grant that the event draws on, according to the record that was read before.
    hint: Option<GrantId>,
    write: SessionId,
    /// True if an earlier attempt may have been committed.
    unclear: bool,
}

/// The result of an attempt.
enum Outcome {
    /// The events happened, just now or in an earlier attempt.
    Changed(Vec<CallRecord>),
    /// Nothing has changed; these are the current records.
    Stand(Vec<CallRecord>),
    Refused(ApplyError),
    /// The lease may have expired.
    Fenced(StoreError),
    /// The attempt came too late, or the lease has expired: nothing was written.
    Missed(Option<(SessionId, i64)>),
    /// The events draw on other grants than those that were locked.
    Moved,
}

impl<'a> MultiCallTx<'a> {
    fn new(
        on: &'a Shared,
        tenant: &'a Tenant,
        parts: &'a [EventRef<'a>],
        hint: Option<GrantId>,
    ) -> Self {
        let (alone, write) = (hint.is_some(), SessionId::new());
        Self { on, tenant, parts, alone, hint, write, unclear: false }
    }

    async fn run_until_known(mut self) -> Result<Vec<CallRecord>, ApplyError> {
        let on = self.on;
        let mut retry = on.database.retry();
        loop {
            let mut fault = None;
            match run(&on.database, &self).await {
                Ok(Attempt::Done(Outcome::Changed(records))) => {
                    for record in &records {
                        on.changed(record.id());
                    }
                    return Ok(records);
                }
                Ok(Attempt::Done(Outcome::Stand(records))) => return Ok(records),
                // An earlier attempt that was written would have been found.
                Ok(Attempt::Done(Outcome::Refused(error))) => return Err(error),
                Ok(Attempt::Done(Outcome::Fenced(error))) => return Err(error.into()),
                Ok(Attempt::Done(Outcome::Missed(claim))) => {
                    self.unclear = false;
                    if let Some((session, epoch)) = claim {
                        on.sessions.check(&on.database, session, epoch).await?;
                    }
                }
                Ok(Attempt::Done(Outcome::Moved)) => {}
                Ok(Attempt::Unclear) => self.unclear = true,
                // Another call gets the same decision at the same moment.
                Err(failed) if failed.is_passing() || failed.is_duplicate() => fault = Some(failed),
                Err(failed) => return Err(on.reading_failed(failed, self.unclear).into()),
            }
            self.hint = None;
            if !retry.wait().await {
                let place = &on.database.place;
                let error = fault.map_or_else(|| unreachable(place), |f| on.database.error(f));
                return Err(on.known_or_ambiguous(error, self.unclear).into());
            }
        }
    }

    /// Reads the calls, in the order of the events. Fails with the first id that does not exist.
    async fn read(&self, tx: &Tx<'_>) -> Result<Result<Vec<StoredCall>, RequestId>, Fault> {
        let rows = tx.send(&READ, &[&storable(self.tenant.as_str()), &self.ids()]).await?;
        let mut found = BTreeMap::new();
        for row in &rows {
            let stored = row::stored(row)?;
            found.insert(stored.record.id(), stored);
        }
        let each = |part: &EventRef<'_>| found.get(&part.id).cloned().ok_or(part.id);
        Ok(self.parts.iter().map(each).collect())
    }

    fn ids(&self) -> Vec<String> {
        self.parts.iter().map(|part| part.id.to_string()).collect()
    }

    /// Returns the grants that the events draw on, or give back to.
    fn drawn_on(&self, found: &[StoredCall]) -> BTreeSet<GrantId> {
        let each = self.parts.iter().zip(found);
        each.filter_map(|(part, stored)| grant_of(&stored.record, part.event)).collect()
    }

    /// Asks the pure state machine.
    fn judge(
        &self,
        found: &[StoredCall],
        before: &GrantUpdates,
        used: &BTreeSet<RequestId>,
    ) -> Result<(Vec<Transition>, GrantUpdates), (usize, Refusal)> {
        let facts = |stored: &StoredCall| {
            let now = self.on.now_of(stored.read_at);
            let decision_used = used.contains(&stored.record.id());
            let frozen = is_frozen(stored.freezes.as_deref(), self.tenant);
            StoreFacts { now, claimant_dead: stored.claimant_dead, decision_used, frozen }
        };
        if let (true, [part], [stored]) = (self.alone, self.parts, found) {
            let grant = grant_of(&stored.record, part.event).and_then(|id| before.get(&id));
            let (step, drawn) =
                machine::apply_with(&stored.record, part.event, facts(stored), grant)
                    .map_err(|refusal| (0, refusal))?;
            return Ok((vec![step], drawn.into_iter().map(|next| (next.id(), next)).collect()));
        }
        let change = |(part, stored): (&'a EventRef<'a>, _)| {
            let stored: &StoredCall = stored;
            machine::CallChange { record: &stored.record, event: part.event, facts: facts(stored) }
        };
        let changes: Vec<_> = self.parts.iter().zip(found).map(change).collect();
        machine::apply_all(&changes, before)
    }

    /// Locks the rows to change, and reads them. `None` if the events draw on other grants by now.
    async fn lock(
        &self,
        tx: &Tx<'_>,
    ) -> Result<Result<Option<(Vec<StoredCall>, GrantUpdates)>, RequestId>, Fault> {
        let grants = match self.hint {
            Some(grant) => BTreeSet::from([grant]),
            None => match self.read(tx).await? {
                Ok(found) => self.drawn_on(&found),
                Err(missing) => return Ok(Err(missing)),
            },
        };
        let before = grants::lock(tx, self.tenant, grants.iter().copied()).await?;
        tx.send(&LOCK, &[&storable(self.tenant.as_str()), &self.ids()]).await?;
        reach("rows-locked");
        let found = match self.read(tx).await? {
            Ok(found) => found,
            Err(missing) => return Ok(Err(missing)),
        };
        let same = self.drawn_on(&found).is_subset(&grants);
        Ok(Ok(same.then_some((found, before))))
    }

    async fn was_written(&self, tx: &Tx<'_>) -> Result<bool, Fault> {
        let given = (storable(self.tenant.as_str()), self.ids(), self.write.to_string());
        let rows = tx.send(&WRITTEN, &[&given.0, &given.1, &given.2]).await?;
        Ok(!rows.is_empty())
    }
}

#[async_trait]
impl TransactionBody for MultiCallTx<'_> {
    type Answer = Outcome;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<Outcome>, Fault> {
        let nothing = |outcome| Ok(Completion::Nothing(outcome));
        let (found, before) = match self.lock(tx).await? {
            Ok(Some(locked)) => locked,
            Ok(None) => return nothing(Outcome::Moved),
            Err(missing) => return nothing(Outcome::Refused(ApplyError::NotFound(missing))),
        };
        if self.unclear && self.was_written(tx).await? {
            let records = found.into_iter().map(|stored| stored.record).collect();
            return nothing(Outcome::Changed(records));
        }
        let mut used = BTreeSet::new();
        for part in self.parts {
            if decisions::is_used_within(tx, part.id, part.event).await? {
                used.insert(part.id);
            }
        }
        let (steps, drawn) = match self.judge(&found, &before, &used) {
            Ok(done) => done,
            Err((at, refusal)) => {
                let current =
                    found.get(at).ok_or(Fault::Damaged("an event that is none of those"))?;
                let current = Box::new(current.record.clone());
                return nothing(Outcome::Refused(ApplyError::Rejected { refusal, current }));
            }
        };
        let ends = last_moment(self.on, before.values());
        let mut records = Vec::with_capacity(steps.len());
        let mut has_changed = false;
        for ((step, stored), part) in steps.into_iter().zip(&found).zip(self.parts) {
            let next = match step {
                Transition::Changed(next) => part.enclosed.complete(next),
                Transition::Replayed => {
                    records.push(stored.record.clone());
                    continue;
                }
            };
            let mut change = match UpdateCall::new(self.on, stored, next, part.event) {
                Ok(change) => change,
                Err(error) => return nothing(Outcome::Fenced(error)),
            };
            if matches!(part.event, Event::Claim { .. } | Event::ApproveByGrant { .. }) {
                change.until = change.until.min(ends);
            }
            let way = WriteTarget::InTransaction(tx);
            let wrote =
                change.write(&way, self.tenant, part.event, part.enclosed, self.write).await?;
            if !matches!(wrote, WriteOutcome::Done) {
                let claim = match part.event {
                    Event::Claim { session, .. } => Some((*session, change.epoch.unwrap_or(0))),
                    _ => None,
                };
                return nothing(Outcome::Missed(claim));
            }
            has_changed = true;
            records.push(change.next);
        }
        reach("calls-written");
        for (id, next) in &drawn {
            let from = before.get(id).ok_or(Fault::Damaged("a grant that is drawn on"))?;
            grants::update(tx, next, from).await?;
        }
        Ok(if has_changed {
            Completion::Commit(Outcome::Changed(records))
        } else {
            Completion::Nothing(Outcome::Stand(records))
        })
    }
}

/// Returns the time from which it is too late to draw on any of these grants, in microseconds.
fn last_moment<'g>(on: &Shared, grants: impl Iterator<Item = &'g GrantRecord>) -> i64 {
    let ends = grants.filter_map(|record| record.grant.until).min();
    let ends = ends.filter(|_| on.clock.is_none());
    ends.map_or(i64::MAX, |ends| ends.as_millis().saturating_mul(1000))
}

/// Enters a call that runs at once, on a grant.
pub(super) async fn submit(
    on: &Shared,
    call: &NewCall,
    payload: &Sealed,
) -> Result<SubmitResult, StoreError> {
    let work = SubmitOnGrant { on, call, payload, write: SessionId::new() };
    let mut retry = on.database.retry();
    let (mut misses, mut unclear) = (0, false);
    loop {
        let mut fault = None;
        match run(&on.database, &work).await {
            // An earlier attempt that was written would have been found.
            Ok(Attempt::Done(SubmitOnGrantOutcome::Answer(answer))) => {
                if let SubmitResult::Created(record) = &*answer {
                    on.changed(record.id());
                }
                return Ok(*answer);
            }
            Ok(Attempt::Done(SubmitOnGrantOutcome::Refused(error))) => return Err(error),
            Ok(Attempt::Done(SubmitOnGrantOutcome::Missed(session, epoch))) => {
                (misses, unclear) = (misses + 1, false);
                on.sessions.check(&on.database, session, epoch).await?;
                if misses == MAX_MISSES {
                    return Err(on.database.error(Fault::Damaged("a new call's id is taken")));
                }
            }
            Ok(Attempt::Unclear) => unclear = true,
            // Two transactions write the same key at the same moment.
            Err(failed) if failed.is_passing() || failed.is_duplicate() => fault = Some(failed),
            Err(failed) => return Err(on.reading_failed(failed, unclear)),
        }
        if !retry.wait().await {
            if unclear {
                return Err(ambiguous(&on.database.place));
            }
            let place = &on.database.place;
            return Err(fault.map_or_else(|| unreachable(place), |f| on.database.error(f)));
        }
    }
}

/// The submission of a call that runs at once, on a grant.
struct SubmitOnGrant<'a> {
    on: &'a Shared,
    call: &'a NewCall,
    payload: &'a Sealed,
    write: SessionId,
}

enum SubmitOnGrantOutcome {
    Answer(Box<SubmitResult>),
    Refused(StoreError),
    /// Another writer was faster, or the attempt came too late, or the lease has expired: nothing
    /// was written.
    Missed(SessionId, i64),
}

impl SubmitOnGrantOutcome {
    fn answer(answer: SubmitResult) -> Self {
        Self::Answer(Box::new(answer))
    }
}

#[async_trait]
impl TransactionBody for SubmitOnGrant<'_> {
    type Answer = SubmitOnGrantOutcome;

    async fn perform(&self, tx: &Tx<'_>) -> Result<Completion<SubmitOnGrantOutcome>, Fault> {
        let nothing = |answer| Ok(Completion::Nothing(answer));
        let (on, call) = (self.on, self.call);
        // The grants come first: another transaction that is entering this call holds their lock.
        let before = grants::lock(tx, &call.key().tenant, call.grant()).await?;
        reach("rows-locked");
        let KeyLookup { read_at, stored, freezes, watermark } =
            query::find_within(tx, call.key()).await?;
        if let Some(StoredCall { record, .. }) = stored {
            return nothing(SubmitOnGrantOutcome::answer(if record.content() != call.content() {
                SubmitResult::Conflict(record.id())
            } else if record.id() == call.id() {
                SubmitResult::Created(record)
            } else {
                SubmitResult::Existing(record)
            }));
        }
        if call.attaches()
            && let Some(record) = query::attachable_within(tx, call).await?
        {
            return nothing(SubmitOnGrantOutcome::answer(SubmitResult::Existing(record)));
        }
        let began = call.key().run.began();
        if began.is_some() && began < watermark {
            return nothing(SubmitOnGrantOutcome::Refused(StoreError::run_forgotten()));
        }
        if is_frozen(freezes.as_deref(), &call.key().tenant) {
            return nothing(SubmitOnGrantOutcome::answer(SubmitResult::Frozen));
        }
        let grant = before.values().next();
        let (record, drawn) = match call.admitted(grant, on.now_of(read_at)) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                return nothing(SubmitOnGrantOutcome::answer(SubmitResult::NotGranted(refusal)));
            }
        };
        let Some(((session, drawn), grant)) =
            record.claim().map(|claim| claim.session).zip(drawn).zip(grant)
        else {
            return Err(Fault::Damaged("a call that runs on a grant has no claim"));
        };
        let lease = match on.sessions.epoch(session) {
            Ok(lease) => lease,
            Err(error) => return nothing(SubmitOnGrantOutcome::Refused(error)),
        };
        let until =
            read_at.saturating_add(READ_VALIDITY_MICROS).min(last_moment(on, before.values()));
        let (payload, write) = (self.payload, self.write);
        let (epoch, since) = (Some(lease), read_at);
        let freezes = freezes.as_deref();
        let insert =
            InsertCall { record: &record, call, epoch, payload, since, until, freezes, write };
        if !matches!(insert.write(&WriteTarget::InTransaction(tx)).await?, WriteOutcome::Done) {
            return nothing(SubmitOnGrantOutcome::Missed(session, lease));
        }
        reach("calls-written");
        grants::update(tx, &drawn, grant).await?;
        Ok(Completion::Commit(SubmitOnGrantOutcome::answer(SubmitResult::Created(record))))
    }
}
