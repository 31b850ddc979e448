//! Results by id, and failed tasks that can be retried: as a manager's journal has recorded them.

use serde::de::DeserializeOwned;

use crate::define::task::Task;
use crate::error::SubmitError;
use crate::id::TaskId;
use crate::journal::contract::Journal;
use crate::journal::error::{JournalError, JournalErrorKind};
use crate::journal::result::{ResultError, ResultErrorKind, read_result};
use crate::journal::summary::JournalSummary;
use crate::manager::TaskManager;
use crate::observe::handle::TaskHandle;
use crate::state::status::Status;
use crate::tenant::TenantTasks;

/// The number of failed tasks that are asked of a journal at once.
const PAGE: usize = 100;

impl TaskManager {
    /// Returns the result of a [journaled](Task::journaled) task that has completed, in this
    /// process or an earlier one, for as long as the journal keeps the task. `T` is the output of
    /// the task as it was defined.
    ///
    /// ```
    /// # use hitl::tasks::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let journal = MemoryJournal::new();
    /// let manager = TaskManager::builder().journal(journal).build()?;
    /// let add = |_: StepContext| async { Ok::<u32, String>(40 + 2) };
    /// let task = Task::new("Add").step(TaskStep::new("Add", add).durable()).journaled();
    /// let id = manager.submit(task)?.detach();
    /// // Later, perhaps after a restart:
    /// # manager.shutdown(Shutdown::drain(std::time::Duration::from_secs(5))).await;
    /// match manager.result::<u32>(id).await {
    ///     Ok(sum) => assert_eq!(sum, 42),
    ///     Err(error) if error.kind() == ResultErrorKind::NotEnded => println!("not yet"),
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Cancel-safe. Tasks that are not journaled have no result here: see [`TaskHandle::wait`].
    pub async fn result<T: DeserializeOwned>(&self, id: TaskId) -> Result<T, ResultError> {
        self.result_in(id, None).await
    }

    async fn result_in<T: DeserializeOwned>(
        &self,
        id: TaskId,
        tenant: Option<&str>,
    ) -> Result<T, ResultError> {
        let journal = self.journal().ok_or_else(ResultError::no_journal)?;
        let entries = journal.load(id).await?;
        let is_theirs = |known: &JournalSummary| tenant.is_none_or(|own| known.is_of(own));
        if !JournalSummary::read(id, &entries)?.as_ref().is_none_or(is_theirs) {
            return Err(ResultError::unknown());
        }
        match read_result(&entries) {
            Err(error) if error.kind() == ResultErrorKind::Unknown => {}
            result => return result,
        }
        let living = self.record(id);
        let is_theirs = |of: Option<&str>| tenant.is_none_or(|own| of == Some(own));
        Err(match living {
            Some(record) if is_theirs(record.info().tenant()) => ResultError::not_ended(),
            // Nothing is left of an erased task that says whose it was.
            None if tenant.is_none() && journal.is_erased(id).await? => ResultError::erased(),
            Some(_) | None => ResultError::unknown(),
        })
    }

