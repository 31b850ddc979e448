//! A manager as one tenant sees it.

use std::sync::Arc;

use crate::{
    SubmitError, Task, TaskFilter, TaskHandle, TaskId, TaskManager, TaskProgress, TaskWatcher,
};

/// The tasks of one tenant. What belongs to others cannot be told from what does not exist.
///
/// Made by [`TaskManager::of_tenant`].
#[derive(Clone, Debug)]
pub struct TenantTasks {
    manager: TaskManager,
    tenant: Arc<str>,
}

impl TenantTasks {
    pub(crate) fn new(manager: TaskManager, tenant: Arc<str>) -> Self {
        Self { manager, tenant }
    }

    /// Submits a task in the tenant's name, whichever the task had. See [`TaskManager::submit`].
    ///
    /// An id that another tenant's living task has is refused as a
    /// [`Duplicate`](SubmitError::Duplicate): ids are random, so that only who knows it can ask.
    pub fn submit<T: Send + 'static>(&self, task: Task<T>) -> Result<TaskHandle<T>, SubmitError> {
        self.manager.submit(task.tenant(Arc::clone(&self.tenant)))
    }

    /// Watches a task that has not ended.
    pub fn watch(&self, id: TaskId) -> Option<TaskWatcher> {
        self.is_mine(id).then(|| self.manager.watch(id))?
    }

    /// How far a task is that has not ended.
    pub fn progress(&self, id: TaskId) -> Option<TaskProgress> {
        self.is_mine(id).then(|| self.manager.progress(id))?
    }

    /// Tasks that have not ended, oldest first; the filter's own tenant does not count.
    pub fn list(&self, filter: &TaskFilter) -> Vec<TaskProgress> {
        self.manager.list(&filter.clone().tenant(Arc::clone(&self.tenant)))
    }

    /// Stops a task, like [`TaskHandle::cancel`].
    pub fn cancel(&self, id: TaskId, reason: impl AsRef<str>) -> bool {
        self.is_mine(id) && self.manager.cancel(id, reason)
    }

    fn is_mine(&self, id: TaskId) -> bool {
        let record = self.manager.record(id);
        record.is_some_and(|record| record.info().tenant() == Some(&self.tenant))
    }
}
