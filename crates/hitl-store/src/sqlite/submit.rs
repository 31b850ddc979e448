//! The submission of a call, as an operation of the writer.

use hitl_base::Timestamp;
use hitl_core::machine::NewCall;
use hitl_core::seal::Sealed;
use hitl_core::store::{StoreError, SubmitResult};
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use super::error::Fault;
use super::freeze;
use super::grants;
use super::operation::{HistoryLine, Operation, WriteContext};
use super::optimistic::StampedCall;
use super::outbox;
use super::query::{self, StoredCall};
use super::queue;
use super::retention;
use super::row::CallRow;
use crate::failpoint::reach;

/// The submission of a call.
pub(super) struct Submit {
    call: NewCall,
    payload: Sealed,
    /// Used at the first attempt only: a second one reads the result of the first.
    stamped: Option<StampedCall>,
    answer: Option<SubmitAnswer>,
    reply: oneshot::Sender<Result<SubmitReply, StoreError>>,
}

/// The answer to a submission, and the number of a call that is new.
pub(super) type SubmitReply = (SubmitResult, Option<i64>);

/// The answer before acknowledgement; the acknowledging thread drops the written row.
enum SubmitAnswer {
    New(i64, CallRow),
    Other(Box<SubmitResult>),
}

impl Submit {
    /// Prepares the call as far as possible without the file. Also returns the receiver of the
    /// answer.
    pub(super) fn new(
        mut call: NewCall,
        payload: Sealed,
        now: Timestamp,
    ) -> (Self, oneshot::Receiver<Result<SubmitReply, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        // Stamped first, so that the prepared record shares its request.
        call.stamp(now);
        let stamped = StampedCall::new(&call, now);
        (Self { call, payload, stamped, answer: None, reply }, answer)
    }

    /// Returns why the call may not enter, for reasons other than a taken key or a call that it
    /// attaches to.
    fn refused(&self, on: &Connection) -> Result<Option<SubmitResult>, Fault> {
        let began = self.call.key().run.began();
        if began.is_some() && began < retention::watermark(on)? {
            return Err(Fault::RunForgotten);
        }
        if self.call.starts() && freeze::stops_starts(on, &self.call.key().tenant)? {
            return Ok(Some(SubmitResult::Frozen));
        }
        Ok(queue::broken_cap(on, &self.call)?.map(SubmitResult::Full))
    }

    /// Writes the prepared row, if it is still valid and the key is free.
    fn insert_prepared(
        &mut self,
        on: &Connection,
        context: &WriteContext,
    ) -> Result<Option<(i64, CallRow)>, Fault> {
        let now = context.clock.now()?;
        let row = self.stamped.take().and_then(|stamped| stamped.row(now));
        let Some(row) = row else { return Ok(None) };
        if !matches!(self.refused(on), Ok(None)) {
            return Ok(None);
        }
        Ok(row.insert(on)?.map(|n| (n, row)))
    }

    /// Reads the current state, and writes.
    fn insert_after_reading(
        &mut self,
        on: &Connection,
        context: &WriteContext,
    ) -> Result<Result<(i64, CallRow), SubmitResult>, Fault> {
        if let Some(StoredCall { record, .. }) = query::find(on, self.call.key())? {
            return Ok(Err(if record.content() != self.call.content() {
                SubmitResult::Conflict(record.id())
            } else if record.id() == self.call.id() {
                SubmitResult::Created(*record)
            } else {
                SubmitResult::Existing(*record)
            }));
        }
        let (key, digest) = (self.call.key(), self.call.content());
        if self.call.attaches()
            && let Some(record) = query::attachable(on, &key.tenant, &key.run, digest)?
        {
            return Ok(Err(SubmitResult::Existing(*record)));
        }
        if let Some(refused) = self.refused(on)? {
            return Ok(Err(refused));
        }
        let grant = self.call.grant().map(|id| grants::get(on, &self.call.key().tenant, id));
        let grant = grant.transpose()?.flatten();
        let (record, drawn) = match self.call.admitted(grant.as_ref(), context.clock.now()?) {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(Err(SubmitResult::NotGranted(refusal))),
        };
        let row = CallRow::submitted(record)?;
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
        context: &WriteContext,
        written: &mut Vec<HistoryLine>,
    ) -> Result<(), Fault> {
        let new = match self.insert_prepared(on, context)? {
            Some(new) => Ok(new),
            None => self.insert_after_reading(on, context)?,
        };
        let (n, row) = match new {
            Ok(new) => new,
            Err(answer) => {
                self.answer = Some(SubmitAnswer::Other(Box::new(answer)));
                return Ok(());
            }
        };
        if !row.record().state().is_terminal() {
            on.prepare_cached("INSERT INTO payloads (call, sealed) VALUES (?1, ?2)")?
                .execute(params![n, self.payload.as_bytes()])?;
        }
        let line = row.log(on, n)?;
        if let Some(session) = self.call.auditor() {
            outbox::add_unaudited(on, n, row.record().version(), line, Some(session))?;
        }
        written.push(line);
        self.answer = Some(SubmitAnswer::New(n, row));
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        let answer = match self.answer {
            None => return,
            Some(SubmitAnswer::New(n, row)) => (SubmitResult::Created(*row.into_record()), Some(n)),
            Some(SubmitAnswer::Other(answer)) => (*answer, None),
        };
        // The caller may have gone: the write still counts.
        let _ = self.reply.send(Ok(answer));
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}
