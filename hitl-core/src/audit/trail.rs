//! The order around the act: an intent must be kept before a body starts; what could not be kept
//! afterwards is a debt that stops further bodies until it is paid.
//!
//! Also which changes stand in the audit and were not acknowledged yet: the store has each of them
//! in its outbox until it is told.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, Weak};

use super::{AuditError, AuditRecord, AuditSink, Head};
use crate::store::Change;
use crate::sync::{Mutex, MutexGuard};

/// The most records held back. Bodies cannot start while there is debt, so what adds to it are
/// decisions and expiries; beyond this many the oldest is dropped and counted. The store still has
/// it in its outbox.
const DEBT: usize = 10_000;
/// The most changes whose acknowledgement is remembered. What is forgotten is audited once more.
const UNACKNOWLEDGED: usize = 100_000;

pub(crate) struct Trail {
    sink: Arc<dyn AuditSink>,
    books: Mutex<Books>,
    kept: Arc<Audited>,
}

#[derive(Default)]
struct Books {
    debt: VecDeque<AuditRecord>,
    dropped: u64,
}

/// Changes that stand in the audit, until the store has been told. Apart from the sink, which must
/// be free as soon as its gate is gone.
#[derive(Default)]
pub(crate) struct Audited(Mutex<Untold>);

#[derive(Default)]
struct Untold {
    changes: BTreeSet<Change>,
    /// Somebody is about to tell the store.
    telling: bool,
}

impl Audited {
    fn add(&self, record: &AuditRecord) {
        if let (Some(call), Some(version)) = (record.call, record.version)
            && record.event.completes_a_change()
        {
            let mut untold = self.untold();
            if untold.changes.len() == UNACKNOWLEDGED {
                untold.changes.pop_first();
            }
            untold.changes.insert(Change { call, version });
        }
    }

    /// Some of the changes that the store has not been told of.
    pub(crate) fn some(&self, limit: usize) -> Vec<Change> {
        self.untold().changes.iter().take(limit).copied().collect()
    }

    /// The store was told of these.
    pub(crate) fn told(&self, changes: &[Change]) {
        let mut untold = self.untold();
        for change in changes {
            untold.changes.remove(change);
        }
    }

    /// Whether the store is to be told of something, and the caller is the one who shall.
    pub(crate) fn begin_ack(&self) -> bool {
        let mut untold = self.untold();
        let begins = !untold.telling && !untold.changes.is_empty();
        untold.telling |= begins;
        begins
    }

    /// Whether there is nothing left to tell: then whoever began is done.
    pub(crate) fn is_idle(&self) -> bool {
        let mut untold = self.untold();
        untold.telling = !untold.changes.is_empty();
        !untold.telling
    }

    fn untold(&self) -> MutexGuard<'_, Untold> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trail {
    pub(crate) fn new(sink: Arc<dyn AuditSink>) -> Self {
        Self { sink, books: Mutex::default(), kept: Arc::default() }
    }

    /// Keeps a record without which nothing must run. Debts are paid first.
    pub(crate) fn intent(&self, record: &AuditRecord) -> Result<(), AuditError> {
        let mut books = self.books();
        self.pay(&mut books)?;
        self.append(record)
    }

    /// As [`intent`](Self::intent), and says where the record stands, when the sink has a chain:
    /// for a call whose record in the store is to name that place.
    pub(crate) fn placed_intent(&self, record: &AuditRecord) -> Result<Option<Head>, AuditError> {
        let mut books = self.books();
        self.pay(&mut books)?;
        caught(|| self.sink.keep(record))
    }

    /// Keeps a record of what has happened already; on failure it is owed.
    pub(crate) fn note(&self, record: &AuditRecord) {
        let mut books = self.books();
        let kept = self.pay(&mut books).and_then(|()| self.append(record));
        match kept {
            Ok(()) => self.kept.add(record),
            Err(error) => {
                tracing::error!(%error, event = %record.event, "an audit record is held back; nothing runs until it is kept");
                if books.debt.len() == DEBT {
                    books.debt.pop_front();
                    books.dropped += 1;
                }
                books.debt.push_back(record.clone());
            }
        }
    }

    /// Pays what is owed, if the sink takes it.
    pub(crate) fn pay_debts(&self) -> Result<(), AuditError> {
        self.pay(&mut self.books())
    }

    /// The chains that the sink writes.
    pub(crate) fn streams(&self) -> Vec<String> {
        heads(&*self.sink).into_iter().map(|head| head.stream).collect()
    }

    /// The sink, for as long as somebody else keeps it.
    pub(crate) fn sink(&self) -> Weak<dyn AuditSink> {
        Arc::downgrade(&self.sink)
    }

    /// The sink, for as long as it takes to erase in what it writes.
    pub(crate) fn shared_sink(&self) -> Arc<dyn AuditSink> {
        Arc::clone(&self.sink)
    }

    /// How many records are owed.
    pub(crate) fn owed(&self) -> usize {
        self.books().debt.len()
    }

    /// Whether the change stands in the audit or is owed to it: then nobody else need write it.
    pub(crate) fn has(&self, change: Change) -> bool {
        let books = self.books();
        let is = |record: &AuditRecord| {
            (record.call, record.version) == (Some(change.call), Some(change.version))
        };
        books.debt.iter().any(is) || self.kept.untold().changes.contains(&change)
    }

    /// What the store is to be told.
    pub(crate) fn kept(&self) -> &Arc<Audited> {
        &self.kept
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Also held while appending, so that an intent cannot overtake a debt.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, record: &AuditRecord) -> Result<(), AuditError> {
        caught(|| self.sink.append(record))
    }

    fn pay(&self, books: &mut Books) -> Result<(), AuditError> {
        while let Some(record) = books.debt.front() {
            self.append(record)?;
            if let Some(record) = books.debt.pop_front() {
                self.kept.add(&record);
            }
        }
        if books.dropped > 0 {
            tracing::error!(
                dropped = books.dropped,
                "audit records were dropped while the sink failed; those about calls are audited from the store's outbox"
            );
            books.dropped = 0;
        }
        Ok(())
    }
}

/// A sink that panics is a sink that failed: what has happened stays happened.
fn caught<O>(keep: impl FnOnce() -> Result<O, AuditError>) -> Result<O, AuditError> {
    catch_unwind(AssertUnwindSafe(keep))
        .unwrap_or_else(|_| Err(AuditError::new("the audit sink panicked")))
}

/// How the chains of a sink end now; nothing when that panics.
pub(crate) fn heads(sink: &dyn AuditSink) -> Vec<Head> {
    catch_unwind(AssertUnwindSafe(|| sink.heads())).unwrap_or_default()
}

/// Tells a sink how the chains of others end.
pub(crate) fn learn(sink: &dyn AuditSink, others: &[Head]) {
    if catch_unwind(AssertUnwindSafe(|| sink.learn(others))).is_err() {
        tracing::warn!("the audit sink panicked when it was told of other chains");
    }
}
