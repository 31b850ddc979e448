//! An audit in memory, for tests and for hosts that read it themselves.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use super::{AuditError, AuditReader, AuditRecord, AuditSink, CallAudit, Kept};
use crate::ids::RequestId;
use crate::sync::Mutex;

/// The most records kept; the oldest leave first.
const KEPT: usize = 10_000;

/// Keeps the latest ten thousand records in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryAudit(Arc<Mutex<VecDeque<AuditRecord>>>);

impl MemoryAudit {
    /// An empty audit.
    pub fn new() -> Self {
        Self::default()
    }

    /// The records, oldest first.
    pub fn records(&self) -> Vec<AuditRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl AuditSink for MemoryAudit {
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() == KEPT {
            records.pop_front();
        } else if records.len() == records.capacity() {
            // No more room than is kept: then the newest is written where the oldest stood.
            let more = records.len().clamp(16, KEPT).min(KEPT - records.len());
            records.reserve_exact(more);
        }
        records.push_back(record.clone());
        Ok(())
    }
}

impl AuditReader for MemoryAudit {
    /// Of the latest ten thousand records; `cut` says that older ones have left.
    fn of_call(&self, call: RequestId) -> Result<CallAudit, AuditError> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = (1..)
            .zip(records.iter())
            .filter(|(_, record)| record.call == Some(call))
            .map(|(seq, record)| Kept { stream: None, seq, record: record.clone() });
        Ok(CallAudit::of(found.collect(), records.len() == KEPT))
    }
}
