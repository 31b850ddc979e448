//! The progress of a task: the snapshot that a dashboard reads. Pure; time is an argument.

use std::sync::Arc;

use hitl_base::Timestamp;
use hitl_base::shared::{optional_text, text};
use serde::{Deserialize, Serialize};

use crate::define::task_info::{StepInfo, TaskInfo};
use crate::id::TaskId;
use crate::observe::event::{TaskEvent, TaskEventKind};
use crate::state::percent::{clamped, rounded_percent, whole_if_possible};
use crate::state::status::Status;
use crate::state::task_state::TaskState;

/// The progress of a task at one moment.
///
/// The manager makes these ([`TaskHandle::progress`](crate::TaskHandle::progress)); a host that
/// tracks work of its own can maintain one by hand. The JSON is camelCase, times are Unix
/// milliseconds.
///
/// ```
/// # use hitl::Timestamp;
/// # use hitl::tasks::{Status, TaskId, TaskProgress};
/// let now = Timestamp::now();
/// let mut progress = TaskProgress::new(TaskId::new(), "Export", ["Query", "Write"]);
/// progress.start(now);
/// progress.update_step(0, Status::Completed, None, now);
/// progress.update_step(1, Status::Running, Some(50.0), now);
/// assert_eq!(progress.percent(), 75);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TaskProgress {
    /// The version of this format: 1.
    #[serde(default = "version_one")]
    pub v: u32,
    /// The id of the task.
    pub task_id: TaskId,
    /// The name of the task.
    #[serde(with = "text")]
    pub task_name: Arc<str>,
    /// The status of the task.
    pub status: Status,
    /// The index of the step that runs, or ran last; 0 before the first.
    pub current_step: usize,
    /// The number of steps.
    pub total_steps: usize,
    /// The steps, in order.
    pub steps: Vec<StepProgress>,
    /// The time at which the task got its first slot.
    #[serde(with = "unix_ms")]
    pub started_at: Option<Timestamp>,
    /// The time at which the task ended, in any way.
    #[serde(with = "unix_ms")]
    pub completed_at: Option<Timestamp>,
    /// The estimated remaining work in milliseconds, from the durations of the same steps in
    /// earlier tasks, or from the progress so far. `None` without such data, and after the end.
    pub estimated_completion_ms: Option<u64>,
    /// The reason why it did not complete, redacted.
    #[serde(default, with = "optional_text")]
    pub error: Option<Arc<str>>,
    /// The last message of the running step, redacted.
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub message: Option<Arc<str>>,
}

/// The progress of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StepProgress {
    /// The index of the step, from 0.
    pub index: usize,
    /// The name of the step.
    #[serde(with = "text")]
    pub name: Arc<str>,
    /// The status of the step.
    pub status: Status,
    /// The time at which its first attempt began.
    #[serde(with = "unix_ms")]
    pub started_at: Option<Timestamp>,
    /// The time at which it ended.
    #[serde(with = "unix_ms")]
    pub completed_at: Option<Timestamp>,
    /// The progress in percent, 0 to 100.
    #[serde(serialize_with = "whole_if_possible")]
    pub progress: f64,
    /// The step's share of the task, relative to the other weights. Omitted from the JSON if 1.
    #[serde(default = "weight_one", skip_serializing_if = "is_one")]
    pub weight: u32,
}

impl TaskProgress {
    /// Creates the progress of a task that has not started, with steps of these names.
    pub fn new<N: Into<Arc<str>>>(
        task_id: TaskId,
        task_name: impl Into<Arc<str>>,
        step_names: impl IntoIterator<Item = N>,
    ) -> Self {
        let steps: Vec<_> =
            step_names.into_iter().enumerate().map(|(i, n)| StepProgress::new(i, n)).collect();
        Self {
            v: version_one(),
            task_id,
            task_name: task_name.into(),
            status: Status::Pending,
            current_step: 0,
            total_steps: steps.len(),
            steps,
            started_at: None,
            completed_at: None,
            estimated_completion_ms: None,
            error: None,
            message: None,
        }
    }

    /// Creates the progress of a task that has not started, with the steps and weights of its
    /// definition.
    pub fn from_info(task: &TaskInfo) -> Self {
        let names = task.steps().iter().map(StepInfo::shared_name);
        let mut progress = Self::new(task.id(), Arc::clone(task.shared_name()), names);
        for (step, info) in progress.steps.iter_mut().zip(task.steps()) {
            step.weight = info.weight();
        }
        progress
    }

