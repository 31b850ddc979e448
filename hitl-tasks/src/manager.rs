//! The manager: accepts tasks and runs a bounded number of them at once.

use std::fmt;
use std::sync::Arc;

use crate::define::task::Task;
use crate::error::{InvalidSetting, SubmitError};
use crate::id::TaskId;
use crate::observe::filter::TaskFilter;
use crate::observe::handle::TaskHandle;
use crate::observe::watcher::TaskWatcher;
use crate::run::value_cell::ValueCell;
use crate::schedule::scheduler::{Accepted, Scheduler, TaskCounts};
use crate::shutdown::{Shutdown, ShutdownReport, shut_down};
use crate::state::progress::TaskProgress;
use crate::state::record::Record;
use crate::state::termination::StopCause;
use crate::sync::Runtime;

/// Runs tasks, a bounded number at a time, in the order of their submission.
///
/// Clones are the same manager. When the last one is dropped, every task that has not ended is
/// cancelled, so nothing keeps running without a manager. [`shutdown`](Self::shutdown) is gentler.
#[derive(Clone)]
pub struct TaskManager(pub(crate) Arc<Owner>);

/// Cancels everything when the last manager is dropped. Tasks and handles hold the scheduler; only
/// managers hold this.
pub(crate) struct Owner(pub(crate) Arc<Scheduler>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
        Scheduler::cancel_all(&self.0, "the task manager was dropped");
    }
}

impl TaskManager {
    /// Accepts a task. It starts as soon as a slot is free.
    ///
    /// Call it from async code: the task runs on the caller's runtime. A step that waits for
    /// another task of the same manager should wait [off the clock](crate::StepContext::off_clock),
    /// or each may wait for the other's slot.
    ///
    /// ```
    /// # use hitl::tasks::*;
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
            .into_plan(&self.0.0.environment().redactor)
            .map_err(|(task, setting)| SubmitError::Invalid { task, setting })?;
        if plan.info.is_journaled() && self.0.0.environment().journal.is_none() {
            let setting =
                InvalidSetting::new("journaled", "left out where the manager has no journal");
            return Err(SubmitError::Invalid { task: plan.info.name().into(), setting });
        }
        let runtime = Runtime::current().ok_or(SubmitError::NoRuntime)?;
        match Scheduler::submit(&self.0.0, plan, || Arc::new(output.clone()), runtime)? {
            Accepted::New(record) => Ok(TaskHandle::new(Arc::clone(&self.0.0), record, output)),
            Accepted::Cached(cached) => {
                if let Some(output) = cached.output.downcast_ref::<ValueCell<T>>() {
                    return Ok(TaskHandle::new(
                        Arc::clone(&self.0.0),
                        cached.record,
                        output.clone(),
                    ));
                }
                let key = cached.record.info().idempotency_key();
                Err(SubmitError::KeyTaken { key: key.map_or_else(|| "".into(), |key| key.key) })
            }
        }
    }

    /// Returns a watcher of a task that has not ended.
    pub fn watch(&self, id: TaskId) -> Option<TaskWatcher> {
        self.0.0.find(id).map(TaskWatcher::new)
    }

    /// Returns the progress of a task that has not ended.
    pub fn progress(&self, id: TaskId) -> Option<TaskProgress> {
        self.0.0.find(id).map(|record| record.snapshot())
    }

    /// Returns every task that has not ended, oldest first.
    pub fn tasks(&self) -> Vec<TaskProgress> {
        self.list(&TaskFilter::all())
    }

    /// Returns the tasks that have not ended and that the filter selects, oldest first.
    pub fn list(&self, filter: &TaskFilter) -> Vec<TaskProgress> {
        let mut records = self.0.0.living();
        records.retain(|record| filter.matches(record.info(), || record.state()));
        records.sort_by_key(|record| record.id());
        records.iter().take(filter.most()).map(|record| record.snapshot()).collect()
    }

    pub(crate) fn record(&self, id: TaskId) -> Option<Arc<Record>> {
        self.0.0.find(id)
    }

    /// Stops a task, like [`TaskHandle::cancel`]. Also returns `false` if there is no task with
    /// that id.
    pub fn cancel(&self, id: TaskId, reason: impl AsRef<str>) -> bool {
        let scheduler = &self.0.0;
        scheduler.find(id).is_some_and(|task| {
            Scheduler::cancel(scheduler, &task, StopCause::Request, Some(reason.as_ref()))
        })
    }

    /// Returns the number of tasks that hold a slot.
    pub fn running(&self) -> usize {
        self.0.0.counts().running
    }

    /// Returns the number of tasks that wait to start.
    pub fn queued(&self) -> usize {
        self.0.0.counts().queued
    }

    /// Refuses new tasks, ends the existing ones, and reports their outcomes. Returns within the
    /// deadline. If the future is dropped half-way, the manager stays closed and its tasks
    /// continue.
    pub async fn shutdown(&self, how: Shutdown) -> ShutdownReport {
        shut_down(&self.0.0, how).await
    }

    /// Shuts down as soon as `signal` resolves: Ctrl-C, a message from systemd, the end of a test.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use hitl::tasks::*;
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
        // A signal handler that cannot be installed resolves with an error; shutting down is safer
        // than running on without a signal.
        let _ = signal.await;
        self.shutdown(how).await
    }
}

impl fmt::Debug for TaskManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskCounts { running, queued } = self.0.0.counts();
        f.debug_struct("TaskManager")
            .field("running", &running)
            .field("queued", &queued)
            .finish_non_exhaustive()
    }
}
