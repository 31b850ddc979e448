//! An event applied to one call, as an operation of the writer.

use hitl_base::Timestamp;
use hitl_core::machine::{self, CallRecord, Event, Transition, grant_of};
use hitl_core::store::{ApplyError, ApplyRequest, EventPayload, StoreError};
use hitl_core::{RequestId, Tenant};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::decisions;
use super::error::Fault;
use super::freeze;
use super::grants;
use super::operation::{HistoryLine, Operation, WriteContext};
use super::optimistic::OptimisticUpdate;
use super::query::{self, StoredCall};
use super::row::CallRow;
use super::write::{write_next, write_rest};
use crate::failpoint::reach;
use crate::record_cache::RecordCache;

/// The application of an event.
pub(super) struct Apply {
    tenant: Tenant,
    id: RequestId,
    event: Event,
    enclosed: EventPayload,
    /// Used at the first attempt only: a second one reads the result of the first.
    optimistic: Option<OptimisticUpdate>,
    answer: Option<Result<ApplyAnswer, ApplyError>>,
    reply: oneshot::Sender<Result<StoredCall, ApplyError>>,
}

/// A call after an event.
enum ApplyAnswer {
    /// The event changed the call.
    HistoryLine(i64, CallRow),
    /// The call was in this state already.
    Unchanged(StoredCall),
}

impl ApplyAnswer {
    fn record(&self) -> &CallRecord {
        match self {
            Self::HistoryLine(_, row) => row.record(),
            Self::Unchanged(kept) => &kept.record,
        }
    }

    fn into_kept(self) -> StoredCall {
        match self {
            Self::HistoryLine(n, row) => StoredCall { n, record: row.into_record() },
            Self::Unchanged(kept) => kept,
        }
    }
}

impl Apply {
    /// Prepares the event as far as possible without the file. Also returns the receiver of the
    /// answer.
    pub(super) fn new(
        tenant: &Tenant,
        ApplyRequest { id, event, enclosed, .. }: ApplyRequest,
        record_cache: &RecordCache<i64>,
        now: Timestamp,
    ) -> (Self, oneshot::Receiver<Result<StoredCall, ApplyError>>) {
        let (reply, answer) = oneshot::channel();
        let optimistic = OptimisticUpdate::new(record_cache, (tenant, id), &event, &enclosed, now);
        let tenant = tenant.clone();
        (Self { tenant, id, event, enclosed, optimistic, answer: None, reply }, answer)
    }

    /// Returns the result of the event, and the line of history if it changed something.
    fn advance(
        &mut self,
        on: &Connection,
        context: &WriteContext,
    ) -> Result<(Result<ApplyAnswer, ApplyError>, Option<HistoryLine>), Fault> {
        if let Some(optimistic) = self.optimistic.take()
            && !decisions::is_used(on, self.id, &self.event)?
            && !freeze::stops(on, &self.tenant, &self.event)?
            && let Some((n, next)) = optimistic.write(on, context.clock.now()?)?
        {
            let written = write_rest(on, n, &next, &self.event, &self.enclosed)?;
            return Ok((Ok(ApplyAnswer::HistoryLine(n, next)), Some(written)));
        }
        let Some(StoredCall { n, record }) = query::get(on, &self.tenant, self.id)? else {
            return Ok((Err(ApplyError::NotFound(self.id)), None));
        };
        let grant = grant_of(&record, &self.event).map(|id| grants::get(on, &self.tenant, id));
        let grant = grant.transpose()?.flatten();
        let facts = context.facts(on, &record, &self.event, context.clock.now()?)?;
        let step = machine::apply_with(&record, &self.event, facts, grant.as_ref());
        let (next, drawn) = match step {
            Ok((Transition::Changed(next), drawn)) => (self.enclosed.complete(next), drawn),
            Ok((Transition::Replayed, _)) => {
                return Ok((Ok(ApplyAnswer::Unchanged(StoredCall { n, record })), None));
            }
            Err(refusal) => {
                let answer = self.refused(refusal, record)?;
                return Ok((
                    answer.map(|record| ApplyAnswer::Unchanged(StoredCall { n, record })),
                    None,
                ));
            }
        };
        if let Some((drawn, grant)) = drawn.zip(grant) {
            grants::update(on, &drawn, &grant)?;
            reach("grant-drawn");
        }
        let (next, written) = write_next(on, n, next, &record, &self.event, &self.enclosed)?;
        Ok((Ok(ApplyAnswer::HistoryLine(n, next)), Some(written)))
    }

    /// Returns the refusal, unless the operation's own earlier attempt caused it: then the event
    /// happened.
    fn refused(
        &self,
        refusal: machine::Refusal,
        current: Box<CallRecord>,
    ) -> Result<Result<Box<CallRecord>, ApplyError>, Fault> {
        match &self.answer {
            Some(Ok(first)) if *first.record() == *current => Ok(Ok(current)),
            // Others have changed the call since a change that may be this operation's.
            Some(Ok(first)) if current.version() >= first.record().version() => {
                Err(Fault::Ambiguous)
            }
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
        context: &WriteContext,
        written: &mut Vec<HistoryLine>,
    ) -> Result<(), Fault> {
        let (answer, line) = self.advance(on, context)?;
        self.answer = Some(answer);
        written.extend(line);
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        if let Some(answer) = self.answer {
            let _ = self.reply.send(answer.map(ApplyAnswer::into_kept));
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error.into()));
    }
}
