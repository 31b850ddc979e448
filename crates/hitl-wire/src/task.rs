//! Tasks.

use serde::{Deserialize, Serialize};

/// The tasks of a reviewer's tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskList<T> {
    /// First what runs, oldest first, then what has ended in the last five minutes, newest first.
    pub tasks: Vec<T>,
}

/// A task: its progress, and what follows from it.
///
/// `P` is the progress itself, `taskId`, `taskName`, `status`, `currentStep`, `steps` and times in
/// Unix milliseconds: hitl-tasks' `TaskProgress`, or as much of it as a client needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSummary<P> {
    /// Its progress.
    #[serde(flatten)]
    pub progress: P,
    /// The progress, 0 to 100, by the weights of its steps.
    pub percent: u8,
    /// The number of steps that are done.
    #[serde(default)]
    pub steps_completed: usize,
    /// True if it waits off the clock, for a human for example.
    #[serde(default)]
    pub waiting: bool,
}

/// Why a task is cancelled.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = StopBody))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelTaskBody {
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
