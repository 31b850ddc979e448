//! Operations of the writer: what they need, and how they are queued.
//!
//! Each is performed inside a transaction, possibly more than once: when the transaction is lost,
//! or when its commit failed half-way, it is performed again in the next one. That is sound because
//! the second time finds what the first one wrote, if it is there.

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
        // Another process may have stamped a later moment than this one has seen.
        Ok(StoreFacts { now: now.max(record.updated_at()), claimant_dead, decision_used })
    }
}

/// A line that was added to the history.
#[derive(Clone, Copy, Debug)]
pub(super) struct HistoryLine {
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
        context: &WriteContext,
        written: &mut Vec<HistoryLine>,
    ) -> Result<(), Fault>;
    /// Gives the answer: it is committed.
    fn acknowledge(self: Box<Self>);
    /// Says that it failed.
    fn fail(self: Box<Self>, error: StoreError);
}

/// An operation, until its author knows what came of it.
pub(super) struct QueuedOperation {
    pub(super) operation: Box<dyn Operation>,
    /// Its place among those that wait, given up with it.
    _turn: OwnedSemaphorePermit,
}

impl QueuedOperation {
    /// The operation waits, and holds this place.
    pub(super) fn new(operation: impl Operation + 'static, turn: OwnedSemaphorePermit) -> Self {
        Self { operation: Box::new(operation), _turn: turn }
    }
}
