//! The tasks whose progress is shown.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_base::sync::lock;
use hitl_base::{Clock as _, Timestamp, clock::SystemClock};
use hitl_core::Tenant;
use hitl_tasks::{
    EventLog, Journal, Status, SubmitError, TaskEvent, TaskEventKind, TaskId, TaskManager,
    TaskProgress,
};
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
#[derive(Clone, Default)]
pub struct Tasks {
    shown: Option<(TaskManager, EventLog)>,
    retry: Option<Arc<RetryTask>>,
    journal: Option<Arc<dyn Journal>>,
}

/// Begins a failed task again; `None` if the host does not retry such a task.
type RetryTask =
    dyn Fn(&TaskManager, &TaskProgress) -> Option<Result<TaskId, SubmitError>> + Send + Sync;

impl Tasks {
    /// Shows the tasks of a manager whose emitter is, or forwards to, this log.
    pub fn new(manager: TaskManager, log: EventLog) -> Self {
        Self { shown: Some((manager, log)), ..Self::default() }
    }

    /// Lets reviewers try failed tasks again: `retry` makes the definition of a task under its id
    /// and gives it to [`TaskManager::retry`], which begins at most one retry of a failure. `None`
    /// says that such a task is not retried here.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use hitl_console::Tasks; use hitl::tasks::{EventLog, MemoryJournal, StepContext, Task,
    /// TaskId, TaskManager, TaskStep};
    ///
    /// fn export(id: TaskId) -> Task<()> {
    ///     let send = |_: StepContext| async { Err::<(), _>("offline".to_owned()) };
    ///     Task::new("Export").id(id).step(TaskStep::new("Send", send).durable()).journaled()
    /// }
    ///
    /// let log = EventLog::new(10_000);
    /// let manager =
    ///     TaskManager::builder().journal(MemoryJournal::new()).emitter(log.clone()).build()?;
    /// let tasks = Tasks::new(manager, log).retry_with(|manager, failed| {
    ///     let task = (&*failed.task_name == "Export").then(|| export(failed.task_id))?;
    ///     Some(manager.retry(task).map(|handle| handle.detach()))
    /// });
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn retry_with(
        mut self,
        retry: impl Fn(&TaskManager, &TaskProgress) -> Option<Result<TaskId, SubmitError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.retry = Some(Arc::new(retry));
        self
    }

    /// Shows the tasks of a journal as they were last recorded, for a process that does not run
    /// them. The page says that they are not live; it neither cancels nor retries them. The newest
    /// 50 are shown.
    pub fn journaled(journal: impl Journal) -> Self {
        Self { journal: Some(Arc::new(journal)), ..Self::default() }
    }

    /// Shows no tasks.
    pub fn none() -> Self {
        Self::default()
    }

    pub(crate) fn journal(&self) -> Option<&dyn Journal> {
        self.journal.as_deref()
    }

    pub(crate) fn log(&self) -> Option<&EventLog> {
        self.shown.as_ref().map(|(_, log)| log)
    }

    pub(crate) fn manager(&self) -> Option<&TaskManager> {
        self.shown.as_ref().map(|(manager, _)| manager)
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tasks").field(&self.shown).finish_non_exhaustive()
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
    mark: HighMark,
}

/// The progress that a task has reached, which does not fall with it.
#[derive(Clone, Copy, Default)]
struct HighMark {
    reached: u8,
    fell_to: Option<u8>,
}

impl HighMark {
    /// Returns the mark after a progress of `percent`. Pure.
    fn after(self, percent: u8) -> Self {
        if percent >= self.reached {
            return Self { reached: percent, fell_to: None };
        }
        Self { fell_to: Some(self.fell_to.map_or(percent, |low| low.min(percent))), ..self }
    }
}

impl TaskBoard {
    /// Applies an event.
    pub(crate) fn apply(&self, event: &TaskEvent) {
        let (mut table, id) = (self.table(), event.task.id());
        let TaskTable { living, finished } = &mut *table;
        let entry = living.entry(id).or_insert_with(|| {
            // A failed task that is tried again continues, and is not listed twice.
            let before = finished.iter().position(|entry| entry.progress.task_id == id);
            let before = before.and_then(|at| finished.remove(at));
            Entry {
                tenant: event.task.tenant().map(Tenant::from).unwrap_or_default(),
                waiting: false,
                progress: TaskProgress::from_info(&event.task),
                mark: before.map(|entry| entry.mark).unwrap_or_default(),
            }
        });
        entry.progress.apply(event);
        entry.mark = entry.mark.after(entry.progress.percent());
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

    /// Begins a failed task of the reviewer's tenant again. `None` if there is none, or if the host
    /// does not retry it.
    pub(crate) fn retry(
        &self,
        tasks: &Tasks,
        reviewer: &Reviewer,
        id: TaskId,
    ) -> Option<Result<TaskId, SubmitError>> {
        let failed = {
            let table = self.table();
            let mine = |entry: &&Entry| {
                entry.progress.task_id == id
                    && entry.tenant == reviewer.tenant
                    && entry.has_failed()
            };
            table.finished.iter().find(mine)?.progress.clone()
        };
        (tasks.retry.as_ref()?)(tasks.manager()?, &failed)
    }

    fn table(&self) -> std::sync::MutexGuard<'_, TaskTable> {
        // A panic between two statements could at worst leave a task out.
        lock(&self.0)
    }
}

impl Entry {
    fn has_failed(&self) -> bool {
        self.progress.status == Status::Failed
    }

    /// Reads a live task's progress from the manager, which also has an estimate.
    fn summary(self, tasks: &Tasks) -> TaskSummary<TaskProgress> {
        let living = tasks.manager().and_then(|manager| manager.progress(self.progress.task_id));
        let retryable = self.has_failed() && tasks.retry.is_some();
        let progress = living.unwrap_or(self.progress);
        let percent = progress.percent();
        let HighMark { reached, fell_to } = self.mark.after(percent);
        TaskSummary {
            percent,
            reached,
            fell_to,
            retryable,
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

    #[test]
    fn a_mark_rises_and_never_falls() {
        let mut mark = HighMark::default();
        let mut seen = Vec::new();
        for percent in [0, 40, 60, 20, 35, 10, 30, 60, 70, 5] {
            mark = mark.after(percent);
            seen.push((mark.reached, mark.fell_to));
        }
        let fell = |to| (60, Some(to));
        let rest = [fell(20), fell(20), fell(10), fell(10), (60, None), (70, None), (70, Some(5))];
        assert_eq!(seen[..3], [(0, None), (40, None), (60, None)]);
        assert_eq!(seen[3..], rest);
    }

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
