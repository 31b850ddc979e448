//! A sink that makes signed checkpoints of another one, every so often.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hitl_base::Timestamp;

use super::checkpoint::SigningKey;
use super::{AuditError, AuditRecord, AuditSink, ChainHead, Checkpoint, ErasableLog};
use crate::sync::Mutex;

/// Where checkpoints go: best to another machine.
type Export = Arc<dyn Fn(&Checkpoint) -> Result<(), AuditError> + Send + Sync>;

/// Signs a checkpoint of what another sink has written, every so many records or so long after the
/// last one, and exports it.
///
/// A checkpoint lists the heads of all chains that the sink writes, and beside them those of the
/// other writers of the same store, as the gate last heard of them.
///
/// The time is that of the records: a sink that is not written to makes no checkpoint. One that
/// cannot be exported is warned about and tried again with the next record: it never keeps a record
/// from being kept.
///
/// ```
/// # use std::time::Duration;
/// # use hitl_core::audit::{CheckpointingSink, MemoryAudit, SigningKey};
/// let key = SigningKey::from_bytes([7; 32]);
/// let audit = CheckpointingSink::new(MemoryAudit::new(), key)
///     .every_records(1_000)
///     .every(Duration::from_secs(60))
///     .to_file("/mnt/elsewhere/checkpoints.jsonl");
/// # let _ = audit;
/// ```
pub struct CheckpointingSink<A> {
    sink: A,
    key: SigningKey,
    records: u64,
    time: Duration,
    export: Export,
    since: Mutex<Since>,
    /// How the chains of others end, as last known.
    others: Mutex<Vec<ChainHead>>,
    /// The file that they are exported to, if it is known.
    file: Option<PathBuf>,
}

/// What was written since the last checkpoint.
#[derive(Default)]
struct Since {
    records: u64,
    first: Option<Timestamp>,
    latest: Option<Checkpoint>,
}

impl<A: AuditSink> CheckpointingSink<A> {
    /// A checkpoint every 1,000 records or every minute; emitted as a `tracing` event with target
    /// `hitl::audit::checkpoint` until it is told where else they go.
    pub fn new(sink: A, key: SigningKey) -> Self {
        let emit = |checkpoint: &Checkpoint| {
            tracing::info!(target: "hitl::audit::checkpoint", checkpoint = %line(checkpoint)?);
            Ok(())
        };
        Self {
            sink,
            key,
            records: 1_000,
            time: Duration::from_secs(60),
            export: Arc::new(emit),
            file: None,
            since: Mutex::default(),
            others: Mutex::default(),
        }
    }

    /// A checkpoint after so many records; at least 1.
    #[must_use]
    pub fn every_records(mut self, records: u64) -> Self {
        self.records = records.max(1);
        self
    }

    /// A checkpoint with the first record that comes so long after the last checkpoint's.
    #[must_use]
    pub fn every(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Exports them with this function.
    #[must_use]
    pub fn to(
        mut self,
        export: impl Fn(&Checkpoint) -> Result<(), AuditError> + Send + Sync + 'static,
    ) -> Self {
        self.export = Arc::new(export);
        self
    }

    /// Appends them to a file, one line of JSON each.
    #[must_use]
    pub fn to_file(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.file = Some(path.clone());
        self.to(move |checkpoint| {
            let failed = |e| {
                AuditError::new(format!("cannot write to the checkpoint file {}", path.display()))
                    .because(e)
            };
            let mut line = line(checkpoint)?;
            line.push('\n');
            let mut file =
                OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
            file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(failed)
        })
    }

    /// Makes a checkpoint now and exports it.
    pub fn checkpoint(&self) -> Result<Checkpoint, AuditError> {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        self.make(&mut since, Timestamp::now())
    }

    /// The latest checkpoint that was exported.
    pub fn latest(&self) -> Option<Checkpoint> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).latest.clone()
    }

    fn make(&self, since: &mut Since, at: Timestamp) -> Result<Checkpoint, AuditError> {
        let mut heads = self.sink.heads();
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        for other in others.iter() {
            if !heads.iter().any(|head| head.stream == other.stream) {
                heads.push(other.clone());
            }
        }
        drop(others);
        let checkpoint = Checkpoint::new(at, heads).sign(&self.key);
        (self.export)(&checkpoint)?;
        *since = Since { latest: Some(checkpoint.clone()), ..Since::default() };
        Ok(checkpoint)
    }
}

fn line(checkpoint: &Checkpoint) -> Result<String, AuditError> {
    serde_json::to_string(checkpoint)
        .map_err(|_| AuditError::new("a checkpoint cannot be written as JSON"))
}

impl<A: AuditSink> AuditSink for CheckpointingSink<A> {
    fn files(&self) -> Vec<PathBuf> {
        self.sink.files().into_iter().chain(self.file.clone()).collect()
    }

    fn erasable(&self) -> Vec<&dyn ErasableLog> {
        self.sink.erasable()
    }

    fn unerasable(&self) -> Vec<String> {
        self.sink.unerasable()
    }

    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        self.keep(record).map(drop)
    }

    fn keep(&self, record: &AuditRecord) -> Result<Option<ChainHead>, AuditError> {
        let place = self.sink.keep(record)?;
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.records += 1;
        let first = *since.first.get_or_insert(record.at);
        if (since.records >= self.records
            || record.at.saturating_duration_since(first) >= self.time)
            && let Err(error) = self.make(&mut since, record.at)
        {
            tracing::warn!(%error, "a checkpoint of the audit could not be exported; trying again");
        }
        Ok(place)
    }

    fn learn(&self, others: &[ChainHead]) {
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) = others.to_vec();
        self.sink.learn(others);
    }

    fn heads(&self) -> Vec<ChainHead> {
        self.sink.heads()
    }
}

impl<A: fmt::Debug> fmt::Debug for CheckpointingSink<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CheckpointingSink").field(&self.sink).finish()
    }
}
