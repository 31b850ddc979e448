//! An audit in memory, for tests and for hosts that read it themselves.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use hitl_base::id::Uuid;

use super::{
    AuditError, AuditReader, AuditRecord, AuditSink, CallAudit, ChainHead, ChainWriter,
    ErasableLog, Replace, StoredRecord,
};
use crate::ids::RequestId;
use crate::sync::{Mutex, MutexGuard, lock};

/// The most records kept; the oldest are removed first.
const KEPT: usize = 10_000;

/// A sink that keeps the latest ten thousand records in memory. Clones share them.
///
/// Records of erased calls are removed.
#[derive(Clone, Debug, Default)]
pub struct MemoryAudit(Arc<Mutex<Records>>);

#[derive(Debug)]
struct Records {
    /// The name by which an erasure identifies it.
    stream: String,
    /// Each record with its number, which never changes.
    kept: VecDeque<(u64, AuditRecord)>,
    /// The number of the last record.
    last: u64,
}

impl Default for Records {
    fn default() -> Self {
        Self { stream: format!("memory-{}", Uuid::new_v4()), kept: VecDeque::new(), last: 0 }
    }
}

impl MemoryAudit {
    /// Creates an empty audit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the records, oldest first.
    pub fn records(&self) -> Vec<AuditRecord> {
        self.kept().kept.iter().map(|(_, record)| record.clone()).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Records> {
        lock(&self.0)
    }
}

impl AuditSink for MemoryAudit {
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        let mut guard = self.kept();
        let Records { kept, last, .. } = &mut *guard;
        if kept.len() == KEPT {
            kept.pop_front();
        } else if kept.len() == kept.capacity() {
            // Reserves no more room than is needed: once full, the newest record takes the slot of
            // the oldest.
            let more = kept.len().clamp(16, KEPT).min(KEPT - kept.len());
            kept.reserve_exact(more);
        }
        *last += 1;
        kept.push_back((*last, record.clone()));
        Ok(())
    }

    fn erasable(&self) -> Vec<&dyn ErasableLog> {
        vec![self]
    }

    fn unerasable(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Records {
    /// Returns a record as the line that a chain would have. Each is treated as the first of its
    /// chain, because there is no chain here.
    fn line(&self, seq: u64, record: &AuditRecord) -> Result<Vec<u8>, AuditError> {
        let before = ChainHead { seq: seq - 1, ..ChainHead::genesis(self.stream.clone()) };
        Ok(ChainWriter::after(before).next(record)?.to_vec())
    }
}

impl ErasableLog for MemoryAudit {
    fn visit(&self, look: &mut dyn FnMut(&[u8])) -> Result<(), AuditError> {
        let records = self.kept();
        for (seq, record) in &records.kept {
            look(&records.line(*seq, record)?);
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), AuditError> {
        Ok(())
    }

    /// Removes a record that is replaced: there is no chain to keep whole.
    fn rewrite(&self, replace: &mut Replace<'_>) -> Result<u64, AuditError> {
        let mut records = self.kept();
        let mut gone = BTreeSet::new();
        for (seq, record) in &records.kept {
            if replace(&records.line(*seq, record)?).is_some() {
                gone.insert(*seq);
            }
        }
        records.kept.retain(|(seq, _)| !gone.contains(seq));
        Ok(gone.len() as u64)
    }
}

impl AuditReader for MemoryAudit {
    /// Reads the latest ten thousand records; `cut` is set if older ones were removed.
    fn read_call(&self, call: RequestId) -> Result<CallAudit, AuditError> {
        let records = self.kept();
        let found = (1..)
            .zip(records.kept.iter())
            .filter(|(_, (_, record))| record.call == Some(call))
            .map(|(seq, (_, record))| StoredRecord { stream: None, seq, record: record.clone() });
        Ok(CallAudit::new(found.collect(), records.last >= KEPT as u64))
    }
}
