//! What can go wrong, for whoever waits, submits or builds.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Redactor;

use crate::{FailureKind, TaskId};

/// Why a task has no result. Cheap to clone: every waiter gets the same one.
///
/// The text is redacted and clipped, and fit to be shown.
#[derive(Clone)]
pub struct TaskError(Arc<Inner>);

struct Inner {
    kind: TaskErrorKind,
    text: Arc<str>,
    reason: Option<Arc<str>>,
    step: Option<usize>,
    failure: Option<FailureKind>,
    undone: Vec<Undone>,
}

/// What became of undoing one step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undone {
    /// Which step, from 0.
    pub step: usize,
    /// Its name.
    pub name: Arc<str>,
    /// Why it could not be undone, redacted; `None` when it was.
    pub error: Option<Arc<str>>,
}

/// The kinds of [`TaskError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskErrorKind {
    /// A step failed, panicked, ran out of its own time or returned what cannot be journaled;
    /// [`failure`](TaskError::failure) says which.
    Failed,
    /// The task as a whole ran out of time.
    TimedOut,
    /// Somebody stopped it; [`reason`](TaskError::reason) says why.
    Cancelled,
    /// This wait's limit passed. The task goes on; wait again.
    StillRunning,
    /// The journal could not be read or written. The task goes no further here; nothing was undone.
    /// Submit it again to go on.
    Journal,
    /// Another process has taken the task over, and goes on with it.
    TakenOver,
    /// What is journaled under this id is another definition: its name, version, tenant, steps or
    /// their types differ, or an output no longer fits its type. Nothing was run.
    DefinitionChanged,
    /// This wait would never end: a step waits on the clock for a task that needs the slot which
    /// the step holds, or for one that waits for the step. Wait for it [off the
    /// clock](crate::StepContext::off_clock), which gives the slot back meanwhile, or give the
    /// manager more slots. Both tasks go on.
    Deadlock,
    /// The task completed, but another wait on the same handle has already taken its output.
    Taken,
}

impl TaskError {
    fn new(kind: TaskErrorKind, text: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            text: text.into(),
            reason: None,
            step: None,
            failure: None,
            undone: Vec::new(),
        }))
    }

    pub(crate) fn step(index: usize, name: &str, kind: FailureKind, text: &str) -> Self {
        let text = match kind {
            FailureKind::Failed => format!("Step '{name}' failed: {text}"),
            FailureKind::TimedOut => format!("Step '{name}' {text}"),
            FailureKind::Panicked => format!("Step '{name}' panicked: {text}"),
            FailureKind::NotDurable => format!("Step '{name}' cannot be journaled: {text}"),
        };
        Self(Arc::new(Inner {
            kind: TaskErrorKind::Failed,
            text: text.into(),
            reason: None,
            step: Some(index),
            failure: Some(kind),
            undone: Vec::new(),
        }))
    }

    pub(crate) fn broken(text: &str) -> Self {
        Self::new(TaskErrorKind::Failed, text)
    }

    pub(crate) fn timed_out(limit: Duration) -> Self {
        Self::new(TaskErrorKind::TimedOut, format!("Task timed out after {}", seconds(limit)))
    }

    pub(crate) fn cancelled(reason: Option<Arc<str>>) -> Self {
        Self(Arc::new(Inner {
            kind: TaskErrorKind::Cancelled,
            text: "Task was cancelled".into(),
            reason,
            step: None,
            failure: None,
            undone: Vec::new(),
        }))
    }

    pub(crate) fn not_started(limit: Duration) -> Self {
        Self::new(
            TaskErrorKind::TimedOut,
            format!("Task was not started within {}", seconds(limit)),
        )
    }

    pub(crate) fn journal(text: &str) -> Self {
        Self::new(TaskErrorKind::Journal, format!("Task journal: {text}"))
    }

    pub(crate) fn taken_over() -> Self {
        Self::new(TaskErrorKind::TakenOver, "Task was taken over by another process")
    }

    pub(crate) fn definition_changed(what: &str) -> Self {
        Self::new(
            TaskErrorKind::DefinitionChanged,
            format!("Task cannot go on: its definition has changed since it was journaled: {what}"),
        )
    }

    /// Its definition reads as it did, and yet an output does not.
    pub(crate) fn output_unreadable(step: &str, why: &str) -> Self {
        Self::new(
            TaskErrorKind::DefinitionChanged,
            format!(
                "Task cannot go on: the journaled output of step '{step}' {why}; its type has other \
                 fields than when it was journaled, or it was journaled by a version that did not \
                 read outputs back. Nothing was run"
            ),
        )
    }

    /// The end of an earlier life.
    pub(crate) fn earlier(
        kind: TaskErrorKind,
        text: Arc<str>,
        reason: Option<Arc<str>>,
        step: Option<usize>,
        failure: Option<FailureKind>,
    ) -> Self {
        Self(Arc::new(Inner { kind, text, reason, step, failure, undone: Vec::new() }))
    }

    /// The same, with what was undone.
    pub(crate) fn with_undone(self, undone: Vec<Undone>) -> Self {
        if undone.is_empty() {
            return self;
        }
        Self(Arc::new(Inner {
            kind: self.0.kind,
            text: Arc::clone(&self.0.text),
            reason: self.0.reason.clone(),
            step: self.0.step,
            failure: self.0.failure,
            undone,
        }))
    }

    pub(crate) fn still_running(limit: Duration) -> Self {
        Self::new(
            TaskErrorKind::StillRunning,
            format!("waited {}; the task has not ended and goes on", seconds(limit)),
        )
    }

    pub(crate) fn deadlock(target: &str) -> Self {
        Self::new(
            TaskErrorKind::Deadlock,
            format!(
                "waiting for task '{target}' would never end: it needs a slot, and the steps that wait \
                 hold them all; wait for it in StepContext::off_clock, which gives the slot back"
            ),
        )
    }

    pub(crate) fn taken() -> Self {
        Self::new(TaskErrorKind::Taken, "the output was already taken by another wait")
    }

    /// What happened.
    pub fn kind(&self) -> TaskErrorKind {
        self.0.kind
    }

    /// Why it was cancelled, in the words given to [`cancel`](crate::TaskHandle::cancel).
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Index of the step that failed.
    pub fn failed_step(&self) -> Option<usize> {
        self.0.step
    }

    /// How that step failed.
    pub fn failure(&self) -> Option<FailureKind> {
        self.0.failure
    }

    /// What was undone, in the order in which it was: the last step first. Empty when no step that
    /// was done had an [`undo`](crate::TaskStep::undo).
    pub fn undone(&self) -> &[Undone] {
        &self.0.undone
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.0.text
    }

    pub(crate) fn shared_reason(&self) -> Option<Arc<str>> {
        self.0.reason.clone()
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("TaskError");
        out.field("kind", &self.0.kind).field("text", &self.0.text);
        if let Some(reason) = &self.0.reason {
            out.field("reason", reason);
        }
        out.finish()
    }
}

