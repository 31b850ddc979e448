//! Stores a prepared call, or re-attaches to the one that is already stored under its key.

use std::sync::Arc;

use futures::FutureExt as _;

use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::audit::ledger::AuditLedger;
use crate::gate::calls::lifecycle::ClaimRef;
use crate::gate::claiming::pending_claim::PendingClaim;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::evaluation::prepared_call::PreparedCall;
use crate::gate::intake::grant_use::try_grant;
use crate::gate::intake::resubmit::{match_earlier_call, refresh_call};
use crate::gate::telemetry;
use crate::gate::waiting::receipt::Receipt;
use crate::ids::{GrantId, OwnerToken};
use crate::machine::{CallRecord, CallState, EndReason, Event};
use crate::policy::{PolicyVersion, Verdict};
use crate::store::{ApplyError, EventPayload, StoreErrorKind, SubmitResult};

/// The relation of a call to its caller.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::gate) enum Attachment {
    /// `call`: the caller waits and owns the call.
    Attached,
    /// `submit`: the caller may be dropped.
    Detached,
}

/// The record of a submitted call.
pub(in crate::gate) enum StoredCall {
    /// This submission created it.
    Created(CallRecord),
    /// The key already had it.
    Existing(CallRecord),
}

/// Stores a new call. If the grant that it runs on is used up, the next one is tried.
pub(in crate::gate) async fn store_new(
    core: &GateCore,
    prepared: &mut PreparedCall,
    receipt: &mut Receipt,
    mut tried: Vec<GrantId>,
) -> Result<StoredCall, GateError> {
    loop {
        match store_prepared(core, prepared).await? {
            SubmitResult::Created(record) => return Ok(StoredCall::Created(record)),
            SubmitResult::Existing(record) => return Ok(StoredCall::Existing(record)),
            SubmitResult::Full(cap) => return Err(GateError::queue_full(cap)),
            SubmitResult::Frozen => {
                let freeze = core.freezes.reaching(&receipt.key.tenant).await?;
                return Err(GateError::frozen(freeze));
            }
            SubmitResult::Conflict(id) => {
                let found = core.calls.store().get_by_key(&receipt.key).await?;
                let Some(record) = found else {
                    return Err(GateError::key_conflict(&receipt.key, id));
                };
                let record = match_earlier_call(core, prepared, record).boxed().await?;
                return Ok(StoredCall::Existing(record));
            }
            // Another call was first. Each grant is tried once, so this ends.
            SubmitResult::NotGranted(_) => {
                tried.extend(prepared.record.grant_use.map(|drawn| drawn.grant));
                try_grant(core, prepared, &tried).await?;
                prepared.set_initial_state(core.calls.session());
                receipt.verdict = prepared.verdict();
                receipt.reasons.clone_from(&prepared.record.request.reasons);
            }
        }
    }
}

/// Submits to the store. If the store does not know whether it stored the record, reads it.
///
/// Cancel safe: the store finishes, and the change that it stored is audited. A claim that no
/// caller is left to hold is released, and the call is withdrawn if the caller was attached.
async fn store_prepared(
    core: &GateCore,
    prepared: &PreparedCall,
) -> Result<SubmitResult, GateError> {
    let id = prepared.record.id();
    let payload = core.vault.seal_payload(id, 1, &prepared.snapshot, &prepared.referents)?;
    let claim = prepared.record.claim.map(|claim| ClaimRef {
        tenant: prepared.record.key().tenant.clone(),
        id,
        token: claim.token,
        owner: prepared.record.attached.then_some(prepared.owner),
    });
    let call = prepared.to_new_call(core.calls.caps(), core.calls.session());
    let (store, audit) = (Arc::clone(core.calls.store()), Arc::clone(&core.audit));
    let verdict = prepared.routed.verdict.clone();
    let policies = prepared.routed.policies.clone();
    let asking = async move {
        let submitted = store.submit(call, payload).await;
        if let Ok(SubmitResult::Created(record)) = &submitted {
            audit_submission(&audit, record, verdict, policies);
        }
        submitted
    };
    let mut pending = PendingClaim::new(&core.lifecycle, claim, asking);
    let submitted = match pending.resolve().await {
        Err(error) if error.kind() == StoreErrorKind::Ambiguous => {
            // If the record is there, it belongs to this submission. If it is not, or cannot be
            // read, nothing runs, and any claim that was granted is released.
            match core.calls.store().get_by_key(prepared.record.key()).await? {
                Some(record) if record.id() == id => {
                    let routed = &prepared.routed;
                    let (verdict, policies) = (routed.verdict.clone(), routed.policies.clone());
                    audit_submission(&core.audit, &record, verdict, policies);
                    SubmitResult::Created(record)
                }
                _ => return Err(error.into()),
            }
        }
        other => other?,
    };
    pending.disarm();
    Ok(submitted)
}

/// Re-attaches to a call that has not ended.
pub(in crate::gate) async fn reattach(
    core: &GateCore,
    record: CallRecord,
    owner: OwnerToken,
    attachment: Attachment,
) -> Result<CallRecord, GateError> {
    let open =
        matches!(record.state, CallState::Pending | CallState::Approved | CallState::Claimed);
    if !open {
        return Ok(record);
    }
    let event = Event::Attach { owner: Some(owner), attached: attachment == Attachment::Attached };
    let tenant = record.key().tenant.clone();
    match core.calls.store().apply(&tenant, record.id(), event, EventPayload::none()).await {
        Ok(record) if record.state == CallState::Claimed => Ok(record),
        // The tool may have changed since it was shown.
        Ok(record) => refresh_call(core, record).boxed().await,
        // The record changed in between; its present state is just as good.
        Err(ApplyError::Rejected { current, .. }) => Ok(*current),
        Err(error) => Err(error.into()),
    }
}

/// Audits a call that the store has just created.
fn audit_submission(
    audit: &AuditLedger,
    record: &CallRecord,
    verdict: Verdict,
    policies: Vec<PolicyVersion>,
) {
    let event = match record.state {
        // A call that is approved from the start waits for its siblings.
        CallState::Pending | CallState::Approved => AuditEvent::Requested,
        CallState::Denied => AuditEvent::Denied,
        // The intent of a call that runs at once contains everything.
        _ => return,
    };
    let of = |event| AuditRecord::new(event, record, record.updated_at);
    let mut proposed = of(AuditEvent::Proposed);
    proposed.arguments = Some(record.request.arguments.clone());
    let stated = record.request.stated_reason.as_ref();
    proposed.note = stated.map(|words| format!("the model states: {words}"));
    audit.record(&proposed);
    let mut assessed = of(AuditEvent::Assessed);
    assessed.verdict = Some(verdict);
    assessed.assessment = Some(record.request.assessment.clone());
    assessed.policies = policies;
    audit.record(&assessed);
    let mut entry = of(event);
    if let Some(EndReason::Reason(reason)) = &record.end_reason {
        entry.note = Some(reason.clone());
    } else if record.retry_of.is_some() {
        entry.note = record.request.reasons.last().cloned();
    }
    audit.record(&entry);
    if record.state == CallState::Denied {
        telemetry::count_end(record, CallState::Denied);
    }
}
