//! The handle of a submitted task, with which its output is taken.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::TaskError;
use crate::id::TaskId;
use crate::observe::end_wait::EndWait;
use crate::observe::watcher::TaskWatcher;
use crate::run::value_cell::ValueCell;
use crate::schedule::scheduler::Scheduler;
use crate::state::progress::TaskProgress;
use crate::state::record::Record;
use crate::state::task_state::TaskState;
use crate::state::termination::StopCause;

/// A submitted task, and the claim on its output.
///
/// It owns only the claim: dropping it, or any wait on it, never stops the task.
/// [`cancel`](Self::cancel) does.
#[must_use = "dropping it lets the task go on alone; say so with detach()"]
pub struct TaskHandle<T> {
    scheduler: Arc<Scheduler>,
    record: Arc<Record>,
    output: ValueCell<T>,
}

impl<T: Send + 'static> TaskHandle<T> {
    pub(crate) fn new(
        scheduler: Arc<Scheduler>,
        record: Arc<Record>,
        output: ValueCell<T>,
    ) -> Self {
        Self { scheduler, record, output }
    }

    /// Returns the id of the task.
    pub fn id(&self) -> TaskId {
        self.record.id()
    }

    /// Returns the current state.
    pub fn state(&self) -> TaskState {
        self.record.state()
    }

    /// Returns the current progress.
    pub fn progress(&self) -> TaskProgress {
        self.record.snapshot()
    }

    /// Returns a watcher, which owns nothing of the task. There may be many.
    pub fn watcher(&self) -> TaskWatcher {
        TaskWatcher::new(Arc::clone(&self.record))
    }

    /// Waits for the end and takes the output.
    ///
    /// When it returns, the terminal event has been emitted, the steps and all they captured are
    /// dropped, and the slot is free. Cancel-safe: a dropped wait takes nothing, and you can wait
    /// again. If several waits see a completed task, the first takes the output and the others get
    /// [`OutputTaken`](crate::TaskErrorKind::OutputTaken); every wait gets an error.
    ///
    /// A step that waits for a task of its own manager does so [off the
    /// clock](crate::StepContext::off_clock): otherwise it keeps the slot that the other may need.
    /// If all slots are held like that the wait would never end, and returns a
    /// [`Deadlock`](crate::TaskErrorKind::Deadlock).
    pub async fn wait(&self) -> Result<T, TaskError> {
        match EndWait::new(&self.scheduler, &self.record).wait().await? {
            Some(error) => Err(error),
            None => self.output.take().ok_or_else(TaskError::output_taken),
        }
    }

    /// Waits for the end and clones the output, for handles that share one task by its [idempotency
    /// key](crate::Task::idempotency_key). Cancel-safe.
    pub async fn wait_cloned(&self) -> Result<T, TaskError>
    where
        T: Clone,
    {
        match EndWait::new(&self.scheduler, &self.record).wait().await? {
            Some(error) => Err(error),
            None => self.output.clone_with(T::clone).ok_or_else(TaskError::output_taken),
        }
    }

    /// Waits for at most `limit`. After that the error is
    /// [`StillRunning`](crate::TaskErrorKind::StillRunning), the task continues, and you can wait
    /// again. Cancel-safe.
    pub async fn wait_for(&self, limit: Duration) -> Result<T, TaskError> {
        match tokio::time::timeout(limit, self.record.wait_finished()).await {
            Ok(Some(error)) => Err(error),
            Ok(None) => self.output.take().ok_or_else(TaskError::output_taken),
            Err(_) => Err(TaskError::still_running(limit)),
        }
    }

    /// Stops the task: in the queue at once; while it runs, as soon as its step has cleaned up (see
    /// [`StepContext::cancelled`](crate::StepContext::cancelled)).
    ///
    /// A step that blocks a thread, and does not ask whether it should stop, continues to its end,
    /// and so does its task. Completed steps are [undone](crate::TaskStep::undo).
    ///
    /// Returns `true` if this call stops the task: it will end as
    /// [`Cancelled`](TaskState::Cancelled), no matter what its step still returns. Returns `false`
    /// if it has ended, or is already being stopped or undone. The reason is kept, redacted, with
    /// the error.
    pub fn cancel(&self, reason: impl AsRef<str>) -> bool {
        Scheduler::cancel(&self.scheduler, &self.record, StopCause::Request, Some(reason.as_ref()))
    }

    /// Gives up the claim on the output; the task continues. Its manager still knows it, and stops
    /// it when the manager is dropped. Returns its id.
    pub fn detach(self) -> TaskId {
        self.id()
    }
}

impl<T> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle")
            .field("id", &self.record.id())
            .field("state", &self.record.state())
            .finish_non_exhaustive()
    }
}
