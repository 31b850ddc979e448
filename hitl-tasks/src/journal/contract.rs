//! The contract of a journal: the only authority on who may continue a task, and on the work it has
//! done.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use async_trait::async_trait;

use crate::id::TaskId;
use crate::journal::error::JournalError;
use crate::state::task_state::TaskState;

/// The number of a claim: every [`Journal::claim`] of a task returns a greater one, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(NonZeroU64);

impl Epoch {
    /// The epoch of the first claim.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// Restores an epoch from a stored number; `None` for 0, which is no epoch.
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Returns the number to store; at least 1.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Returns the epoch of the next claim. Saturates.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An append-only record of each task, with one writer at a time.
///
/// Passed to a manager by [`TaskManagerBuilder::journal`](crate::TaskManagerBuilder::journal). The
/// manager claims a journaled task, loads its entries, and appends one with each advance of the
/// task. It waits for `Ok` before it continues.
///
/// # Requirements for an implementor
///
/// - **Opaque.** An entry is one UTF-8 JSON text, of a few bytes to some megabytes. A journal never
///   interprets it, and returns exactly the same bytes. What it has to know, how a task has ended,
///   is passed to [`end`](Self::end) beside the entry.
/// - **Ordered.** [`load`](Self::load) returns the entries of a task in the order in which their
///   appends took effect, without gaps.
/// - **Fenced.** After a [`claim`](Self::claim) has returned, no append under an older epoch takes
///   effect, not even one that was already in flight: compare the epoch inside the transaction that
///   writes. Such an append writes nothing and is [`Fenced`](super::JournalErrorKind::Fenced); so
///   is one under an epoch that was never claimed.
/// - **Linearizable** per call: a load sees every append and claim that had returned before.
/// - **Durable.** `Ok` means that the write survives everything that the journal promises to
///   survive (memory: nothing; SQLite and PostgreSQL: `kill -9` and, on a disk that honours fsync,
///   power loss).
/// - **Honest.** If it is unknown whether a claim or an append took effect, the error is
///   [`Ambiguous`](super::JournalErrorKind::Ambiguous). The manager then repeats the call: an
///   unused epoch and a repeated entry are harmless. So a journal need not, and must not, drop
///   equal entries.
/// - **Isolated.** Tasks do not affect each other; ids are never reused for another task.
/// - **Cancel-safe.** A call whose future is dropped half-way takes effect entirely or not at all.
///
/// The retention of tasks is a setting of the journal. It removes a task as a whole, epoch
/// included, and only long after its last entry: a task without entries starts from the beginning.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Claims a task, known or not, and fences its former holder.
    async fn claim(&self, task: TaskId) -> Result<Epoch, JournalError>;

    /// Appends an entry, if `epoch` is that of the newest claim.
    async fn append(&self, task: TaskId, epoch: Epoch, entry: Vec<u8>) -> Result<(), JournalError>;

    /// Appends the entry with which the task ends, if `epoch` is that of the newest claim, and
    /// marks the task as ended in this state, both or neither. `state` [has
    /// ended](TaskState::has_ended).
    async fn end(
        &self,
        task: TaskId,
        epoch: Epoch,
        entry: Vec<u8>,
        state: TaskState,
    ) -> Result<(), JournalError>;

    /// Claims a task that is marked as [`Failed`](TaskState::Failed) or
    /// [`TimedOut`](TaskState::TimedOut), removes the mark and appends an entry, all or nothing. So
    /// of many calls for one failure exactly one succeeds. Returns the epoch of the claim.
    ///
    /// # Errors
    ///
    /// [`NotFailed`](super::JournalErrorKind::NotFailed) for any other task; its holder is not
    /// fenced.
    async fn reopen(&self, task: TaskId, entry: Vec<u8>) -> Result<Epoch, JournalError>;

    /// Returns the tasks that [`reopen`](Self::reopen) would accept, with ids below `before`, in
    /// descending order; at most `limit`, 1 to 1000.
    async fn failed(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError>;

    /// Returns whether the task was [erased](Self::erase), and not ended again since.
    async fn is_erased(&self, task: TaskId) -> Result<bool, JournalError>;

    /// Returns every entry of a task, oldest first; none for an unknown task.
    async fn load(&self, task: TaskId) -> Result<Vec<Vec<u8>>, JournalError>;

    /// Returns claimed tasks with ids below `before`, in descending order; at most `limit`, 1 to
    /// 1000. Ids from [`TaskId::new`] sort by age, so the youngest come first. For people; a
    /// manager never calls it. [`JournalSummary`](super::JournalSummary) reads the entries.
    async fn recent(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError>;

    /// Erases the entries of a task that has ended: outputs of steps, errors and names. Its holder
    /// is fenced. Returns whether anything was recorded.
    ///
    /// Nothing is left but the id, and that it [was erased](Self::is_erased): if it is submitted
    /// again under this id, it starts from the beginning.
    ///
    /// # Errors
    ///
    /// [`Kept`](super::JournalErrorKind::Kept) if the task has not ended, or if the store of the
    /// journal has a legal hold that covers the task or one of its calls. This is checked inside
    /// the transaction that erases.
    async fn erase(&self, task: TaskId) -> Result<bool, JournalError> {
        let _unused = task;
        let why = "this journal cannot erase a task; use another one";
        Err(JournalError::new(super::JournalErrorKind::Other, why))
    }
}

#[async_trait]
impl<J: Journal + ?Sized> Journal for Arc<J> {
    async fn claim(&self, task: TaskId) -> Result<Epoch, JournalError> {
        (**self).claim(task).await
    }

    async fn append(&self, task: TaskId, epoch: Epoch, entry: Vec<u8>) -> Result<(), JournalError> {
        (**self).append(task, epoch, entry).await
    }

    async fn end(
        &self,
        task: TaskId,
        epoch: Epoch,
        entry: Vec<u8>,
        state: TaskState,
    ) -> Result<(), JournalError> {
        (**self).end(task, epoch, entry, state).await
    }

    async fn reopen(&self, task: TaskId, entry: Vec<u8>) -> Result<Epoch, JournalError> {
        (**self).reopen(task, entry).await
    }

    async fn failed(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError> {
        (**self).failed(before, limit).await
    }

    async fn is_erased(&self, task: TaskId) -> Result<bool, JournalError> {
        (**self).is_erased(task).await
    }

    async fn load(&self, task: TaskId) -> Result<Vec<Vec<u8>>, JournalError> {
        (**self).load(task).await
    }

    async fn recent(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError> {
        (**self).recent(before, limit).await
    }

    async fn erase(&self, task: TaskId) -> Result<bool, JournalError> {
        (**self).erase(task).await
    }
}
