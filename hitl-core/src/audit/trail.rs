//! The order around the act: an intent must be kept before a body starts; what could not be kept
//! afterwards is a debt that stops further bodies until it is paid.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use super::{AuditError, AuditRecord, AuditSink};
use crate::sync::{Mutex, MutexGuard};

/// The most records held back. Bodies cannot start while there is debt, so what adds to it are
/// decisions and expiries; beyond this many the oldest is dropped and counted.
const DEBT: usize = 10_000;

pub(crate) struct Trail {
    sink: Arc<dyn AuditSink>,
    debt: Mutex<Debt>,
}

#[derive(Default)]
struct Debt {
    records: VecDeque<AuditRecord>,
    dropped: u64,
}

impl Trail {
    pub(crate) fn new(sink: Arc<dyn AuditSink>) -> Self {
        Self { sink, debt: Mutex::default() }
    }

    /// Keeps a record without which nothing must run. Debts are paid first.
    pub(crate) fn intent(&self, record: &AuditRecord) -> Result<(), AuditError> {
        let mut debt = self.debt();
        self.pay(&mut debt)?;
        self.append(record)
    }

    /// Keeps a record of what has happened already; on failure it is owed.
    pub(crate) fn note(&self, record: AuditRecord) {
        let mut debt = self.debt();
        let kept = self.pay(&mut debt).and_then(|()| self.append(&record));
        if let Err(error) = kept {
            tracing::error!(%error, event = %record.event, "an audit record is held back; nothing runs until it is kept");
            if debt.records.len() == DEBT {
                debt.records.pop_front();
                debt.dropped += 1;
            }
            debt.records.push_back(record);
        }
    }

    /// The chains that the sink writes.
    pub(crate) fn streams(&self) -> Vec<String> {
        let heads = catch_unwind(AssertUnwindSafe(|| self.sink.heads())).unwrap_or_default();
        heads.into_iter().map(|head| head.stream).collect()
    }

    /// How many records are owed.
    pub(crate) fn owed(&self) -> usize {
        self.debt().records.len()
    }

    fn debt(&self) -> MutexGuard<'_, Debt> {
        // Also held while appending, so that an intent cannot overtake a debt.
        self.debt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sink that panics is a sink that failed: what has happened stays happened.
    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        catch_unwind(AssertUnwindSafe(|| self.sink.append(record)))
            .unwrap_or_else(|_| Err(AuditError::new("the audit sink panicked")))
    }

    fn pay(&self, debt: &mut Debt) -> Result<(), AuditError> {
        while let Some(record) = debt.records.front() {
            self.append(record)?;
            debt.records.pop_front();
        }
        if debt.dropped > 0 {
            tracing::error!(
                dropped = debt.dropped,
                "audit records were lost while the sink failed"
            );
            debt.dropped = 0;
        }
        Ok(())
    }
}
