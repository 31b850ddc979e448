//! Checks an approved call once more before it is claimed. If anything differs from what was
//! approved, nothing runs.

use std::fmt::Write as _;
use std::sync::Arc;

use hitl_base::display::clip;

use crate::arguments::Snapshot;
use crate::audit::AuditEvent;
use crate::call::{BindingDigest, CallContext, StateMap};
use crate::confidence::Assessment;
use crate::gate::break_glass::coverage::obstacle;
use crate::gate::calls::lifecycle::MAX_REASON;
use crate::gate::contents::comparison::ContentComparison;
use crate::gate::contents::referent::Referents;
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::evaluation::effects::CallEffect;
use crate::gate::evaluation::evaluated_call::Evaluation;
use crate::gate::evaluation::evaluator::CallToEvaluate;
use crate::gate::evaluation::identities::{RequesterStatus, RoleChanges};
use crate::gate::evaluation::requirement::requirement as requirement_of;
use crate::gate::execution::bound_call::BoundCall;
use crate::gate::execution::execution::Execution;
use crate::gate::keys::stored_payload::stored_snapshot;
use crate::gate::masking::mask_text;
use crate::gate::review::reask::{ask_again, close_retired};
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::gate::tools::tool_check::{ChangedTool, ToolCheck, check_tool, take_from_others};
use crate::grant::GrantKind;
use crate::machine::{CallRecord, Claim, Event};
use crate::policy::{ApprovalLevel, Requirement, Route, Verdict};

/// An approved call that was checked once more, and may be claimed once it holds its effect.
pub(in crate::gate) struct ClaimableCall {
    tool: Arc<RegisteredTool>,
    snapshot: Snapshot,
    call: Box<dyn BoundCall>,
    routed: Route,
    requirement: Requirement,
    binding: BindingDigest,
    /// The contents that its arguments name, as they were approved.
    referents: Referents,
    effect: Option<EffectToReserve>,
    /// The requester with their current roles, if those have changed.
    context: Option<Box<CallContext>>,
}

/// The effect of a call that may be claimed, and what the call needs if it repeats that effect.
pub(in crate::gate) struct EffectToReserve {
    pub(in crate::gate) effect: CallEffect,
    pub(in crate::gate) in_full: Requirement,
}

/// A claimed call that is ready to run.
pub(in crate::gate) struct ClaimedCall {
    pub(in crate::gate) execution: Execution,
    pub(in crate::gate) call: Box<dyn BoundCall>,
}

/// The result of a check before the claim.
pub(in crate::gate) enum ClaimCheck {
    /// The call may be claimed, once it holds its effect.
    Ready(Box<ClaimableCall>),
    /// It is unknown whether the call may be claimed: the directory or a policy does not answer, or
    /// other executors have its tool as it was approved. It does not start; check again after a
    /// while.
    Unknown,
    /// The call differs from what was approved, or has ended: read the record again.
    Changed,
}

impl ClaimableCall {
    /// Returns the effect that the call has to hold before it is claimed, if it has one.
    pub(in crate::gate) fn effect(&self) -> Option<&EffectToReserve> {
        self.effect.as_ref()
    }

    /// Returns the event that claims it.
    pub(in crate::gate) fn claim_event(&self, claim: Claim) -> Event {
        let (binding, requirement) = (self.binding, self.requirement.clone());
        Event::Claim { token: claim.token, session: claim.session, binding, requirement }
    }

    /// Converts it to the call that runs, once the store has granted the claim.
    pub(in crate::gate) fn into_claimed(
        self,
        record: &CallRecord,
        claim: Claim,
        states: &Arc<StateMap>,
    ) -> ClaimedCall {
        let (body, policies) = (self.tool.body_spec(), self.routed.policies);
        let execution = match self.context {
            None => Execution::recorded(record, claim, self.snapshot, body, policies, states),
            // The body acts with the current rights, and so do the calls that it makes.
            Some(context) => {
                let record = CallRecord { context: *context, ..record.clone() };
                Execution::recorded(&record, claim, self.snapshot, body, policies, states)
            }
        };
        let execution = execution.with_contents(self.referents.to_given());
        ClaimedCall { execution, call: self.call }
    }
}

/// The tool of an approved call, or the result of the check if it may not be claimed.
enum ToolStage {
    Continue(Arc<RegisteredTool>),
    Stop(ClaimCheck),
}

/// The requester of an approved call, or the result of the check if it may not be claimed.
enum PrincipalStage {
    Continue(Option<Box<CallContext>>, Option<RoleChanges>),
    Stop(ClaimCheck),
}

/// The contents that an approved call names, or the result of the check if it may not be claimed.
enum ContentStage {
    Continue(Referents),
    Stop(ClaimCheck),
}

