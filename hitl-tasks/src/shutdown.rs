//! The end of a manager.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::id::TaskId;
use crate::schedule::scheduler::Scheduler;
use crate::state::record::Record;
use crate::state::task_state::TaskState;

/// A way to end, and how long that may take.
///
/// ```
/// # use std::time::Duration;
/// # use hitl::tasks::Shutdown;
/// let gentle = Shutdown::drain(Duration::from_secs(30));
/// let quick = Shutdown::cancel(Duration::from_secs(5));
/// # let _ = (gentle, quick);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shutdown {
    mode: Mode,
    deadline: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    Drain,
    Cancel,
}

impl Shutdown {
    /// Lets every accepted task finish, queued ones too. Tasks that have not ended by `deadline`
    /// are stopped, as by [`cancel`](Self::cancel).
    pub fn drain(deadline: Duration) -> Self {
        Self { mode: Mode::Drain, deadline }
    }

    /// Stops everything now, and gives running steps until `deadline` to clean up. A
    /// [journaled](crate::Task::journaled) task is only interrupted: nothing is undone, and it
    /// continues when it is submitted again. Any other is cancelled.
    pub fn cancel(deadline: Duration) -> Self {
        Self { mode: Mode::Cancel, deadline }
    }
}

/// The outcomes of the tasks that had not ended when a shutdown began. Displays them as a sentence
/// for people: `1 finished, 2 stopped and continue at the next start`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Tasks that ended by themselves: completed, failed or timed out.
    pub finished: Vec<TaskId>,
    /// Tasks that were cancelled: they are not [journaled](crate::Task::journaled), or somebody
    /// cancelled them.
    pub cancelled: Vec<TaskId>,
    /// Journaled tasks that were stopped: each continues when it is submitted again, usually at the
    /// next start.
    pub interrupted: Vec<TaskId>,
    /// Tasks that were asked to stop and have not ended yet: their step is still cleaning up, or
    /// runs code that does not `.await`.
    pub still_running: Vec<TaskId>,
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let continues = if self.interrupted.len() == 1 { "continues" } else { "continue" };
        let outcomes = [
            (self.finished.len(), "finished".to_owned()),
            (self.interrupted.len(), format!("stopped and {continues} at the next start")),
            (self.cancelled.len(), "cancelled".to_owned()),
            (self.still_running.len(), "still running".to_owned()),
        ];
        let mut separator = "";
        for (count, outcome) in outcomes.iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count} {outcome}")?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("no task was running") } else { Ok(()) }
    }
}

/// Ends every task. Returns within the deadline.
pub(crate) async fn shut_down(scheduler: &Arc<Scheduler>, how: Shutdown) -> ShutdownReport {
    const REASON: &str = "the task manager is shutting down";
    scheduler.close();
    let tasks = scheduler.living();
    if matches!(how.mode, Mode::Cancel) {
        Scheduler::cancel_all(scheduler, REASON);
    }
    if tokio::time::timeout(how.deadline, scheduler.wait_idle()).await.is_err() {
        Scheduler::cancel_all(scheduler, REASON);
        // Tasks that can stop at once do so now.
        tokio::task::yield_now().await;
    }
    report(&tasks)
}

fn report(tasks: &[Arc<Record>]) -> ShutdownReport {
    let mut report = ShutdownReport::default();
    for task in tasks {
        let ids = match task.state() {
            TaskState::Cancelled => &mut report.cancelled,
            TaskState::Interrupted => &mut report.interrupted,
            state if state.is_terminal() => &mut report.finished,
            _ => &mut report.still_running,
        };
        ids.push(task.id());
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_sentence() {
        let mut report = ShutdownReport::default();
        assert_eq!(report.to_string(), "no task was running");
        report.interrupted = vec![TaskId::new()];
        assert_eq!(report.to_string(), "1 stopped and continues at the next start");
        report.interrupted.push(TaskId::new());
        report.finished = vec![TaskId::new()];
        report.cancelled = vec![TaskId::new()];
        report.still_running = vec![TaskId::new()];
        let text =
            "1 finished, 2 stopped and continue at the next start, 1 cancelled, 1 still running";
        assert_eq!(report.to_string(), text);
    }
}
