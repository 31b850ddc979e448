//! Edits: the payload is opened, patched, parsed with the same checks as a model's text, evaluated
//! and routed again. Arguments that cannot run as they would be shown do not become a revision.

use crate::approval::{Decision, Patch};
use crate::arguments::{ArgumentError, patched};
use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::contents::referent::Referents;
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::keys::stored_payload::stored_snapshot;
use crate::gate::review::edit_by_schema::revise_by_schema;
use crate::gate::review::revision::{edited_revision, evaluate_revision, seal_next};
use crate::gate::stored_text::UNLIMITED;
use crate::machine::{
    CallRecord, CallState, Edit, EditedRevision, Event, Refusal, StoreFacts, check_edit,
};
use crate::policy::Verdict;
use crate::seal::Sealed;
use crate::store::{ApplyError, EventPayload};

/// The revision that results from a patch, and its sealed arguments.
pub(in crate::gate) struct PatchedRevision {
    pub(in crate::gate) revision: EditedRevision,
    sealed: Sealed,
}

/// Creates the next revision of a pending call from the patch as it was typed; the patch of the
/// decision is [masked]. If it is refused, the earlier revision stays as it is.
pub(in crate::gate) async fn apply_edit(
    core: &GateCore,
    decision: Decision,
    patch: Patch,
) -> Result<CallRecord, GateError> {
    let (tenant, id) = (decision.tenant.clone(), decision.request);
    let record = core.calls.current(&tenant, id).await?;
    let facts = StoreFacts {
        now: core.calls.store().now().await?,
        claimant_dead: false,
        decision_used: false,
        frozen: false,
    };
    match check_edit(&record, &decision, facts) {
        Ok(true) => {
            // The edit was made before, and the process that made it may have died before the
            // audit.
            record_edit(core, &record, &decision);
            return Ok(record);
        }
        Ok(false) => {}
        Err(refusal) => {
            if refusal == Refusal::Expired {
                core.lifecycle.expire(&tenant, id).await?;
            }
            return Err(ApplyError::Rejected { refusal, current: Box::new(record) }.into());
        }
    }
    let PatchedRevision { revision, sealed } = apply_patch(core, &record, &patch).await?;
    let event = Event::Edit(Box::new(Edit::new(decision.clone(), revision)));
    let record = core.calls.apply(&tenant, id, event, EventPayload::payload(sealed)).await?;
    record_edit(core, &record, &decision);
    Ok(record)
}

/// Audits an edit, if it was the last change of the call.
fn record_edit(core: &GateCore, record: &CallRecord, decision: &Decision) {
    let fresh = record.prior_revisions.last().is_some_and(|earlier| {
        earlier.edited.id == decision.id && earlier.edited.at == record.updated_at
    });
    if !fresh || !matches!(record.state, CallState::Pending | CallState::Approved) {
        return;
    }
    let mut entry = AuditRecord::new(AuditEvent::Edited, record, record.updated_at);
    entry.decision = Some(decision.id);
    entry.channel = Some(decision.channel.clone());
    entry.arguments = Some(record.request.arguments.clone());
    entry.assessment = Some(record.request.assessment.clone());
    let note = match record.state {
        CallState::Approved => "edited and approved",
        _ => "edited",
    };
    core.audit.record_decider(entry, &decision.by, note.to_owned());
}

/// Creates the revision of a patch.
pub(in crate::gate) async fn apply_patch(
    core: &GateCore,
    record: &CallRecord,
    patch: &Patch,
) -> Result<PatchedRevision, GateError> {
    let is_here = core.tools.get(record.request.tool.as_str()).is_some();
    let tool = if is_here { Some(core.tools.require_as_shown(record)?) } else { None };
    let Some(snapshot) = stored_snapshot(core, record).await? else {
        let why = "the call's payload is gone; reject the call";
        return Err(GateError::new(GateErrorKind::Payload, why));
    };
    let Some(tool) = tool else {
        let edited = revise_by_schema(core, record, &snapshot, patch).await?;
        let sealed = seal_next(core, record, &edited.snapshot, &Referents::default())?;
        return Ok(PatchedRevision { revision: edited.revision, sealed });
    };
    let text = patched(&snapshot, patch.as_str(), core.tools.limits())?;
    let next = tool.bind(&text, UNLIMITED)?.snapshot;
    if !next.has_the_secrets_of(&snapshot) {
        return Err(ArgumentError::other_secrets().into());
    }
    tool.check_read_back(&next)?;
    let revision = evaluate_revision(core, record, tool, next, None).await?;
    if let Verdict::Deny(reason) = &revision.evaluation.routed.verdict {
        let why =
            format!("with these arguments the call would be denied ({reason}); it stays as it was");
        return Err(GateError::new(GateErrorKind::EditDenied, why));
    }
    let sealed = seal_next(core, record, &revision.snapshot, &revision.referents)?;
    let revision = edited_revision(core, record, revision).await;
    Ok(PatchedRevision { revision, sealed })
}
