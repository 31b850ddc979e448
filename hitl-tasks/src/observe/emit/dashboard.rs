//! The tasks that a dashboard shows.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::{Clock, Timestamp, clock::SystemClock};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::define::task_info::TaskInfo;
use crate::id::TaskId;
use crate::observe::emit::emitter::ProgressEmitter;
use crate::observe::event::{TaskEvent, TaskEventKind};
use crate::state::progress::TaskProgress;
use crate::state::progress_state::ProgressState;
use crate::state::step_durations::StepDurations;
use crate::state::task_state::TaskState;
use crate::sync::{Mutex, lock};

/// The time for which a finished task is shown.
const FINISHED_TTL: Duration = Duration::from_secs(300);

/// The maximum number of tasks shown.
const MAX_SHOWN: usize = 10;

/// The maximum number of finished tasks kept; more are never shown.
const MAX_FINISHED: usize = MAX_SHOWN;

/// The running tasks, and the finished ones of the last five minutes, ten in all. Finished tasks
/// leave first; running ones that do not fit are [counted](DashboardSnapshot::hidden). Clones are
/// the same dashboard.
///
/// An event updates one task in constant time; the snapshot is made on demand.
///
/// ```
/// # use hitl::tasks::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dashboard = Dashboard::new();
/// let manager = TaskManager::builder().emitter(dashboard.clone()).build()?;
/// manager.submit(Task::new("Nothing to do"))?.wait().await?;
/// assert_eq!(dashboard.snapshot().tasks[0].task_name.as_ref(), "Nothing to do");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Dashboard(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    tasks: Mutex<DashboardState>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct DashboardState {
    living: HashMap<TaskId, LiveTask>,
    durations: StepDurations,
    /// Newest last.
    finished: Vec<TaskProgress>,
}

/// A task that has not ended, as its events describe it.
struct LiveTask {
    info: Arc<TaskInfo>,
    state: ProgressState,
}

impl LiveTask {
    fn snapshot(
        &self,
        error: Option<Arc<str>>,
        durations: &StepDurations,
        at: Timestamp,
    ) -> TaskProgress {
        self.state.snapshot(&self.info, error, &durations.means(self.info.name()), at)
    }
}

/// The tasks that a dashboard shows at one moment; camelCase JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DashboardSnapshot {
    /// The version of this format: 1.
    pub v: u32,
    /// At most ten tasks: running ones, then waiting ones, oldest first; then finished ones, newest
    /// first.
    pub tasks: Vec<TaskProgress>,
    /// The number of unfinished tasks that do not fit.
    pub hidden: usize,
}

impl Dashboard {
    /// Creates an empty dashboard.
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// Creates a dashboard with another clock for the time for which finished tasks are shown.
    pub fn with_clock(clock: impl Clock) -> Self {
        let (changes, _) = watch::channel(0);
        Self(Arc::new(Shared { clock: Arc::new(clock), tasks: Mutex::default(), changes }))
    }

    /// Returns the current snapshot.
    pub fn snapshot(&self) -> DashboardSnapshot {
        let now = self.0.clock.now();
        let mut tasks = lock(&self.0.tasks);
        tasks.prune(now);
        let mut living: Vec<_> = tasks.living.values().collect();
        // Ids sort by age; running tasks come before queued ones.
        living.sort_by_key(|task| (task.state.state == TaskState::Queued, task.info.id()));
        let hidden = living.len().saturating_sub(MAX_SHOWN);
        let living = living.iter().map(|task| task.snapshot(None, &tasks.durations, now));
        let finished = tasks.finished.iter().rev().cloned();
        let tasks = living.chain(finished).take(MAX_SHOWN).collect();
        DashboardSnapshot { v: 1, tasks, hidden }
    }

    /// Returns the snapshots after each change, at most one for each `every`. A burst of changes
    /// does not delay a snapshot: the time counts from the last snapshot, not from the last change.
    pub fn updates(&self, every: Duration) -> DashboardUpdates {
        DashboardUpdates {
            dashboard: self.clone(),
            changes: self.0.changes.subscribe(),
            every,
            not_before: None,
            first: true,
        }
    }
}

