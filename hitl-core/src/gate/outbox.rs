//! Between store and audit: every change that a gate makes is in the store's outbox until the gate
//! says that it stands in the audit. So whoever dies in between leaves it for somebody else.

use std::borrow::Cow;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::error::GateError;
use super::handle::{Gate, Inner};
use crate::audit::{AuditRecord, AuditSink, UnacknowledgedChanges, heads, learn};
use crate::call::Tenant;
use crate::ids::RequestId;
use crate::machine::{CallRecord, Event, HistoryEntry};
use crate::store::{ApplyError, ChangeId, EventPayload, Store, StoreError, StoreErrorKind};
use crate::sync::sleep;

/// How long the store waits to be told, so that one transaction does for many changes.
const SOON: Duration = Duration::from_millis(500);
/// How long after it failed.
const LATER: Duration = Duration::from_secs(10);
/// After how many times it is also told how the audit's chains end.
const HEADS_EVERY: u32 = 20;
/// How many changes it is told of at once, or asked for.
const BATCH: usize = 256;
/// A change of our own that is older and still on nobody's books was left by a future that was
/// dropped.
const LEFT: Duration = Duration::from_secs(60);

impl Gate {
    /// Writes what the audit is owed, and tells the store what stands there.
    ///
    /// The gate does both by itself, about twice a second. Before a process ends it is good
    /// manners: what the store was not told of is audited once more by whoever comes next.
    pub async fn flush_audit(&self) -> Result<(), GateError> {
        self.inner.trail.pay_debts()?;
        tell(self.inner.trail.kept(), &*self.inner.store).await?;
        Ok(exchange_heads(&self.inner.trail.sink(), &*self.inner.store).await?)
    }
}

impl Inner {
    /// Applies an event whose audit is this gate's to write.
    pub(super) async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        self.store.apply(tenant, id, event, enclosed.audited_by(self.session)).await
    }

    /// Keeps a record of what has happened already, and has the store told. Whatever words of
    /// humans, hosts or policies its note holds, no secret that can be told leaves with them.
    pub(super) fn note(&self, record: &AuditRecord) {
        match record.note.as_deref().map(|note| self.redactor.text(note)) {
            Some(Cow::Owned(clean)) => {
                self.trail.note(&AuditRecord { note: Some(clean), ..record.clone() });
            }
            _ => self.trail.note(record),
        }
        if !self.trail.kept().begin_ack() {
            return;
        }
        let sink = self.trail.sink();
        let (kept, store) = (Arc::clone(self.trail.kept()), Arc::downgrade(&self.store));
        self.runtime.spawn(async move {
            let (mut pause, mut rounds) = (SOON, 0_u32);
            while !kept.is_idle() {
                sleep(pause).await;
                let Some(store) = store.upgrade() else { return };
                let mut told = tell(&kept, &*store).await;
                if told.is_ok() && rounds.is_multiple_of(HEADS_EVERY) {
                    told = exchange_heads(&sink, &*store).await;
                }
                rounds = rounds.wrapping_add(1);
                pause = match told {
                    Ok(()) => SOON,
                    Err(error) => {
                        tracing::warn!(%error, "the store was not told what is audited; trying again");
                        LATER
                    }
                };
            }
        });
    }

    /// Audits what others did not live to audit, and what a dropped future of ours has left. What
    /// the sink does not take stays in the outbox. Gives the changes that it took over.
    pub(super) async fn audit_what_was_left(&self) -> Result<Vec<HistoryEntry>, GateError> {
        let mut done = Vec::new();
        loop {
            // What is written now would push out what is owed already.
            if self.trail.owed() > 0 && self.trail.pay_debts().is_err() {
                return Ok(done);
            }
            let left = self.store.outbox_take(self.session, BATCH).await?;
            self.audit_late(&left).await?;
            let is_last = left.len() < BATCH;
            done.extend(left);
            if is_last {
                break;
            }
        }
        let mut own = self.store.pending_outbox(self.session, BATCH).await?;
        if own.is_empty() {
            return Ok(done);
        }
        let now = self.store.now().await?;
        own.retain(|entry| {
            now.saturating_duration_since(entry.at) >= LEFT
                && !self.trail.has(ChangeId::from_entry(entry))
        });
        self.audit_late(&own).await?;
        done.extend(own);
        Ok(done)
    }

    async fn audit_late(&self, entries: &[HistoryEntry]) -> Result<(), GateError> {
        for entry in entries {
            let record = self.store.get(&entry.key.tenant, entry.id).await?;
            self.note(&AuditRecord::late(entry, record.as_ref()));
        }
        Ok(())
    }
}

/// Tells the store of all that stands in the audit.
pub(super) async fn tell(
    kept: &UnacknowledgedChanges,
    store: &dyn Store,
) -> Result<(), StoreError> {
    loop {
        let changes = kept.some(BATCH);
        if changes.is_empty() {
            return Ok(());
        }
        store.outbox_ack(&changes).await?;
        kept.acknowledged(&changes);
    }
}

/// Tells the store how our chains end, and the sink how those of others do, so that a checkpoint of
/// one vouches for all.
pub(super) async fn exchange_heads(
    sink: &Weak<dyn AuditSink>,
    store: &dyn Store,
) -> Result<(), StoreError> {
    // The sink is not held while the store is asked: it must be free as soon as its gate is gone.
    let Some(own) = sink.upgrade().map(|sink| heads(&*sink)) else { return Ok(()) };
    if own.is_empty() {
        return Ok(());
    }
    for head in own.iter().filter(|head| head.seq > 0) {
        match store.writer_advance(head).await {
            Err(error) if error.kind() == StoreErrorKind::Unsupported => return Ok(()),
            other => other?,
        }
    }
    let mut others = store.writer_heads().await?;
    others.retain(|other| own.iter().all(|head| head.stream != other.stream));
    if let Some(sink) = sink.upgrade() {
        learn(&*sink, &others);
    }
    Ok(())
}
