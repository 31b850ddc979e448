//! What can go wrong with a store.

use std::error::Error;
use std::fmt;

use hitl_base::clock::ClockJump;

use crate::ids::RequestId;
use crate::machine::{CallRecord, Refusal};

/// What kind of trouble a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It is locked by another process, or cannot be reached. Try again later.
    Unavailable,
    /// It cannot be written to: a read-only file, folder or disk.
    ReadOnly,
    /// The disk is full.
    Full,
    /// The file is damaged, or is no store of hitl.
    Corrupt,
    /// It was written by a newer version of hitl.
    NewerSchema,
    /// It is not known whether the write happened. Read again before going on.
    Ambiguous,
    /// The host's key cannot be read, or is another one than the data was sealed under.
    Key,
    /// The call's run is older than what the store remembers: the call may have run before. Start
    /// a new run.
    RunForgotten,
    /// The machine's clock has jumped far ahead. Nothing is judged by it, so nothing is written,
    /// until it is right.
    Clock,
    /// This store cannot do it.
    Unsupported,
    /// Anything else.
    Other,
}

/// A store could not do what it was asked. Says what to do next; never quotes a value.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error of a kind, with what happened and what to do.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The store has no such operation.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::new(StoreErrorKind::Unsupported, format!("this store cannot {what}; use another one"))
    }

    /// A new call of a run that began before the store's watermark.
    pub fn run_forgotten() -> Self {
        Self::new(
            StoreErrorKind::RunForgotten,
            "this run began before what the store still remembers, so the call may have run \
             already; start a new run",
        )
    }

    /// Refuses that keys are retired while so many sessions may seal under another key than the
    /// current one, or so many texts are sealed so.
    pub fn check_retired(sessions: u64, texts: u64) -> Result<(), Self> {
        let why = match (sessions, texts) {
            (0, 0) => return Ok(()),
            (0, texts) => format!(
                "{texts} sealed texts are not under the current host key: seal them again first \
                 (`Gate::reseal`, `hitl key reseal`), with the keys that they are under"
            ),
            (sessions, _) => format!(
                "{sessions} other processes may still seal under another host key than the current \
                 one: stop them, or restart them with the current one"
            ),
        };
        Err(Self::new(StoreErrorKind::Key, why))
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<ClockJump> for StoreError {
    fn from(jump: ClockJump) -> Self {
        Self::new(StoreErrorKind::Clock, jump.to_string())
    }
}

/// Why an event was not applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The state machine refused it; somebody else was first, or the event was not legal.
    #[error("{refusal}")]
    Rejected {
        /// Why.
        refusal: Refusal,
        /// The record as it stands.
        current: Box<CallRecord>,
    },
    /// There is no such call in this tenant.
    #[error("there is no call {0} in this tenant")]
    NotFound(RequestId),
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
