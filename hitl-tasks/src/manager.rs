//! The manager: accepts tasks and runs a bounded number of them at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::clock::SystemClock;
use hitl_base::{Clock, Redactor};

use crate::emit::FanOut;
use crate::error::BadSetting;
use crate::scheduler::{Scheduler, Settings};
use crate::shutdown::shut_down;
use crate::{
    BuildError, ProgressEmitter, Shutdown, ShutdownReport, SubmitError, Task, TaskHandle, TaskId,
    TaskProgress, TaskWatcher,
};

/// Runs tasks, a bounded number at a time, in the order they were submitted.
///
/// Clones are the same manager. When the last one is dropped, every task that lives is cancelled:
/// nothing runs on behind a manager's back. [`shutdown`](Self::shutdown) ends more gently.
#[derive(Clone)]
pub struct TaskManager(Arc<Owner>);

/// Tasks and handles hold the scheduler; only managers hold this.
struct Owner(Arc<Scheduler>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
        self.0.cancel_all("the task manager was dropped");
    }
}

impl TaskManager {
    /// A manager with other settings than the default ones.
    pub fn builder() -> ManagerBuilder {
        ManagerBuilder::default()
    }

    /// Accepts a task. It starts as soon as there is a free slot.
    ///
    /// Call it from async code: the task runs on the runtime of the caller. A step that waits for
    /// another task of the same manager should do so
    /// [off the clock](crate::StepContext::off_clock), or the two may wait for each other's slot.
    ///
    /// ```
    /// # use hitl_tasks::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let manager = TaskManager::builder().build()?;
    /// let answer = Arc::new(42);
    /// # use std::sync::Arc;
    /// let task = Task::new("Ask")
    ///     .step(TaskStep::new("Think", move |cx: StepContext| {
    ///         let answer = Arc::clone(&answer);
    ///         async move {
    ///             cx.progress(0.5);
    ///             Ok::<u32, String>(*answer)
    ///         }
    ///     }));
    /// assert_eq!(manager.submit(task)?.wait().await?, 42);
    /// # Ok(()) }
    /// ```
    pub fn submit<T: Send + 'static>(&self, task: Task<T>) -> Result<TaskHandle<T>, SubmitError> {
        let (plan, output) =
            task.planned().map_err(|(task, setting)| SubmitError::Invalid { task, setting })?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| SubmitError::NoRuntime)?;
        let record = Scheduler::submit(&self.0.0, plan, runtime)?;
        Ok(TaskHandle::new(record, output))
    }

    /// Watches a task that has not ended.
    pub fn watch(&self, id: TaskId) -> Option<TaskWatcher> {
        self.0.0.find(id).map(TaskWatcher::new)
    }

    /// How far a task is that has not ended.
    pub fn progress(&self, id: TaskId) -> Option<TaskProgress> {
        self.0.0.find(id).map(|record| record.snapshot())
    }

    /// Every task that has not ended, oldest first.
    pub fn tasks(&self) -> Vec<TaskProgress> {
        let mut records = self.0.0.living();
        records.sort_by_key(|record| record.id());
        records.iter().map(|record| record.snapshot()).collect()
    }

    /// Stops a task, like [`TaskHandle::cancel`]. `false` also when there is none of that id.
    pub fn cancel(&self, id: TaskId, reason: impl AsRef<str>) -> bool {
        let scheduler = &self.0.0;
        scheduler.find(id).is_some_and(|task| scheduler.cancel(&task, Some(reason.as_ref())))
    }

    /// How many tasks hold a slot.
    pub fn running(&self) -> usize {
        self.0.0.load().0
    }

    /// How many tasks wait to start.
    pub fn queued(&self) -> usize {
        self.0.0.load().1
    }

    /// Takes no more tasks, ends those it has, and tells what became of them. Returns within the
    /// deadline. Dropping the future half-way leaves the manager closed, and its tasks going on.
    pub async fn shutdown(&self, how: Shutdown) -> ShutdownReport {
        shut_down(&self.0.0, how).await
    }
}

impl fmt::Debug for TaskManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (running, queued) = self.0.0.load();
        f.debug_struct("TaskManager")
            .field("running", &running)
            .field("queued", &queued)
            .finish_non_exhaustive()
    }
}

/// Settings of a [`TaskManager`].
pub struct ManagerBuilder {
    max_concurrent: usize,
    max_queued: usize,
    grace: Duration,
    emitters: FanOut,
    clock: Arc<dyn Clock>,
}

impl Default for ManagerBuilder {
    fn default() -> Self {
        Self {
            max_concurrent: 10,
            max_queued: 10_000,
            grace: Duration::from_secs(5),
            emitters: FanOut::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl ManagerBuilder {
    /// How many tasks run at once; 10 unless said otherwise. `usize::MAX` means no limit.
    #[must_use]
    pub fn max_concurrent(mut self, tasks: usize) -> Self {
        self.max_concurrent = tasks;
        self
    }

    /// How many tasks may wait to start, besides those that run; 10,000 unless said otherwise. One
    /// more is refused with [`SubmitError::Full`]. `usize::MAX` means no limit.
    #[must_use]
    pub fn max_queued(mut self, tasks: usize) -> Self {
        self.max_queued = tasks;
        self
    }

    /// How long a step that listens for cancellation may tidy up before its future is dropped; 5
    /// seconds unless said otherwise. Zero means not at all.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Adds an emitter; all of them get every event.
    #[must_use]
    pub fn emitter(mut self, emitter: impl ProgressEmitter) -> Self {
        self.emitters = self.emitters.with(emitter);
        self
    }

    /// Where the times in events and snapshots come from. Budgets and delays are measured by
    /// tokio's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The manager. Refuses zero slots and a queue of zero: such a manager would never run
    /// anything, or refuse what it has no slot for at that instant.
    pub fn build(self) -> Result<TaskManager, BuildError> {
        for (what, value) in
            [("max_concurrent", self.max_concurrent), ("max_queued", self.max_queued)]
        {
            if value == 0 {
                return Err(BuildError(BadSetting::new(what, "at least 1")));
            }
        }
        Ok(TaskManager(Arc::new(Owner(Scheduler::new(Settings {
            max_concurrent: self.max_concurrent,
            max_queued: self.max_queued,
            grace: self.grace,
            emitter: self.emitters.simplified(),
            clock: self.clock,
            redactor: Redactor::standard(),
        })))))
    }
}

impl fmt::Debug for ManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerBuilder")
            .field("max_concurrent", &self.max_concurrent)
            .field("max_queued", &self.max_queued)
            .field("grace", &self.grace)
            .field("emitters", &self.emitters)
            .finish_non_exhaustive()
    }
}
