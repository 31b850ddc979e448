//! The manager: accepts tasks and runs a bounded number of them at once.

use std::fmt;
use std::sync::Arc;

use crate::error::BadSetting;
use crate::record::{Record, Stopper};
use crate::scheduler::{Accepted, Scheduler};
use crate::shutdown::shut_down;
use crate::sync::Runtime;
use crate::wire::Wire;
use crate::{
    ManagerBuilder, Shutdown, ShutdownReport, SubmitError, Task, TaskFilter, TaskHandle, TaskId,
    TaskProgress, TaskWatcher, TenantTasks,
};

/// Runs tasks, a bounded number at a time, in the order they were submitted.
///
/// Clones are the same manager. When the last one is dropped, every task that lives is cancelled:
/// nothing runs on behind a manager's back. [`shutdown`](Self::shutdown) ends more gently.
#[derive(Clone)]
pub struct TaskManager(pub(crate) Arc<Owner>);

/// Tasks and handles hold the scheduler; only managers hold this.
pub(crate) struct Owner(pub(crate) Arc<Scheduler>);

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
        let (plan, output) = task
            .planned(&self.0.0.settings.redactor)
            .map_err(|(task, setting)| SubmitError::Invalid { task, setting })?;
        if plan.info.is_journaled() && self.0.0.settings.journal.is_none() {
            let setting = BadSetting::new("journaled", "left out where the manager has no journal");
            return Err(SubmitError::Invalid { task: plan.info.name().into(), setting });
        }
        let runtime = Runtime::current().ok_or(SubmitError::NoRuntime)?;
        match Scheduler::submit(&self.0.0, plan, || Arc::new(output.clone()), runtime)? {
            Accepted::New(record) => Ok(TaskHandle::new(record, output)),
            Accepted::Known(known) => {
                if let Some(output) = known.output.downcast_ref::<Wire<T>>() {
                    return Ok(TaskHandle::new(known.record, output.clone()));
                }
                let name = known.record.info().idempotency_name();
                Err(SubmitError::KeyTaken { key: name.map_or_else(|| "".into(), |name| name.1) })
            }
        }
    }

    /// The tasks of one tenant, and nobody else's.
    pub fn of_tenant(&self, tenant: impl Into<Arc<str>>) -> TenantTasks {
        TenantTasks::new(self.clone(), tenant.into())
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
        self.list(&TaskFilter::all())
    }

    /// Those of them that the filter lets through, oldest first.
    pub fn list(&self, filter: &TaskFilter) -> Vec<TaskProgress> {
        let mut records = self.0.0.living();
        records.retain(|record| filter.matches(record.info(), || record.state()));
        records.sort_by_key(|record| record.id());
        records.iter().take(filter.most()).map(|record| record.snapshot()).collect()
    }

    pub(crate) fn record(&self, id: TaskId) -> Option<Arc<Record>> {
        self.0.0.find(id)
    }

    /// Stops a task, like [`TaskHandle::cancel`]. `false` also when there is none of that id.
    pub fn cancel(&self, id: TaskId, reason: impl AsRef<str>) -> bool {
        let scheduler = &self.0.0;
        scheduler
            .find(id)
            .is_some_and(|task| scheduler.cancel(&task, Stopper::Somebody, Some(reason.as_ref())))
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

    /// Shuts down as soon as `signal` resolves: Ctrl-C, a message from systemd, the end of a test.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use hitl_tasks::*;
    /// # async fn ctrl_c() -> std::io::Result<()> { Ok(()) } // tokio::signal::ctrl_c
    /// # async fn app() -> Result<(), BuildError> {
    /// let manager = TaskManager::builder().build()?;
    /// let report = manager.shutdown_on(ctrl_c(), Shutdown::cancel(Duration::from_secs(10))).await;
    /// if !report.still_running.is_empty() {
    ///     eprintln!("left behind: {:?}", report.still_running);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Dropping the future before the signal changes nothing; afterwards see
    /// [`shutdown`](Self::shutdown).
    pub async fn shutdown_on<S: Future>(&self, signal: S, how: Shutdown) -> ShutdownReport {
        // A signal that cannot be listened to resolves with an error; better to end than never to.
        let _ = signal.await;
        self.shutdown(how).await
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
