//! Asks again about a call whose tool or named contents are not the ones that were shown; closes it
//! if it can certainly never run.

use std::sync::Arc;

use hitl_base::display::clip;

use crate::approval::{Decision, DecisionKind, ToolChange, names_the_same, previews_the_same};
use crate::arguments::{ArgumentError, Snapshot};
use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::calls::lifecycle::MAX_REASON;
use crate::gate::core::GateCore;
use crate::gate::error::GateError;
use crate::gate::keys::stored_payload::stored_snapshot;
use crate::gate::review::revision::{edited_revision, evaluate_revision, seal_next};
use crate::gate::stored_text::UNLIMITED;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::gate::tools::tool_check::{ChangedTool, ToolCheck, check_tool, describe_state};
use crate::machine::{CallRecord, CallState, Event, Reask, Refusal};
use crate::policy::{ApprovalLevel, Verdict};
use crate::store::{ApplyError, EventPayload};

/// The next step for a call whose tool has changed.
enum ReaskStep {
    /// The call is asked about again.
    Ask(Box<Reask>, EventPayload),
    /// The call is closed, for this reason.
    Close(String),
    /// The call ended meanwhile.
    Ended,
}

/// Asks again about a call whose tool has changed, as its next revision. The call is closed if its
/// arguments no longer fit the tool, or its policies now deny it. Returns the resulting record.
///
/// Runs nothing. An error leaves the call as it was.
pub(in crate::gate) async fn ask_again(
    core: &GateCore,
    record: &CallRecord,
    changed: &ChangedTool,
) -> Result<CallRecord, GateError> {
    match plan_reask(core, record, changed).await? {
        ReaskStep::Ask(reask, enclosed) => {
            apply_reask(core, record, &changed.change, reask, enclosed).await
        }
        ReaskStep::Close(why) => close_unrunnable(core, record, &why).await,
        ReaskStep::Ended => core.calls.current(&record.key().tenant, record.id()).await,
    }
}

async fn plan_reask(
    core: &GateCore,
    record: &CallRecord,
    changed: &ChangedTool,
) -> Result<ReaskStep, GateError> {
    let ChangedTool { change, now, own, found } = changed;
    let reason = format!("asked again: {change}");
    let reask = Reask::new(record.request.binding, now.clone(), reason);
    let Some(tool) = own else {
        return Ok(ReaskStep::Ask(Box::new(reask), EventPayload::none()));
    };
    let Some(stored) = stored_snapshot(core, record).await? else { return Ok(ReaskStep::Ended) };
    let next = match read_as_now(tool, &stored) {
        Ok(next) => next,
        Err(error) => {
            let why = format!("{change}, and its arguments do not fit any more: {error}");
            return Ok(ReaskStep::Close(why));
        }
    };
    let mut revision =
        evaluate_revision(core, record, Arc::clone(tool), next, found.clone()).await?;
    let routed = &mut revision.evaluation.routed;
    if let Verdict::Deny(why) = &routed.verdict {
        if !routed.failed {
            let why = format!("{change}, and it is not allowed as it is now: {why}");
            return Ok(ReaskStep::Close(why));
        }
        // A policy that fails here has not decided anything: the claim evaluates it again.
        routed.verdict = Verdict::Ask(ApprovalLevel::Full);
    }
    let request = &record.request;
    let same = names_the_same(&revision.contents, &request.contents)
        && previews_the_same(revision.preview.as_ref(), request.preview.as_ref());
    let (next, referents) = (revision.snapshot.clone(), revision.referents.clone());
    let edited = edited_revision(core, record, revision).await;
    let enclosed = if !same || edited.content != record.current_content() {
        EventPayload::payload(seal_next(core, record, &next, &referents)?)
    } else {
        EventPayload::none()
    };
    Ok(ReaskStep::Ask(Box::new(reask.revision(edited)), enclosed))
}

