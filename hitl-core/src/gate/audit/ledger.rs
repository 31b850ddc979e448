//! The audit of a gate: intents before an act, records after it, and the store's acknowledgement of
//! what is audited.

use std::borrow::Cow;
use std::sync::Arc;

use hitl_base::{Redactor, Timestamp};

use crate::approval::ReviewerIdentity;
use crate::audit::{AuditError, AuditPipeline, AuditRecord, AuditSink, ChainHead};
use crate::call::Principal;
use crate::gate::audit::outbox;
use crate::gate::calls::call_store::CallStore;
use crate::gate::error::GateError;
use crate::machine::HistoryEntry;
use crate::policy::PolicyVersion;
use crate::store::ChangeId;
use crate::sync::{Mutex, Runtime, lock};

/// The audit of a gate: writes what the gate does, and acknowledges to the store what is written.
///
/// Every running body holds the ledger. Its drop is therefore the end of the gate's session:
/// everything audited is acknowledged, and then the session is closed.
pub(in crate::gate) struct AuditLedger {
    trail: AuditPipeline,
    calls: Arc<CallStore>,
    redactor: Redactor,
    runtime: Runtime,
    /// The policy versions that were audited as in force.
    in_force: Mutex<Vec<PolicyVersion>>,
}

impl Drop for AuditLedger {
    fn drop(&mut self) {
        // Every running body holds the ledger, so no claim of this session is alive any more.
        let (store, session) = (Arc::clone(self.calls.store()), self.calls.session());
        let kept = Arc::clone(self.trail.kept());
        self.runtime.spawn(async move {
            // Before the session ends: changes that it has not acknowledged by then are audited by
            // others.
            if let Err(error) = outbox::acknowledge(&kept, &*store).await {
                tracing::warn!(%error, "the store was not told what is audited; it is audited again");
            }
            if let Err(error) = store.close_session(session).await {
                tracing::warn!(%error, "a session was not closed; it ends with its process");
            }
        });
    }
}

impl AuditLedger {
    pub(in crate::gate) fn new(
        sink: Arc<dyn AuditSink>,
        calls: Arc<CallStore>,
        redactor: Redactor,
        runtime: Runtime,
    ) -> Self {
        Self {
            trail: AuditPipeline::new(sink),
            calls,
            redactor,
            runtime,
            in_force: Mutex::default(),
        }
    }

    /// Records something that has already happened, and lets the store acknowledge it. Secrets in
    /// the note, which may contain words of people, hosts and policies, are masked.
    pub(in crate::gate) fn record(&self, record: &AuditRecord) {
        match record.note.as_deref().map(|note| self.redactor.text(note)) {
            Some(Cow::Owned(clean)) => {
                self.trail.note(&AuditRecord { note: Some(clean), ..record.clone() });
            }
            _ => self.trail.note(record),
        }
        if self.trail.kept().begin_ack() {
            let acknowledging = outbox::acknowledge_until_idle(
                Arc::clone(self.trail.kept()),
                self.trail.sink(),
                Arc::downgrade(self.calls.store()),
            );
            self.runtime.spawn(acknowledging);
        }
    }

    /// Records an action of a principal, with their words.
    pub(in crate::gate) fn record_by(
        &self,
        mut entry: AuditRecord,
        by: Option<Principal>,
        note: Option<String>,
    ) {
        entry.by_kind = by.as_ref().map(Principal::kind);
        entry.by = by;
        entry.note = note;
        self.record(&entry);
    }

    /// Records a person's decision, and the means by which their identity was verified.
    pub(in crate::gate) fn record_decider(
        &self,
        entry: AuditRecord,
        by: &ReviewerIdentity,
        note: String,
    ) {
        let mut entry = entry.known(by);
        entry.note = Some(note);
        self.record(&entry);
    }

    /// Writes an intent. If this fails, nothing may happen.
    pub(in crate::gate) fn write_intent(&self, record: &AuditRecord) -> Result<(), AuditError> {
        self.trail.intent(record)
    }