    /// Returns the journaled tasks that failed or timed out, with ids below `before`, in descending
    /// order of their ids: the youngest first, for ids that [`TaskId::new`] made. At most `limit`,
    /// 1 to 1000; the id of the last one is the next `before`. Tasks of every process that uses the
    /// journal are listed, until they are [retried](Self::retry) or erased.
    ///
    /// Reads all entries of the listed tasks. Cancel-safe. The error is of the kind
    /// [`Other`](JournalErrorKind::Other) if the manager has no journal.
    ///
    /// ```
    /// # use hitl::tasks::*;
    /// # async fn list(manager: TaskManager) -> Result<(), JournalError> {
    /// for task in manager.failed(None, 20).await? {
    ///     let error = task.progress.error.as_deref().unwrap_or("failed");
    ///     println!("{} {}: {error}", task.progress.task_id, task.progress.task_name);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn failed(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<JournalSummary>, JournalError> {
        self.failed_in(before, limit, None).await
    }

    async fn failed_in(
        &self,
        mut before: Option<TaskId>,
        limit: usize,
        tenant: Option<&str>,
    ) -> Result<Vec<JournalSummary>, JournalError> {
        let journal = self.journal().ok_or_else(|| {
            JournalError::new(JournalErrorKind::Other, "the manager has no journal; give it one")
        })?;
        let limit = limit.clamp(1, 1000);
        let mut failed = Vec::new();
        loop {
            let page = journal.failed(before, PAGE).await?;
            for id in &page {
                let known = JournalSummary::read(*id, &journal.load(*id).await?)?;
                // It may have been retried since it was listed.
                let known = known.filter(|task| task.state.status() == Status::Failed);
                failed.extend(known.filter(|task| tenant.is_none_or(|own| task.is_of(own))));
                if failed.len() == limit {
                    return Ok(failed);
                }
            }
            if page.len() < PAGE {
                return Ok(failed);
            }
            before = page.last().copied();
        }
    }

    /// Begins a task again that has failed or timed out: the same definition under the same
    /// [id](Task::id). It continues after its completed steps, with all its retries, timeouts and
    /// budgets.
    ///
    /// A step that was [undone](crate::TaskStep::undo) runs again, with another [idempotency
    /// key](crate::StepContext::idempotency_key). A step that could not be undone counts as
    /// completed. The failed step runs again with the same key, so a gated call in it that was
    /// decided or has run is found, and neither asked about nor run again.
    ///
    /// The journal lets one retry of a failure begin, of however many processes: for the others
    /// [`wait`](TaskHandle::wait) returns [`NotFailed`](crate::TaskErrorKind::NotFailed), and
    /// nothing runs. Nothing has changed before the retry gets its slot; if its process dies
    /// afterwards, [submit](Self::submit) the task again. The journal keeps the earlier end.
    ///
    /// The retry ignores the idempotency key of the task, under which the failed one may still be
    /// remembered.
    ///
    /// ```
    /// # use hitl::tasks::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::sync::Arc;
    /// # use std::sync::atomic::{AtomicBool, Ordering};
    /// # let online = Arc::new(AtomicBool::new(false));
    /// # let export = |id| {
    /// #     let online = Arc::clone(&online);
    /// #     let send = move |_: StepContext| {
    /// #         let sent = if online.load(Ordering::SeqCst) { Ok(7) } else { Err("offline") };
    /// #         async move { sent }
    /// #     };
    /// #     Task::new("Export").id(id).step(TaskStep::new("Send", send).durable()).journaled()
    /// # };
    /// let manager = TaskManager::builder().journal(MemoryJournal::new()).build()?;
    /// let id = TaskId::new();
    /// assert!(manager.submit(export(id))?.wait().await.is_err());
    /// # online.store(true, Ordering::SeqCst);
    /// for task in manager.failed(None, 10).await? {
    ///     let sent: i32 = manager.retry(export(task.progress.task_id))?.wait().await?;
    ///     assert_eq!(sent, 7);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`submit`](Self::submit); a task that is not journaled, or has no id of its own, is
    /// [`Invalid`](SubmitError::Invalid).
    pub fn retry<T: Send + 'static>(&self, task: Task<T>) -> Result<TaskHandle<T>, SubmitError> {
        self.submit(task.into_retry())
    }

    fn journal(&self) -> Option<&dyn Journal> {
        self.0.0.environment().journal.as_deref()
    }
}

impl TenantTasks {
    /// Returns the result of one of the tenant's tasks, like [`TaskManager::result`]. An erased
    /// task is [`Unknown`](ResultErrorKind::Unknown), since nothing says whose it was.
    pub async fn result<T: DeserializeOwned>(&self, id: TaskId) -> Result<T, ResultError> {
        self.manager().result_in(id, Some(self.tenant())).await
    }

    /// Returns the tenant's failed tasks, like [`TaskManager::failed`]. Reads the failed tasks of
    /// all tenants until there are enough.
    pub async fn failed(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<JournalSummary>, JournalError> {
        self.manager().failed_in(before, limit, Some(self.tenant())).await
    }

    /// Begins a failed task of the tenant again, like [`TaskManager::retry`]. Another tenant's
    /// stays as it is, and the wait returns
    /// [`DefinitionChanged`](crate::TaskErrorKind::DefinitionChanged).
    pub fn retry<T: Send + 'static>(&self, task: Task<T>) -> Result<TaskHandle<T>, SubmitError> {
        self.submit(task.into_retry())
    }
}