async fn apply_reask(
    core: &GateCore,
    record: &CallRecord,
    change: &ToolChange,
    reask: Box<Reask>,
    enclosed: EventPayload,
) -> Result<CallRecord, GateError> {
    let tenant = &record.key().tenant;
    match core.calls.apply(tenant, record.id(), Event::Reask(reask), enclosed).await {
        Ok(record) => {
            let mut entry = AuditRecord::new(AuditEvent::Reopened, &record, record.updated_at);
            entry.note = record.request.reasons.last().cloned();
            entry.arguments = Some(record.request.arguments.clone());
            entry.assessment = Some(record.request.assessment.clone());
            core.audit.record(&entry);
            Ok(record)
        }
        Err(ApplyError::Rejected { refusal: Refusal::AlreadyTried, .. }) => {
            let why = format!("{change}, and the call was tried before with other arguments");
            close_unrunnable(core, record, &why).await
        }
        Err(ApplyError::Rejected { refusal, current }) => {
            if refusal == Refusal::Expired {
                core.lifecycle.expire(tenant, record.id()).await?;
                return core.calls.current(tenant, record.id()).await;
            }
            // Another change was first.
            Ok(*current)
        }
        Err(error) => Err(error.into()),
    }
}

/// Closes a call that nobody can run any more, and audits why.
async fn close_unrunnable(
    core: &GateCore,
    record: &CallRecord,
    why: &str,
) -> Result<CallRecord, GateError> {
    let reason = clip(why, MAX_REASON).into_owned();
    let event = Event::Deny { binding: record.request.binding, reason };
    core.lifecycle.reopen_or_deny(record, event, AuditEvent::Denied).await?;
    core.calls.current(&record.key().tenant, record.id()).await
}

/// Closes a call whose tool was taken away.
pub(in crate::gate) async fn close_retired(
    core: &GateCore,
    record: &CallRecord,
) -> Result<CallRecord, GateError> {
    let change = ToolChange::gone(&record.request.tool);
    let why = format!("{change}, and those that had it were replaced");
    close_unrunnable(core, record, &why).await
}

/// Refuses an approval of a call whose tool is not the one that was shown, and asks about the call
/// again. A decision that would be refused anyway passes: the state machine gives the reason.
pub(in crate::gate) async fn check_tool_before_approval(
    core: &GateCore,
    decision: &Decision,
) -> Result<(), GateError> {
    if !matches!(decision.answer, DecisionKind::Approve | DecisionKind::Edit { .. }) {
        return Ok(());
    }
    let (tenant, id) = (&decision.tenant, decision.request);
    let store = core.calls.store();
    let Some(record) = store.get(tenant, id).await? else { return Ok(()) };
    let is_about_it = record.state == CallState::Pending
        && record.request.binding == decision.binding
        && record.request.revision == decision.revision
        && decision.by.may_decide(tenant);
    if !is_about_it || store.now().await? >= record.request.expires_at {
        return Ok(());
    }
    let tool = &record.request.tool;
    match check_tool(core, &record).await? {
        ToolCheck::Same(_) | ToolCheck::Elsewhere | ToolCheck::NoExecutor | ToolCheck::Unknown => {
            Ok(())
        }
        ToolCheck::Gone => {
            let then =
                "nothing was decided; approve it when an executor has the tool again, or reject it";
            Err(GateError::tool_changed(ToolChange::gone(tool), record, then))
        }
        ToolCheck::Retired => {
            let record = close_retired(core, &record).await?;
            let then = describe_state(&record);
            Err(GateError::tool_changed(ToolChange::gone(tool), record, &then))
        }
        ToolCheck::Changed(changed) => {
            let record = ask_again(core, &record, &changed).await?;
            let then = describe_state(&record);
            Err(GateError::tool_changed(changed.change, record, &then))
        }
    }
}

/// Parses stored arguments with a tool's present code.
fn read_as_now(tool: &RegisteredTool, stored: &Snapshot) -> Result<Snapshot, ArgumentError> {
    let next = tool.bind(stored.text(), UNLIMITED)?.snapshot;
    tool.check_read_back(&next)?;
    Ok(next)
}
