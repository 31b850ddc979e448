//! How far a task is: the snapshot a dashboard reads. Pure; time is an argument.

use std::sync::Arc;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Happening, StepInfo, TaskEvent, TaskId, TaskInfo, TaskState};

/// How a task or a step stands, as a dashboard reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not begun.
    Pending,
    /// Begun and not ended; a task that waits for a human is running too.
    Running,
    /// Done.
    Completed,
    /// Failed or ran out of time.
    Failed,
    /// Stopped by request.
    Cancelled,
}

impl Status {
    /// One lower-case word, as on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// How far a task is, at one moment.
///
/// The manager makes these ([`TaskHandle::progress`](crate::TaskHandle::progress)); a host that
/// tracks work of its own can keep one by hand. The JSON is camelCase, times are Unix
/// milliseconds.
///
/// ```
/// # use hitl_base::Timestamp;
/// # use hitl_tasks::{Status, TaskId, TaskProgress};
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
    /// Version of this shape: 1.
    #[serde(default = "version_one")]
    pub v: u32,
    /// Which task.
    pub task_id: TaskId,
    /// Its name, as the host gave it.
    pub task_name: Arc<str>,
    /// How it stands.
    pub status: Status,
    /// Index of the step that runs, or ran last; 0 before the first.
    pub current_step: usize,
    /// How many steps it has.
    pub total_steps: usize,
    /// The steps, in order.
    pub steps: Vec<StepProgress>,
    /// When it got its first slot.
    #[serde(with = "unix_ms")]
    pub started_at: Option<Timestamp>,
    /// When it ended, whatever the end.
    #[serde(with = "unix_ms")]
    pub completed_at: Option<Timestamp>,
    /// Milliseconds of work that are left, if the rest goes as fast as what is done. Nothing until
    /// there is something to go by, and nothing after the end.
    pub estimated_completion_ms: Option<u64>,
    /// Why it did not complete, redacted.
    pub error: Option<Arc<str>>,
    /// What the running step last said about itself, redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Arc<str>>,
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StepProgress {
    /// Its place, from 0.
    pub index: usize,
    /// Its name.
    pub name: Arc<str>,
    /// How it stands.
    pub status: Status,
    /// When its first attempt began.
    #[serde(with = "unix_ms")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(with = "unix_ms")]
    pub completed_at: Option<Timestamp>,
    /// 0 to 100.
    #[serde(serialize_with = "whole_if_possible")]
    pub progress: f64,
    /// Its share of the task, against the weights of the others. Left out of the JSON when 1.
    #[serde(default = "weight_one", skip_serializing_if = "is_one")]
    pub weight: u32,
}

impl TaskProgress {
    /// A task that has not begun, with steps of these names.
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

    /// A task that has not begun, with the steps and weights of its definition.
    pub fn of(task: &TaskInfo) -> Self {
        let names = task.steps().iter().map(StepInfo::shared_name);
        let mut progress = Self::new(task.id(), Arc::clone(task.shared_name()), names);
        for (step, info) in progress.steps.iter_mut().zip(task.steps()) {
            step.weight = info.weight();
        }
        progress
    }

    /// Takes in what happened to the task. Who follows all its events, from the first, has what the
    /// manager has, but for the estimate.
    pub fn follow(&mut self, event: &TaskEvent) {
        let at = event.at;
        match &event.what {
            Happening::Started => self.start(at),
            Happening::StepStarted { step, .. } => {
                self.message = None;
                self.update_step(*step, Status::Running, Some(0.0), at);
            }
            Happening::Progress { step, progress, message, .. } => {
                self.update_step(*step, Status::Running, Some(*progress), at);
                self.message.clone_from(message);
            }
            Happening::StepDone { step, .. } | Happening::StepRestored { step, .. } => {
                self.update_step(*step, Status::Completed, None, at);
            }
            Happening::StepRetrying { error, .. } => self.message = Some(Arc::clone(error)),
            Happening::Ended { state, error, .. } => {
                let text = || error.clone().unwrap_or_else(|| state.as_str().into());
                match state {
                    TaskState::Completed => self.complete(at),
                    TaskState::Cancelled => self.cancel(text(), at),
                    _ => self.fail(text(), at),
                }
            }
            _ => {}
        }
    }

    /// The task has begun.
    pub fn start(&mut self, at: Timestamp) {
        self.status = Status::Running;
        self.started_at.get_or_insert(at);
    }

    /// A step stands like this now; `progress` is clamped to 0..=100, and left as it is when
    /// `None`. A completed step is at 100. A step that runs is the current one, and a task with
    /// one has begun. An index without a step changes nothing.
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

    /// The task is done.
    pub fn complete(&mut self, at: Timestamp) {
        self.end(Status::Completed, None, at);
    }

    /// The task failed, or ran out of time; so did its running step.
    pub fn fail(&mut self, error: impl Into<Arc<str>>, at: Timestamp) {
        self.end(Status::Failed, Some(error.into()), at);
    }

    /// The task was stopped; so was its running step.
    pub fn cancel(&mut self, error: impl Into<Arc<str>>, at: Timestamp) {
        self.end(Status::Cancelled, Some(error.into()), at);
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

    /// How much is done, 0 to 100: completed steps count whole, running ones as far as they are,
    /// each by its weight; rounded half up. 0 without steps.
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

    /// How many steps are completed.
    pub fn steps_completed(&self) -> usize {
        self.steps.iter().filter(|step| step.status == Status::Completed).count()
    }
}

impl StepProgress {
    /// A step that has not begun, of weight 1.
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

/// Into 0..=100; what is not a number is 0.
pub(crate) fn clamped(progress: f64) -> f64 {
    if progress.is_nan() { 0.0 } else { progress.clamp(0.0, 100.0) }
}

/// `done` (percent times weight) of `weight`, as whole percent; 0 of nothing.
pub(crate) fn rounded_percent(done: f64, weight: f64) -> u8 {
    if weight <= 0.0 {
        return 0;
    }
    whole(done / weight)
}

/// The whole number next to a percentage.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100")]
pub(crate) fn whole(percent: f64) -> u8 {
    clamped(percent).round() as u8
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

/// The seed's dashboard compares with integers, and `100.0` is not one in every language.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn whole_if_possible<S: Serializer>(progress: &f64, to: S) -> Result<S::Ok, S::Error> {
    if progress.fract() == 0.0 {
        to.serialize_u8(whole(*progress))
    } else {
        to.serialize_f64(*progress)
    }
}

/// The seed's shape: milliseconds since the Unix epoch, or null.
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
