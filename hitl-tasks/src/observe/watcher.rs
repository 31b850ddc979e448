//! A read-only observer of a task.

use std::fmt;
use std::sync::Arc;

use crate::error::TaskError;
use crate::id::TaskId;
use crate::state::progress::TaskProgress;
use crate::state::record::Record;
use crate::state::task_state::TaskState;

/// Watches one task. Cloning and dropping it does not affect the task.
///
/// ```
/// # use hitl::tasks::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let manager = TaskManager::builder().build()?;
/// let handle = manager.submit(Task::new("Nothing to do"))?;
/// let mut watcher = handle.watcher();
/// while watcher.changed().await {
///     println!("{}%", watcher.progress().percent());
/// }
/// assert_eq!(watcher.state(), TaskState::Completed);
/// # Ok(()) }
/// ```
pub struct TaskWatcher {
    record: Arc<Record>,
    seen: u64,
}

impl TaskWatcher {
    pub(crate) fn new(record: Arc<Record>) -> Self {
        Self { record, seen: 0 }
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

    /// Returns the reason why the task did not complete; `None` before the end, and if it
    /// completed.
    pub fn error(&self) -> Option<TaskError> {
        self.record.error()
    }

    /// Waits for a change that this watcher has not seen; returns `false` if the task has ended and
    /// every change has been seen. A slow watcher sees several changes at once, and always the
    /// latest. Cancel-safe.
    pub async fn changed(&mut self) -> bool {
        match self.record.wait_changed(self.seen).await {
            Some(version) => {
                self.seen = version;
                true
            }
            None => false,
        }
    }

    /// Waits for the end, and returns the terminal state. Cancel-safe.
    pub async fn wait(&self) -> TaskState {
        let _ = self.record.wait_finished().await;
        self.record.state()
    }
}

impl Clone for TaskWatcher {
    fn clone(&self) -> Self {
        Self { record: Arc::clone(&self.record), seen: self.seen }
    }
}

impl fmt::Debug for TaskWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskWatcher")
            .field("id", &self.id())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
