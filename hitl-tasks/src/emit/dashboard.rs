//! The snapshot that a dashboard shows.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::{Clock, Timestamp, clock::SystemClock};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::live::Live;
use crate::sync::{Mutex, lock};
use crate::timings::Timings;
use crate::{Happening, ProgressEmitter, TaskEvent, TaskId, TaskInfo, TaskProgress, TaskState};

/// How long a finished task stays.
const RETAINED: Duration = Duration::from_secs(300);

/// How many tasks are shown.
const SHOWN: usize = 10;

/// How many finished tasks are kept at most; more are never shown.
const FINISHED: usize = SHOWN;

/// Keeps what a dashboard shows: running tasks, and finished ones for five minutes, ten in all.
/// Finished tasks leave first; what runs and finds no place is
/// [counted](DashboardSnapshot::hidden). Clones are the same dashboard.
///
/// An event changes one task in constant time; the snapshot is made when it is asked for.
///
/// ```
/// # use hitl_tasks::*;
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
    tasks: Mutex<Tasks>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Tasks {
    living: HashMap<TaskId, Followed>,
    timings: Timings,
    /// Newest last.
    finished: Vec<TaskProgress>,
}

/// A task that has not ended, as far as its events have told.
struct Followed {
    info: Arc<TaskInfo>,
    live: Live,
}

impl Followed {
    fn snapshot(&self, error: Option<Arc<str>>, timings: &Timings, at: Timestamp) -> TaskProgress {
        self.live.snapshot(&self.info, error, &timings.of(self.info.name()), at)
    }
}

/// What a dashboard shows at one moment; camelCase JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DashboardSnapshot {
    /// Version of this shape: 1.
    pub v: u32,
    /// At most ten tasks: running ones, then waiting ones, oldest first; then finished ones, newest
    /// first.
    pub tasks: Vec<TaskProgress>,
    /// How many tasks that have not ended are not among them.
    pub hidden: usize,
}

impl Dashboard {
    /// An empty dashboard.
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// One that reads another clock for how long a finished task stays.
    pub fn with_clock(clock: impl Clock) -> Self {
        let (changes, _) = watch::channel(0);
        Self(Arc::new(Shared { clock: Arc::new(clock), tasks: Mutex::default(), changes }))
    }

    /// What it shows now.
    pub fn snapshot(&self) -> DashboardSnapshot {
        let now = self.0.clock.now();
        let mut tasks = lock(&self.0.tasks);
        tasks.forget(now);
        let mut living: Vec<_> = tasks.living.values().collect();
        // Ids sort by age; what runs goes before what waits to start.
        living.sort_by_key(|task| (task.live.state == TaskState::Queued, task.info.id()));
        let hidden = living.len().saturating_sub(SHOWN);
        let living = living.iter().map(|task| task.snapshot(None, &tasks.timings, now));
        let finished = tasks.finished.iter().rev().cloned();
        let tasks = living.chain(finished).take(SHOWN).collect();
        DashboardSnapshot { v: 1, tasks, hidden }
    }

    /// A new snapshot whenever something has changed, but no oftener than `every`. A burst of
    /// changes delays nothing: the time runs from the last snapshot, not from the last change.
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

/// Snapshots, one after the other.
pub struct DashboardUpdates {
    dashboard: Dashboard,
    changes: watch::Receiver<u64>,
    every: Duration,
    not_before: Option<Instant>,
    first: bool,
}

impl DashboardUpdates {
    /// The first one at once, then one for each change. The last change always arrives.
    /// Cancel-safe.
    pub async fn next(&mut self) -> DashboardSnapshot {
        if !self.first {
            // The dashboard is held by this, so its sender lives.
            if self.changes.changed().await.is_ok() {
                // Noted only once the snapshot is made: this future may be dropped before.
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
        let old = tasks.learn(event);
        drop(tasks);
        drop(old);
        self.0.changes.send_modify(|changes| *changes += 1);
    }
}

impl Tasks {
    fn learn(&mut self, event: &TaskEvent) -> Option<TaskProgress> {
        let (at, info) = (event.at, &event.task);
        let new = || Followed { info: Arc::clone(info), live: Live::queued() };
        let live = &mut self.living.entry(info.id()).or_insert_with(new).live;
        match &event.what {
            Happening::Started => {
                live.state = TaskState::Running;
                live.begin(info, at);
            }
            Happening::StepStarted { step, attempt } => {
                live.step_started(info, *step, *attempt, at);
            }
            Happening::Progress { step, progress, message, .. } => {
                live.set_progress(info, *step, *progress);
                if let Some(message) = message {
                    live.set_message(Arc::clone(message));
                }
            }
            Happening::StepDone { step, .. } => {
                let took = live.step_done(info, *step, at);
                self.timings.note(info.shared_name(), *step, info.steps().len(), took);
            }
            Happening::StepRestored { step, .. } => live.step_restored(info, *step, at),
            Happening::StepRetrying { error, .. } => {
                live.set_message(Arc::clone(error));
            }
            Happening::Waiting { .. } => {
                live.state = TaskState::Waiting;
                live.pause_clock(at);
            }
            Happening::Resumed { .. } => {
                live.state = TaskState::Running;
                live.resume_clock(at);
            }
            Happening::Undoing => live.state = TaskState::Undoing,
            Happening::Ended { state, error, .. } => {
                live.state = *state;
                live.end(info, state.status(), at);
                let text = || error.clone().unwrap_or_else(|| state.as_str().into());
                let text = (*state != TaskState::Completed).then(text);
                let task = self.living.remove(&info.id())?;
                self.finished.push(task.snapshot(text, &self.timings, at));
                return (self.finished.len() > FINISHED).then(|| self.finished.remove(0));
            }
            _ => {}
        }
        None
    }

    fn forget(&mut self, now: Timestamp) {
        self.finished.retain(|task| {
            task.completed_at.is_some_and(|at| now.saturating_duration_since(at) < RETAINED)
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
