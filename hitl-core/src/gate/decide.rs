//! Decisions, withdrawals and settlements. None of them runs a body.

use std::sync::Arc;

use super::error::{GateError, GateErrorKind};
use super::execute::to_the_end;
use super::handle::{Gate, Inner};
use super::identity::may_resolve;
use super::observe;
use crate::approval::{Decision, DecisionKind, ReviewerIdentity};
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{Principal, Tenant};
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState, Event, Refusal, Resolution, Withdrawal};
use crate::store::EventPayload;

impl Gate {
    /// Takes a human's decision. One wins; everybody else is told what stands, in
    /// [`GateError::current`]. The same decision again is harmless.
    ///
    /// Runs nothing: the waiting caller does, or a process that [serves](Gate::serve).
    ///
    /// An approval is refused with [`GateErrorKind::ToolChanged`] when the call's tool is not the
    /// one that was shown, here or with any living executor: [`GateError::tool_change`] says what
    /// has changed, and the call is asked about again as its next revision.
    ///
    /// An abort also withdraws every other call of the run, and of what it delegated, that has not
    /// started; [`ApprovalRequest::abort`](crate::ApprovalRequest::abort) says more. When that
    /// fails half-way, the call itself was aborted; the same decision again goes on with the
    /// others.
    ///
    /// Cancel safety: a future that was polled goes on in the background when it is dropped, so
    /// that what counts stands in the audit too; giving the same decision again is safe.
    pub async fn decide(&self, decision: Decision) -> Result<CallRecord, GateError> {
        self.inner.decide_to_the_end(decision).await
    }

    /// Withdraws a call in the host's name, while nothing has started.
    pub async fn cancel(
        &self,
        record: &CallRecord,
        by: impl Into<ReviewerIdentity>,
        reason: impl Into<String>,
    ) -> Result<CallRecord, GateError> {
        let by = decider(by.into(), &record.key().tenant)?;
        let reason = self.inner.clean_reason(record, &reason.into()).await;
        let event = Event::Cancel { by: Withdrawal::Host(by.principal.clone()), reason };
        let (gate, tenant, id) =
            (Arc::clone(&self.inner), record.key().tenant.clone(), record.id());
        let withdrawing = async move { gate.withdraw_by(&tenant, id, event, Some(&by)).await };
        to_the_end(&self.inner.runtime, withdrawing).await
    }

    /// Settles a call whose outcome is not known: a human has looked and says how it ended, or that
    /// it may run once more. Names the record that they looked at; one that has changed since is
    /// not settled.
    pub async fn resolve(
        &self,
        record: &CallRecord,
        resolution: Resolution,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<CallRecord, GateError> {
        let by = decider(by.into(), &record.key().tenant)?;
        let by = self.inner.identified_among(by, record)?;
        may_resolve(record, &resolution, &by)?;
        let resolution = self.inner.clean_resolution(record, resolution).await;
        let note = match &resolution {
            Resolution::Executed => "marked as done".to_owned(),
            Resolution::Failed { reason } => format!("marked as failed: {reason}"),
            Resolution::Retry { attested: true } => "may run again, attested".to_owned(),
            Resolution::Retry { attested: false } => "may run again".to_owned(),
        };
        let event =
            Event::Resolve { version: record.version, resolution, by: by.principal.clone() };
        let (gate, tenant, id) =
            (Arc::clone(&self.inner), record.key().tenant.clone(), record.id());
        let resolving = async move {
            let record = gate.apply(&tenant, id, event, EventPayload::none()).await?;
            let entry = AuditRecord::new(AuditEvent::Resolved, &record, record.updated_at);
            gate.note_decider(entry, &by, note);
            if record.state.is_terminal() {
                observe::ended(&record, record.state);
            }
            Ok(record)
        };
        to_the_end(&self.inner.runtime, resolving).await
    }
}

impl Inner {
    /// Takes a decision, and goes on when nobody waits for the answer any more: a decision that the
    /// store has taken must reach the audit.
    pub(super) async fn decide_to_the_end(
        self: &Arc<Self>,
        decision: Decision,
    ) -> Result<CallRecord, GateError> {
        let gate = Arc::clone(self);
        to_the_end(&self.runtime, async move { gate.decide(decision).await }).await
    }

