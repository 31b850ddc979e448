//! The definition of tasks.

pub(crate) mod attempt_policy;
pub(crate) mod blocking;
pub(crate) mod erased_body;
pub(crate) mod erased_step;
pub(crate) mod group;
pub(crate) mod plan;
pub(crate) mod priority;
pub(crate) mod retry;
pub(crate) mod step;
pub(crate) mod step_body;
pub(crate) mod task;
pub(crate) mod task_info;
pub(crate) mod undo_spec;
