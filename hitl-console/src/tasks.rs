//! The tasks whose progress is shown.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hitl_base::{Clock as _, Timestamp, clock::SystemClock};
use hitl_core::Tenant;
use hitl_tasks::{EventLog, TaskEvent, TaskEventKind, TaskId, TaskManager, TaskProgress};

use crate::auth::Reviewer;
use crate::view::TaskView;

/// How long a task that has ended stays, and how many of them.
const RETAINED: Duration = Duration::from_secs(300);
const FINISHED: usize = 50;

/// The tasks whose progress the console shows: a manager, and the log that its events go to.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use hitl_console::Tasks;
/// use hitl_tasks::{EventLog, TaskManager};
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
    /// The tasks of a manager whose emitter is, or passes on to, this log.
    pub fn new(manager: TaskManager, log: EventLog) -> Self {
        Self(Some((manager, log)))
    }

    /// No tasks.
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

/// What is known of each task. Bounded by what the manager runs, and by [`FINISHED`].
#[derive(Default)]
pub(crate) struct Board(Mutex<Known>);

#[derive(Default)]
struct Known {
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

impl Board {
    /// Takes in an event.
    pub(crate) fn learn(&self, event: &TaskEvent) {
        let (mut known, id) = (self.known(), event.task.id());
        let entry = known.living.entry(id).or_insert_with(|| Entry {
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
            && let Some(mut entry) = known.living.remove(&id)
        {
            entry.waiting = false;
            known.finished.push_front(entry);
            known.finished.truncate(FINISHED);
        }
    }

    /// Events are missing: what the manager no longer knows has ended meanwhile.
    pub(crate) fn catch_up(&self, tasks: &Tasks) {
        let ids: Vec<TaskId> = self.known().living.keys().copied().collect();
        let lives =
            |id: &TaskId| tasks.manager().is_some_and(|manager| manager.progress(*id).is_some());
        let ended: Vec<TaskId> = ids.into_iter().filter(|id| !lives(id)).collect();
        self.known().living.retain(|id, _| !ended.contains(id));
    }

    /// One task as its own tenant sees it.
    pub(crate) fn view(&self, tasks: &Tasks, id: TaskId) -> Option<(Tenant, TaskView)> {
        let known = self.known();
        let finished = || known.finished.iter().find(|entry| entry.progress.task_id == id);
        let entry = known.living.get(&id).or_else(finished)?.clone();
        drop(known);
        Some((entry.tenant.clone(), entry.seen(tasks)))
    }

    /// What a reviewer sees: what runs, oldest first, then what has ended, newest first.
    pub(crate) fn list(&self, tasks: &Tasks, reviewer: &Reviewer) -> Vec<TaskView> {
        let mut known = self.known();
        let now = SystemClock.now();
        let fresh = |at: Option<Timestamp>| at.is_some_and(|at| now.since(at) < RETAINED);
        known.finished.retain(|entry| fresh(entry.progress.completed_at));
        let mine: Vec<Entry> = known
            .living
            .values()
            .chain(&known.finished)
            .filter(|entry| entry.tenant == reviewer.tenant)
            .cloned()
            .collect();
        drop(known);
        mine.into_iter().map(|entry| entry.seen(tasks)).collect()
    }

    /// Stops a task of the reviewer's tenant. Nothing when there is none that lives.
    pub(crate) fn cancel(
        &self,
        tasks: &Tasks,
        reviewer: &Reviewer,
        id: TaskId,
        reason: &str,
    ) -> Option<()> {
        let theirs = self.known().living.get(&id)?.tenant == reviewer.tenant;
        (theirs && tasks.manager()?.cancel(id, reason)).then_some(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // A panic between two statements could at worst leave a task out.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// While it lives the manager knows best: it estimates.
    fn seen(self, tasks: &Tasks) -> TaskView {
        let living = tasks.manager().and_then(|manager| manager.progress(self.progress.task_id));
        TaskView::of(living.unwrap_or(self.progress), self.waiting)
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
        let (board, tasks) = (Board::default(), Tasks::new(manager, log.clone()));
        let Some(LogItem::Event(_, first)) = log.read(None).next().await else {
            panic!("it is told")
        };
        board.learn(&first);
        let reviewer = Reviewer::new("ann");
        assert_eq!(board.list(&tasks, &reviewer).len(), 1);
        board.catch_up(&tasks);
        assert_eq!(board.list(&tasks, &reviewer).len(), 0);
    }
}
