//! What can be written: a submission, and an event applied to a call.
//!
//! Each is performed inside a transaction, possibly more than once: when the transaction is lost,
//! or when its commit failed half-way, it is performed again in the next one. That is sound because
//! the second time finds what the first one wrote, if it is there.

use std::sync::Arc;

use hitl_base::Timestamp;
use hitl_base::clock::ForwardClock;
use hitl_core::machine::{self, CallRecord, Event, NewCall, StoreFacts, Transition, grant_of};
use hitl_core::seal::Sealed;
use hitl_core::store::{ApplyError, ApplyRequest, EventPayload, StoreError, SubmitResult};
use hitl_core::{RequestId, Tenant};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::oneshot;

use super::decisions;
use super::error::Fault;
use super::grants;
use super::outbox;
use super::query::{self, Kept};
use super::queue;
use super::ready::{Fresh, Ready};
use super::retention;
use super::row::Row;
use super::session::Sessions;
use crate::failpoint::reach;
use crate::recent::Recent;

/// What an operation needs to know beside the file.
#[derive(Clone)]
pub(super) struct World {
    pub(super) clock: Arc<ForwardClock>,
    pub(super) sessions: Sessions,
}

impl World {
    /// What a record is judged by.
    pub(super) fn facts(
        &self,
        on: &Connection,
        record: &CallRecord,
        event: &Event,
        now: Timestamp,
    ) -> Result<StoreFacts, Fault> {
        let decision_used = decisions::is_used(on, record.id(), event)?;
        let claimant_dead = record.claim.is_some_and(|claim| self.sessions.is_dead(claim.session));
        // Another process may have stamped a later moment than this one has seen.
        Ok(StoreFacts { now: now.max(record.updated_at), claimant_dead, decision_used })
    }
}

/// A line that was added to the history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) seq: i64,
    pub(super) id: RequestId,
}

/// Something to write, and somebody who waits for the answer.
pub(super) trait Operation: Send {
    /// Nobody waits any more: it need not happen, as long as it has not begun.
    fn is_abandoned(&self) -> bool;
    /// Does it, inside a transaction, and adds the lines that it writes. Keeps the answer until the
    /// transaction is committed.
    fn perform(
        &mut self,
        on: &Connection,
        world: &World,
        written: &mut Vec<Written>,
    ) -> Result<(), Fault>;
    /// Gives the answer: it is committed.
    fn acknowledge(self: Box<Self>);
    /// Says that it failed.
    fn fail(self: Box<Self>, error: StoreError);
}

/// Enters a call.
pub(super) struct Submit {
    call: NewCall,
    payload: Sealed,
    /// Used at the first attempt only: a second one looks at what the first has left.
    fresh: Option<Fresh>,
    answer: Option<Came>,
    reply: oneshot::Sender<Result<Entered, StoreError>>,
}

/// What came of a submission, and the number of a call that is new.
pub(super) type Entered = (SubmitResult, Option<i64>);

/// The same, as long as it is not told: what was written is taken apart by whoever tells it.
enum Came {
    New(i64, Row),
    Told(Box<SubmitResult>),
}

impl Submit {
    /// This call, worked out as far as can be without the file; and where its answer comes.
    pub(super) fn new(
        mut call: NewCall,
        payload: Sealed,
        now: Timestamp,
    ) -> (Self, oneshot::Receiver<Result<Entered, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        // So that the record that is made ready shares its request.
        call.stamp(now);
        let fresh = Fresh::of(&call, now);
        (Self { call, payload, fresh, answer: None, reply }, answer)
    }

    /// Why the call may not enter, where that is not because its key is taken.
    fn refused(&self, on: &Connection) -> Result<Option<SubmitResult>, Fault> {
        let began = self.call.key().run.began();
        if began.is_some() && began < retention::watermark(on)? {
            return Err(Fault::RunForgotten);
        }
        Ok(queue::broken_cap(on, &self.call)?.map(SubmitResult::Full))
    }

    /// Writes what was made ready, when it still holds and the key is free.
    fn at_once(&mut self, on: &Connection, world: &World) -> Result<Option<(i64, Row)>, Fault> {
        let now = world.clock.now()?;
        let row = self.fresh.take().and_then(|fresh| fresh.row(now));
        let Some(row) = row else { return Ok(None) };
        if !matches!(self.refused(on), Ok(None)) {
            return Ok(None);
        }
        Ok(row.insert(on)?.map(|n| (n, row)))
    }