impl std::error::Error for TaskError {}

/// Why a task was not accepted. Nothing of it has run.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// As many tasks wait as [`max_queued`](crate::ManagerBuilder::max_queued) allows. Submit
    /// again when some have started.
    #[error("the queue is full: {waiting} tasks are waiting")]
    Full {
        /// How many tasks wait.
        waiting: usize,
    },
    /// The manager is shutting down.
    #[error("the task manager is shut down and takes no more tasks")]
    Closed,
    /// The idempotency key is that of another task: of another name, other steps or another output.
    #[error("idempotency key '{key}' is that of another task")]
    KeyTaken {
        /// The key.
        key: Arc<str>,
    },
    /// A task of this id has been submitted and has not ended.
    #[error("task {0} has already been submitted and has not ended")]
    Duplicate(TaskId),
    /// The task, or one of its steps, has a setting that makes no sense.
    #[error("task '{task}': {setting}")]
    Invalid {
        /// The task's name.
        task: Arc<str>,
        /// What is wrong.
        setting: BadSetting,
    },
    /// The caller is not inside a tokio runtime, so there is nowhere to run the task.
    #[error("no tokio runtime here: submit from async code, or inside Runtime::enter")]
    NoRuntime,
}

/// Why a [`TaskManager`](crate::TaskManager) was not built.
#[derive(Clone, Debug, thiserror::Error)]
#[error("task manager: {0}")]
pub struct BuildError(pub(crate) BadSetting);

/// A setting that makes no sense, and what would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSetting {
    what: Arc<str>,
    wanted: &'static str,
}

impl BadSetting {
    pub(crate) fn new(what: impl Into<Arc<str>>, wanted: &'static str) -> Self {
        Self { what: what.into(), wanted }
    }

    /// The same, of one step.
    pub(crate) fn of_step(self, step: &str) -> Self {
        Self { what: format!("{} of step '{step}'", self.what).into(), ..self }
    }

    /// The same, fit to be shown: it may name a step.
    pub(crate) fn cleaned(self, redactor: &Redactor) -> Self {
        match redactor.text(&self.what) {
            Cow::Owned(what) => Self { what: what.into(), ..self },
            Cow::Borrowed(_) => self,
        }
    }
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be {}", self.what, self.wanted)
    }
}

impl std::error::Error for BadSetting {}

/// A length of time in seconds, in as few digits as tell it: `0.05s`, `30s`.
pub(crate) fn seconds(length: Duration) -> String {
    format!("{}s", length.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_short() {
        assert_eq!(seconds(Duration::from_millis(50)), "0.05s");
        assert_eq!(seconds(Duration::from_secs_f64(0.05)), "0.05s");
        assert_eq!(seconds(Duration::from_secs(30)), "30s");
        assert_eq!(seconds(Duration::from_millis(1_500)), "1.5s");
        assert_eq!(seconds(Duration::from_nanos(1)), "0.000000001s");
    }

    #[test]
    fn the_texts_are_those_of_the_seed() {
        let step = |kind, text| TaskError::step(0, "s0", kind, text).to_string();
        assert_eq!(
            step(FailureKind::TimedOut, "timed out after 2s"),
            "Step 's0' timed out after 2s"
        );
        assert_eq!(step(FailureKind::Failed, "boom"), "Step 's0' failed: boom");
        assert_eq!(step(FailureKind::Panicked, "boom"), "Step 's0' panicked: boom");
        assert_eq!(
            TaskError::timed_out(Duration::from_millis(50)).to_string(),
            "Task timed out after 0.05s"
        );
        assert_eq!(TaskError::cancelled(None).to_string(), "Task was cancelled");
    }

    #[test]
    fn a_bad_setting_says_whose_it_is() {
        let setting = BadSetting::new("weight", "at least 1").of_step("Gather");
        assert_eq!(setting.to_string(), "weight of step 'Gather' must be at least 1");
    }
}
