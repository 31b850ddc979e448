//! The stopping and the end of a task.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;

use crate::error::{TaskError, UndoResult};
use crate::observe::event::TaskEventKind;
use crate::state::record::{Record, RecordState};
use crate::state::status::Status;
use crate::state::task_state::{TaskState, Transition};
use crate::sync::{MutexGuard, Ordering, lock};
use crate::text::redact;
/// The end of a task.
#[derive(Clone)]
pub(crate) enum Termination {
    Completed,
    Failed(TaskError),
    Cancelled,
    TimedOut(Duration),
    /// This process gives the task up: nothing is undone and no end is journaled.
    Abandoned(TaskError),
    /// The task ended before a restart.
    Recorded(TaskState, Option<TaskError>),
}

/// The origin of a request to stop a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopCause {
    /// A request that names the task.
    Request,
    /// The host shuts down: a journaled task continues later.
    HostShutdown,
}

/// The outcome of a request to stop a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopOutcome {
    /// The task had ended, or was being stopped already.
    TooLate,
    /// The task had not started and has ended.
    Immediate,
    /// The driver will stop it.
    Requested,
}

impl Record {
    /// Begins to undo the steps of a task that will not complete. Its end is fixed here; later
    /// requests are too late.
    pub(crate) fn begin_undo(&self, end: Termination) -> Termination {
        let at = self.now();
        let mut inner = lock(&self.inner);
        let end = match end {
            Termination::Recorded(..) => end,
            _ if inner.stop.is_some() => Termination::Cancelled,
            end => end,
        };
        if let Ok(next) = inner.live.state.next(Transition::Undo) {
            let status = match &end {
                Termination::Cancelled => Status::Cancelled,
                _ => Status::Failed,
            };
            inner.live.state = next;
            inner.live.end_running(&self.info, status, at);
            self.emit(inner, at, || TaskEventKind::Undoing);
        }
        end
    }

    /// Asks the task to end. The caller cleans up after [`StopOutcome::Immediate`].
    pub(crate) fn stop(&self, cause: StopCause, reason: Option<&str>) -> StopOutcome {
        let reason = reason.map(|text| redact(&self.environment.redactor, text).into());
        let mut inner = lock(&self.inner);
        let state = inner.live.state;
        if state == TaskState::Undoing && !inner.end_fixed {
            // The end is decided; the undo continues without delays.
            inner.undo_cancelled = true;
            inner.suspended |= cause == StopCause::HostShutdown;
            drop(inner);
            self.waker.notify_one();
            return StopOutcome::TooLate;
        }
        if inner.end_fixed || inner.stop.is_some() || state.is_terminal() {
            return StopOutcome::TooLate;
        }
        inner.suspended = cause == StopCause::HostShutdown;
        inner.stop = Some(TaskError::cancelled(reason));
        self.stopping.store(true, Ordering::Release);
        if inner.live.state == TaskState::Queued {
            self.finish_locked(inner, Termination::Cancelled, Vec::new(), self.now());
            return StopOutcome::Immediate;
        }
        drop(inner);
        self.waker.notify_one();
        StopOutcome::Requested
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Fixes the end, which is about to be recorded in the journal.
    pub(crate) fn fix_end(&self, end: Termination) -> Termination {
        let mut inner = lock(&self.inner);
        inner.end_fixed = true;
        match end {
            Termination::Recorded(..) => end,
            _ if inner.stop.is_some() => Termination::Cancelled,
            end => end,
        }
    }

    pub(crate) fn stop_error(&self) -> Option<TaskError> {
        lock(&self.inner).stop.clone()
    }

    /// Returns whether the undo should not wait between attempts.
    pub(crate) fn is_undo_cancelled(&self) -> bool {
        lock(&self.inner).undo_cancelled
    }

    /// Returns whether it was stopped only because its host shuts down.
    pub(crate) fn is_suspended(&self) -> bool {
        lock(&self.inner).suspended
    }

    /// Ends a task that waited too long to start. The caller cleans up.
    pub(crate) fn expire(&self) {
        let inner = lock(&self.inner);
        if inner.live.state == TaskState::Queued {
            let limit = self.info.queue_timeout().unwrap_or_default();
            self.finish_as(inner, TaskState::TimedOut, Some(TaskError::not_started(limit)));
        }
    }

    /// Ends the task, and adds the outcomes of undoing to the error.
    pub(crate) fn finish_with_undo(&self, end: Termination, undo_results: Vec<UndoResult>) {
        self.finish_locked(lock(&self.inner), end, undo_results, self.now());
    }

    /// Ends the task. Has no effect if it has ended already.
    pub(crate) fn finish(&self, end: Termination, at: Timestamp) {
        self.finish_locked(lock(&self.inner), end, Vec::new(), at);
    }

    fn finish_locked(
        &self,
        inner: MutexGuard<'_, RecordState>,
        end: Termination,
        undo_results: Vec<UndoResult>,
        at: Timestamp,
    ) {
        let is_left = inner.suspended && self.info.is_journaled();
        let end = match end {
            Termination::Recorded(..) if !is_left || inner.live.state != TaskState::Undoing => end,
            _ if is_left => {
                let error = TaskError::interrupted(inner.stop.as_ref());
                return self.finish_as_at(inner, TaskState::Interrupted, Some(error), at);
            }
            _ if inner.stop.is_some() => Termination::Cancelled,
            end => end,
        };
        let (state, error) = match end {
            Termination::Completed => (TaskState::Completed, None),
            Termination::Failed(error) | Termination::Abandoned(error) => {
                (TaskState::Failed, Some(error))
            }
            Termination::TimedOut(limit) => {
                (TaskState::TimedOut, Some(TaskError::timed_out(limit)))
            }
            Termination::Cancelled => {
                let stop = inner.stop.clone();
                (TaskState::Cancelled, Some(stop.unwrap_or_else(|| TaskError::cancelled(None))))
            }
            Termination::Recorded(state, error) => (state, error),
        };
        self.finish_as_at(
            inner,
            state,
            error.map(|error| error.with_undo_results(undo_results)),
            at,
        );
    }

    fn finish_as(
        &self,
        inner: MutexGuard<'_, RecordState>,
        state: TaskState,
        error: Option<TaskError>,
    ) {
        self.finish_as_at(inner, state, error, self.now());
    }

    fn finish_as_at(
        &self,
        mut inner: MutexGuard<'_, RecordState>,
        state: TaskState,
        error: Option<TaskError>,
        at: Timestamp,
    ) {
        let transition = match state {
            TaskState::Completed => Transition::Complete,
            TaskState::Cancelled => Transition::Cancel,
            TaskState::TimedOut => Transition::TimeOut,
            TaskState::Interrupted => Transition::Interrupt,
            _ => Transition::Fail,
        };
        let Ok(next) = inner.live.state.next(transition) else { return };
        inner.live.state = next;
        inner.live.end(&self.info, next.status(), at);
        inner.error.clone_from(&error);
        self.emit(inner, at, || TaskEventKind::Ended {
            state: next,
            error: error.as_ref().map(|error| Arc::clone(error.text())),
            reason: error.as_ref().and_then(TaskError::shared_reason),
        });
    }
}
