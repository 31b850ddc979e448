//! What happens to a task, told one thing at a time.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::progress::whole_if_possible;
use crate::{TaskInfo, TaskState};

/// One thing that happened to one task. Small and cheap to clone.
///
/// Of one task they arrive in order, numbered without gaps from 0; the last one, and only the last
/// one, is [`Ended`](Happening::Ended).
///
/// The JSON is one flat camelCase object: `v`, `taskId`, `taskName`, `seq`, `at`, `type`, then what
/// the [`Happening`] carries, with `stepName` beside `step`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskEvent {
    /// The task: id, name, steps.
    pub task: Arc<TaskInfo>,
    /// Its number among this task's events.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Happening {
    /// The manager accepted the task.
    Submitted,
    /// It got a slot; its time runs.
    Started,
    /// An attempt of a step began.
    StepStarted {
        /// Which step, from 0.
        step: usize,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// A step came further, or said something. Told when the whole percentage changes or the
    /// message does, not for every call.
    Progress {
        /// Which step.
        step: usize,
        /// How far the step is, 0 to 100.
        progress: f64,
        /// How far the task is, 0 to 100.
        percent: u8,
        /// What the step last said, redacted.
        message: Option<Arc<str>>,
    },
    /// An attempt failed and there will be another one.
    StepRetrying {
        /// Which step.
        step: usize,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// Why, redacted.
        error: Arc<str>,
        /// How long until the next attempt.
        delay: Duration,
    },
    /// A step is done.
    StepDone {
        /// Which step.
        step: usize,
        /// How far the task is, 0 to 100.
        percent: u8,
    },
    /// The step went off the clock; the task gave its slot back.
    Waiting {
        /// Which step.
        step: usize,
    },
    /// It is back on the clock, with a slot.
    Resumed {
        /// Which step.
        step: usize,
    },
    /// The step was done before a restart; its recorded output is used.
    StepRestored {
        /// Which step.
        step: usize,
        /// How far the task is, 0 to 100.
        percent: u8,
    },
    /// The step was told to stop, cannot be stopped (it blocks a thread), and goes on. The task
    /// keeps its slot and does not end before it.
    StillRunning {
        /// Which step.
        step: usize,
    },
    /// The task will not complete, and begins to undo what its steps did.
    Undoing,
    /// An attempt to undo a step began.
    UndoStarted {
        /// Which step.
        step: usize,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// A step was undone, or could not be.
    UndoDone {
        /// Which step.
        step: usize,
        /// Why it could not be undone, redacted.
        error: Option<Arc<str>>,
    },
    /// The end. Nothing follows.
    Ended {
        /// Which end.
        state: TaskState,
        /// Why it did not complete, redacted.
        error: Option<Arc<str>>,
        /// Why it was cancelled, redacted.
        reason: Option<Arc<str>>,
    },
}

impl Happening {
    /// Its name on the wire: `stepStarted`.
    pub fn kind(&self) -> &'static str {
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

    /// Which step it is about, from 0.
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
    /// Name of the step it is about.
    pub fn step_name(&self) -> Option<&str> {
        Some(self.task.steps().get(self.what.step()?)?.name())
    }

    /// Whether it is the task's last one.
    pub fn is_end(&self) -> bool {
        matches!(self.what, Happening::Ended { .. })
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
        map.serialize_entry("type", self.what.kind())?;
        if let Some(step) = self.what.step() {
            map.serialize_entry("step", &step)?;
            map.serialize_entry("stepName", &self.step_name())?;
        }
        match &self.what {
            Happening::StepStarted { attempt, .. } | Happening::UndoStarted { attempt, .. } => {
                map.serialize_entry("attempt", attempt)?;
            }
            Happening::Progress { progress, percent, message, .. } => {
                map.serialize_entry("progress", &Percent(*progress))?;
                map.serialize_entry("percent", percent)?;
                if let Some(message) = message {
                    map.serialize_entry("message", message)?;
                }
            }
            Happening::StepRetrying { attempt, error, delay, .. } => {
                map.serialize_entry("attempt", attempt)?;
                map.serialize_entry("error", error)?;
                let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                map.serialize_entry("delayMs", &millis)?;
            }
            Happening::StepDone { percent, .. } | Happening::StepRestored { percent, .. } => {
                map.serialize_entry("percent", percent)?;
            }
            Happening::UndoDone { error: Some(error), .. } => {
                map.serialize_entry("error", error)?;
            }
            Happening::Ended { state, error, reason } => {
                map.serialize_entry("state", state)?;
                if let Some(error) = error {
                    map.serialize_entry("error", error)?;
                }
                if let Some(reason) = reason {
                    map.serialize_entry("reason", reason)?;
                }
            }
            Happening::Submitted
            | Happening::Started
            | Happening::Waiting { .. }
            | Happening::Resumed { .. }
            | Happening::StillRunning { .. }
            | Happening::Undoing
            | Happening::UndoDone { error: None, .. } => {}
        }
        map.end()
    }
}
