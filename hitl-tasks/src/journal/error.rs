//! The errors of a journal.

use std::error::Error;
use std::fmt;

/// The kind of a [`JournalError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalErrorKind {
    /// The epoch is not that of the newest claim: another process holds the task. Nothing was
    /// written.
    Fenced,
    /// It is unknown whether the write took effect. Repeat it.
    Ambiguous,
    /// The journal is locked by another process, or unreachable. Nothing was written; try again.
    Unavailable,
    /// The journal cannot be written: a read-only file, folder or disk.
    ReadOnly,
    /// The disk is full.
    Full,
    /// The stored data is damaged.
    Corrupt,
    /// The journal was written by a newer version of hitl.
    NewerSchema,
    /// The task has to be kept: it has not ended, or a legal hold covers it. Nothing was erased.
    Kept,
    /// The task has not failed, so there is nothing to retry: it is unknown, runs, completed, was
    /// cancelled, or another retry has begun. Nothing was written.
    NotFailed,
    /// Any other error.
    Other,
}

/// The failure of an operation of a journal. Its text says what to do next, and never quotes an
/// entry.
#[derive(Debug)]
pub struct JournalError {
    kind: JournalErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl JournalError {
    /// Creates an error with a text that says what happened and what to do.
    pub fn new(kind: JournalErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Creates the error of an append under an epoch that is not the newest.
    pub fn fenced() -> Self {
        Self::new(JournalErrorKind::Fenced, "another process has taken the task over")
    }

    /// Creates the error of erasing a task that has not ended.
    pub fn not_ended() -> Self {
        let why = "the task has not ended; cancel it, or let it end, before it is erased";
        Self::new(JournalErrorKind::Kept, why)
    }

    /// Creates the error of reopening a task that has not failed.
    pub fn not_failed() -> Self {
        let why = "there is nothing to retry: the task runs, completed, was cancelled, is retried \
                   already, or is unknown";
        Self::new(JournalErrorKind::NotFailed, why)
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind of error.
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
