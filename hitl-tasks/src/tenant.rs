//! The manager as one tenant sees it.

use std::sync::Arc;

use crate::define::task::Task;
use crate::error::SubmitError;
use crate::id::TaskId;
use crate::manager::TaskManager;
use crate::observe::filter::TaskFilter;
use crate::observe::handle::TaskHandle;
use crate::observe::watcher::TaskWatcher;
use crate::state::progress::TaskProgress;

/// The tasks of one tenant. Tasks of other tenants look the same as tasks that do not exist.
///
/// Returned by [`TaskManager::for_tenant`].
#[derive(Clone, Debug)]
pub struct TenantTasks {
    manager: TaskManager,
    tenant: Arc<str>,
}

impl TaskManager {
    /// Returns the manager restricted to the tasks of one tenant.
    pub fn for_tenant(&self, tenant: impl Into<Arc<str>>) -> TenantTasks {
        TenantTasks::new(self.clone(), tenant.into())
    }
}

impl TenantTasks {
    pub(crate) fn new(manager: TaskManager, tenant: Arc<str>) -> Self {
        Self { manager, tenant }
    }

    /// Submits a task in the name of the tenant, replacing the task's own. See
    /// [`TaskManager::submit`].
    ///
    /// An id that belongs to another tenant's task is refused as a
    /// [`Duplicate`](SubmitError::Duplicate); only a caller who knows that id can learn this way
    /// that it exists.
    pub fn submit<T: Send + 'static>(&self, task: Task<T>) -> Result<TaskHandle<T>, SubmitError> {
        self.manager.submit(task.tenant(Arc::clone(&self.tenant)))
    }

    /// Returns a watcher of a task that has not ended.
    pub fn watch(&self, id: TaskId) -> Option<TaskWatcher> {
        self.is_mine(id).then(|| self.manager.watch(id))?
    }

    /// Returns the progress of a task that has not ended.
    pub fn progress(&self, id: TaskId) -> Option<TaskProgress> {
        self.is_mine(id).then(|| self.manager.progress(id))?
    }

    /// Returns the tasks that have not ended, oldest first. The tenant of the filter is ignored.
    pub fn list(&self, filter: &TaskFilter) -> Vec<TaskProgress> {
        self.manager.list(&filter.clone().tenant(Arc::clone(&self.tenant)))
    }

    /// Stops a task, like [`TaskHandle::cancel`].
    pub fn cancel(&self, id: TaskId, reason: impl AsRef<str>) -> bool {
        self.is_mine(id) && self.manager.cancel(id, reason)
    }

    pub(crate) fn manager(&self) -> &TaskManager {
        &self.manager
    }

    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    fn is_mine(&self, id: TaskId) -> bool {
        let record = self.manager.record(id);
        record.is_some_and(|record| record.info().tenant() == Some(&self.tenant))
    }
}
