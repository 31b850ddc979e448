//! What can be written: a submission, and an event applied to a call.
//!
//! Each is performed inside a transaction, possibly more than once: when the transaction is lost, or
//! when its commit failed half-way, it is performed again in the next one. That is sound because the
//! second time finds what the first one wrote, if it is there.

use std::sync::Arc;

use hitl_base::{Clock, Timestamp};
use hitl_core::machine::{
    self, CallRecord, CallState, Entry, Event, Facts, NewCall, Step, grant_of,
};
use hitl_core::queue::{begins_to_wait, rank};
use hitl_core::seal::Sealed;
use hitl_core::store::{ApplyError, Enclosed, StoreError, Submitted};
use hitl_core::{ContentDigest, RequestId, Tenant};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::oneshot;

use super::error::Fault;
use super::grants;
use super::outbox;
use super::query::{self, Kept};
use super::queue;
use super::retention;
use super::session::Sessions;
use crate::failpoint::reach;

/// What an operation needs to know beside the file.
#[derive(Clone)]
pub(super) struct World {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sessions: Sessions,
}

impl World {
    /// What a record is judged by.
    pub(super) fn facts(&self, record: &CallRecord, now: Timestamp) -> Facts {
        let claimant_dead = record.claim.is_some_and(|claim| self.sessions.is_dead(claim.session));
        Facts { now, claimant_dead }
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
    pub(super) call: NewCall,
    pub(super) payload: Sealed,
    pub(super) answer: Option<Submitted>,
    pub(super) reply: oneshot::Sender<Result<Submitted, StoreError>>,
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
        let kept = query::find(on, self.call.key())?;
        if let Some(Kept { record, .. }) = kept {
            self.answer = Some(if record.content != self.call.content() {
                Submitted::Conflict(record.id())
            } else if record.id() == self.call.id() {
                Submitted::Created(record)
            } else {
                Submitted::Existing(record)
            });
            return Ok(());
        }
        let began = self.call.key().run.began();
        if began.is_some() && began < retention::watermark(on)? {
            return Err(Fault::RunForgotten);
        }
        if let Some(cap) = queue::broken_cap(on, &self.call)? {
            self.answer = Some(Submitted::Full(cap));
            return Ok(());
        }
        let grant = self.call.grant().map(|id| grants::get(on, &self.call.key().tenant, id));
        let grant = grant.transpose()?.flatten();
        let (record, drawn) = match self.call.admitted(grant.as_ref(), world.clock.now()) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                self.answer = Some(Submitted::NotGranted(refusal));
                return Ok(());
            }
        };
        let n = insert(on, &record)?;
        if let Some((drawn, grant)) = drawn.zip(grant) {
            grants::update(on, &drawn, &grant)?;
            reach("grant-drawn");
        }
        if !record.state.is_terminal() {
            on.prepare_cached("INSERT INTO payloads (call, sealed) VALUES (?1, ?2)")?
                .execute(params![n, self.payload.as_bytes()])?;
        }
        let seq = log(on, n, &Entry::of("submitted", &record, None))?;
        if let Some(session) = self.call.auditor() {
            outbox::owe(on, n, record.version, seq, Some(session))?;
        }
        written.push(seq);
        self.answer = Some(Submitted::Created(record));
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        if let Some(answer) = self.answer {
            // Whoever asked may have gone: the write stands all the same.
            let _ = self.reply.send(Ok(answer));
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}

/// Applies an event.
pub(super) struct Apply {
    pub(super) tenant: Tenant,
    pub(super) id: RequestId,
    pub(super) event: Event,
    pub(super) enclosed: Enclosed,
    pub(super) answer: Option<Result<CallRecord, ApplyError>>,
    pub(super) reply: oneshot::Sender<Result<CallRecord, ApplyError>>,
}

impl Apply {
    /// What the event leads to, and the line of history when it changed something.
    fn advance(
        &mut self,
        on: &Connection,
        world: &World,
    ) -> Result<(Result<CallRecord, ApplyError>, Option<Written>), Fault> {
        let Some(Kept { n, record }) = query::get(on, &self.tenant, self.id)? else {
            return Ok((Err(ApplyError::NotFound(self.id)), None));
        };
        let grant = grant_of(&record, &self.event).map(|id| grants::get(on, &self.tenant, id));
        let grant = grant.transpose()?.flatten();
        let facts = world.facts(&record, world.clock.now());
        let step = machine::apply_with(&record, &self.event, facts, grant.as_ref());
        let (next, drawn) = match step {
            Ok((Step::Changed(next), drawn)) => (self.enclosed.complete(next), drawn),
            Ok((Step::Replayed, _)) => return Ok((Ok(record), None)),
            Err(refusal) => return self.refused(refusal, record).map(|answer| (answer, None)),
        };
        if let Some((drawn, grant)) = drawn.zip(grant) {
            grants::update(on, &drawn, &grant)?;
            reach("grant-drawn");
        }
        let written = keep(on, n, &next, &record, &self.event, &self.enclosed)?;
        Ok((Ok(next), Some(written)))
    }

