//! The arguments of `tasks`.

use clap::Args;
use hitl_tasks::TaskId;

use super::IdArg;

/// The arguments of `tasks`.
#[derive(Debug, Args)]
pub(crate) struct TasksArgs {
    /// Maximum number to list.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    /// List only tasks that failed or timed out. Needs a store.
    #[arg(long)]
    pub(crate) failed: bool,
    /// Show one task, by its id or the beginning or the end of it, and its result or why it has
    /// none. Needs a store.
    #[arg(long, value_name = "TASK", conflicts_with = "failed")]
    pub(crate) id: Option<IdArg<TaskId>>,
    /// Mark a failed task to be retried: its program continues it after its completed steps, when
    /// it submits the task the next time, usually at its next start. Needs a store.
    #[arg(long, value_name = "TASK", conflicts_with_all = ["failed", "id"])]
    pub(crate) retry: Option<IdArg<TaskId>>,
}
