//! The tasks whose progress is shown.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use hitl_base::sync::lock;
use hitl_base::{Clock as _, Timestamp, clock::SystemClock};
use hitl_core::Tenant;
use hitl_tasks::{EventLog, TaskEvent, TaskEventKind, TaskId, TaskManager, TaskProgress};
use hitl_wire::TaskSummary;

use crate::auth::Reviewer;

/// The time for which ended tasks are kept, and the number of them.
const FINISHED_TTL: Duration = Duration::from_secs(300);
const MAX_FINISHED: usize = 50;

/// The tasks whose progress the console shows: a manager, and the log that its events go to.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use hitl_console::Tasks;
/// use hitl::tasks::{EventLog, TaskManager};
///
/// let log = EventLog::new(10_000);
/// let manager = TaskManager::builder().emitter(log.clone()).build()?;
/// let tasks = Tasks::new(manager, log);
/// # Ok(()) }
/// ```
///
/// A reviewer sees the tasks of their tenant; tasks without one belong to the default tenant.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Option<(TaskManager, EventLog)>);

impl Tasks {
    /// Shows the tasks of a manager whose emitter is, or forwards to, this log.
    pub fn new(manager: TaskManager, log: EventLog) -> Self {
        Self(Some((manager, log)))
    }

    /// Shows no tasks.
    pub fn none() -> Self {
        Self(None)
    }

    pub(crate) fn log(&self) -> Option<&EventLog> {
        self.0.as_ref().map(|(_, log)| log)
    }

    pub(crate) fn manager(&self) -> Option<&TaskManager> {
        self.0.as_ref().map(|(manager, _)| manager)
    }
}

impl From<(TaskManager, EventLog)> for Tasks {
    fn from((manager, log): (TaskManager, EventLog)) -> Self {
        Self::new(manager, log)
    }
}

/// The progress of each task. Bounded by the number of tasks that the manager runs, and by
/// [`MAX_FINISHED`].
#[derive(Default)]
pub(crate) struct TaskBoard(Mutex<TaskTable>);

#[derive(Default)]
struct TaskTable {
    living: BTreeMap<TaskId, Entry>,
    /// Newest first.
    finished: VecDeque<Entry>,
}

#[derive(Clone)]
struct Entry {
    tenant: Tenant,
    waiting: bool,
    progress: TaskProgress,
}

impl TaskBoard {
    /// Applies an event.
    pub(crate) fn apply(&self, event: &TaskEvent) {
        let (mut table, id) = (self.table(), event.task.id());
        let entry = table.living.entry(id).or_insert_with(|| Entry {
            tenant: event.task.tenant().map(Tenant::from).unwrap_or_default(),
            waiting: false,
            progress: TaskProgress::from_info(&event.task),
        });
        entry.progress.apply(event);
        match event.kind {
            TaskEventKind::Waiting { .. } => entry.waiting = true,
            TaskEventKind::Resumed { .. } => entry.waiting = false,
            _ => {}
        }
        if event.is_end()
            && let Some(mut entry) = table.living.remove(&id)
        {
            entry.waiting = false;
            table.finished.push_front(entry);
            table.finished.truncate(MAX_FINISHED);
        }
    }

    /// Removes the tasks that the manager no longer knows, because events are missing: they have
    /// ended meanwhile.
    pub(crate) fn catch_up(&self, tasks: &Tasks) {
        let ids: Vec<TaskId> = self.table().living.keys().copied().collect();
        let lives =
            |id: &TaskId| tasks.manager().is_some_and(|manager| manager.progress(*id).is_some());
        let ended: Vec<TaskId> = ids.into_iter().filter(|id| !lives(id)).collect();
        self.table().living.retain(|id, _| !ended.contains(id));
    }

    /// Returns one task, for its own tenant.
    pub(crate) fn view(
        &self,
        tasks: &Tasks,
        id: TaskId,
    ) -> Option<(Tenant, TaskSummary<TaskProgress>)> {
        let table = self.table();
        let finished = || table.finished.iter().find(|entry| entry.progress.task_id == id);
        let entry = table.living.get(&id).or_else(finished)?.clone();
        drop(table);
        Some((entry.tenant.clone(), entry.summary(tasks)))
    }

    /// Lists the tasks of a reviewer's tenant: first those that run, oldest first, then those that
    /// have ended, newest first.
    pub(crate) fn list(
        &self,
        tasks: &Tasks,
        reviewer: &Reviewer,
    ) -> Vec<TaskSummary<TaskProgress>> {
        let mut table = self.table();
        let now = SystemClock.now();
        let fresh = |at: Option<Timestamp>| {
            at.is_some_and(|at| now.saturating_duration_since(at) < FINISHED_TTL)
        };
        table.finished.retain(|entry| fresh(entry.progress.completed_at));
        let mine: Vec<Entry> = table
            .living
            .values()
            .chain(&table.finished)
            .filter(|entry| entry.tenant == reviewer.tenant)
            .cloned()
            .collect();
        drop(table);
        mine.into_iter().map(|entry| entry.summary(tasks)).collect()
    }

    /// Stops a task of the reviewer's tenant. Returns `None` if there is none that has not ended.
    pub(crate) fn cancel(
        &self,
        tasks: &Tasks,
        reviewer: &Reviewer,
        id: TaskId,
        reason: &str,
    ) -> Option<()> {
        let theirs = self.table().living.get(&id)?.tenant == reviewer.tenant;
        (theirs && tasks.manager()?.cancel(id, reason)).then_some(())
    }

    fn table(&self) -> std::sync::MutexGuard<'_, TaskTable> {
        // A panic between two statements could at worst leave a task out.
        lock(&self.0)
    }
}

impl Entry {
    /// Reads a live task's progress from the manager, which also has an estimate.
    fn summary(self, tasks: &Tasks) -> TaskSummary<TaskProgress> {
        let living = tasks.manager().and_then(|manager| manager.progress(self.progress.task_id));
        let progress = living.unwrap_or(self.progress);
        TaskSummary {
            percent: progress.percent(),
            steps_completed: progress.steps_completed(),
            progress,
            waiting: self.waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_tasks::{LogItem, StepContext, Task, TaskStep};

    #[tokio::test]
    async fn invariant_13_a_task_whose_end_was_not_told_does_not_stay() {
        let log = EventLog::new(100);
        let manager = TaskManager::builder().emitter(log.clone()).build().unwrap();
        let work = |_: StepContext| std::future::ready(Ok::<(), String>(()));
        let task = Task::new("Quick").step(TaskStep::new("Copy", work));
        manager.submit(task).unwrap().wait().await.unwrap();
        let (board, tasks) = (TaskBoard::default(), Tasks::new(manager, log.clone()));
        let Some(LogItem::Event(_, first)) = log.read(None).next().await else {
            panic!("it is logged")
        };
        board.apply(&first);
        let reviewer = Reviewer::new("ann");
        assert_eq!(board.list(&tasks, &reviewer).len(), 1);
        board.catch_up(&tasks);
        assert_eq!(board.list(&tasks, &reviewer).len(), 0);
    }
}
