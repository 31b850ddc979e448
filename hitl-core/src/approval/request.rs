//! The request that a human is shown.

use hitl_base::{JsonText, Timestamp};
use serde::{Deserialize, Serialize};

use super::mask::is_zero;
use super::{
    Content, DecisionDraft, DecisionKind, EarlierCall, Link, Mask, Patch, RepeatPolicy,
    RequestPreview, Uncovering,
};
use crate::call::{
    BINDING_VERSION, Binding, BindingDigest, CallKey, ContentDigest, Fingerprint, Identity,
    Principal, Risk, Thresholds, ToolAnnotations,
};
use crate::confidence::Assessment;
use crate::ids::RequestId;
use crate::policy::{ApprovalLevel, DecisionChannels, Priority, Quorum, Requirement};

/// An answer that a human may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Choice {
    /// Run it.
    Approve,
    /// Run it with other arguments.
    Edit,
    /// Do not run it.
    Reject,
    /// Answer the model instead of running it.
    Respond,
    /// Do not run it, and stop the run.
    Abort,
}

/// The request that a human is shown, and that their decision will name. Everything in it is
/// redacted and may be displayed, sent and logged.
///
/// The wire shape is camelCase JSON; additive changes stay readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ApprovalRequest {
    /// The call's record.
    pub id: RequestId,
    /// The call's key.
    pub key: CallKey,
    /// The revision of the call that this shows, from 1.
    pub revision: u32,
    /// The digest that a decision on this revision must name.
    pub binding: BindingDigest,
    /// The version of the rule by which `binding` was made. A call that was asked about under an
    /// older rule is asked about again before it runs.
    #[serde(default = "first")]
    pub binding_version: u16,
    /// The tool's name.
    pub tool: String,
    /// The tool's fingerprint: covers what the reviewer relies on about the tool.
    pub fingerprint: Fingerprint,
    /// The version of the tool's code that would run. `None` if the tool has no version to compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// One line that describes what would happen. May contain text from the model.
    pub title: String,
    /// The tool's own description.
    pub description: String,
    /// The arguments, without secrets. Text from the model.
    pub arguments: JsonText,
    /// The masked places in the arguments. A reviewer who may decide can
    /// [uncover](crate::Gate::uncover) what the host did not declare sensitive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<Mask>,
    /// The number of masks beyond those that are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_masks: usize,
    /// The contents that the arguments name, where the tool declares it, as they were read for this
    /// revision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<Content>,
    /// The reason that the model states for the call: its own words, without secrets, at most about
    /// 1,000 characters. No part of what is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated_reason: Option<String>,
    /// The address of the conversation in which the call was made: `http` or `https`, plain ASCII.
    /// The host's word, and no part of what is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_url: Option<String>,
    /// The other side's id of the call: a provider's, or a protocol's. The host's word, and no part
    /// of what is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The preview of the call, if its tool renders one, as it was rendered for this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<RequestPreview>,
    /// The targets of symbolic links that the arguments name, where the gate looked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// The [effect](crate::ToolConfig::effect()) of the call, like `refund:pay_1`, with masks for
    /// secrets. `None` if the tool declares none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// The earlier call that had the same effect, has it now or may have had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<RequestId>,
    /// That call as it was when this request was read for a person. A store does not keep it, so
    /// that a card never shows an outdated state, nor a title that was erased since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<EarlierCall>,
    /// The host's rule on letting reviewers uncover what is masked.
    #[serde(default, skip_serializing_if = "Uncovering::is_allowed")]
    pub uncovering: Uncovering,
    /// The requester.
    pub principal: Principal,
    /// The agent or service that submitted in the requester's name, if the host names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Principal>,
    /// The kind of approval.
    pub approval_type: String,
    /// The harm of a wrong call.
    pub risk: Risk,
    /// The tool's effects on the world.
    #[serde(default)]
    pub hints: ToolAnnotations,
    /// The level of approval that it needs.
    pub level: ApprovalLevel,
    /// The number of approvers that it needs, their roles and their order, and whether the
    /// requester may be one of them.
    #[serde(default, skip_serializing_if = "Quorum::is_default")]
    pub quorum: Quorum,
    /// The channels through which it may be approved.
    #[serde(default, skip_serializing_if = "DecisionChannels::is_any")]
    pub channels: DecisionChannels,
    /// The score and its factors.
    pub assessment: Assessment,
    /// The tool's thresholds, for drawing the score against them.
    pub thresholds: Thresholds,
    /// The reasons that raised the level above that of the score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "because")]
    pub reasons: Vec<String>,
    /// The urgency.
    pub priority: Priority,
    /// The time of submission, by the store's clock.
    pub created_at: Timestamp,
    /// The time by which it should be decided.
    pub due_at: Timestamp,
    /// The time after which it can no longer be decided or run.
    pub expires_at: Timestamp,
    /// The possible answers.
    pub choices: Vec<Choice>,
    /// True if a rejection must give a reason.
    pub requires_reason: bool,
    /// The time in milliseconds after an approval in which the call does not start, and the
    /// approval can be taken back. `None` if it starts at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_ms: Option<u64>,
    /// The label of the approving button.
    pub approve_label: String,
    /// The label of the rejecting button.
    pub reject_label: String,
}

