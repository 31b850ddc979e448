//! A journal that lives as long as its process, for tests and for tasks that only have to survive
//! their manager.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::id::TaskId;
use crate::journal::contract::{Epoch, Journal};
use crate::journal::error::JournalError;
use crate::journal::summary::check_erasable;
use crate::state::task_state::TaskState;
use crate::sync::{Mutex, lock};

/// Keeps entries in memory, while a clone of it lives. Clones are the same journal.
///
/// It keeps every task until [`forget`](Self::forget): its memory is bounded by the number of
/// submitted tasks.
#[derive(Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<HashMap<TaskId, TaskEntries>>>);

#[derive(Default)]
struct TaskEntries {
    epoch: Option<Epoch>,
    entries: Vec<Vec<u8>>,
    mark: Option<Mark>,
}

/// A fact about a task besides its entries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Ended(TaskState),
    Erased,
}

impl TaskEntries {
    fn has_failed(&self) -> bool {
        matches!(self.mark, Some(Mark::Ended(TaskState::Failed | TaskState::TimedOut)))
    }
}

impl MemoryJournal {
    /// Creates an empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes a task if the epoch is that of its newest claim.
    fn write(
        &self,
        task: TaskId,
        epoch: Epoch,
        change: impl FnOnce(&mut TaskEntries),
    ) -> Result<(), JournalError> {
        let mut tasks = lock(&self.0);
        let kept = tasks.get_mut(&task).filter(|kept| kept.epoch == Some(epoch));
        change(kept.ok_or_else(JournalError::fenced)?);
        Ok(())
    }

    /// Returns a page of the tasks that `wanted` selects, in descending order.
    fn page(
        &self,
        before: Option<TaskId>,
        limit: usize,
        wanted: impl Fn(&TaskEntries) -> bool,
    ) -> Vec<TaskId> {
        let kept = lock(&self.0);
        let selected = kept.iter().filter(|(task, entries)| {
            before.is_none_or(|before| **task < before) && wanted(entries)
        });
        let mut tasks: Vec<TaskId> = selected.map(|(task, _)| *task).collect();
        drop(kept);
        tasks.sort_unstable_by_key(|task| std::cmp::Reverse(*task));
        tasks.truncate(limit.clamp(1, 1000));
        tasks
    }

    /// Removes the entries of a task; its holder is fenced.
    pub fn forget(&self, task: TaskId) {
        let kept = lock(&self.0).remove(&task);
        drop(kept);
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn claim(&self, task: TaskId) -> Result<Epoch, JournalError> {
        let mut tasks = lock(&self.0);
        let kept = tasks.entry(task).or_default();
        let epoch = kept.epoch.map_or(Epoch::FIRST, Epoch::next);
        kept.epoch = Some(epoch);
        Ok(epoch)
    }

    async fn append(&self, task: TaskId, epoch: Epoch, entry: Vec<u8>) -> Result<(), JournalError> {
        self.write(task, epoch, |kept| kept.entries.push(entry))
    }

    async fn end(
        &self,
        task: TaskId,
        epoch: Epoch,
        entry: Vec<u8>,
        state: TaskState,
    ) -> Result<(), JournalError> {
        self.write(task, epoch, |kept| {
            kept.entries.push(entry);
            kept.mark = Some(Mark::Ended(state));
        })
    }

    async fn reopen(&self, task: TaskId, entry: Vec<u8>) -> Result<Epoch, JournalError> {
        let mut tasks = lock(&self.0);
        let kept = tasks.get_mut(&task).filter(|kept| kept.has_failed());
        let kept = kept.ok_or_else(JournalError::not_failed)?;
        let epoch = kept.epoch.map_or(Epoch::FIRST, Epoch::next);
        kept.epoch = Some(epoch);
        kept.entries.push(entry);
        kept.mark = None;
        Ok(epoch)
    }

    async fn failed(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError> {
        Ok(self.page(before, limit, TaskEntries::has_failed))
    }

    async fn is_erased(&self, task: TaskId) -> Result<bool, JournalError> {
        Ok(lock(&self.0).get(&task).is_some_and(|kept| kept.mark == Some(Mark::Erased)))
    }

    async fn load(&self, task: TaskId) -> Result<Vec<Vec<u8>>, JournalError> {
        Ok(lock(&self.0).get(&task).map(|kept| kept.entries.clone()).unwrap_or_default())
    }

    async fn recent(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError> {
        Ok(self.page(before, limit, |_| true))
    }

    async fn erase(&self, task: TaskId) -> Result<bool, JournalError> {
        let mut tasks = lock(&self.0);
        let Some(kept) = tasks.get_mut(&task).filter(|kept| !kept.entries.is_empty()) else {
            return Ok(false);
        };
        check_erasable(task, &kept.entries)?;
        kept.entries.clear();
        kept.epoch = kept.epoch.map(Epoch::next);
        kept.mark = Some(Mark::Erased);
        Ok(true)
    }
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryJournal").field("tasks", &lock(&self.0).len()).finish()
    }
}
