//! The filter for listing tasks.

use std::sync::Arc;

use crate::define::task_info::TaskInfo;
use crate::state::task_state::TaskState;

/// The conditions that a listed task meets, all of them; every task without conditions.
///
/// ```
/// # use hitl::tasks::{TaskFilter, TaskState};
/// let waiting = TaskFilter::all().state(TaskState::Waiting).tenant("acme").limit(20);
/// # let _ = waiting;
/// ```
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    states: Vec<TaskState>,
    tenant: Option<Arc<str>>,
    name: Option<Arc<str>>,
    key: Option<Arc<str>>,
    limit: Option<usize>,
}

impl TaskFilter {
    /// Creates a filter without conditions.
    pub fn all() -> Self {
        Self::default()
    }

    /// Selects tasks in this state. Call it several times to select any of several states.
    #[must_use]
    pub fn state(mut self, state: TaskState) -> Self {
        self.states.push(state);
        self
    }

    /// Selects the tasks of this tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Selects the tasks with exactly this name.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Selects the tasks with this concurrency key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Limits the list to the oldest tasks.
    #[must_use]
    pub fn limit(mut self, tasks: usize) -> Self {
        self.limit = Some(tasks);
        self
    }

    pub(crate) fn most(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    pub(crate) fn matches(&self, info: &TaskInfo, state: impl FnOnce() -> TaskState) -> bool {
        let is = |wanted: &Option<Arc<str>>, there: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| there == Some(wanted))
        };
        is(&self.tenant, info.tenant())
            && is(&self.name, Some(info.name()))
            && is(&self.key, info.key())
            && (self.states.is_empty() || self.states.contains(&state()))
    }
}