    /// Does what [`write_intent`](Self::write_intent) does, without blocking a thread until the
    /// record is durable, and returns the intent's place in the chain of a sink that has one.
    pub(in crate::gate) async fn write_durable_intent(
        &self,
        record: &AuditRecord,
    ) -> Result<Option<ChainHead>, AuditError> {
        self.trail.durable_intent(record).await
    }

    /// Records the versions of the policies in force, if they have changed since they were last
    /// recorded.
    pub(in crate::gate) fn record_policies(&self, versions: &[PolicyVersion]) {
        let mut in_force = lock(&self.in_force);
        if **in_force == *versions {
            return;
        }
        for version in versions.iter().filter(|version| !in_force.contains(version)) {
            self.trail.note(&AuditRecord::policy_loaded(version, Timestamp::now()));
        }
        *in_force = versions.to_vec();
    }

    /// Returns the number of records that could not be written yet.
    pub(in crate::gate) fn debt(&self) -> usize {
        self.trail.owed()
    }

    /// Returns the names of the chains that the sink writes.
    pub(in crate::gate) fn streams(&self) -> Vec<String> {
        self.trail.streams()
    }

    /// Returns the sink, for an erasure in its logs.
    pub(in crate::gate) fn sink(&self) -> Arc<dyn AuditSink> {
        self.trail.shared_sink()
    }

    /// Writes the records that are owed, and acknowledges to the store everything that is written.
    pub(in crate::gate) async fn flush(&self) -> Result<(), GateError> {
        self.trail.pay_debts()?;
        outbox::acknowledge(self.trail.kept(), &**self.calls.store()).await?;
        self.exchange_heads().await
    }

    /// Exchanges the ends of audit chains with the store.
    pub(in crate::gate) async fn exchange_heads(&self) -> Result<(), GateError> {
        Ok(outbox::exchange_heads(&self.trail.sink(), &**self.calls.store()).await?)
    }

    /// Audits changes that dead processes made and did not audit, and those that a dropped future
    /// of this gate left. Changes that the sink does not accept stay in the outbox. Returns the
    /// changes that it took over.
    pub(in crate::gate) async fn audit_orphaned_changes(
        &self,
    ) -> Result<Vec<HistoryEntry>, GateError> {
        let taken = self.take_orphaned_changes().await?;
        if !taken.is_empty() {
            // Now: if this process ended at once, the next one would audit them again.
            let acknowledged = outbox::acknowledge(self.trail.kept(), &**self.calls.store()).await;
            if let Err(error) = acknowledged {
                tracing::warn!(%error, "the store was not told what is audited; trying again");
            }
        }
        Ok(taken)
    }

    async fn take_orphaned_changes(&self) -> Result<Vec<HistoryEntry>, GateError> {
        let (store, session) = (self.calls.store(), self.calls.session());
        let mut done = Vec::new();
        loop {
            // A record written now would displace one that is owed already.
            if self.trail.owed() > 0 && self.trail.pay_debts().is_err() {
                return Ok(done);
            }
            let orphans = store.outbox_take(session, outbox::BATCH).await?;
            self.backfill(&orphans).await?;
            let is_last = orphans.len() < outbox::BATCH;
            done.extend(orphans);
            if is_last {
                break;
            }
        }
        let mut own = store.pending_outbox(session, outbox::BATCH).await?;
        if own.is_empty() {
            return Ok(done);
        }
        let now = store.now().await?;
        let is_orphan =
            |entry: &HistoryEntry| now.saturating_duration_since(entry.at) >= outbox::ORPHAN_AGE;
        own.retain(|entry| is_orphan(entry) && !self.trail.has(ChangeId::from_entry(entry)));
        self.backfill(&own).await?;
        done.extend(own);
        Ok(done)
    }

    async fn backfill(&self, entries: &[HistoryEntry]) -> Result<(), GateError> {
        for entry in entries {
            let record = self.calls.store().get(&entry.key.tenant, entry.id).await?;
            self.record(&AuditRecord::late(entry, record.as_ref()));
        }
        Ok(())
    }
}
