//! How a task is stopped, and how it ends.

use std::time::Duration;

use hitl_base::Timestamp;

use super::Record;
use super::shared::Inner;
use crate::failure::clean;
use crate::sync::{MutexGuard, Ordering, lock};
use crate::{Happening, Status, TaskError, TaskState, Transition};
use std::sync::Arc;

/// How a task ends.
#[derive(Clone)]
pub(crate) enum End {
    Completed,
    Failed(TaskError),
    Cancelled,
    TimedOut(Duration),
    /// It goes no further here: nothing is undone and no end is journaled.
    Left(TaskError),
    /// It ended in an earlier life.
    Earlier(TaskState, Option<TaskError>),
}

/// Who stops a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopper {
    /// Somebody who means the task.
    Somebody,
    /// Its host goes away: what is journaled goes on later.
    Host,
}

/// What became of a cancellation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The task had ended, or was being stopped already.
    TooLate,
    /// It had not started and is over.
    AtOnce,
    /// The driver will stop it.
    Asked,
}

impl Record {
    /// It will not complete and has something to undo. How it will end is settled here: who asks
    /// for something else afterwards is too late.
    pub(crate) fn begin_undo(&self, end: End) -> End {
        let at = self.now();
        let mut inner = lock(&self.inner);
        let end = match end {
            End::Earlier(..) => end,
            _ if inner.stop.is_some() => End::Cancelled,
            end => end,
        };
        if let Ok(next) = inner.live.state.next(Transition::Undo) {
            let status = match &end {
                End::Cancelled => Status::Cancelled,
                _ => Status::Failed,
            };
            inner.live.state = next;
            inner.live.end_running(&self.info, status, at);
            self.tell(inner, at, || Happening::Undoing);
        }
        end
    }

    /// Asks it to end. The caller tidies up after [`Stopped::AtOnce`].
    pub(crate) fn stop(&self, stopper: Stopper, reason: Option<&str>) -> Stopped {
        let reason = reason.map(|text| clean(&self.scheduler.settings.redactor, text).into());
        let mut inner = lock(&self.inner);
        let state = inner.live.state;
        if state == TaskState::Undoing && !inner.settled {
            // How it ends is decided; but nobody wants to wait for it any longer.
            inner.hurried = true;
            inner.suspended |= stopper == Stopper::Host;
            drop(inner);
            self.poke.notify_one();
            return Stopped::TooLate;
        }
        if inner.settled || inner.stop.is_some() || state.is_terminal() {
            return Stopped::TooLate;
        }
        inner.suspended = stopper == Stopper::Host;
        inner.stop = Some(TaskError::cancelled(reason));
        self.stopping.store(true, Ordering::Release);
        if inner.live.state == TaskState::Queued {
            self.finish_locked(inner, End::Cancelled, Vec::new(), self.now());
            return Stopped::AtOnce;
        }
        drop(inner);
        self.poke.notify_one();
        Stopped::Asked
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Nobody can stop it any more: how it ends is about to be recorded elsewhere.
    pub(crate) fn settle(&self, end: End) -> End {
        let mut inner = lock(&self.inner);
        inner.settled = true;
        match end {
            End::Earlier(..) => end,
            _ if inner.stop.is_some() => End::Cancelled,
            end => end,
        }
    }

    pub(crate) fn stop_error(&self) -> Option<TaskError> {
        lock(&self.inner).stop.clone()
    }

    /// Whether what is being undone shall not wait any more.
    pub(crate) fn is_hurried(&self) -> bool {
        lock(&self.inner).hurried
    }

    /// Whether it was stopped only because its host goes away.
    pub(crate) fn is_suspended(&self) -> bool {
        lock(&self.inner).suspended
    }

    /// It has waited to start for longer than it may. The caller tidies up.
    pub(crate) fn give_up(&self) {
        let inner = lock(&self.inner);
        if inner.live.state == TaskState::Queued {
            let limit = self.info.queue_limit().unwrap_or_default();
            self.finish_as(inner, TaskState::TimedOut, Some(TaskError::not_started(limit)));
        }
    }

    /// Adds to the error what was undone.
    pub(crate) fn finish_undone(&self, end: End, undone: Vec<crate::Undone>) {
        self.finish_locked(lock(&self.inner), end, undone, self.now());
    }

    /// The end. Does nothing when it has ended already.
    pub(crate) fn finish(&self, end: End, at: Timestamp) {
        self.finish_locked(lock(&self.inner), end, Vec::new(), at);
    }

    fn finish_locked(
        &self,
        inner: MutexGuard<'_, Inner>,
        end: End,
        undone: Vec<crate::Undone>,
        at: Timestamp,
    ) {
        let end = match end {
            End::Earlier(..) => end,
            _ if inner.stop.is_some() => End::Cancelled,
            end => end,
        };
        let (state, error) = match end {
            End::Completed => (TaskState::Completed, None),
            End::Failed(error) | End::Left(error) => (TaskState::Failed, Some(error)),
            End::TimedOut(limit) => (TaskState::TimedOut, Some(TaskError::timed_out(limit))),
            End::Cancelled => {
                let stop = inner.stop.clone();
                (TaskState::Cancelled, Some(stop.unwrap_or_else(|| TaskError::cancelled(None))))
            }
            End::Earlier(state, error) => (state, error),
        };
        self.finish_as_at(inner, state, error.map(|error| error.with_undone(undone)), at);
    }

    fn finish_as(&self, inner: MutexGuard<'_, Inner>, state: TaskState, error: Option<TaskError>) {
        self.finish_as_at(inner, state, error, self.now());
    }

    fn finish_as_at(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        state: TaskState,
        error: Option<TaskError>,
        at: Timestamp,
    ) {
        let transition = match state {
            TaskState::Completed => Transition::Complete,
            TaskState::Cancelled => Transition::Cancel,
            TaskState::TimedOut => Transition::TimeOut,
            _ => Transition::Fail,
        };
        let Ok(next) = inner.live.state.next(transition) else { return };
        inner.live.state = next;
        inner.live.end(&self.info, next.status(), at);
        inner.error.clone_from(&error);
        self.tell(inner, at, || Happening::Ended {
            state: next,
            error: error.as_ref().map(|error| Arc::clone(error.text())),
            reason: error.as_ref().and_then(TaskError::shared_reason),
        });
    }
}