/// Checks an approved call once more.
pub(in crate::gate) async fn check_claimable(
    core: &GateCore,
    record: &CallRecord,
) -> Result<ClaimCheck, GateError> {
    let tool = match check_claim_tool(core, record).await? {
        ToolStage::Continue(tool) => tool,
        ToolStage::Stop(check) => return Ok(check),
    };
    let Some(snapshot) = stored_snapshot(core, record).await? else {
        return on_missing_payload(core, record).await;
    };
    let call = match tool.bind_stored(&snapshot) {
        Ok(call) => call,
        // The call was asked about in a process without the tool, so the tool reads the arguments
        // for the first time.
        Err(_) if record.unread => {
            return reask_before_claim(core, record, &ChangedTool::arguments(&tool)).await;
        }
        Err(error) => return Err(error.into()),
    };

    // Current rights and policies may only raise the call's requirement.
    let (context, role_changes) = match check_claim_principal(core, record, &snapshot).await? {
        PrincipalStage::Continue(context, changes) => (context, changes),
        PrincipalStage::Stop(check) => return Ok(check),
    };
    // Scorers are not asked again: their opinions at submission still count.
    let mut opinions = record.request.assessment.opinions();
    // A path may have become a link since.
    let read_only = tool.config().hints.read_only;
    let files = core.contents.files();
    opinions.extend(Box::pin(files.linked_file_factor(&snapshot, read_only)).await?);
    let requester = context.as_deref().unwrap_or(&record.context);
    let evaluation = core.evaluator.evaluate(CallToEvaluate {
        tool: &tool,
        snapshot: &snapshot,
        context: requester,
        opinions: &opinions,
    })?;
    let Evaluation { assessment, routed } = evaluation;
    core.record_policies(&routed.policies);
    let requirement =
        requirement_of(&tool, &routed, core.identities.requester_rule(&tool, requester));
    let stopped =
        check_claim_route(core, record, &snapshot, &routed, &requirement, role_changes).await?;
    if let Some(check) = stopped {
        return Ok(check);
    }
    let in_emergency = Box::pin(check_broken_glass(core, record, &snapshot, &tool, &assessment));
    if let Some(check) = in_emergency.await? {
        return Ok(check);
    }
    // Checked last, so that as little time as possible passes between this and the body.
    let referents = match Box::pin(check_claim_contents(core, record, &tool, &snapshot)).await? {
        ContentStage::Stop(check) => return Ok(check),
        ContentStage::Continue(referents) => referents,
    };
    let effect = CallEffect::of(&tool, snapshot.text()).map(|effect| {
        let asked = Route { verdict: Verdict::Ask(ApprovalLevel::Full), ..routed.clone() };
        let rule = core.identities.requester_rule(&tool, requester);
        EffectToReserve { effect, in_full: requirement_of(&tool, &asked, rule) }
    });
    Ok(ClaimCheck::Ready(Box::new(ClaimableCall {
        tool,
        snapshot,
        call,
        routed,
        requirement,
        binding: record.request.binding,
        referents,
        effect,
        context,
    })))
}

async fn check_claim_tool(core: &GateCore, record: &CallRecord) -> Result<ToolStage, GateError> {
    Ok(match check_tool(core, record).await? {
        ToolCheck::Same(tool) => ToolStage::Continue(tool),
        ToolCheck::Changed(changed) => {
            ToolStage::Stop(reask_before_claim(core, record, &changed).await?)
        }
        // The other executors should run it, as it was approved.
        ToolCheck::Elsewhere => ToolStage::Stop(match take_from_others(core, record).await? {
            Some(changed) => reask_before_claim(core, record, &changed).await?,
            None => defer_claim(core, record).await?,
        }),
        ToolCheck::Retired => {
            close_retired(core, record).await?;
            ToolStage::Stop(ClaimCheck::Changed)
        }
        ToolCheck::Gone | ToolCheck::NoExecutor | ToolCheck::Unknown => {
            return Err(GateError::unknown_tool(&record.request.tool));
        }
    })
}

async fn check_claim_principal(
    core: &GateCore,
    record: &CallRecord,
    snapshot: &Snapshot,
) -> Result<PrincipalStage, GateError> {
    Ok(match core.identities.recheck_principal(record).await {
        RequesterStatus::Unchanged => PrincipalStage::Continue(None, None),
        RequesterStatus::OtherRoles(context, changes) => {
            PrincipalStage::Continue(Some(context), Some(changes))
        }
        RequesterStatus::Refused { reason } => {
            let why =
                format!("{} may not have this done any more: {reason}", record.context.principal);
            let reason = clip_reason(core, &why, snapshot);
            let event = Event::Deny { binding: record.request.binding, reason };
            core.lifecycle.reopen_or_deny(record, event, AuditEvent::Denied).await?;
            PrincipalStage::Stop(ClaimCheck::Changed)
        }
        RequesterStatus::Unknown => PrincipalStage::Stop(defer_claim(core, record).await?),
    })
}

