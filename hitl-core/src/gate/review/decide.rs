//! Decisions, withdrawals and resolutions. None of them runs a body.

use std::sync::Arc;

use crate::approval::{Decision, DecisionKind, ReviewerIdentity, SaysWhoDecides};
use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::identities::{check_decider, check_resolver};
use crate::gate::execution::detached::detach_on_drop;
use crate::gate::gate::Gate;
use crate::gate::review::edit::apply_edit;
use crate::gate::review::reask::check_tool_before_approval;
use crate::gate::review::run_calls::abort_run;
use crate::gate::review::typed_text::{mask_decision, mask_reason, mask_resolution};
use crate::gate::telemetry;
use crate::machine::{CallRecord, CallState, Event, Refusal, Resolution, Withdrawal};
use crate::store::EventPayload;

impl Gate {
    /// Applies a human's decision. The first decision wins; later ones are refused, and
    /// [`GateError::current`] has the present record. Repeating the same decision is harmless.
    ///
    /// Runs nothing: the waiting caller runs the call, or a process that [serves](Gate::serve).
    ///
    /// An approval is refused with [`ToolChanged`](crate::GateErrorKind::ToolChanged) if the call's
    /// tool is not the one that was shown, here or with any living executor:
    /// [`GateError::tool_change`] describes the change, and the call is asked about again as its
    /// next revision.
    ///
    /// An abort also withdraws every other call of the run, and of the runs that it delegated to,
    /// that has not started; see [`ApprovalRequest::abort`](crate::ApprovalRequest::abort). If that
    /// fails half-way, the call itself was aborted; the same decision, submitted again, continues
    /// with the others.
    ///
    /// Cancel safety: a future that was polled continues in the background when it is dropped, so
    /// that the decision is audited too; submitting the same decision again is safe.
    pub async fn decide(
        &self,
        decision: impl SaysWhoDecides<Decision>,
    ) -> Result<CallRecord, GateError> {
        decide_detached(&self.core, decision.attributed()).await
    }

    /// Withdraws a call in the host's name, if it has not started.
    pub async fn cancel(
        &self,
        record: &CallRecord,
        by: impl Into<ReviewerIdentity>,
        reason: impl Into<String>,
    ) -> Result<CallRecord, GateError> {
        let by = check_decider(by.into(), &record.key().tenant)?;
        let reason = mask_reason(&self.core, record, &reason.into()).await;
        let event = Event::Cancel { by: Withdrawal::Host(by.principal.clone()), reason };
        let (lifecycle, id) = (Arc::clone(&self.core.lifecycle), record.id());
        let tenant = record.key().tenant.clone();
        let withdrawing = async move { lifecycle.withdraw_by(&tenant, id, event, Some(&by)).await };
        detach_on_drop(&self.core.runtime, withdrawing).await
    }

    /// Resolves a call whose outcome is unknown: a human has found out its outcome, or decides that
    /// it may run once more. `record` is the record that they looked at; if the call has changed
    /// since, it is not resolved.
    pub async fn resolve(
        &self,
        record: &CallRecord,
        resolution: Resolution,
        by: impl Into<ReviewerIdentity>,
    ) -> Result<CallRecord, GateError> {
        let by = check_decider(by.into(), &record.key().tenant)?;
        let by = self.core.identities.identify_among(by, record)?;
        check_resolver(record, &resolution, &by)?;
        let resolution = mask_resolution(&self.core, record, resolution).await;
        let note = match &resolution {
            Resolution::Executed => "marked as done".to_owned(),
            Resolution::Failed { reason } => format!("marked as failed: {reason}"),
            Resolution::Retry { attested: true } => "may run again, attested".to_owned(),
            Resolution::Retry { attested: false } => "may run again".to_owned(),
        };
        let event =
            Event::Resolve { version: record.version, resolution, by: by.principal.clone() };
        let (shared, tenant, id) =
            (Arc::clone(&self.core), record.key().tenant.clone(), record.id());
        let resolving = async move {
            let record = shared.calls.apply(&tenant, id, event, EventPayload::none()).await?;
            let entry = AuditRecord::new(AuditEvent::Resolved, &record, record.updated_at);
            shared.audit.record_decider(entry, &by, note);
            if record.state.is_terminal() {
                telemetry::count_end(&record, record.state);
            }
            Ok(record)
        };
        detach_on_drop(&self.core.runtime, resolving).await
    }
}

/// Applies a decision, and continues if the caller is dropped: a decision that the store has
/// accepted must reach the audit.
pub(in crate::gate) async fn decide_detached(
    core: &Arc<GateCore>,
    decision: Decision,
) -> Result<CallRecord, GateError> {
    let shared = Arc::clone(core);
    detach_on_drop(&core.runtime, async move { apply_decision(&shared, decision).await }).await
}

async fn apply_decision(core: &GateCore, decision: Decision) -> Result<CallRecord, GateError> {
    let decision = core.identities.identify_author(decision, &core.calls).await?;
    check_tool_before_approval(core, &decision).await?;
    let patch = match &decision.answer {
        DecisionKind::Edit { patch } => Some(patch.clone()),
        _ => None,
    };
    // A decision that is stored and compared contains no secret that a person typed.
    let decision = mask_decision(core, decision).await?;
    if let Some(patch) = patch {
        return apply_edit(core, decision, patch).await;
    }
    let (tenant, id) = (decision.tenant.clone(), decision.request);
    let event = Event::Decide(decision.clone());
    match core.calls.apply(&tenant, id, event, EventPayload::none()).await {
        Ok(record) => {
            record_decision(core, &record, &decision);
            core.lifecycle.on_terminal(&record).await;
            abort_run(core, &record, &decision).await?;
            Ok(record)
        }
        Err(error) => {
            let error = GateError::from(error);
            if error.refusal() == Some(Refusal::Expired) {
                core.lifecycle.expire(&tenant, id).await?;
            }
            Err(error)
        }
    }
}

/// Audits a decision or a vote, if it was the last change of the record. A decision that was sent
/// again after further changes of the call was audited the first time.
fn record_decision(core: &GateCore, record: &CallRecord, decision: &Decision) {
    let is_last = record
        .decision
        .as_ref()
        .is_some_and(|decided| decided.id == decision.id && decided.at == record.updated_at);
    let is_vote = record.state == CallState::Pending
        && record
            .votes
            .last()
            .is_some_and(|vote| vote.id == decision.id && vote.at == record.updated_at);
    if is_vote {
        let mut entry = AuditRecord::new(AuditEvent::Voted, record, record.updated_at);
        entry.decision = Some(decision.id);
        entry.channel = Some(decision.channel.clone());
        let note = "approved; it needs more approvals".to_owned();
        core.audit.record_decider(entry, &decision.by, note);
    } else if is_last {
        telemetry::record_decision(record);
        let mut entry = AuditRecord::new(AuditEvent::Decided, record, record.updated_at);
        entry.decision = Some(decision.id);
        entry.channel = Some(decision.channel.clone());
        core.audit.record_decider(entry, &decision.by, decision.answer.in_words());
    }
}
