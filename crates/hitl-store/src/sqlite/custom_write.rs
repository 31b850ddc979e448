//! A write that is not a step in a call's life: retention, and the journal of tasks.

use hitl_core::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::Fault;
use super::operation::{HistoryLine, Operation, WriteContext};

/// The work inside the transaction. It may be performed more than once.
type WriteFn<T> = Box<dyn FnMut(&Connection, &WriteContext) -> Result<T, Fault> + Send>;

/// The write, and the channel for its answer.
pub(super) struct CustomWrite<T> {
    perform: WriteFn<T>,
    answer: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send> CustomWrite<T> {
    /// Wraps the write. Also returns the receiver of its answer.
    pub(super) fn new(
        work: impl FnMut(&Connection, &WriteContext) -> Result<T, Fault> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { perform: Box::new(work), answer: None, reply }, answer)
    }
}

impl<T: Send> Operation for CustomWrite<T> {
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn perform(
        &mut self,
        on: &Connection,
        context: &WriteContext,
        _written: &mut Vec<HistoryLine>,
    ) -> Result<(), Fault> {
        self.answer = Some((self.perform)(on, context)?);
        Ok(())
    }

    fn acknowledge(self: Box<Self>) {
        if let Some(answer) = self.answer {
            // The caller may have gone: the write still counts.
            let _ = self.reply.send(Ok(answer));
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}
