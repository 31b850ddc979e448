//! Looking at a task without owning anything of it.

use std::fmt;
use std::sync::Arc;

use crate::record::Record;
use crate::{TaskError, TaskId, TaskProgress, TaskState};

/// Watches one task. Cloning and dropping it changes nothing for the task.
///
/// ```
/// # use hitl_tasks::*;
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

    /// Which task.
    pub fn id(&self) -> TaskId {
        self.record.id()
    }

    /// Where it stands.
    pub fn state(&self) -> TaskState {
        self.record.state()
    }

    /// How far it is.
    pub fn progress(&self) -> TaskProgress {
        self.record.snapshot()
    }

    /// Why it did not complete; `None` while it has not ended, and when it completed.
    pub fn error(&self) -> Option<TaskError> {
        self.record.error()
    }

    /// Waits until something has happened that this watcher has not been told of; `false` when the
    /// task has ended and everything has been told. A slow watcher is told of many things at once
    /// and always sees the newest. Cancel-safe.
    pub async fn changed(&mut self) -> bool {
        match self.record.changed_since(self.seen).await {
            Some(version) => {
                self.seen = version;
                true
            }
            None => false,
        }
    }

    /// Waits for the end. Cancel-safe.
    pub async fn ended(&self) -> TaskState {
        let _ = self.record.ended().await;
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
