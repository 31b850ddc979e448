//! How a manager ends.

use std::sync::Arc;
use std::time::Duration;

use crate::record::Record;
use crate::scheduler::Scheduler;
use crate::{TaskId, TaskState};

/// How to end, and how long that may take.
///
/// ```
/// # use std::time::Duration;
/// # use hitl_tasks::Shutdown;
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
    /// Lets everything that was accepted finish, queued tasks too. What has not ended after
    /// `deadline` is cancelled.
    pub fn drain(deadline: Duration) -> Self {
        Self { mode: Mode::Drain, deadline }
    }

    /// Cancels everything now, and gives running steps until `deadline` to tidy up.
    pub fn cancel(deadline: Duration) -> Self {
        Self { mode: Mode::Cancel, deadline }
    }
}

/// What became of the tasks that lived when a shutdown began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Ended by themselves: completed, failed or timed out.
    pub finished: Vec<TaskId>,
    /// Stopped.
    pub cancelled: Vec<TaskId>,
    /// Told to stop and not there yet: their step still tidies up, or is in code that does not
    /// `.await`.
    pub still_running: Vec<TaskId>,
}

/// Ends every task. Takes no longer than the deadline.
pub(crate) async fn shut_down(scheduler: &Arc<Scheduler>, how: Shutdown) -> ShutdownReport {
    const REASON: &str = "the task manager is shutting down";
    scheduler.close();
    let tasks = scheduler.living();
    if matches!(how.mode, Mode::Cancel) {
        scheduler.cancel_all(REASON);
    }
    if tokio::time::timeout(how.deadline, scheduler.idle()).await.is_err() {
        scheduler.cancel_all(REASON);
        // Lets what can stop at once do so.
        tokio::task::yield_now().await;
    }
    report(&tasks)
}

fn report(tasks: &[Arc<Record>]) -> ShutdownReport {
    let mut report = ShutdownReport::default();
    for task in tasks {
        let of = match task.state() {
            TaskState::Cancelled => &mut report.cancelled,
            state if state.is_terminal() => &mut report.finished,
            _ => &mut report.still_running,
        };
        of.push(task.id());
    }
    report
}