    /// A refusal, unless it is our own earlier attempt that stands in the way: then it happened.
    fn refused(
        &self,
        refusal: machine::Refusal,
        current: CallRecord,
    ) -> Result<Result<CallRecord, ApplyError>, Fault> {
        match &self.answer {
            Some(Ok(first)) if *first == current => Ok(Ok(current)),
            // Others have moved on from a change that may have been ours.
            Some(Ok(first)) if current.version >= first.version => Err(Fault::Ambiguous),
            _ => Ok(Err(ApplyError::Lost { refusal, current: Box::new(current) })),
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
            let _ = self.reply.send(answer);
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
    next: &CallRecord,
    from: &CallRecord,
    event: &Event,
    enclosed: &Enclosed,
) -> Result<Written, Fault> {
    update(on, n, next, from)?;
    reach("between-writes");
    if let Some(result) = &enclosed.result {
        on.prepare_cached("INSERT OR REPLACE INTO results (call, sealed) VALUES (?1, ?2)")?
            .execute(params![n, result.as_bytes()])?;
    }
    if next.state.is_terminal() {
        on.prepare_cached("DELETE FROM payloads WHERE call = ?1")?.execute([n])?;
    } else if let Some(payload) = &enclosed.payload {
        on.prepare_cached("INSERT OR REPLACE INTO payloads (call, sealed) VALUES (?1, ?2)")?
            .execute(params![n, payload.as_bytes()])?;
    }
    let written = log(on, n, &Entry::of(event.name(), next, event.by().cloned()))?;
    if let Some(session) = enclosed.auditor.filter(|_| event.is_audited()) {
        outbox::owe(on, n, next.version, written, Some(session))?;
    }
    Ok(written)
}

fn insert(on: &Connection, record: &CallRecord) -> Result<i64, Fault> {
    let (request, key) = (&record.request, record.key());
    let content: ContentDigest = record.content;
    let waits = record.state == CallState::Pending;
    let turn = if waits { queue::turn_of(on, record)? } else { 0 };
    on.prepare_cached(
        "INSERT INTO calls (id, tenant, run, position, content, state, version, tool, priority, \
         created_at, due_at, expires_at, updated_at, session, record, principal, level, rank, turn, \
         root) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
         ?19, ?20)",
    )?
    .execute(params![
        record.id().to_string(),
        key.tenant.as_str(),
        key.run.as_str(),
        key.position.cast_signed(),
        content.to_string(),
        record.state.name(),
        record.version.cast_signed(),
        request.tool,
        request.priority.to_string(),
        request.created_at.as_millis(),
        request.due_at.as_millis(),
        request.expires_at.as_millis(),
        record.updated_at.as_millis(),
        claimant(record),
        encode(record)?,
        request.principal.as_str(),
        request.level.to_string(),
        rank(request.priority),
        turn,
        record.context.root_of(&key.run).as_str(),
    ])?;
    Ok(on.last_insert_rowid())
}

/// The compare-and-set. The transaction excludes other writers, so a miss means damage.
pub(super) fn update(
    on: &Connection,
    n: i64,
    record: &CallRecord,
    from: &CallRecord,
) -> Result<(), Fault> {
    let request = &record.request;
    let turn = if begins_to_wait(from, record) { Some(queue::turn_of(on, record)?) } else { None };
    let changed = on
        .prepare_cached(
            "UPDATE calls SET state = ?3, version = ?4, priority = ?5, due_at = ?6, \
             expires_at = ?7, updated_at = ?8, session = ?9, record = ?10, level = ?11, \
             rank = ?12, turn = coalesce(?13, turn), principal = ?14 \
             WHERE n = ?1 AND version = ?2",
        )?
        .execute(params![
            n,
            from.version.cast_signed(),
            record.state.name(),
            record.version.cast_signed(),
            request.priority.to_string(),
            request.due_at.as_millis(),
            request.expires_at.as_millis(),
            record.updated_at.as_millis(),
            claimant(record),
            encode(record)?,
            request.level.to_string(),
            rank(request.priority),
            turn,
            request.principal.as_str(),
        ])?;
    if changed == 1 { Ok(()) } else { Err(Fault::Damaged("a call's version differs")) }
}

fn claimant(record: &CallRecord) -> Option<String> {
    let runs = record.state == CallState::Claimed;
    record.claim.filter(|_| runs).map(|claim| claim.session.to_string())
}

pub(super) fn log(on: &Connection, n: i64, entry: &Entry) -> Result<Written, Fault> {
    on.prepare_cached("INSERT INTO history (call, entry) VALUES (?1, ?2)")?
        .execute(params![n, encode(entry)?])?;
    Ok(Written { seq: on.last_insert_rowid(), id: entry.id })
}

pub(super) fn encode<T: serde::Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|_| Fault::Damaged("a record cannot be written as JSON"))
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
