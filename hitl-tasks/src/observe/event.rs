//! The events of a task.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::define::task_info::TaskInfo;
use crate::state::percent::whole_if_possible;
use crate::state::task_state::TaskState;

/// One event of one task. Small and cheap to clone.
///
/// The events of one task arrive in order, numbered from 0 without gaps; the last one, and only
/// that, is [`Ended`](TaskEventKind::Ended).
///
/// The JSON is one flat camelCase object: `v`, `taskId`, `taskName`, `seq`, `at`, `type`, then the
/// fields of the [`TaskEventKind`], with `stepName` beside `step`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskEvent {
    /// The task: id, name, steps.
    pub task: Arc<TaskInfo>,
    /// The number of the event within the task, from 0.
    pub seq: u64,
    /// The time of the event.
    pub at: Timestamp,
    /// The kind of event, with its details.
    pub kind: TaskEventKind,
}

/// The kind of an event, with its details.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskEventKind {
    /// The manager accepted the task.
    Submitted,
    /// The task got a slot; its clock runs.
    Started,
    /// An attempt of a step began.
    StepStarted {
        /// The index of the step, from 0.
        step: usize,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// A step reported progress or a message. Emitted when the whole percentage or the message
    /// changes, not for every call.
    Progress {
        /// The index of the step.
        step: usize,
        /// The progress of the step, 0 to 100.
        progress: f64,
        /// The progress of the task, 0 to 100.
        percent: u8,
        /// The last message of the step, redacted.
        message: Option<Arc<str>>,
    },
    /// An attempt failed and is followed by another.
    StepRetrying {
        /// The index of the step.
        step: usize,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// The error, redacted.
        error: Arc<str>,
        /// The delay before the next attempt.
        delay: Duration,
    },
    /// A step completed.
    StepDone {
        /// The index of the step.
        step: usize,
        /// The progress of the task, 0 to 100.
        percent: u8,
    },
    /// The step went off the clock; the task gave its slot back.
    Waiting {
        /// The index of the step.
        step: usize,
    },
    /// The step is back on the clock, with a slot.
    Resumed {
        /// The index of the step.
        step: usize,
    },
    /// The step completed before a restart; its recorded output is used.
    StepRestored {
        /// The index of the step.
        step: usize,
        /// The progress of the task, 0 to 100.
        percent: u8,
    },
    /// The step was asked to stop, cannot be stopped because it blocks a thread, and continues. The
    /// task keeps its slot and does not end before the step.
    StillRunning {
        /// The index of the step.
        step: usize,
    },
    /// The task will not complete, and begins to undo its completed steps.
    Undoing,
    /// An attempt to undo a step began.
    UndoStarted {
        /// The index of the step.
        step: usize,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// A step was undone, or could not be undone.
    UndoDone {
        /// The index of the step.
        step: usize,
        /// The reason why it could not be undone, redacted.
        error: Option<Arc<str>>,
    },
    /// The task ended, or was [interrupted](TaskState::Interrupted) with its host and continues at
    /// the next start. No event follows in this process.
    Ended {
        /// The terminal state.
        state: TaskState,
        /// The reason why it did not complete, redacted.
        error: Option<Arc<str>>,
        /// The reason given for the cancellation or the interruption, redacted.
        reason: Option<Arc<str>>,
    },
}

impl TaskEventKind {
    /// Returns the name of the event in JSON, such as `stepStarted`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Started => "started",
            Self::StepStarted { .. } => "stepStarted",
            Self::Progress { .. } => "progress",
            Self::StepRetrying { .. } => "stepRetrying",
            Self::StepDone { .. } => "stepDone",
            Self::Waiting { .. } => "waiting",
            Self::Resumed { .. } => "resumed",
            Self::StepRestored { .. } => "stepRestored",
            Self::StillRunning { .. } => "stillRunning",
            Self::Undoing => "undoing",
            Self::UndoStarted { .. } => "undoStarted",
            Self::UndoDone { .. } => "undoDone",
            Self::Ended { .. } => "ended",
        }
    }

    /// Returns the index of the step, from 0, for an event about a step.
    pub fn step(&self) -> Option<usize> {
        match self {
            Self::StepStarted { step, .. }
            | Self::Progress { step, .. }
            | Self::StepRetrying { step, .. }
            | Self::StepDone { step, .. }
            | Self::Waiting { step }
            | Self::Resumed { step }
            | Self::StepRestored { step, .. }
            | Self::StillRunning { step }
            | Self::UndoStarted { step, .. }
            | Self::UndoDone { step, .. } => Some(*step),
            Self::Submitted | Self::Started | Self::Undoing | Self::Ended { .. } => None,
        }
    }
}

impl TaskEvent {
    /// Returns the name of the step, for an event about a step.
    pub fn step_name(&self) -> Option<&str> {
        Some(self.task.steps().get(self.kind.step()?)?.name())
    }

    /// Returns whether it is the last event of the task.
    pub fn is_end(&self) -> bool {
        matches!(self.kind, TaskEventKind::Ended { .. })
    }
}

struct Percent(f64);

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        whole_if_possible(&self.0, to)
    }
}

impl Serialize for TaskEvent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("v", &1)?;
        map.serialize_entry("taskId", &self.task.id())?;
        map.serialize_entry("taskName", self.task.name())?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("at", &self.at)?;
        map.serialize_entry("type", self.kind.name())?;
        if let Some(step) = self.kind.step() {
            map.serialize_entry("step", &step)?;
            map.serialize_entry("stepName", &self.step_name())?;
        }
        match &self.kind {
            TaskEventKind::StepStarted { attempt, .. }
            | TaskEventKind::UndoStarted { attempt, .. } => {
                map.serialize_entry("attempt", attempt)?;
            }
            TaskEventKind::Progress { progress, percent, message, .. } => {
                map.serialize_entry("progress", &Percent(*progress))?;
                map.serialize_entry("percent", percent)?;
                if let Some(message) = message {
                    map.serialize_entry("message", &**message)?;
                }
            }
            TaskEventKind::StepRetrying { attempt, error, delay, .. } => {
                map.serialize_entry("attempt", attempt)?;
                map.serialize_entry("error", &**error)?;
                let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                map.serialize_entry("delayMs", &millis)?;
            }
            TaskEventKind::StepDone { percent, .. }
            | TaskEventKind::StepRestored { percent, .. } => {
                map.serialize_entry("percent", percent)?;
            }
            TaskEventKind::UndoDone { error: Some(error), .. } => {
                map.serialize_entry("error", &**error)?;
            }
            TaskEventKind::Ended { state, error, reason } => {
                map.serialize_entry("state", state)?;
                if let Some(error) = error {
                    map.serialize_entry("error", &**error)?;
                }
                if let Some(reason) = reason {
                    map.serialize_entry("reason", &**reason)?;
                }
            }
            TaskEventKind::Submitted
            | TaskEventKind::Started
            | TaskEventKind::Waiting { .. }
            | TaskEventKind::Resumed { .. }
            | TaskEventKind::StillRunning { .. }
            | TaskEventKind::Undoing
            | TaskEventKind::UndoDone { error: None, .. } => {}
        }
        map.end()
    }
}