/// Returns the rule version of requests that do not name one.
const fn first() -> u16 {
    1
}

impl ApprovalRequest {
    /// Returns the place of the reason about the call whose effect this one repeats: it names that
    /// call. A limit on reasons may drop any other.
    pub(crate) fn repetition_reason(&self) -> Option<usize> {
        let earlier = self.repeats?.to_string();
        self.reasons.iter().rposition(|why| why.contains(&earlier))
    }

    /// Approves exactly this revision.
    pub fn approve(&self) -> DecisionDraft<'_> {
        DecisionDraft::new(self, DecisionKind::Approve)
    }

    /// Changes arguments: a JSON merge patch (RFC 7396), like `{"amount": 500}`. The result is the
    /// next revision, and the editor's answer also approves it where the tool and the quorum allow
    /// that.
    pub fn edit(&self, patch: impl Into<String>) -> DecisionDraft<'_> {
        DecisionDraft::new(self, DecisionKind::Edit { patch: Patch::new(patch) })
    }

    /// Rejects the call with a reason. If [`requires_reason`](Self::requires_reason) is set, an
    /// empty reason is refused.
    pub fn reject(&self, reason: impl Into<String>) -> DecisionDraft<'_> {
        let reason = Some(reason.into()).filter(|reason| !reason.trim().is_empty());
        DecisionDraft::new(self, DecisionKind::Reject { reason, again: RepeatPolicy::Refused })
    }

    /// Answers the model instead of running it.
    pub fn respond(&self, message: impl Into<String>) -> DecisionDraft<'_> {
        DecisionDraft::new(self, DecisionKind::Respond { message: message.into() })
    }

    /// Stops the run: the call does not run, and its caller gets
    /// [`Outcome::Aborted`](crate::Outcome::Aborted). Every other call of the same root run,
    /// delegated ones included, that waits or was approved and has not started is withdrawn; calls
    /// that are running continue to their end. The agent itself belongs to the host: its later
    /// calls are asked about as usual.
    pub fn abort(&self, reason: impl Into<String>) -> DecisionDraft<'_> {
        DecisionDraft::new(self, DecisionKind::Abort { reason: reason.into() })
    }

    /// Returns whether the requester may approve the call under its current requirement.
    pub fn requester_may_approve(&self) -> bool {
        self.quorum.eyes.let_the_requester_approve(self.level)
    }

    /// Returns whether a person, whom the directory calls `canonical`, is the requester.
    pub(crate) fn is_requested_by(
        &self,
        canonical: Option<&Principal>,
        who: &Identity<'_>,
    ) -> bool {
        let agent = self.agent.as_ref().map(|agent| Identity::new(agent, None));
        who.is(&Identity::new(&self.principal, canonical))
            || agent.is_some_and(|agent| who.is(&agent))
    }

    /// Returns the requirement that a decision must satisfy.
    pub fn requirement(&self) -> Requirement {
        Requirement::new(self.level).quorum(self.quorum.clone()).channels(self.channels.clone())
    }

    /// Binds this revision to its content, by the current rule.
    pub(crate) fn bind(&mut self, content: ContentDigest) {
        self.binding = self.parts(content).digest();
        self.binding_version = BINDING_VERSION;
    }

    /// Binds this revision as older versions of hitl did, for tests.
    #[cfg(feature = "contract-suite")]
    pub(crate) fn bind_by_the_first_rule(&mut self, content: ContentDigest) {
        (self.binding_version, self.build) = (1, None);
        self.binding = self.parts(content).digest_v1();
    }

    /// Returns whether this revision was bound to this content, under the rule that it was bound
    /// by.
    pub(crate) fn is_bound_to(&self, content: ContentDigest) -> bool {
        let parts = self.parts(content);
        match self.binding_version {
            1 => self.binding == parts.digest_v1(),
            BINDING_VERSION => self.binding == parts.digest(),
            _ => false,
        }
    }

    fn parts(&self, content: ContentDigest) -> Binding<'_> {
        Binding {
            id: self.id,
            key: &self.key,
            revision: self.revision,
            content,
            fingerprint: self.fingerprint,
            build: self.build.as_deref(),
            contents: &self.contents,
            preview: self.preview.as_ref().map(|preview| preview.digest),
        }
    }

    /// Sets the requirement that a decision must satisfy.
    pub(crate) fn require(&mut self, requirement: Requirement) {
        self.level = requirement.level;
        self.quorum = requirement.quorum;
        self.channels = requirement.channels;
    }
}
