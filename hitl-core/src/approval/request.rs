//! What a human is shown.

use hitl_base::{JsonText, Timestamp};
use serde::{Deserialize, Serialize};

use super::mask::is_zero;
use super::{Again, Answer, DecisionDraft, Mask, Patch, Uncovering};
use crate::call::{BindingDigest, CallKey, Fingerprint, Hints, Principal, Risk, Thresholds};
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
    /// The tool's name.
    pub tool: String,
    /// The tool's fingerprint: what the reviewer relies on about it.
    pub fingerprint: Fingerprint,
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
    /// Whether the host lets reviewers uncover what is masked.
    #[serde(default, skip_serializing_if = "Uncovering::is_allowed")]
    pub uncovering: Uncovering,
    /// Who asked.
    pub principal: Principal,
    /// What kind of approval it is.
    pub approval_type: String,
    /// How bad a wrong call is.
    pub risk: Risk,
    /// What the tool does to the world.
    #[serde(default)]
    pub hints: Hints,
    /// How much of a human it needs.
    pub level: ApprovalLevel,
    /// How many people it needs, in which roles and in which order.
    #[serde(default, skip_serializing_if = "Quorum::is_one")]
    pub quorum: Quorum,
    /// The score and its factors.
    pub assessment: Assessment,
    /// The tool's thresholds, to draw the score against.
    pub thresholds: Thresholds,
    /// What raised the level above that of the score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
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

impl ApprovalRequest {
    /// Approves exactly this revision.
    pub fn approve(&self) -> DecisionDraft<'_> {
        DecisionDraft::new(self, Answer::Approve)
    }

    /// Changes arguments: a JSON merge patch (RFC 7396), like `{"amount": 500}`. Its result is the
    /// next revision, which the editor approves with it where the tool and the quorum allow that.
    pub fn edit(&self, patch: impl Into<String>) -> DecisionDraft<'_> {
        DecisionDraft::new(self, Answer::Edit { patch: Patch::new(patch) })
    }

    /// Rejects it and says why. Where [`requires_reason`](Self::requires_reason) is set, an empty
    /// reason is refused.
    pub fn reject(&self, reason: impl Into<String>) -> DecisionDraft<'_> {
        let reason = Some(reason.into()).filter(|reason| !reason.trim().is_empty());
        DecisionDraft::new(self, Answer::Reject { reason, again: Again::Refused })
    }

    /// Answers the model instead of running it.
    pub fn respond(&self, message: impl Into<String>) -> DecisionDraft<'_> {
        DecisionDraft::new(self, Answer::Respond { message: message.into() })
    }

    /// Stops the run: the call does not run, and its caller is told so by
    /// [`Outcome::Aborted`](crate::Outcome::Aborted). Every other call of the same root run, delegated ones
    /// included, that waits or was approved and has not started is withdrawn; what runs goes on to its end.
    /// The agent itself is the host's: what it asks for after that is asked about as ever.
    pub fn abort(&self, reason: impl Into<String>) -> DecisionDraft<'_> {
        DecisionDraft::new(self, Answer::Abort { reason: reason.into() })
    }

    /// What a decision must satisfy.
    pub fn requirement(&self) -> Requirement {
        Requirement::of(self.level).quorum(self.quorum.clone())
    }

    /// Sets what a decision must satisfy.
    pub(crate) fn require(&mut self, requirement: Requirement) {
        self.level = requirement.level;
        self.quorum = requirement.quorum;
    }
}
