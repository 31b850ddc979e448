//! A task that is ready to run.

use std::sync::Arc;
use std::time::Duration;

use crate::define::erased_step::ErasedStep;
use crate::define::group::Group;
use crate::define::task_info::TaskInfo;
use crate::one_or_many::OneOrMany;

/// A validated task, ready to run.
pub(crate) struct Plan {
    pub(crate) info: Arc<TaskInfo>,
    pub(crate) items: OneOrMany<PlanItem>,
    pub(crate) timeout: Option<Duration>,
}

/// The unit that the driver runs: one step, or several in parallel.
pub(crate) enum PlanItem {
    Step(Box<dyn ErasedStep>),
    Group(Box<Group>),
}

impl PlanItem {
    /// Returns its steps, in order.
    pub(crate) fn steps(&self) -> &[Box<dyn ErasedStep>] {
        match self {
            Self::Step(node) => std::slice::from_ref(node),
            Self::Group(group) => &group.members,
        }
    }
}
