//! Tasks.

use serde::{Deserialize, Serialize};

/// The tasks of a reviewer's tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskList<T> {
    /// First what runs, oldest first, then what has ended in the last five minutes, newest first.
    /// Of a journal: the newest first.
    pub tasks: Vec<T>,
    /// True if the tasks are shown as their journal last recorded them: not live, and neither
    /// cancelled nor tried again here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub journaled: bool,
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
    /// The greatest progress that it has reached, 0 to 100. A step that is tried again, or ends
    /// before it is done, lowers `percent` and not this.
    #[serde(default)]
    pub reached: u8,
    /// The lowest progress since it fell below `reached`: what was left from there on is done by
    /// `(percent - fellTo) / (100 - fellTo)`. Left out where it has not fallen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fell_to: Option<u8>,
    /// True if it has failed, and the host lets reviewers try it again.
    #[serde(default)]
    pub retryable: bool,
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
