//! A sink that periodically makes signed checkpoints of another one.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::{Timestamp, owner_only};

use super::checkpoint::SigningKey;
use super::{AuditError, AuditRecord, AuditSink, ChainHead, Checkpoint, ErasableLog};
use crate::sync::{Mutex, lock};

/// The destination of checkpoints: best another machine.
type Export = Arc<dyn Fn(&Checkpoint) -> Result<(), AuditError> + Send + Sync>;

/// A sink that wraps another one. After a number of records, or a time since the last checkpoint,
/// it signs a checkpoint of what the other sink has written, and exports it.
///
/// A checkpoint lists the heads of all chains that the sink writes, and those of the other writers
/// of the same store, as the gate last knew them.
///
/// Time is that of the records: without records there are no checkpoints. If one cannot be
/// exported, a warning is logged and the export is tried again with the next record: a failed
/// export never prevents a record from being kept.
///
/// ```
/// # use std::time::Duration;
/// # use hitl::audit::{CheckpointingSink, MemoryAudit, SigningKey};
/// let key = SigningKey::from_bytes([7; 32]);
/// let audit = CheckpointingSink::new(MemoryAudit::new(), key)
///     .every_records(1_000)
///     .every(Duration::from_secs(60))
///     .to_file("/mnt/elsewhere/checkpoints.jsonl");
/// # let _ = audit;
/// ```
#[cfg(feature = "checkpoints")]
pub struct CheckpointingSink<A> {
    sink: A,
    key: SigningKey,
    records: u64,
    time: Duration,
    export: Export,
    since: Mutex<Since>,
    /// The last known heads of the other writers' chains.
    others: Mutex<Vec<ChainHead>>,
    /// The file that the checkpoints are exported to, if known.
    file: Option<PathBuf>,
}

/// The records since the last checkpoint.
#[derive(Default)]
struct Since {
    records: u64,
    first: Option<Timestamp>,
    latest: Option<Checkpoint>,
}

impl<A: AuditSink> CheckpointingSink<A> {
    /// Makes a checkpoint every 1,000 records or every minute. It is emitted as a `tracing` event
    /// with target `hitl::audit::checkpoint` unless another destination is set.
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

    /// Makes a checkpoint after this number of records; at least 1.
    #[must_use]
    pub fn every_records(mut self, records: u64) -> Self {
        self.records = records.max(1);
        self
    }

    /// Makes a checkpoint with the first record that is this much later than the last checkpoint.
    #[must_use]
    pub fn every(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Exports checkpoints with this function.
    #[must_use]
    pub fn to(
        mut self,
        export: impl Fn(&Checkpoint) -> Result<(), AuditError> + Send + Sync + 'static,
    ) -> Self {
        self.export = Arc::new(export);
        self
    }

    /// Appends checkpoints to a file, one line of JSON each.
    #[must_use]
    pub fn to_file(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.file = Some(path.clone());
        self.to(move |checkpoint| {
            let failed = |e| {
                AuditError::new(format!("cannot write to the checkpoint file {}", path.display()))
                    .with_source(e)
            };
            let mut line = line(checkpoint)?;
            line.push('\n');
            let mut options = OpenOptions::new();
            let file = owner_only(options.create(true).append(true)).open(&path);
            let mut file = file.map_err(failed)?;
            file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(failed)
        })
    }

    /// Makes a checkpoint now and exports it.
    pub fn checkpoint(&self) -> Result<Checkpoint, AuditError> {
        let mut since = lock(&self.since);
        self.make(&mut since, Timestamp::now())
    }

    /// Returns the latest checkpoint that was exported.
    pub fn latest(&self) -> Option<Checkpoint> {
        lock(&self.since).latest.clone()
    }

    fn make(&self, since: &mut Since, at: Timestamp) -> Result<Checkpoint, AuditError> {
        let mut heads = self.sink.heads();
        let others = lock(&self.others);
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
        let mut since = lock(&self.since);
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
        *lock(&self.others) = others.to_vec();
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