    /// Looks at what is there, and writes.
    fn after_looking(
        &mut self,
        on: &Connection,
        world: &World,
    ) -> Result<Result<(i64, Row), SubmitResult>, Fault> {
        if let Some(Kept { record, .. }) = query::find(on, self.call.key())? {
            return Ok(Err(if record.content != self.call.content() {
                SubmitResult::Conflict(record.id())
            } else if record.id() == self.call.id() {
                SubmitResult::Created(*record)
            } else {
                SubmitResult::Existing(*record)
            }));
        }
        if let Some(refused) = self.refused(on)? {
            return Ok(Err(refused));
        }
        let grant = self.call.grant().map(|id| grants::get(on, &self.call.key().tenant, id));
        let grant = grant.transpose()?.flatten();
        let (record, drawn) = match self.call.admitted(grant.as_ref(), world.clock.now()?) {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(Err(SubmitResult::NotGranted(refusal))),
        };
        let row = Row::of("submitted", record, None)?;
        let n = row.insert(on)?.ok_or(Fault::Damaged("a new call's id is taken"))?;
        if let Some((drawn, grant)) = drawn.zip(grant) {
            grants::update(on, &drawn, &grant)?;
            reach("grant-drawn");
        }
        Ok(Ok((n, row)))
    }
}

impl Operation for Submit {
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn perform(
        &mut self,
        on: &Connection,
        world: &World,
        written: &mut Vec<Written>,
    ) -> Result<(), Fault> {
        let new = match self.at_once(on, world)? {
            Some(new) => Ok(new),
            None => self.after_looking(on, world)?,
        };
        let (n, row) = match new {
            Ok(new) => new,
            Err(answer) => {
                self.answer = Some(Came::Told(Box::new(answer)));
                return Ok(());
            }
        };
        if !row.record().state.is_terminal() {
            on.prepare_cached("INSERT INTO payloads (call, sealed) VALUES (?1, ?2)")?
                .execute(params![n, self.payload.as_bytes()])?;
        }
        let line = row.log(on, n)?;
        if let Some(session) = self.call.auditor() {
            outbox::owe(on, n, row.record().version, line, Some(session))?;
        }
        written.push(line);
        self.answer = Some(Came::New(n, row));
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        let answer = match self.answer {
            None => return,
            Some(Came::New(n, row)) => (SubmitResult::Created(*row.into_record()), Some(n)),
            Some(Came::Told(answer)) => (*answer, None),
        };
        // Whoever asked may have gone: the write stands all the same.
        let _ = self.reply.send(Ok(answer));
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}

/// Applies an event.
pub(super) struct Apply {
    tenant: Tenant,
    id: RequestId,
    event: Event,
    enclosed: EventPayload,
    /// Used at the first attempt only: a second one looks at what the first has left.
    ready: Option<Ready>,
    answer: Option<Result<Stands, ApplyError>>,
    reply: oneshot::Sender<Result<Kept, ApplyError>>,
}

/// A call as it stands after an event.
enum Stands {
    /// It was changed.
    Written(i64, Row),
    /// It was so before.
    Read(Kept),
}

impl Stands {
    fn record(&self) -> &CallRecord {
        match self {
            Self::Written(_, row) => row.record(),
            Self::Read(kept) => &kept.record,
        }
    }

    fn into_kept(self) -> Kept {
        match self {
            Self::Written(n, row) => Kept { n, record: row.into_record() },
            Self::Read(kept) => kept,
        }
    }
}

impl Apply {
    /// This event, worked out as far as can be without the file; and where its answer comes.
    pub(super) fn new(
        tenant: &Tenant,
        ApplyRequest { id, event, enclosed, .. }: ApplyRequest,
        recent: &Recent<i64>,
        now: Timestamp,
    ) -> (Self, oneshot::Receiver<Result<Kept, ApplyError>>) {
        let (reply, answer) = oneshot::channel();
        let ready = Ready::of(recent, (tenant, id), &event, &enclosed, now);
        let tenant = tenant.clone();
        (Self { tenant, id, event, enclosed, ready, answer: None, reply }, answer)
    }

