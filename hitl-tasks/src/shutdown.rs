//! The end of a manager.

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
    /// are cancelled.
    pub fn drain(deadline: Duration) -> Self {
        Self { mode: Mode::Drain, deadline }
    }

    /// Cancels everything now, and gives running steps until `deadline` to clean up.
    pub fn cancel(deadline: Duration) -> Self {
        Self { mode: Mode::Cancel, deadline }
    }
}

/// The outcomes of the tasks that had not ended when a shutdown began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Tasks that ended by themselves: completed, failed or timed out.
    pub finished: Vec<TaskId>,
    /// Tasks that were stopped.
    pub cancelled: Vec<TaskId>,
    /// Tasks that were asked to stop and have not ended yet: their step is still cleaning up, or
    /// runs code that does not `.await`.
    pub still_running: Vec<TaskId>,
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
            state if state.is_terminal() => &mut report.finished,
            _ => &mut report.still_running,
        };
        ids.push(task.id());
    }
    report
}
