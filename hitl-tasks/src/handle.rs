//! What `submit` gives back: the way to a task's output.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::deadlock::EndWait;
use crate::record::{Record, Stopper};
use crate::wire::Wire;
use crate::{TaskError, TaskId, TaskProgress, TaskState, TaskWatcher};

/// A submitted task, and the claim on its output.
///
/// It owns only the claim: dropping it, or any wait on it, never stops the task.
/// [`cancel`](Self::cancel) does.
#[must_use = "dropping it lets the task go on alone; say so with detach()"]
pub struct TaskHandle<T> {
    record: Arc<Record>,
    output: Wire<T>,
}

impl<T: Send + 'static> TaskHandle<T> {
    pub(crate) fn new(record: Arc<Record>, output: Wire<T>) -> Self {
        Self { record, output }
    }

    /// Which task.
    pub fn id(&self) -> TaskId {
        self.record.id()
    }

    /// Where it stands.
    pub fn state(&self) -> TaskState {
        self.record.state()
    }

    /// How far it is, right now.
    pub fn progress(&self) -> TaskProgress {
        self.record.snapshot()
    }

    /// Somebody who follows it and owns nothing; as many as you like.
    pub fn watcher(&self) -> TaskWatcher {
        TaskWatcher::new(Arc::clone(&self.record))
    }

    /// Waits for the end and takes the output.
    ///
    /// When it returns, the terminal event has been emitted, the steps and all they captured are
    /// dropped, and the slot is free. Cancel-safe: dropped, it takes nothing, and you can wait
    /// again. Of several waits that see a completed task the first takes the output, the others get
    /// [`Taken`](crate::TaskErrorKind::Taken); errors are for everybody.
    ///
    /// A step that waits for a task of its own manager does so [off the
    /// clock](crate::StepContext::off_clock): otherwise it keeps the slot that the other may need.
    /// Where all slots are held like that the wait would never end, and is a
    /// [`Deadlock`](crate::TaskErrorKind::Deadlock).
    pub async fn wait(&self) -> Result<T, TaskError> {
        match EndWait::new(&self.record).ended().await? {
            Some(error) => Err(error),
            None => self.output.take().ok_or_else(TaskError::taken),
        }
    }

    /// Waits for the end and copies the output, leaving it for others: for handles that share one
    /// task by its [idempotency key](crate::Task::idempotency_key). Cancel-safe.
    pub async fn wait_cloned(&self) -> Result<T, TaskError>
    where
        T: Clone,
    {
        match EndWait::new(&self.record).ended().await? {
            Some(error) => Err(error),
            None => self.output.copied(T::clone).ok_or_else(TaskError::taken),
        }
    }

    /// Waits for so long at most. Past the limit the error is
    /// [`StillRunning`](crate::TaskErrorKind::StillRunning), the task goes on, and you can wait
    /// again. Cancel-safe.
    pub async fn wait_for(&self, limit: Duration) -> Result<T, TaskError> {
        match tokio::time::timeout(limit, self.record.ended()).await {
            Ok(Some(error)) => Err(error),
            Ok(None) => self.output.take().ok_or_else(TaskError::taken),
            Err(_) => Err(TaskError::still_running(limit)),
        }
    }

    /// Stops the task: in the queue at once; while it runs, as soon as its step has tidied up (see
    /// [`StepContext::cancelled`](crate::StepContext::cancelled)).
    ///
    /// A step that blocks a thread, and does not ask whether it should stop, goes on until it is
    /// done, and so does its task. What was done is [undone](crate::TaskStep::undo).
    ///
    /// `true` when this call is what stops it: it will end as
    /// [`Cancelled`](TaskState::Cancelled), whatever its step still returns. `false` when it has
    /// ended, or is being stopped or undone already. The reason is kept, redacted, with the error.
    pub fn cancel(&self, reason: impl AsRef<str>) -> bool {
        self.record.scheduler().cancel(&self.record, Stopper::Somebody, Some(reason.as_ref()))
    }

    /// Lets the task go on without anybody waiting for its output. Its manager still knows it, and
    /// still stops it when the manager is dropped. Gives back its id.
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