    /// What the event leads to, and the line of history when it changed something.
    fn advance(
        &mut self,
        on: &Connection,
        world: &World,
    ) -> Result<(Result<Stands, ApplyError>, Option<Written>), Fault> {
        if let Some(ready) = self.ready.take()
            && !decisions::is_used(on, self.id, &self.event)?
            && let Some((n, next)) = ready.write(on, world.clock.now()?)?
        {
            let written = keep_rest(on, n, &next, &self.event, &self.enclosed)?;
            return Ok((Ok(Stands::Written(n, next)), Some(written)));
        }
        let Some(Kept { n, record }) = query::get(on, &self.tenant, self.id)? else {
            return Ok((Err(ApplyError::NotFound(self.id)), None));
        };
        let grant = grant_of(&record, &self.event).map(|id| grants::get(on, &self.tenant, id));
        let grant = grant.transpose()?.flatten();
        let facts = world.facts(on, &record, &self.event, world.clock.now()?)?;
        let step = machine::apply_with(&record, &self.event, facts, grant.as_ref());
        let (next, drawn) = match step {
            Ok((Transition::Changed(next), drawn)) => (self.enclosed.complete(next), drawn),
            Ok((Transition::Replayed, _)) => {
                return Ok((Ok(Stands::Read(Kept { n, record })), None));
            }
            Err(refusal) => {
                let answer = self.refused(refusal, record)?;
                return Ok((answer.map(|record| Stands::Read(Kept { n, record })), None));
            }
        };
        if let Some((drawn, grant)) = drawn.zip(grant) {
            grants::update(on, &drawn, &grant)?;
            reach("grant-drawn");
        }
        let (next, written) = keep(on, n, next, &record, &self.event, &self.enclosed)?;
        Ok((Ok(Stands::Written(n, next)), Some(written)))
    }

    /// A refusal, unless it is our own earlier attempt that stands in the way: then it happened.
    fn refused(
        &self,
        refusal: machine::Refusal,
        current: Box<CallRecord>,
    ) -> Result<Result<Box<CallRecord>, ApplyError>, Fault> {
        match &self.answer {
            Some(Ok(first)) if *first.record() == *current => Ok(Ok(current)),
            // Others have moved on from a change that may have been ours.
            Some(Ok(first)) if current.version >= first.record().version => Err(Fault::Ambiguous),
            _ => Ok(Err(ApplyError::Rejected { refusal, current })),
        }
    }
}

impl Operation for Apply {
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn perform(
        &mut self,
        on: &Connection,
        world: &World,
        written: &mut Vec<Written>,
    ) -> Result<(), Fault> {
        let (answer, line) = self.advance(on, world)?;
        self.answer = Some(answer);
        written.extend(line);
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        if let Some(answer) = self.answer {
            let _ = self.reply.send(answer.map(Stands::into_kept));
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error.into()));
    }
}

/// Keeps what an event has led to, and what it encloses.
pub(super) fn keep(
    on: &Connection,
    n: i64,
    next: CallRecord,
    from: &CallRecord,
    event: &Event,
    enclosed: &EventPayload,
) -> Result<(Row, Written), Fault> {
    let next = Row::of(event.name(), next, event.by().cloned())?;
    replace(on, n, &next, from)?;
    let written = keep_rest(on, n, &next, event, enclosed)?;
    Ok((next, written))
}

/// Puts the next version of a record in the place of the one that was read in this transaction,
/// which excludes other writers: a miss means damage.
pub(super) fn replace(on: &Connection, n: i64, next: &Row, from: &CallRecord) -> Result<(), Fault> {
    if next.update(on, n, from)? { Ok(()) } else { Err(Fault::Damaged("a call's version differs")) }
}

/// Keeps what belongs to a change beside the record.
fn keep_rest(
    on: &Connection,
    n: i64,
    next: &Row,
    event: &Event,
    enclosed: &EventPayload,
) -> Result<Written, Fault> {
    reach("between-writes");
    let record = next.record();
    if let Some(result) = &enclosed.result {
        on.prepare_cached("INSERT OR REPLACE INTO results (call, sealed) VALUES (?1, ?2)")?
            .execute(params![n, result.as_bytes()])?;
    }
    if record.state.is_terminal() {
        on.prepare_cached("DELETE FROM payloads WHERE call = ?1")?.execute([n])?;
    } else if let Some(payload) = &enclosed.payload {
        on.prepare_cached("INSERT OR REPLACE INTO payloads (call, sealed) VALUES (?1, ?2)")?
            .execute(params![n, payload.as_bytes()])?;
    }
    decisions::count(on, n, event)?;
    let written = next.log(on, n)?;
    if let Some(session) = enclosed.auditor.filter(|_| event.is_audited()) {
        outbox::owe(on, n, record.version, written, Some(session))?;
    }
    Ok(written)
}

/// A value of the file's own table, like its epoch.
pub(super) fn meta(on: &Connection, name: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT value FROM meta WHERE name = ?1";
    Ok(on.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?)
}

/// Keeps a value in the file's own table.
pub(super) fn set_meta(on: &Connection, name: &str, value: &str) -> Result<(), Fault> {
    on.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", [name, value])?;
    Ok(())
}
