//! The errors of waiting for a task, submitting one and building a manager.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Redactor;

use crate::id::TaskId;
use crate::run::step_failure::FailureKind;
use crate::text::seconds;

/// The reason why a task has no result. Cheap to clone: every waiter gets the same one.
///
/// The text is redacted, truncated and safe to show.
#[derive(Clone)]
pub struct TaskError(Arc<ErrorDetails>);

struct ErrorDetails {
    kind: TaskErrorKind,
    text: Arc<str>,
    reason: Option<Arc<str>>,
    step: Option<usize>,
    failure: Option<FailureKind>,
    undo_results: Vec<UndoResult>,
}

/// The outcome of undoing one step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndoResult {
    /// The index of the step, from 0.
    pub step: usize,
    /// The name of the step.
    pub name: Arc<str>,
    /// The reason why it could not be undone, redacted; `None` if it was undone.
    pub error: Option<Arc<str>>,
}

/// The kinds of [`TaskError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskErrorKind {
    /// A step failed, panicked, timed out or returned an output that cannot be journaled;
    /// [`failure`](TaskError::failure) says which.
    Failed,
    /// The task as a whole timed out.
    TimedOut,
    /// The task was cancelled; [`reason`](TaskError::reason) says why.
    Cancelled,
    /// The [journaled](crate::Task::journaled) task was stopped with its host: a shutdown, a
    /// dropped manager or a runtime that shut down. Nothing was undone. Submit it again, usually at
    /// the next start, and it continues.
    Interrupted,
    /// The limit of this wait passed. The task continues; wait again.
    StillRunning,
    /// The journal could not be read or written. The task does not continue in this process, and
    /// nothing was undone. Submit it again to continue.
    Journal,
    /// Another process has claimed the task and continues it.
    TakenOver,
    /// The task was to be [retried](crate::TaskManager::retry) and has not failed: it is unknown,
    /// runs, completed, was cancelled, or another retry has begun. Nothing was run.
    NotFailed,
    /// The journal holds another definition under this id: its name, version, tenant, steps or
    /// their types differ, or an output no longer fits its type. Nothing was run.
    DefinitionChanged,
    /// This wait would never end: a step waits on the clock for a task that needs the slot which
    /// the step holds, or for one that waits for the step. Wait [off the
    /// clock](crate::StepContext::off_clock), which gives the slot back meanwhile, or give the
    /// manager more slots. Both tasks continue.
    Deadlock,
    /// The task completed, but another wait on the same handle has already taken its output.
    OutputTaken,
}

