//! An audit sink is a function that keeps a record, or says that it could not.

use std::io;
use std::path::PathBuf;

use super::{AuditRecord, ChainHead, Commit, ErasableLog};
use crate::call::Risk;

/// A record could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AuditError {
    message: String,
    source: Option<io::Error>,
    in_use: bool,
}

impl AuditError {
    /// An error that says what happened and what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None, in_use: false }
    }

    /// Another process has the log open.
    pub(super) fn used_elsewhere(message: impl Into<String>) -> Self {
        Self { in_use: true, ..Self::new(message) }
    }

    /// Returns whether it is because another process has the log open.
    pub fn is_in_use(&self) -> bool {
        self.in_use
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: io::Error) -> Self {
        self.source = Some(source);
        self
    }
}

/// Keeps audit records, in the order in which they come.
///
/// The gate writes the intent before a body and the result after it. An intent that cannot be kept
/// means that nothing runs; a later record that cannot be kept is held back and tried again, and no
/// further body starts until it is.
pub trait AuditSink: Send + Sync + 'static {
    /// Keeps a record. `Ok` means that it was handed to the operating system or is in memory that
    /// lives as long as the process. Must not block for long: it is called from async code.
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError>;

    /// As [`append`](Self::append), and says where the record stands: what the head of its chain is
    /// then. Nothing when there is no chain. A sink that keeps a chain, or wraps one that does, has
    /// this too, so that the store can name the place of an intent.
    fn keep(&self, record: &AuditRecord) -> Result<Option<ChainHead>, AuditError> {
        self.append(record).map(|()| None)
    }

    /// Takes a record, in its order, and returns before it is kept where that takes long. A gate
    /// calls this one after the other and waits for the [`Commit`]s at the same time, so that they
    /// share a sync. A sink that is fast need not implement it.
    fn begin(&self, record: &AuditRecord) -> Result<Commit, AuditError> {
        self.keep(record).map(Commit::kept)
    }

    /// How the chains of other writers of the same store end, as last known: for a sink that makes
    /// checkpoints, which list them too. Others need not care.
    fn learn(&self, others: &[ChainHead]) {
        let _: &[ChainHead] = others;
    }

    /// How the chains that this sink writes end now; empty for a sink that keeps no chain. The gate
    /// registers their names with its store, so that a chain that goes missing is missed.
    fn heads(&self) -> Vec<ChainHead> {
        Vec::new()
    }

    /// The files that it writes: a call that names one of them is reviewed in full. A sink that
    /// wraps another passes its files on. Segments, and others whose names begin with one of these,
    /// belong to it.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Returns the logs that it writes and in which lines can be replaced, when their calls are
    /// erased. A sink that wraps another passes them on; of one that gives none, nothing is erased.
    fn erasable(&self) -> Vec<&dyn ErasableLog> {
        Vec::new()
    }

    /// Returns names of what it keeps records in and cannot [erase](Self::erasable) them from, for
    /// the one who erases. Empty for a sink that keeps nothing, or can erase all that it keeps; a
    /// sink that wraps another passes them on.
    ///
    /// Unless a sink says otherwise, it is taken to keep what it is given.
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

/// What it takes for a record to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// It was handed to the operating system: it survives the death of the process, not a power
    /// loss.
    #[default]
    HandedOver,
    /// Records about tools of this risk or more are on the disk; others were handed over. Records
    /// about no tool are on the disk.
    SyncedFrom(Risk),
    /// It is on the disk, as far as the disk is honest.
    Synced,
}

impl Durability {
    /// Whether this record must be on the disk.
    pub fn syncs(self, record: &AuditRecord) -> bool {
        match self {
            Self::HandedOver => false,
            Self::SyncedFrom(risk) => record.risk.is_none_or(|of| of >= risk),
            Self::Synced => true,
        }
    }
}

/// Emits each record as a `tracing` event with target `hitl::audit`: for hosts whose log pipeline
/// is their audit. What a gate uses when it is given no other sink.
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
