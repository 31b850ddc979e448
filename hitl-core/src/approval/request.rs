//! What a human is shown.

use hitl_base::{JsonText, Timestamp};
use serde::{Deserialize, Serialize};

use super::mask::is_zero;
use super::{Content, DecisionDraft, DecisionKind, Link, Mask, Patch, RepeatPolicy, Uncovering};
use crate::call::{
    BINDING_VERSION, Binding, BindingDigest, CallKey, ContentDigest, Fingerprint, Identity,
    Principal, Risk, Thresholds, ToolAnnotations,
};
use crate::confidence::Assessment;
use crate::ids::RequestId;
use crate::policy::{ApprovalLevel, Priority, Quorum, Requirement};

/// What a human may answer.
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

/// What a human is shown, and what their decision will name. Everything in it is redacted and may
/// be displayed, sent and logged.
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
    /// Which revision of the call this shows, from 1.
    pub revision: u32,
    /// What a decision on this revision must name.
    pub binding: BindingDigest,
    /// The rule by which `binding` was made. What was asked under an older rule is asked again
    /// before it runs.
    #[serde(default = "first")]
    pub binding_version: u16,
    /// The tool's name.
    pub tool: String,
    /// The tool's fingerprint: what the reviewer relies on about it.
    pub fingerprint: Fingerprint,
    /// The version of the tool's code that would run. `None` if it has none to compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// One line that says what would happen. May hold text from the model.
    pub title: String,
    /// What the tool does, in its own words.
    pub description: String,
    /// The arguments, without secrets. Text from the model.
    pub arguments: JsonText,
    /// What is masked in the arguments. A reviewer who may decide can
    /// [uncover](crate::Gate::uncover) what the host did not declare sensitive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<Mask>,
    /// How many masks there are beyond those that are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_masks: usize,
    /// What the arguments name, where the tool declares it, as it was read for this revision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<Content>,
    /// Where symbolic links lead that the arguments name, as far as the gate looked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Whether the host lets reviewers uncover what is masked.
    #[serde(default, skip_serializing_if = "Uncovering::is_allowed")]
    pub uncovering: Uncovering,
    /// Who asked.
    pub principal: Principal,
    /// The agent or service that submitted in their name, when the host names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Principal>,
    /// What kind of approval it is.
    pub approval_type: String,
    /// How bad a wrong call is.
    pub risk: Risk,
    /// What the tool does to the world.
    #[serde(default)]
    pub hints: ToolAnnotations,
    /// How much of a human it needs.
    pub level: ApprovalLevel,
    /// How many people it needs, in which roles and in which order, and whether who asked may be
    /// one of them.
    #[serde(default, skip_serializing_if = "Quorum::is_default")]
    pub quorum: Quorum,
    /// The score and its factors.
    pub assessment: Assessment,
    /// The tool's thresholds, to draw the score against.
    pub thresholds: Thresholds,
    /// What raised the level above that of the score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "because")]
    pub reasons: Vec<String>,
    /// How soon it should be looked at.
    pub priority: Priority,
    /// When it was submitted, by the store's clock.
    pub created_at: Timestamp,
    /// When it should be decided.
    pub due_at: Timestamp,
    /// When it can no longer be decided or run.
    pub expires_at: Timestamp,
    /// What may be answered.
    pub choices: Vec<Choice>,
    /// A rejection must say why.
    pub requires_reason: bool,
    /// What the approving button says.
    pub approve_label: String,
    /// What the rejecting button says.
    pub reject_label: String,
}

/// The rule of requests that do not name theirs.
const fn first() -> u16 {
    1
}

impl ApprovalRequest {
    /// Approves exactly this revision.
    pub fn approve(&self) -> DecisionDraft<'_> {
        DecisionDraft::new(self, DecisionKind::Approve)
    }

    /// Changes arguments: a JSON merge patch (RFC 7396), like `{"amount": 500}`. Its result is the
    /// next revision, which the editor approves with it where the tool and the quorum allow that.
    pub fn edit(&self, patch: impl Into<String>) -> DecisionDraft<'_> {
        DecisionDraft::new(self, DecisionKind::Edit { patch: Patch::new(patch) })
    }

    /// Rejects it and says why. Where [`requires_reason`](Self::requires_reason) is set, an empty
    /// reason is refused.
    pub fn reject(&self, reason: impl Into<String>) -> DecisionDraft<'_> {
        let reason = Some(reason.into()).filter(|reason| !reason.trim().is_empty());
        DecisionDraft::new(self, DecisionKind::Reject { reason, again: RepeatPolicy::Refused })
    }

    /// Answers the model instead of running it.
    pub fn respond(&self, message: impl Into<String>) -> DecisionDraft<'_> {
        DecisionDraft::new(self, DecisionKind::Respond { message: message.into() })
    }

    /// Stops the run: the call does not run, and its caller is told so by
    /// [`Outcome::Aborted`](crate::Outcome::Aborted). Every other call of the same root run,
    /// delegated ones included, that waits or was approved and has not started is withdrawn; what
    /// runs goes on to its end. The agent itself is the host's: what it asks for after that is
    /// asked about as ever.
    pub fn abort(&self, reason: impl Into<String>) -> DecisionDraft<'_> {
        DecisionDraft::new(self, DecisionKind::Abort { reason: reason.into() })
    }

    /// Whether the requester may approve it as it is asked now.
    pub fn requester_may_approve(&self) -> bool {
        self.quorum.eyes.let_the_requester_approve(self.level)
    }

    /// Whether somebody is who asked, whom the directory calls `canonical`.
    pub(crate) fn is_requested_by(
        &self,
        canonical: Option<&Principal>,
        who: &Identity<'_>,
    ) -> bool {
        let agent = self.agent.as_ref().map(|agent| Identity::new(agent, None));
        who.is(&Identity::new(&self.principal, canonical))
            || agent.is_some_and(|agent| who.is(&agent))
    }

    /// What a decision must satisfy.
    pub fn requirement(&self) -> Requirement {
        Requirement::new(self.level).quorum(self.quorum.clone())
    }

    /// Binds this revision to its content, by the rule of now.
    pub(crate) fn bind(&mut self, content: ContentDigest) {
        self.binding = self.parts(content).digest();
        self.binding_version = BINDING_VERSION;
    }

    /// Binds this revision as older versions of hitl did, for checks.
    #[cfg(feature = "contract-suite")]
    pub(crate) fn bind_by_the_first_rule(&mut self, content: ContentDigest) {
        (self.binding_version, self.build) = (1, None);
        self.binding = self.parts(content).digest_v1();
    }

    /// Returns whether this revision was bound to this content, by the rule that it was bound by.
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
        }
    }

    /// Sets what a decision must satisfy.
    pub(crate) fn require(&mut self, requirement: Requirement) {
        self.level = requirement.level;
        self.quorum = requirement.quorum;
    }
}
