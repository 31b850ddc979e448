//! A wait for the end of a task.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::TaskError;
use crate::run::current_attempt::current_attempt;
use crate::schedule::scheduler::Scheduler;
use crate::schedule::wait_graph::{Refusal, WaitEdge};
use crate::state::record::Record;

/// A wait for the end of a task. Dropping it ends it.
pub(crate) struct EndWait<'a> {
    scheduler: &'a Scheduler,
    target: &'a Arc<Record>,
    edge: Option<(u64, Arc<Refusal>)>,
}

impl<'a> EndWait<'a> {
    pub(crate) fn new(scheduler: &'a Scheduler, target: &'a Arc<Record>) -> Self {
        Self { scheduler, target, edge: None }
    }

    /// Returns the reason why the task did not complete, if it did not; an error if the wait would
    /// never end.
    pub(crate) async fn wait(mut self) -> Result<Option<TaskError>, TaskError> {
        let mut ended = std::pin::pin!(self.target.wait_finished());
        std::future::poll_fn(|cx| {
            if let Poll::Ready(error) = ended.as_mut().poll(cx) {
                return Poll::Ready(Ok(error));
            }
            let refused = self.edge.as_ref().is_some_and(|(_, refusal)| refusal.is_refused());
            if refused {
                return Poll::Ready(Err(TaskError::deadlock(self.target.info().name())));
            }
            self.record(cx);
            Poll::Pending
        })
        .await
    }

    /// Records that a step of the same manager waits. Its driver checks for a deadlock once the
    /// body has been polled, because the body may still go off the clock.
    fn record(&mut self, cx: &Context<'_>) {
        if let Some((_, refusal)) = &self.edge {
            refusal.set_waker(cx);
            return;
        }
        let Some(attempt) = current_attempt() else { return };
        if !Arc::ptr_eq(attempt.record.environment(), self.target.environment()) {
            return;
        }
        let refusal = Arc::<Refusal>::default();
        refusal.set_waker(cx);
        let target = Arc::clone(self.target);
        let wait = WaitEdge::new(Arc::clone(&attempt), target, Arc::clone(&refusal));
        self.edge = Some((self.scheduler.add_wait(wait), refusal));
        attempt.mark_waiting();
        attempt.record.wake();
    }
}

impl Drop for EndWait<'_> {
    fn drop(&mut self) {
        if let Some((number, _)) = self.edge.take() {
            drop(self.scheduler.remove_wait(number));
        }
    }
}