    async fn decide(&self, decision: Decision) -> Result<CallRecord, GateError> {
        let decision = self.identified_decision(decision).await?;
        self.check_before_approval(&decision).await?;
        let patch = match &decision.answer {
            DecisionKind::Edit { patch } => Some(patch.clone()),
            _ => None,
        };
        // What is kept and compared holds no secret that somebody typed in.
        let decision = self.without_secrets(decision).await?;
        if let Some(patch) = patch {
            return self.edit(decision, patch).await;
        }
        let (tenant, id) = (decision.tenant.clone(), decision.request);
        match self.apply(&tenant, id, Event::Decide(decision.clone()), EventPayload::none()).await {
            Ok(record) => {
                // A decision that was sent again after the call went on was audited the first time.
                let stands = record.decided.as_ref().is_some_and(|decided| {
                    decided.id == decision.id && decided.at == record.updated_at
                });
                let voted = record.state == CallState::Pending
                    && record
                        .votes
                        .last()
                        .is_some_and(|vote| vote.id == decision.id && vote.at == record.updated_at);
                if voted {
                    let mut entry = AuditRecord::new(AuditEvent::Voted, &record, record.updated_at);
                    entry.decision = Some(decision.id);
                    let note = "approved; it needs more approvals".to_owned();
                    self.note_decider(entry, &decision.by, note);
                } else if stands {
                    observe::decided(&record);
                    let mut entry =
                        AuditRecord::new(AuditEvent::Decided, &record, record.updated_at);
                    entry.decision = Some(decision.id);
                    self.note_decider(entry, &decision.by, decision.answer.in_words());
                }
                self.after_the_end(&record).await;
                self.stop_the_run(&record, &decision).await?;
                Ok(record)
            }
            Err(error) => {
                let error = GateError::from(error);
                if error.refusal() == Some(Refusal::Expired) {
                    self.expire(&tenant, id).await?;
                }
                Err(error)
            }
        }
    }

    pub(super) async fn withdraw(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
    ) -> Result<CallRecord, GateError> {
        self.withdraw_by(tenant, id, event, None).await
    }

    /// Withdraws a call, and audits how the person is known who said so.
    async fn withdraw_by(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        known: Option<&ReviewerIdentity>,
    ) -> Result<CallRecord, GateError> {
        let by_sibling = matches!(&event, Event::Cancel { by: Withdrawal::Sibling(_), .. });
        let (by, note) = match &event {
            Event::Cancel { by: Withdrawal::Host(by), reason } => {
                (Some(by.clone()), Some(reason.clone()))
            }
            Event::Cancel { reason, .. } => (None, Some(reason.clone())),
            _ => (None, None),
        };
        let record = self.apply(tenant, id, event, EventPayload::none()).await?;
        let event = AuditEvent::Cancelled.of_what_was_tried(record.state);
        let mut entry = AuditRecord::new(event, &record, record.updated_at);
        entry.known_by = known.map(|by| by.known_by);
        self.note_entry(entry, by, note);
        observe::ended(&record, record.state);
        // Whoever gives a batch up sees to all of it.
        if !by_sibling {
            Box::pin(self.after_the_end(&record)).await;
        }
        Ok(record)
    }

    pub(super) fn note_entry(
        &self,
        mut entry: AuditRecord,
        by: Option<Principal>,
        note: Option<String>,
    ) {
        entry.by_kind = by.as_ref().map(Principal::kind);
        entry.by = by;
        entry.note = note;
        self.note(&entry);
    }
}

/// Somebody whom the host lets decide this tenant's calls.
fn decider(by: ReviewerIdentity, tenant: &Tenant) -> Result<ReviewerIdentity, GateError> {
    if by.may_decide(tenant) {
        return Ok(by);
    }
    let why = "this call belongs to a tenant whose calls they may not decide";
    Err(GateError::new(GateErrorKind::Forbidden, why))
}
