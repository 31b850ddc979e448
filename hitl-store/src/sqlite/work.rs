//! A write that is no step of a call's life: retention, and the journal of tasks.

use hitl_core::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::Fault;
use super::operation::{Operation, World, Written};

/// What is done inside the transaction; possibly more than once, so it must bear that.
type Do<T> = Box<dyn FnMut(&Connection, &World) -> Result<T, Fault> + Send>;

/// Such a write, and whoever waits for its answer.
pub(super) struct Work<T> {
    perform: Do<T>,
    answer: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send> Work<T> {
    /// The write, and where its answer comes.
    pub(super) fn new(
        work: impl FnMut(&Connection, &World) -> Result<T, Fault> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { perform: Box::new(work), answer: None, reply }, answer)
    }
}

impl<T: Send> Operation for Work<T> {
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn perform(
        &mut self,
        on: &Connection,
        world: &World,
        _written: &mut Vec<Written>,
    ) -> Result<(), Fault> {
        self.answer = Some((self.perform)(on, world)?);
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
