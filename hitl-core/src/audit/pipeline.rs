//! The order around the act: an intent must be kept before a body starts; a later record that could
//! not be kept is a debt that stops further bodies until it is paid.
//!
//! Also the changes that are in the audit and not yet acknowledged to the store: until then the
//! store has each of them in its outbox.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Weak};

use super::{AuditError, AuditRecord, AuditSink, ChainHead, Commit};
use crate::panic::catch;
use crate::store::ChangeId;
use crate::sync::{Mutex, MutexGuard, lock};

/// The most records held back. Bodies cannot start while there is debt, so only decisions and
/// expiries add to it; beyond this number the oldest is dropped and counted. The store still has it
/// in its outbox.
const DEBT: usize = 10_000;
/// The most changes that are remembered for acknowledgement. A change that is forgotten is audited
/// once more.
const UNACKNOWLEDGED: usize = 100_000;

pub(crate) struct AuditPipeline {
    sink: Arc<dyn AuditSink>,
    state: Mutex<PipelineState>,
    kept: Arc<UnacknowledgedChanges>,
}

#[derive(Default)]
struct PipelineState {
    debt: VecDeque<AuditRecord>,
    dropped: u64,
}

/// The changes that are in the audit and not yet acknowledged to the store. Kept apart from the
/// sink, which must be free as soon as its gate is gone.
#[derive(Default)]
pub(crate) struct UnacknowledgedChanges(Mutex<PendingAcks>);

#[derive(Default)]
struct PendingAcks {
    changes: BTreeSet<ChangeId>,
    /// True if a caller is about to acknowledge them.
    acknowledging: bool,
}

impl UnacknowledgedChanges {
    fn add(&self, record: &AuditRecord) {
        if let (Some(call), Some(version)) = (record.call, record.version)
            && record.event.completes_a_change()
        {
            let mut pending = self.pending();
            if pending.changes.len() == UNACKNOWLEDGED {
                pending.changes.pop_first();
            }
            pending.changes.insert(ChangeId { call, version });
        }
    }

    /// Returns changes that are not yet acknowledged to the store, at most `limit`.
    pub(crate) fn some(&self, limit: usize) -> Vec<ChangeId> {
        self.pending().changes.iter().take(limit).copied().collect()
    }

    /// Removes changes that were acknowledged to the store.
    pub(crate) fn acknowledged(&self, changes: &[ChangeId]) {
        let mut pending = self.pending();
        for change in changes {
            pending.changes.remove(change);
        }
    }

    /// Returns whether there is something to acknowledge and no other caller is about to do it:
    /// then this caller must.
    pub(crate) fn begin_ack(&self) -> bool {
        let mut pending = self.pending();
        let begins = !pending.acknowledging && !pending.changes.is_empty();
        pending.acknowledging |= begins;
        begins
    }

    /// Returns whether nothing is left to acknowledge: then the caller that began is done.
    pub(crate) fn is_idle(&self) -> bool {
        let mut pending = self.pending();
        pending.acknowledging = !pending.changes.is_empty();
        !pending.acknowledging
    }

    fn pending(&self) -> MutexGuard<'_, PendingAcks> {
        lock(&self.0)
    }
}

impl AuditPipeline {
    pub(crate) fn new(sink: Arc<dyn AuditSink>) -> Self {
        Self { sink, state: Mutex::default(), kept: Arc::default() }
    }

    /// Keeps a record that must precede a run. Debts are paid first.
    pub(crate) fn intent(&self, record: &AuditRecord) -> Result<(), AuditError> {
        self.placed_intent(record).map(drop)
    }

    /// Does what [`intent`](Self::intent) does, and returns the record's place if the sink has a
    /// chain: for a call whose record in the store names that place.
    pub(crate) fn placed_intent(
        &self,
        record: &AuditRecord,
    ) -> Result<Option<ChainHead>, AuditError> {
        self.begin_intent(record)?.wait()
    }

    /// Does what [`placed_intent`](Self::placed_intent) does without blocking a thread: all callers
    /// that wait share a sync. Nothing runs before it returns `Ok`.
    ///
    /// Cancel safety: dropping the future starts nothing; the record may be kept.
    pub(crate) async fn durable_intent(
        &self,
        record: &AuditRecord,
    ) -> Result<Option<ChainHead>, AuditError> {
        self.begin_intent(record)?.done().await
    }