    /// Applies an event. A reader that applies all events of a task, from the first, gets the same
    /// snapshot as the manager, except for the estimate.
    pub fn apply(&mut self, event: &TaskEvent) {
        let at = event.at;
        match &event.kind {
            TaskEventKind::Started => self.start(at),
            TaskEventKind::StepStarted { step, .. } => {
                self.message = None;
                self.update_step(*step, Status::Running, Some(0.0), at);
            }
            TaskEventKind::Progress { step, progress, message, .. } => {
                self.update_step(*step, Status::Running, Some(*progress), at);
                self.message.clone_from(message);
            }
            TaskEventKind::StepDone { step, .. } | TaskEventKind::StepRestored { step, .. } => {
                self.update_step(*step, Status::Completed, None, at);
            }
            TaskEventKind::StepRetrying { error, .. } => self.message = Some(Arc::clone(error)),
            TaskEventKind::Ended { state, error, .. } => {
                let text = || error.clone().unwrap_or_else(|| state.as_str().into());
                match state {
                    TaskState::Completed => self.complete(at),
                    TaskState::Cancelled => self.cancel(text(), at),
                    TaskState::Interrupted => self.interrupt(text(), at),
                    _ => self.fail(text(), at),
                }
            }
            _ => {}
        }
    }

    /// Marks the task as started.
    pub fn start(&mut self, at: Timestamp) {
        self.status = Status::Running;
        self.started_at.get_or_insert(at);
    }

    /// Sets the status of a step, and its progress unless that is `None`, clamped to 0..=100. A
    /// completed step is at 100. A running step becomes the current one, and starts the task. An
    /// index without a step changes nothing.
    pub fn update_step(
        &mut self,
        index: usize,
        status: Status,
        progress: Option<f64>,
        at: Timestamp,
    ) {
        let Some(step) = self.steps.get_mut(index) else { return };
        step.status = status;
        if let Some(progress) = progress {
            step.progress = clamped(progress);
        }
        if status == Status::Completed {
            step.progress = 100.0;
        }
        if status != Status::Pending {
            step.started_at.get_or_insert(at);
        }
        if status.is_over() {
            step.completed_at.get_or_insert(at);
        }
        if status == Status::Running {
            self.current_step = index;
            if self.status == Status::Pending {
                self.start(at);
            }
        }
    }

    /// Marks the task as completed.
    pub fn complete(&mut self, at: Timestamp) {
        self.end(Status::Completed, None, at);
    }

    /// Marks the task and its running steps as failed.
    pub fn fail(&mut self, error: impl Into<Arc<str>>, at: Timestamp) {
        self.end(Status::Failed, Some(error.into()), at);
    }

    /// Marks the task and its running steps as cancelled.
    pub fn cancel(&mut self, error: impl Into<Arc<str>>, at: Timestamp) {
        self.end(Status::Cancelled, Some(error.into()), at);
    }

    /// Marks the task and its running steps as pending: it was stopped with its host, and continues
    /// when it is submitted again.
    pub fn interrupt(&mut self, error: impl Into<Arc<str>>, at: Timestamp) {
        self.end(Status::Pending, Some(error.into()), at);
    }

    fn end(&mut self, status: Status, error: Option<Arc<str>>, at: Timestamp) {
        for index in 0..self.steps.len() {
            if self.steps[index].status == Status::Running {
                self.update_step(index, status, None, at);
            }
        }
        self.status = status;
        self.error = error;
        self.completed_at.get_or_insert(at);
        self.estimated_completion_ms = None;
    }

    /// Returns the percentage that is done, 0 to 100: completed and running steps count by their
    /// progress and weight; rounded half up. 0 without steps.
    pub fn percent(&self) -> u8 {
        let mut done = 0.0;
        let mut weight = 0.0;
        for step in &self.steps {
            weight += f64::from(step.weight);
            done += f64::from(step.weight)
                * match step.status {
                    Status::Completed => 100.0,
                    Status::Running => clamped(step.progress),
                    _ => 0.0,
                };
        }
        rounded_percent(done, weight)
    }

    /// Returns the number of completed steps.
    pub fn steps_completed(&self) -> usize {
        self.steps.iter().filter(|step| step.status == Status::Completed).count()
    }
}

impl StepProgress {
    /// Creates the progress of a step that has not started, of weight 1.
    pub fn new(index: usize, name: impl Into<Arc<str>>) -> Self {
        Self {
            index,
            name: name.into(),
            status: Status::Pending,
            started_at: None,
            completed_at: None,
            progress: 0.0,
            weight: weight_one(),
        }
    }
}

fn version_one() -> u32 {
    1
}

fn weight_one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_one(weight: &u32) -> bool {
    *weight == 1
}

/// Milliseconds since the Unix epoch, or null.
mod unix_ms {
    use hitl_base::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde calls it with a reference")]
    pub(super) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::as_millis).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(Timestamp::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_running_step_becomes_the_current_one_and_starts_the_task() {
        let at = Timestamp::from_millis(1_000);
        let task = || TaskProgress::new(TaskId::new(), "pay", ["check", "send"]);
        let all = [Status::Pending, Status::Completed, Status::Failed, Status::Cancelled];
        for status in all {
            let mut progress = task();
            progress.update_step(1, status, None, at);
            assert_eq!(
                (progress.current_step, progress.status),
                (0, Status::Pending),
                "{status:?}"
            );
        }
        let mut progress = task();
        progress.update_step(1, Status::Running, None, at);
        assert_eq!((progress.current_step, progress.status), (1, Status::Running));
    }
}
