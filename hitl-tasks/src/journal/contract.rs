//! A journal is the only authority on who may go on with a task, and on what it has done.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use async_trait::async_trait;

use super::JournalError;
use crate::TaskId;

/// One holder's turn at a task: every [`Journal::claim`] makes a greater one, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(NonZeroU64);

impl Epoch {
    /// Of the first claim.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// From a stored number; `None` for 0, which no claim ever made.
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number to store; at least 1.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Of the claim after this one. Saturates, after more claims than anybody can make.
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
/// Given to a manager by [`ManagerBuilder::journal`](crate::ManagerBuilder::journal). The manager
/// claims a journaled task, loads what is recorded, and appends an entry whenever the task gets
/// further. It waits for `Ok` before it goes on.
///
/// # What an implementor owes
///
/// - **Opaque.** An entry is one UTF-8 JSON text, of a few bytes to some megabytes. A journal never
///   looks into it, and gives back the very same bytes.
/// - **Ordered.** [`load`](Self::load) gives a task's entries in the order in which their appends
///   took effect, without a hole.
/// - **Fenced.** After a [`claim`](Self::claim) has returned, no append under an older epoch takes
///   effect, also one that was already on its way: compare the epoch inside the transaction that
///   writes. Such an append writes nothing and is
///   [`Fenced`](super::JournalErrorKind::Fenced); so is one under an epoch that was never claimed.
/// - **Linearisable** per call: a load sees every append and claim that had returned before.
/// - **Durable.** `Ok` means that it survives whatever the journal promises to survive (memory:
///   nothing; SQLite and PostgreSQL: `kill -9` and, on a disk that honours fsync, power loss).
/// - **Honest.** When it is not known whether a claim or an append took effect, the error is
///   [`Ambiguous`](super::JournalErrorKind::Ambiguous). The manager then simply repeats the call:
///   a wasted epoch and a repeated entry are harmless to it. So a journal need not, and must not,
///   drop entries that are equal.
/// - **Apart.** Tasks know nothing of each other; ids are never reused for another task.
/// - **Cancel-safe.** A call whose future is dropped half-way took effect wholly or not at all.
///
/// How long a task is kept is the journal's own setting; what it removes, it removes whole, epoch
/// included, and only long after its last entry: a task whose record is gone begins anew.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Takes over a task, known or not, and fences whoever held it.
    async fn claim(&self, task: TaskId) -> Result<Epoch, JournalError>;

    /// Adds an entry at the end, if `epoch` is of the newest claim.
    async fn append(&self, task: TaskId, epoch: Epoch, entry: Vec<u8>) -> Result<(), JournalError>;

    /// Every entry of a task, oldest first; none of a task that nobody has written to.
    async fn load(&self, task: TaskId) -> Result<Vec<Vec<u8>>, JournalError>;

    /// Tasks that were claimed, in the order of their ids from the greatest down, below `before`;
    /// at most `limit`, 1 to 1000. Ids that were made by [`TaskId::new`] sort by age, so the
    /// youngest come first. For people who look; a manager never asks.
    /// [`Journaled`](super::Journaled) reads the entries.
    async fn recent(
        &self,
        before: Option<TaskId>,
        limit: usize,
    ) -> Result<Vec<TaskId>, JournalError>;

    /// Erases what is recorded of a task that has ended: outputs of steps, errors and names.
    /// Whoever held it is fenced. Returns whether anything was recorded.
    ///
    /// Nothing is left by which the task could be known: one that is submitted again under this id
    /// begins anew.
    ///
    /// # Errors
    ///
    /// [`Kept`](super::JournalErrorKind::Kept) if the task has not ended, or the store that keeps
    /// the journal has a legal hold that covers it or a call of it: asked inside the transaction
    /// that erases.
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
