//! Events for `tracing`.

use crate::{Happening, ProgressEmitter, TaskEvent, TaskState};

/// Tells every event to `tracing`, under the target `hitl_tasks::event`: progress at `TRACE`, steps
/// at `DEBUG`, beginnings and ends at `INFO`, and what went wrong at `WARN`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tracing;

impl ProgressEmitter for Tracing {
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
                    "{}", event.what.kind()
                )
            };
        }
        match &event.what {
            Happening::Progress { percent, message, .. } => {
                tell!(TRACE, percent, message = message.as_deref());
            }
            Happening::StepRetrying { attempt, error, delay, .. } => {
                tell!(WARN, attempt, %error, ?delay);
            }
            Happening::UndoDone { error: Some(error), .. } => tell!(WARN, %error),
            Happening::StillRunning { .. } | Happening::Undoing => tell!(WARN, seq = event.seq),
            Happening::Ended { state, error, reason } => match state {
                TaskState::Completed => tell!(INFO, %state),
                TaskState::Cancelled => tell!(INFO, %state, reason = reason.as_deref()),
                _ => tell!(WARN, %state, error = error.as_deref()),
            },
            Happening::Submitted | Happening::Started => tell!(INFO, seq = event.seq),
            Happening::StepStarted { attempt, .. } | Happening::UndoStarted { attempt, .. } => {
                tell!(DEBUG, attempt);
            }
            Happening::StepDone { percent, .. } | Happening::StepRestored { percent, .. } => {
                tell!(DEBUG, percent);
            }
            Happening::Waiting { .. } | Happening::Resumed { .. } | Happening::UndoDone { .. } => {
                tell!(DEBUG, seq = event.seq);
            }
        }
    }
}
