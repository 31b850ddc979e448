//! Events for `tracing`.

use crate::observe::emit::emitter::ProgressEmitter;
use crate::observe::event::{TaskEvent, TaskEventKind};
use crate::state::task_state::TaskState;

/// Forwards every event to `tracing`, under the target `hitl_tasks::event`: progress at `TRACE`,
/// steps at `DEBUG`, starts and ends at `INFO`, and failures at `WARN`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingEmitter;

impl ProgressEmitter for TracingEmitter {
    fn emit(&self, event: &TaskEvent) {
        macro_rules! tell {
            ($level:ident, $($field:tt)*) => {
                tracing::event!(
                    target: "hitl_tasks::event",
                    tracing::Level::$level,
                    task = %event.task.id(),
                    name = event.task.name(),
                    step = event.step_name(),
                    $($field)*,
                    "{}", event.kind.name()
                )
            };
        }
        match &event.kind {
            TaskEventKind::Progress { percent, message, .. } => {
                tell!(TRACE, percent, message = message.as_deref());
            }
            TaskEventKind::StepRetrying { attempt, error, delay, .. } => {
                tell!(WARN, attempt, %error, ?delay);
            }
            TaskEventKind::UndoDone { error: Some(error), .. } => tell!(WARN, %error),
            TaskEventKind::StillRunning { .. } | TaskEventKind::Undoing => {
                tell!(WARN, seq = event.seq);
            }
            TaskEventKind::Ended { state, error, reason } => match state {
                TaskState::Completed => tell!(INFO, %state),
                TaskState::Cancelled => tell!(INFO, %state, reason = reason.as_deref()),
                TaskState::Interrupted => {
                    tell!(INFO, %state, error = error.as_deref(), reason = reason.as_deref());
                }
                _ => tell!(WARN, %state, error = error.as_deref()),
            },
            TaskEventKind::Submitted | TaskEventKind::Started => tell!(INFO, seq = event.seq),
            TaskEventKind::StepStarted { attempt, .. }
            | TaskEventKind::UndoStarted { attempt, .. } => {
                tell!(DEBUG, attempt);
            }
            TaskEventKind::StepDone { percent, .. }
            | TaskEventKind::StepRestored { percent, .. } => {
                tell!(DEBUG, percent);
            }
            TaskEventKind::Waiting { .. }
            | TaskEventKind::Resumed { .. }
            | TaskEventKind::UndoDone { .. } => {
                tell!(DEBUG, seq = event.seq);
            }
        }
    }
}
