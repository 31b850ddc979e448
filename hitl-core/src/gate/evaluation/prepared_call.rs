//! A call that is ready to be stored.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::{Redactor, Timestamp};

use crate::approval::{ApprovalRequest, Choice, Content, RequestPreview, Uncovering};
use crate::arguments::Snapshot;
use crate::call::{BINDING_VERSION, BindingDigest, Principal, ToolTerms, circumstances_digest};
use crate::confidence::ScoredCall;
use crate::gate::contents::referent::Referents;
use crate::gate::evaluation::evaluated_call::{EvaluatedCall, Evaluation, KeySource};
use crate::gate::evaluation::requirement::{
    InitialState, initial_state, needs_no_record, requirement,
};
use crate::gate::keys::vault::CallContent;
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::grant::{GrantKind, GrantRecord, GrantUse, break_glass_reason};
use crate::ids::{ClaimToken, OwnerToken, RequestId, SessionId};
use crate::machine::{
    CallRecord, CallState, Claim, EndReason, EscalationStep, Membership, NewCall,
};
use crate::policy::{
    ApprovalLevel, RequesterRule, Requirement, Route, Verdict, due_after, priority,
};
use crate::queue::Caps;
use crate::seal::KeyRing;

/// A call, ready to be stored.
pub(in crate::gate) struct PreparedCall {
    pub(in crate::gate) tool: Arc<RegisteredTool>,
    pub(in crate::gate) snapshot: Snapshot,
    pub(in crate::gate) routed: Route,
    /// The rule about approval by the requester.
    requester: RequesterRule,
    /// The record as the store will have it. The store sets its times.
    pub(in crate::gate) record: CallRecord,
    /// Proof of ownership, if this submission creates the record.
    pub(in crate::gate) owner: OwnerToken,
    /// The part of the key that the host gave.
    pub(in crate::gate) key_source: KeySource,
    /// The contents that its arguments name, and its preview.
    pub(in crate::gate) referents: Referents,
    /// The approval of the failed try before this one.
    pub(in crate::gate) approval: Option<EarlierApproval>,
}

/// The words on a call that a reviewer reads first.
pub(in crate::gate) struct CallWords {
    /// The line that describes what would happen.
    pub(in crate::gate) title: String,
    /// The effect, if the tool declares one.
    pub(in crate::gate) effect: Option<String>,
}

/// A human's approval of an earlier try.
pub(in crate::gate) struct EarlierApproval {
    pub(in crate::gate) by: Principal,
    pub(in crate::gate) requirement: Requirement,
    /// The try that it was given for, and the contents that the try named.
    pub(in crate::gate) failed: RequestId,
    pub(in crate::gate) contents: Vec<Content>,
    /// The preview of that try.
    pub(in crate::gate) preview: Option<RequestPreview>,
    /// The remaining validity of the approval.
    pub(in crate::gate) left: Duration,
}

/// Returns the steps after which somebody else is asked.
fn escalations(terms: &ToolTerms) -> Vec<EscalationStep> {
    let escalation = terms.escalation.as_ref().map(|next| {
        let within = u64::try_from(next.within.as_millis()).unwrap_or(u64::MAX);
        EscalationStep::new(next.role.clone(), within)
    });
    escalation.into_iter().collect()
}

impl PreparedCall {
    pub(in crate::gate) fn new(
        call: EvaluatedCall,
        words: CallWords,
        requester: RequesterRule,
        uncovering: Uncovering,
        redactor: &Redactor,
    ) -> Self {
        let CallWords { title, effect } = words;
        let EvaluatedCall { tool, snapshot, context: cx, key, key_source, .. } = call;
        let Evaluation { assessment, routed } = call.evaluation;
        let (config, terms) = (tool.config(), tool.terms());
        let requirement = requirement(&tool, &routed, requester);
        let InitialState { state, end_reason } = initial_state(&routed);
        let (now, id, owner) = (Timestamp::EPOCH, RequestId::new(), OwnerToken::new());
        let (masks, more_masks) = call.shown.masks(redactor, id);
        let mut request = ApprovalRequest {
            id,
            key,
            revision: 1,
            binding: BindingDigest::ERASED,
            binding_version: BINDING_VERSION,
            tool: tool.name().clone().into_owned(),
            fingerprint: tool.fingerprint(),
            build: tool.version().cloned().map(Cow::into_owned),
            title,
            description: tool.description().clone().into_owned(),
            arguments: call.shown.text,
            masks,
            more_masks,
            contents: Vec::new(),
            preview: None,
            stated_reason: None,
            conversation_url: None,
            tool_call_id: cx.tool_call_id.clone(),
            links: Vec::new(),
            effect,
            repeats: None,
            earlier: None,
            uncovering,
            principal: cx.principal.clone(),
            agent: cx.agent.clone(),
            approval_type: terms.approval_type.clone().into_owned(),
            risk: config.risk,
            hints: config.hints,
            level: requirement.level,
            quorum: requirement.quorum,
            channels: requirement.channels,
            priority: priority(config.risk, assessment.confidence),
            assessment,
            thresholds: config.thresholds(),
            reasons: routed.reasons.clone(),
            created_at: now,
            due_at: now,
            expires_at: now,
            choices: terms.choices.to_vec(),
            requires_reason: config.requires_reason,
            grace_ms: config.grace_ms(),
            approve_label: terms.approve_label.clone().into_owned(),
            reject_label: terms.reject_label.clone().into_owned(),
        };
        request.bind(call.content);
        let circumstances = circumstances_digest(&cx, tool.fingerprint());
        let record = CallRecord {
            owner: Some(owner),
            escalations: escalations(terms),
            circumstances: Some(circumstances),
            end_reason,
            ..CallRecord::new(request, cx, call.content, state)
        };
        Self {
            tool,
            snapshot,
            routed,
            requester,
            record,
            owner,
            key_source,
            referents: Referents::default(),
            approval: None,
        }
    }

