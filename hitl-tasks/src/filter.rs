//! Which tasks to list.

use std::sync::Arc;

use crate::{TaskInfo, TaskState};

/// Lets tasks through that meet every condition; all of them when there is none.
///
/// ```
/// # use hitl_tasks::{TaskFilter, TaskState};
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
    /// No condition.
    pub fn all() -> Self {
        Self::default()
    }

    /// In this state. Given several times: in one of them.
    #[must_use]
    pub fn state(mut self, state: TaskState) -> Self {
        self.states.push(state);
        self
    }

    /// Of this tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Of this very name.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// With this concurrency key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// At most so many, the oldest.
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
