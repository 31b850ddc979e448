//! Errors of a store.

use std::error::Error;
use std::fmt;

use hitl_base::clock::ClockJump;

use crate::ids::RequestId;
use crate::machine::{CallRecord, Refusal};

/// The kind of a store error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store is locked by another process, or cannot be reached. Try again later.
    Unavailable,
    /// The store cannot be written to: a read-only file, folder or disk.
    ReadOnly,
    /// The disk is full.
    Full,
    /// The file is damaged, or is not a hitl store.
    Corrupt,
    /// The file was written by a newer version of hitl.
    NewerSchema,
    /// It is not known whether the write happened. Read again before continuing.
    Ambiguous,
    /// The host's key cannot be read, or is not the key under which the data was sealed.
    Key,
    /// The call's run is older than the store's memory: the call may have run before. Start a new
    /// run.
    RunForgotten,
    /// The machine's clock has jumped far ahead. It cannot be trusted, so nothing is written until
    /// it is right.
    Clock,
    /// This store does not support the operation.
    Unsupported,
    /// Anything else.
    Other,
}

/// An error of a store. Its text names the next step and never quotes a value.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// Returns an error of this kind, with a message on what happened and what to do.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the error of a store without this operation.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::new(StoreErrorKind::Unsupported, format!("this store cannot {what}; use another one"))
    }

    /// Returns the error for a new call of a run that began before the store's watermark.
    pub fn run_forgotten() -> Self {
        Self::new(
            StoreErrorKind::RunForgotten,
            "this run began before what the store still remembers, so the call may have run \
             already; start a new run",
        )
    }

    /// Returns an error if keys must not be retired, because this many sessions may seal, or this
    /// many texts are sealed, under another key than the current one.
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

    /// Returns the kind of the error.
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

/// The reason why an event was not applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The state machine refused it; another event was first, or the event was not legal.
    #[error("{refusal}")]
    Rejected {
        /// The reason.
        refusal: Refusal,
        /// The current record.
        current: Box<CallRecord>,
    },
    /// There is no such call in this tenant.
    #[error("there is no call {0} in this tenant")]
    NotFound(RequestId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