impl Default for Dashboard {
    fn default() -> Self {
        Self::new()
    }
}

/// A sequence of snapshots.
pub struct DashboardUpdates {
    dashboard: Dashboard,
    changes: watch::Receiver<u64>,
    every: Duration,
    not_before: Option<Instant>,
    first: bool,
}

impl DashboardUpdates {
    /// Returns the first snapshot at once, then one for each change. The last change always
    /// arrives. Cancel-safe.
    pub async fn next(&mut self) -> DashboardSnapshot {
        if !self.first {
            // Never an error: `self` holds the dashboard, and the dashboard holds the sender.
            if self.changes.changed().await.is_ok() {
                // Marked as seen only once the snapshot is made, because this future may be dropped
                // before.
                self.changes.mark_changed();
            }
        }
        if let Some(not_before) = self.not_before {
            sleep_until(not_before).await;
        }
        self.first = false;
        self.not_before = Instant::now().checked_add(self.every);
        self.changes.mark_unchanged();
        self.dashboard.snapshot()
    }
}

impl ProgressEmitter for Dashboard {
    fn emit(&self, event: &TaskEvent) {
        let mut tasks = lock(&self.0.tasks);
        let old = tasks.apply(event);
        drop(tasks);
        drop(old);
        self.0.changes.send_modify(|changes| *changes += 1);
    }
}

impl DashboardState {
    fn apply(&mut self, event: &TaskEvent) -> Option<TaskProgress> {
        let (at, info) = (event.at, &event.task);
        let new = || LiveTask { info: Arc::clone(info), state: ProgressState::new() };
        let live = &mut self.living.entry(info.id()).or_insert_with(new).state;
        match &event.kind {
            TaskEventKind::Started => {
                live.state = TaskState::Running;
                live.start(info, at);
            }
            TaskEventKind::StepStarted { step, attempt } => {
                live.start_step(info, *step, *attempt, at);
            }
            TaskEventKind::Progress { step, progress, message, .. } => {
                live.set_progress(info, *step, *progress);
                if let Some(message) = message {
                    live.set_message(Arc::clone(message));
                }
            }
            TaskEventKind::StepDone { step, .. } => {
                let took = live.complete_step(info, *step, at);
                self.durations.record(info.shared_name(), *step, info.steps().len(), took);
            }
            TaskEventKind::StepRestored { step, .. } => live.restore_step(info, *step, at),
            TaskEventKind::StepRetrying { error, .. } => {
                live.set_message(Arc::clone(error));
            }
            TaskEventKind::Waiting { .. } => {
                live.state = TaskState::Waiting;
                live.pause_clock(at);
            }
            TaskEventKind::Resumed { .. } => {
                live.state = TaskState::Running;
                live.resume_clock(at);
            }
            TaskEventKind::Undoing => live.state = TaskState::Undoing,
            TaskEventKind::Ended { state, error, .. } => {
                live.state = *state;
                live.end(info, state.status(), at);
                let text = || error.clone().unwrap_or_else(|| state.as_str().into());
                let text = (*state != TaskState::Completed).then(text);
                let task = self.living.remove(&info.id())?;
                self.finished.push(task.snapshot(text, &self.durations, at));
                return (self.finished.len() > MAX_FINISHED).then(|| self.finished.remove(0));
            }
            _ => {}
        }
        None
    }

    fn prune(&mut self, now: Timestamp) {
        self.finished.retain(|task| {
            task.completed_at.is_some_and(|at| now.saturating_duration_since(at) < FINISHED_TTL)
        });
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let living = lock(&self.0.tasks).living.len();
        f.debug_struct("Dashboard").field("living", &living).finish_non_exhaustive()
    }
}

impl fmt::Debug for DashboardUpdates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DashboardUpdates").field("every", &self.every).finish_non_exhaustive()
    }
}
