//! A task as its card shows it.

use hitl_tasks::TaskProgress;
use serde::Serialize;
use utoipa::ToSchema;

/// A task as its card shows it: its progress, and what follows from it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskView {
    /// `taskId`, `taskName`, `status`, `currentStep`, `steps`, times in Unix milliseconds.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    progress: TaskProgress,
    /// How far it is, 0 to 100, by the weights of its steps.
    percent: u8,
    /// How many steps are done.
    steps_completed: usize,
    /// It waits, off the clock; for a human, say.
    waiting: bool,
}

impl TaskView {
    pub(crate) fn of(progress: TaskProgress, waiting: bool) -> Self {
        Self {
            percent: progress.percent(),
            steps_completed: progress.steps_completed(),
            progress,
            waiting,
        }
    }
}
