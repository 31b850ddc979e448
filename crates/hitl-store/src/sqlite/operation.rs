//! Operations of the writer: the context that they need, and their queueing.
//!
//! Each is performed inside a transaction, possibly more than once: when the transaction is lost,
//! or when the outcome of its commit is unknown, it is performed again in the next one. That is
//! sound because a repetition finds what the first attempt wrote, if it was committed.

use std::sync::Arc;

use hitl_base::Timestamp;
use hitl_base::clock::ForwardClock;
use hitl_core::RequestId;
use hitl_core::machine::{CallRecord, Event, StoreFacts};
use hitl_core::store::StoreError;
use rusqlite::Connection;
use tokio::sync::OwnedSemaphorePermit;

use super::decisions;
use super::error::Fault;
use super::freeze;
use super::session::Sessions;

/// The context of an operation, beside the file.
#[derive(Clone)]
pub(super) struct WriteContext {
    pub(super) clock: Arc<ForwardClock>,
    pub(super) sessions: Sessions,
}

impl WriteContext {
    /// Returns the facts that a record is judged by.
    pub(super) fn facts(
        &self,
        on: &Connection,
        record: &CallRecord,
        event: &Event,
        now: Timestamp,
    ) -> Result<StoreFacts, Fault> {
        let decision_used = decisions::is_used(on, record.id(), event)?;
        let claimant_dead =
            record.claim().is_some_and(|claim| self.sessions.is_dead(claim.session));
        let frozen = freeze::stops(on, &record.key().tenant, event)?;
        // Another process may have stamped a later moment than this one has seen.
        Ok(StoreFacts { now: now.max(record.updated_at()), claimant_dead, decision_used, frozen })
    }
}

/// A line that was added to the history.
#[derive(Clone, Copy, Debug)]
pub(super) struct HistoryLine {
    pub(super) seq: i64,
    pub(super) id: RequestId,
}

/// A write, and a caller that waits for the answer.
pub(super) trait Operation: Send {
    /// Returns whether no caller waits any more: then it can be skipped if it has not begun.
    fn is_abandoned(&self) -> bool;
    /// Performs the write inside a transaction, and adds the lines that it writes. Keeps the answer
    /// until the transaction is committed.
    fn perform(
        &mut self,
        on: &Connection,
        context: &WriteContext,
        written: &mut Vec<HistoryLine>,
    ) -> Result<(), Fault>;
    /// Sends the answer, once the transaction is committed.
    fn acknowledge(self: Box<Self>);
    /// Reports that the write failed.
    fn fail(self: Box<Self>, error: StoreError);
}

/// An operation that waits for its answer.
pub(super) struct QueuedOperation {
    pub(super) operation: Box<dyn Operation>,
    /// Its place in the queue, released when it is dropped.
    _turn: OwnedSemaphorePermit,
}

impl QueuedOperation {
    /// Queues the operation in this place.
    pub(super) fn new(operation: impl Operation + 'static, turn: OwnedSemaphorePermit) -> Self {
        Self { operation: Box::new(operation), _turn: turn }
    }
}