    /// Holds the lock only for the order, not until the record is kept.
    fn begin_intent(&self, record: &AuditRecord) -> Result<Commit, AuditError> {
        let mut state = self.state();
        self.pay(&mut state)?;
        self.begin(record)
    }

    /// Keeps a record of what has already happened; on failure it is owed.
    pub(crate) fn note(&self, record: &AuditRecord) {
        let mut state = self.state();
        match self.pay(&mut state).and_then(|()| self.begin(record)) {
            Ok(commit) => {
                // The next record need not wait for this one: it follows this one in the chain.
                drop(state);
                match commit.wait() {
                    Ok(_) => self.kept.add(record),
                    Err(error) => owe(&mut self.state(), record, &error),
                }
            }
            Err(error) => owe(&mut state, record, &error),
        }
    }

    /// Writes the records that are owed, if the sink accepts them.
    pub(crate) fn pay_debts(&self) -> Result<(), AuditError> {
        self.pay(&mut self.state())
    }

    /// Returns the names of the chains that the sink writes.
    pub(crate) fn streams(&self) -> Vec<String> {
        heads(&*self.sink).into_iter().map(|head| head.stream).collect()
    }

    /// Returns the sink, without keeping it alive.
    pub(crate) fn sink(&self) -> Weak<dyn AuditSink> {
        Arc::downgrade(&self.sink)
    }

    /// Returns the sink, for an erasure in its logs.
    pub(crate) fn shared_sink(&self) -> Arc<dyn AuditSink> {
        Arc::clone(&self.sink)
    }

    /// Returns the number of records that are owed.
    pub(crate) fn owed(&self) -> usize {
        self.state().debt.len()
    }

    /// Returns whether the change is in the audit or owed to it: then no other writer need write
    /// it.
    pub(crate) fn has(&self, change: ChangeId) -> bool {
        let state = self.state();
        let is = |record: &AuditRecord| {
            (record.call, record.version) == (Some(change.call), Some(change.version))
        };
        state.debt.iter().any(is) || self.kept.pending().changes.contains(&change)
    }

    /// Returns the changes to acknowledge.
    pub(crate) fn kept(&self) -> &Arc<UnacknowledgedChanges> {
        &self.kept
    }

    fn state(&self) -> MutexGuard<'_, PipelineState> {
        // Also held while a record is passed to the sink, so that an intent cannot overtake a debt.
        lock(&self.state)
    }

    fn begin(&self, record: &AuditRecord) -> Result<Commit, AuditError> {
        caught(|| self.sink.begin(record))
    }

    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        caught(|| self.sink.append(record))
    }

    fn pay(&self, state: &mut PipelineState) -> Result<(), AuditError> {
        while let Some(record) = state.debt.front() {
            self.append(record)?;
            if let Some(record) = state.debt.pop_front() {
                self.kept.add(&record);
            }
        }
        if state.dropped > 0 {
            tracing::error!(
                dropped = state.dropped,
                "audit records were dropped while the sink failed; those about calls are audited from the store's outbox"
            );
            state.dropped = 0;
        }
        Ok(())
    }
}

/// Holds a record back until the sink accepts it.
fn owe(state: &mut PipelineState, record: &AuditRecord, error: &AuditError) {
    tracing::error!(%error, event = %record.event, "an audit record is held back; nothing runs until it is kept");
    if state.debt.len() == DEBT {
        state.debt.pop_front();
        state.dropped += 1;
    }
    state.debt.push_back(record.clone());
}

/// Treats a panic of the sink as a failure: whatever has happened stays happened.
fn caught<O>(keep: impl FnOnce() -> Result<O, AuditError>) -> Result<O, AuditError> {
    catch(keep).unwrap_or_else(|_| Err(AuditError::new("the audit sink panicked")))
}

/// Returns the current heads of a sink's chains; none if that panics.
pub(crate) fn heads(sink: &dyn AuditSink) -> Vec<ChainHead> {
    catch(|| sink.heads()).unwrap_or_default()
}

/// Informs a sink of the heads of other writers' chains.
pub(crate) fn learn(sink: &dyn AuditSink, others: &[ChainHead]) {
    if catch(|| sink.learn(others)).is_err() {
        tracing::warn!("the audit sink panicked when it was told of other chains");
    }
}
