//! The tasks of a journal, as it last recorded them.

use axum::http::StatusCode;
use hitl_core::Tenant;
use hitl_tasks::{Journal, JournalError, JournalSummary, TaskProgress};
use hitl_wire::TaskSummary;
use hitl_wire::task::TaskList;

use crate::auth::Reviewer;
use crate::error::Problem;

/// The number of tasks that are shown.
const MAX_SHOWN: usize = 50;
/// The number of tasks that are read to find those of one tenant.
const MAX_READ: usize = 500;

/// The tasks that a reviewer sees.
pub(crate) type ShownTasks = TaskList<TaskSummary<TaskProgress>>;

/// Returns the newest tasks of the reviewer's tenant.
pub(crate) async fn journaled_tasks(
    journal: &dyn Journal,
    reviewer: &Reviewer,
) -> Result<ShownTasks, Problem> {
    let mut tasks = Vec::new();
    for id in journal.recent(None, MAX_READ).await? {
        let known = JournalSummary::read(id, &journal.load(id).await?)?;
        tasks.extend(known.filter(|task| is_seen(task, reviewer)).map(summary));
        if tasks.len() == MAX_SHOWN {
            break;
        }
    }
    Ok(TaskList { tasks, journaled: true })
}

/// A task without a tenant belongs to the default one.
fn is_seen(task: &JournalSummary, reviewer: &Reviewer) -> bool {
    task.tenant.as_deref().map(Tenant::from).unwrap_or_default() == reviewer.tenant
}

/// Converts a task. The journal does not record whether it waits.
fn summary(task: JournalSummary) -> TaskSummary<TaskProgress> {
    let progress = task.progress;
    let percent = progress.percent();
    TaskSummary {
        percent,
        reached: percent,
        fell_to: None,
        retryable: false,
        steps_completed: progress.steps_completed(),
        waiting: false,
        progress,
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "journal", error.to_string())
    }
}
