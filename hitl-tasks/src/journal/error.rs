//! What can go wrong with a journal.

use std::error::Error;
use std::fmt;

/// What kind of trouble a journal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalErrorKind {
    /// The epoch is not that of the newest claim: somebody else holds the task. Nothing was
    /// written.
    Fenced,
    /// It is not known whether the write happened. Repeat it.
    Ambiguous,
    /// It is locked by another process, or cannot be reached. Nothing was written; try again.
    Unavailable,
    /// It cannot be written to: a read-only file, folder or disk.
    ReadOnly,
    /// The disk is full.
    Full,
    /// What is stored is damaged.
    Corrupt,
    /// It was written by a newer version of hitl.
    NewerSchema,
    /// The task is kept: it has not ended, or a legal hold covers it. Nothing was erased.
    Kept,
    /// Anything else.
    Other,
}

/// A journal could not do what it was asked. Says what to do next; never quotes an entry.
#[derive(Debug)]
pub struct JournalError {
    kind: JournalErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl JournalError {
    /// An error of a kind, with what happened and what to do.
    pub fn new(kind: JournalErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// An append under an epoch that is not the newest.
    pub fn fenced() -> Self {
        Self::new(JournalErrorKind::Fenced, "another process has taken the task over")
    }

    /// A task that has not ended is not erased.
    pub fn not_ended() -> Self {
        let why = "the task has not ended; cancel it, or let it end, before it is erased";
        Self::new(JournalErrorKind::Kept, why)
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> JournalErrorKind {
        self.kind
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for JournalError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