/// Compares the call's present requirement with its approval. Returns `None` if the approval
/// suffices.
async fn check_claim_route(
    core: &GateCore,
    record: &CallRecord,
    snapshot: &Snapshot,
    routed: &Route,
    requirement: &Requirement,
    role_changes: Option<RoleChanges>,
) -> Result<Option<ClaimCheck>, GateError> {
    let binding = record.request.binding;
    let because = |mut reason: String| {
        let changes = role_changes.as_ref().map(|changes| clip_reason(core, &changes.0, snapshot));
        for why in changes.iter().chain(&routed.reasons) {
            reason.push_str("; ");
            reason.push_str(why);
        }
        reason
    };
    let asks = matches!(routed.verdict, Verdict::Ask(_));
    let (event, audited) = if let Verdict::Deny(reason) = &routed.verdict {
        if routed.failed {
            // A policy that fails here has not decided anything.
            tracing::warn!(call = %record.id(), why = %reason, "an approved call does not run; asking again");
            return defer_claim(core, record).await.map(Some);
        }
        (Event::Deny { binding, reason: reason.clone() }, AuditEvent::Denied)
    } else if record.grant_use.is_some_and(|drawn| drawn.kind == GrantKind::Standing)
        && asks
        && !routed.grantable
    {
        let reason = because("asked again: no grant covers it any more".to_owned());
        (Event::GrantExhausted { binding, reason }, AuditEvent::Reopened)
    } else if !requirement.is_met_by(&record.request.requirement()) {
        let mut reason = format!("asked again: it now needs {} approval", requirement.level);
        if !requirement.quorum.is_met_by(&record.request.quorum) {
            reason.push_str(", and by other people than have approved it");
        }
        if !requirement.channels.contain(&record.request.channels) {
            // Writing to a String cannot fail.
            let _ = write!(reason, ", through no other channel than: {}", requirement.channels);
        }
        let (requirement, reason) = (requirement.clone(), because(reason));
        (Event::RequireMore { binding, requirement, reason }, AuditEvent::Reopened)
    } else {
        return Ok(None);
    };
    core.lifecycle.reopen_or_deny(record, event, audited).await?;
    Ok(Some(ClaimCheck::Changed))
}

/// Asks about a call again that was approved by breaking the glass, and that no envelope of this
/// gate covers any more.
async fn check_broken_glass(
    core: &GateCore,
    record: &CallRecord,
    snapshot: &Snapshot,
    tool: &RegisteredTool,
    assessment: &Assessment,
) -> Result<Option<ClaimCheck>, GateError> {
    let drawn = record.grant_use.filter(|drawn| drawn.kind == GrantKind::BreakGlass);
    let Some(drawn) = drawn else { return Ok(None) };
    let found = obstacle(core, record, drawn, snapshot, tool.facts(), assessment).await?;
    let Some(why) = found else { return Ok(None) };
    let reason = format!("asked again: no broken glass covers it: {why}");
    let event = Event::GrantExhausted { binding: record.request.binding, reason };
    core.lifecycle.reopen_or_deny(record, event, AuditEvent::Reopened).await?;
    Ok(Some(ClaimCheck::Changed))
}

async fn check_claim_contents(
    core: &GateCore,
    record: &CallRecord,
    tool: &Arc<RegisteredTool>,
    snapshot: &Snapshot,
) -> Result<ContentStage, GateError> {
    Ok(match core.contents.compare(record, tool, snapshot).await? {
        ContentComparison::Same(referents) => ContentStage::Continue(referents),
        ContentComparison::Changed(contents) => {
            let changed = ChangedTool::contents(tool, *contents);
            ContentStage::Stop(reask_before_claim(core, record, &changed).await?)
        }
        ContentComparison::Unknown => {
            let call = record.id();
            tracing::warn!(%call, "what an approved call names cannot be read; trying again");
            ContentStage::Stop(defer_claim(core, record).await?)
        }
    })
}

/// Handles a call without stored arguments: it has ended since it was read, or there is nothing to
/// run.
async fn on_missing_payload(core: &GateCore, record: &CallRecord) -> Result<ClaimCheck, GateError> {
    let current = core.calls.current(&record.key().tenant, record.id()).await?;
    if current.version != record.version {
        return Ok(ClaimCheck::Changed);
    }
    // Another check would end here again.
    let why = "the call's payload is gone; cancel the call and submit it under a new key";
    Err(GateError::new(GateErrorKind::Payload, why))
}

/// Asks about a call again that would not run as it was approved.
async fn reask_before_claim(
    core: &GateCore,
    record: &CallRecord,
    changed: &ChangedTool,
) -> Result<ClaimCheck, GateError> {
    // Boxed, so that the futures of claiming callers stay small.
    let asked = Box::pin(ask_again(core, record, changed)).await?;
    if asked.version == record.version {
        // The record could not be changed, and another check would end here again.
        let then = "it is not as it was approved; cancel the call";
        return Err(GateError::tool_changed(changed.change.clone(), asked, then));
    }
    Ok(ClaimCheck::Changed)
}

/// Leaves a call approved without running it, until it expires.
pub(super) async fn defer_claim(
    core: &GateCore,
    record: &CallRecord,
) -> Result<ClaimCheck, GateError> {
    let over = core.lifecycle.expire(&record.key().tenant, record.id()).await?;
    Ok(if over.is_some() { ClaimCheck::Changed } else { ClaimCheck::Unknown })
}

fn clip_reason(core: &GateCore, reason: &str, snapshot: &Snapshot) -> String {
    clip(&mask_text(&core.redactor, reason, &snapshot.taint()), MAX_REASON).into_owned()
}
