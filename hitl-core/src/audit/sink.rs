//! An audit sink is a function that keeps a record, or reports that it could not.

use std::io;
use std::path::PathBuf;

use super::{AuditRecord, ChainHead, Commit, ErasableLog};
use crate::call::Risk;

/// The error for a record that could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AuditError {
    message: String,
    source: Option<io::Error>,
    in_use: bool,
}

impl AuditError {
    /// Creates an error that says what happened and what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None, in_use: false }
    }

    /// Creates an error for a log that another process has open.
    pub(super) fn used_elsewhere(message: impl Into<String>) -> Self {
        Self { in_use: true, ..Self::new(message) }
    }

    /// Returns whether the cause is that another process has the log open.
    pub fn is_in_use(&self) -> bool {
        self.in_use
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: io::Error) -> Self {
        self.source = Some(source);
        self
    }
}

/// A destination of audit records, which keeps them in the order in which they arrive.
///
/// The gate writes the intent before a body runs and the result after it. If an intent cannot be
/// kept, nothing runs; a later record that cannot be kept is held back and tried again, and no
/// further body starts until it is kept.
pub trait AuditSink: Send + Sync + 'static {
    /// Keeps a record. `Ok` means that it was passed to the operating system or is in memory that
    /// lives as long as the process. Must not block for long: it is called from async code.
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError>;

    /// Does what [`append`](Self::append) does, and returns the record's place: the head of its
    /// chain after it. `None` if there is no chain. A sink that keeps a chain, or wraps one that
    /// does, implements this too, so that the store can name the place of an intent.
    fn keep(&self, record: &AuditRecord) -> Result<Option<ChainHead>, AuditError> {
        self.append(record).map(|()| None)
    }

    /// Accepts a record, in its order, and returns before it is kept if that takes long. A gate
    /// makes these calls one after the other and awaits the [`Commit`]s concurrently, so that they
    /// share a sync. A fast sink need not implement it.
    fn begin(&self, record: &AuditRecord) -> Result<Commit, AuditError> {
        self.keep(record).map(Commit::kept)
    }

    /// Learns the last known heads of the chains of other writers of the same store: for a sink
    /// that makes checkpoints, which list them too. Other sinks can ignore it.
    fn learn(&self, others: &[ChainHead]) {
        let _: &[ChainHead] = others;
    }

    /// Returns the current heads of the chains that this sink writes; empty for a sink that keeps
    /// no chain. The gate registers their names with its store, so that the loss of a chain is
    /// noticed.
    fn heads(&self) -> Vec<ChainHead> {
        Vec::new()
    }

    /// Returns the files that this sink writes: a call that names one of them is reviewed in full.
    /// A sink that wraps another passes its files on. Segments, and others whose names begin with
    /// one of these, belong to it.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Returns the logs of this sink in which lines can be replaced when their calls are erased. A
    /// sink that wraps another passes them on; if a sink returns none, nothing in it is erased.
    fn erasable(&self) -> Vec<&dyn ErasableLog> {
        Vec::new()
    }

    /// Returns, for the person who erases, the names of the places where this sink keeps records
    /// that it cannot [erase](Self::erasable). Empty for a sink that keeps nothing, or can erase
    /// all that it keeps; a sink that wraps another passes them on.
    ///
    /// Unless a sink overrides this, it is assumed to keep the records.
    fn unerasable(&self) -> Vec<String> {
        vec![std::any::type_name::<Self>().to_owned()]
    }
}

impl<A: AuditSink + ?Sized> AuditSink for std::sync::Arc<A> {
    fn files(&self) -> Vec<PathBuf> {
        (**self).files()
    }

    fn erasable(&self) -> Vec<&dyn ErasableLog> {
        (**self).erasable()
    }

    fn unerasable(&self) -> Vec<String> {
        (**self).unerasable()
    }

    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        (**self).append(record)
    }

    fn keep(&self, record: &AuditRecord) -> Result<Option<ChainHead>, AuditError> {
        (**self).keep(record)
    }

    fn begin(&self, record: &AuditRecord) -> Result<Commit, AuditError> {
        (**self).begin(record)
    }

    fn learn(&self, others: &[ChainHead]) {
        (**self).learn(others);
    }

    fn heads(&self) -> Vec<ChainHead> {
        (**self).heads()
    }
}

impl<T: AuditSink + ?Sized> AuditSink for Box<T> {
    fn files(&self) -> Vec<PathBuf> {
        (**self).files()
    }

    fn erasable(&self) -> Vec<&dyn ErasableLog> {
        (**self).erasable()
    }

    fn unerasable(&self) -> Vec<String> {
        (**self).unerasable()
    }

    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        (**self).append(record)
    }

    fn keep(&self, record: &AuditRecord) -> Result<Option<ChainHead>, AuditError> {
        (**self).keep(record)
    }

    fn begin(&self, record: &AuditRecord) -> Result<Commit, AuditError> {
        (**self).begin(record)
    }

    fn learn(&self, others: &[ChainHead]) {
        (**self).learn(others);
    }

    fn heads(&self) -> Vec<ChainHead> {
        (**self).heads()
    }
}

/// The condition under which a record counts as kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The record was passed to the operating system: it survives the death of the process, but not
    /// a power loss.
    #[default]
    HandedOver,
    /// Records about tools of this risk or more, and records about no tool, are on the disk; others
    /// were passed to the operating system.
    SyncedFrom(Risk),
    /// The record is on the disk, provided that the disk reports writes truthfully.
    Synced,
}

impl Durability {
    /// Returns whether this record must be on the disk.
    pub fn syncs(self, record: &AuditRecord) -> bool {
        match self {
            Self::HandedOver => false,
            Self::SyncedFrom(risk) => record.risk.is_none_or(|of| of >= risk),
            Self::Synced => true,
        }
    }
}

/// A sink that emits each record as a `tracing` event with target `hitl::audit`: for hosts whose
/// log pipeline is their audit. A gate uses it if no other sink is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingAudit;

impl AuditSink for TracingAudit {
    fn unerasable(&self) -> Vec<String> {
        vec!["the log that tracing writes to".to_owned()]
    }

    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        let json = serde_json::to_string(record)
            .map_err(|_| AuditError::new("a record cannot be written as JSON"))?;
        tracing::info!(target: "hitl::audit", event = %record.event, record = %json);
        Ok(())
    }
}