    /// Returns the data that the content digest covers.
    pub(in crate::gate) fn content(&self) -> CallContent<'_> {
        let Self { snapshot, record, .. } = self;
        CallContent { tool: &record.request.tool, snapshot, context: &record.context }
    }

    /// Replaces the evaluation.
    pub(in crate::gate) fn set_evaluation(&mut self, evaluation: Evaluation) {
        let Evaluation { assessment, routed } = evaluation;
        let InitialState { state, end_reason } = initial_state(&routed);
        (self.record.state, self.record.end_reason) = (state, end_reason);
        let request = Arc::make_mut(&mut self.record.request);
        request.require(requirement(&self.tool, &routed, self.requester));
        request.priority = priority(self.tool.config().risk, assessment.confidence);
        request.reasons.clone_from(&routed.reasons);
        request.assessment = assessment;
        self.routed = routed;
    }

    /// Returns the call in the form in which scorers see it.
    pub(in crate::gate) fn to_scored(&self) -> ScoredCall {
        let (request, context) = (&self.record.request, &self.record.context);
        ScoredCall {
            tool: request.tool.clone(),
            description: request.description.clone(),
            risk: request.risk,
            hints: request.hints,
            principal: context.principal.clone(),
            roles: context.roles.clone(),
            tenant: context.tenant.clone(),
            run: request.key.run.clone(),
            confidence: request.assessment.confidence,
            factors: request.assessment.factors.clone(),
            verdict: self.routed.verdict.kind(),
            arguments: request.arguments.clone(),
        }
    }

    /// Returns the form in which it is submitted to the store.
    pub(in crate::gate) fn to_new_call(&self, caps: Caps, auditor: SessionId) -> NewCall {
        let config = self.tool.config();
        let due_in = due_after(config.risk);
        NewCall {
            record: self.record.clone(),
            expires_in: self.limit_wait(config.expires.unwrap_or(due_in)),
            due_in: self.limit_wait(due_in),
            caps,
            auditor: Some(auditor),
        }
    }

    /// Denies the call: it does not run, and nobody is asked about it.
    pub(in crate::gate) fn deny(&mut self, reason: String) {
        self.record.state = CallState::Denied;
        Arc::make_mut(&mut self.record.request).level = ApprovalLevel::Full;
        self.record.end_reason = Some(EndReason::Reason(reason.clone()));
        self.routed.verdict = Verdict::Deny(reason);
    }

    /// Has the call asked about at this level, by everybody whom its tool wants asked.
    pub(in crate::gate) fn ask_at(&mut self, level: ApprovalLevel) {
        self.routed.verdict = Verdict::Ask(level);
        let needed = requirement(&self.tool, &self.routed, self.requester);
        let request = Arc::make_mut(&mut self.record.request);
        request.require(request.requirement().join(&needed));
    }

    /// Returns whether the call runs only together with its siblings.
    pub(in crate::gate) fn is_held(&self) -> bool {
        self.record.batch.as_ref().is_some_and(Membership::is_held)
    }

    /// Returns whether it is claimed after it was stored, even if nobody is asked: because it runs
    /// only with its siblings, or because the claim makes it the holder of its effect.
    pub(in crate::gate) fn is_claimed_later(&self) -> bool {
        self.is_held() || self.tool.terms().effect.is_some()
    }

    /// Returns whether somebody must be asked about it.
    pub(in crate::gate) fn is_asked_about(&self) -> bool {
        matches!(self.routed.verdict, Verdict::Ask(_))
    }

    /// Returns whether it runs at once and changes nothing, so that it needs no record.
    pub(in crate::gate) fn is_unrecorded(&self) -> bool {
        // A call that waits for its siblings must be found again.
        needs_no_record(&self.tool, &self.routed)
            && self.record.retry_of.is_none()
            && !self.is_held()
    }

    /// Returns whether it may run without anybody being asked.
    pub(in crate::gate) fn may_run(&self) -> bool {
        self.routed.verdict == Verdict::Run
            || self.record.grant_use.is_some()
            || self.covering_approval().is_some()
    }

    /// Returns the verdict on it, with its grant.
    pub(in crate::gate) fn verdict(&self) -> Verdict {
        if self.may_run() { Verdict::Run } else { self.routed.verdict.clone() }
    }

    /// Sets the state in which it is stored: claimed if it runs at once, approved if it runs with
    /// its siblings, has an effect, or runs under the approval of an earlier try: the claim checks
    /// it again.
    pub(in crate::gate) fn set_initial_state(&mut self, session: SessionId) {
        let held = self.is_claimed_later() || self.covering_approval().is_some();
        let may_run = self.may_run();
        let record = &mut self.record;
        (record.claim, record.attempts) = (None, 0);
        if !may_run {
            let InitialState { state, end_reason } = initial_state(&self.routed);
            (record.state, record.end_reason) = (state, end_reason);
        } else if held {
            record.state = CallState::Approved;
        } else {
            record.state = CallState::Claimed;
            record.attempts = 1;
            record.claim = Some(Claim { token: ClaimToken::new(), session });
        }
    }

    /// Returns whether a grant may answer in place of a human.
    pub(in crate::gate) fn may_use_grant(&self) -> bool {
        // A grant covers arguments; the contents that they name are reviewed each time.
        let names_contents = !self.record.request.contents.is_empty();
        self.is_asked_about()
            && self.covering_approval().is_none()
            && !names_contents
            && self.record.request.has_sound_preview()
            && self.routed.grantable
            && self.record.request.quorum.is_one()
    }

    /// Returns whether a broken glass may answer in place of everybody who would be asked: not for
    /// a call that repeats an effect, that names a file of the gate, or whose preview failed.
    pub(in crate::gate) fn may_break_glass(&self) -> bool {
        let request = &self.record.request;
        self.is_asked_about()
            && self.covering_approval().is_none()
            && request.repeats.is_none()
            && request.has_sound_preview()
            && request.choices.contains(&Choice::Approve)
            && !request.assessment.names_own_file()
    }

    /// Lets the call run on a grant.
    pub(in crate::gate) fn use_grant(&mut self, grant: &GrantRecord, drawn: GrantUse) {
        self.record.grant_use = Some(drawn);
        let why = match drawn.kind {
            GrantKind::Standing => {
                format!("runs on the grant {} that {} gave", grant.id(), grant.grant.by)
            }
            GrantKind::BreakGlass => break_glass_reason(grant.id(), &grant.grant.by),
        };
        Arc::make_mut(&mut self.record.request).reasons.push(why);
    }

    /// Removes the grant again.
    pub(in crate::gate) fn drop_grant(&mut self) {
        if self.record.grant_use.take().is_some() {
            Arc::make_mut(&mut self.record.request).reasons.pop();
        }
    }

    /// Returns the approval of an earlier try, if it covers the requirement of this one.
    pub(in crate::gate) fn covering_approval(&self) -> Option<&EarlierApproval> {
        let asks = self.is_asked_about();
        let needed = self.record.request.requirement();
        self.approval.as_ref().filter(|approval| asks && needed.is_met_by(&approval.requirement))
    }

    /// Returns whether the contents that the arguments name, and the preview, are those of the try
    /// that was approved earlier.
    pub(in crate::gate) fn is_as_approved(&self, found: &Referents, keys: &KeyRing) -> bool {
        let Some(approval) = &self.approval else { return true };
        let same_preview = match (&approval.preview, found.preview()) {
            (None, None) => true,
            (Some(shown), Some(found)) => found.is_shown_by(shown, keys, approval.failed),
            _ => false,
        };
        let (request, shown) = (approval.failed, &approval.contents);
        let shown = || shown.iter().map(|content| (content.at.as_str(), content.digest));
        same_preview && keys.digests().any(|key| shown().eq(found.digests(key, request)))
    }

    /// Notes in the record that it is a further try, and on whose approval.
    pub(in crate::gate) fn note_retry(&mut self) {
        let by = self.covering_approval().map(|approval| approval.by.clone());
        let Some(retry) = &mut self.record.retry_of else { return };
        let why = match &by {
            Some(by) => {
                format!("tried again under the approval of {by}: call {} failed", retry.call)
            }
            None => format!("tried again: call {} failed", retry.call),
        };
        retry.approved_by = by;
        Arc::make_mut(&mut self.record.request).reasons.push(why);
    }

    /// Limits the time that it may wait: no longer than the approval that covers it is valid.
    fn limit_wait(&self, usual: Duration) -> Duration {
        self.covering_approval().map_or(usual, |approval| approval.left.min(usual))
    }
}