impl TaskError {
    fn new(kind: TaskErrorKind, text: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(ErrorDetails {
            kind,
            text: text.into(),
            reason: None,
            step: None,
            failure: None,
            undo_results: Vec::new(),
        }))
    }

    pub(crate) fn step_failed(index: usize, name: &str, kind: FailureKind, text: &str) -> Self {
        let text = match kind {
            FailureKind::Failed => format!("Step '{name}' failed: {text}"),
            FailureKind::TimedOut => format!("Step '{name}' {text}"),
            FailureKind::Panicked => format!("Step '{name}' panicked: {text}"),
            FailureKind::NotDurable => format!("Step '{name}' cannot be journaled: {text}"),
        };
        Self(Arc::new(ErrorDetails {
            kind: TaskErrorKind::Failed,
            text: text.into(),
            reason: None,
            step: Some(index),
            failure: Some(kind),
            undo_results: Vec::new(),
        }))
    }

    pub(crate) fn broken(text: &str) -> Self {
        Self::new(TaskErrorKind::Failed, text)
    }

    pub(crate) fn timed_out(limit: Duration) -> Self {
        Self::new(TaskErrorKind::TimedOut, format!("Task timed out after {}", seconds(limit)))
    }

    pub(crate) fn cancelled(reason: Option<Arc<str>>) -> Self {
        Self(Arc::new(ErrorDetails {
            kind: TaskErrorKind::Cancelled,
            text: "Task was cancelled".into(),
            reason,
            step: None,
            failure: None,
            undo_results: Vec::new(),
        }))
    }

    /// Reports a task that was stopped with its host.
    pub(crate) fn interrupted(stop: Option<&Self>) -> Self {
        Self(Arc::new(ErrorDetails {
            kind: TaskErrorKind::Interrupted,
            text: "Task stopped; it continues at the next start".into(),
            reason: stop.and_then(Self::shared_reason),
            step: None,
            failure: None,
            undo_results: Vec::new(),
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

    pub(crate) fn not_failed() -> Self {
        Self::new(
            TaskErrorKind::NotFailed,
            "Task has not failed, so there is nothing to retry: it runs, completed, was cancelled, is \
             retried already, or is unknown",
        )
    }

    pub(crate) fn definition_changed(what: &str) -> Self {
        Self::new(
            TaskErrorKind::DefinitionChanged,
            format!(
                "Task cannot continue: its definition has changed since it was journaled: {what}"
            ),
        )
    }

    /// Reports an output that cannot be read back although the definition is the same.
    pub(crate) fn output_unreadable(step: &str, why: &str) -> Self {
        Self::new(
            TaskErrorKind::DefinitionChanged,
            format!(
                "Task cannot continue: the journaled output of step '{step}' {why}; its type has other \
                 fields than when it was journaled, or it was journaled by a version that did not \
                 read outputs back. Nothing was run"
            ),
        )
    }

    /// Restores the error that an earlier process recorded.
    pub(crate) fn recorded(
        kind: TaskErrorKind,
        text: Arc<str>,
        reason: Option<Arc<str>>,
        step: Option<usize>,
        failure: Option<FailureKind>,
    ) -> Self {
        Self(Arc::new(ErrorDetails { kind, text, reason, step, failure, undo_results: Vec::new() }))
    }

    /// Adds the outcomes of undoing.
    pub(crate) fn with_undo_results(self, undo_results: Vec<UndoResult>) -> Self {
        if undo_results.is_empty() {
            return self;
        }
        Self(Arc::new(ErrorDetails {
            kind: self.0.kind,
            text: Arc::clone(&self.0.text),
            reason: self.0.reason.clone(),
            step: self.0.step,
            failure: self.0.failure,
            undo_results,
        }))
    }

    pub(crate) fn still_running(limit: Duration) -> Self {
        Self::new(
            TaskErrorKind::StillRunning,
            format!("waited {}; the task has not ended and continues", seconds(limit)),
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

    pub(crate) fn output_taken() -> Self {
        Self::new(TaskErrorKind::OutputTaken, "the output was already taken by another wait")
    }

    /// Returns the kind of error.
    pub fn kind(&self) -> TaskErrorKind {
        self.0.kind
    }

    /// Returns the reason given to [`cancel`](crate::TaskHandle::cancel), if it was cancelled.
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Returns the index of the step that failed.
    pub fn failed_step(&self) -> Option<usize> {
        self.0.step
    }

    /// Returns how that step failed.
    pub fn failure(&self) -> Option<FailureKind> {
        self.0.failure
    }

    /// Returns the outcomes of undoing, in the order in which the steps were undone: the last step
    /// first. Empty if no completed step had an [`undo`](crate::TaskStep::undo).
    pub fn undo_results(&self) -> &[UndoResult] {
        &self.0.undo_results
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

/// The reason why a task was not accepted. Nothing of it has run.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The queue holds [`max_queued`](crate::TaskManagerBuilder::max_queued) tasks. Submit again
    /// when some have started.
    #[error("the queue is full: {waiting} tasks are waiting")]
    Full {
        /// The number of tasks that wait.
        waiting: usize,
    },
    /// The manager is shutting down.
    #[error("the task manager is shut down and accepts no more tasks")]
    Closed,
    /// The idempotency key belongs to another task, with another name, other steps or another
    /// output.
    #[error("idempotency key '{key}' belongs to another task")]
    KeyTaken {
        /// The key.
        key: Arc<str>,
    },
    /// A task with this id was submitted before and has not ended.
    #[error("task {0} has already been submitted and has not ended")]
    Duplicate(TaskId),
    /// The task or one of its steps has an invalid setting.
    #[error("task '{task}': {setting}")]
    Invalid {
        /// The task's name.
        task: Arc<str>,
        /// The invalid setting.
        setting: InvalidSetting,
    },
    /// The caller is not inside a tokio runtime, so the task has nowhere to run.
    #[error("no tokio runtime here: submit from async code, or inside Runtime::enter")]
    NoRuntime,
}

/// The reason why a [`TaskManager`](crate::TaskManager) was not built.
#[derive(Clone, Debug, thiserror::Error)]
#[error("task manager: {0}")]
pub struct BuildError(pub(crate) InvalidSetting);

/// An invalid setting, and the values it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSetting {
    what: Arc<str>,
    wanted: &'static str,
}

impl InvalidSetting {
    pub(crate) fn new(what: impl Into<Arc<str>>, wanted: &'static str) -> Self {
        Self { what: what.into(), wanted }
    }

    /// Names the step whose setting it is.
    pub(crate) fn for_step(self, step: &str) -> Self {
        Self { what: format!("{} of step '{step}'", self.what).into(), ..self }
    }

    /// Redacts the text, which may name a step.
    pub(crate) fn redacted(self, redactor: &Redactor) -> Self {
        match redactor.text(&self.what) {
            Cow::Owned(what) => Self { what: what.into(), ..self },
            Cow::Borrowed(_) => self,
        }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be {}", self.what, self.wanted)
    }
}

impl std::error::Error for InvalidSetting {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_those_of_the_seed() {
        let step = |kind, text| TaskError::step_failed(0, "s0", kind, text).to_string();
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
        let setting = InvalidSetting::new("weight", "at least 1").for_step("Gather");
        assert_eq!(setting.to_string(), "weight of step 'Gather' must be at least 1");
    }
}
