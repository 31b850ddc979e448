//! A human's decision, and the exact revision that it is about.

use std::fmt;

use hitl_base::Redactor;
use serde::{Deserialize, Serialize};

use super::decision_id::derived_id;
use super::{ApprovalRequest, Choice, DecisionChannel, ReviewerIdentity};
use crate::call::{BindingDigest, Tenant};
use crate::gate::EditPreview;
use crate::ids::{DecisionId, RequestId};
use crate::machine::CallState;

/// An editor's change: a JSON merge patch (RFC 7396), as its exact text. A field that it names gets
/// the given value; a field set to `null` is removed; every other field stays, secrets above all. A
/// list is replaced as a whole.
///
/// Kept as text, so that no number is rounded on the way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Patch(String);

impl Patch {
    /// Creates a patch from this text. It is validated when it is applied.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text. It may contain what the editor typed, secrets included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Redactor::standard().text(&self.0))
    }
}

/// The rule for asking about the same call again in the same run after it was rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: yes or no.
pub enum RepeatPolicy {
    /// The gate remembers the rejection, and returns it to the model without asking anybody.
    #[default]
    Refused,
    /// The reviewer may be asked again.
    Allowed,
}

impl RepeatPolicy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_refused(&self) -> bool {
        *self == Self::Refused
    }
}

/// A human's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DecisionKind {
    /// Run it.
    Approve,
    /// Run it with other arguments. The patched call is the next revision: it is checked like a
    /// model's call and assessed again, and its requirements are never relaxed.
    Edit {
        /// The change.
        patch: Patch,
    },
    /// Do not run it.
    Reject {
        /// The reason.
        reason: Option<String>,
        /// The rule for asking about the same call again in this run.
        #[serde(default, skip_serializing_if = "RepeatPolicy::is_refused")]
        again: RepeatPolicy,
    },
    /// Answers the model instead of running it.
    Respond {
        /// The answer.
        message: String,
    },
    /// Do not run it, and stop the run.
    Abort {
        /// The reason.
        reason: String,
    },
}

impl DecisionKind {
    /// Returns the answer as the audit records it. The parts that humans wrote may hold secrets.
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::Approve => "approved".to_owned(),
            Self::Edit { .. } => "edited".to_owned(),
            Self::Reject { reason: None, .. } => "rejected".to_owned(),
            Self::Reject { reason: Some(reason), .. } => format!("rejected: {reason}"),
            Self::Respond { message } => format!("responded: {message}"),
            Self::Abort { reason } => format!("aborted: {reason}"),
        }
    }

    /// Returns the choice that this answer belongs to.
    pub fn choice(&self) -> Choice {
        match self {
            Self::Approve => Choice::Approve,
            Self::Edit { .. } => Choice::Edit,
            Self::Reject { .. } => Choice::Reject,
            Self::Respond { .. } => Choice::Respond,
            Self::Abort { .. } => Choice::Abort,
        }
    }
}

/// A decision: the answer, the person who gave it, and the exact revision that it is about.
///
/// Built from the request that was shown, so that it names its id, revision and binding digest; a
/// call that has changed since then does not accept it. Submitting the same decision twice is
/// harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Decision {
    /// The decision's own id.
    pub id: DecisionId,
    /// The tenant of the call.
    pub tenant: Tenant,
    /// The call's record.
    pub request: RequestId,
    /// The revision that was shown.
    pub revision: u32,
    /// The binding digest that was shown.
    pub binding: BindingDigest,
    /// The answer.
    pub answer: DecisionKind,
    /// The person who decided, as the host has verified them.
    pub by: ReviewerIdentity,
    /// The channel through which it came, as the code says that took the answer.
    #[serde(default, skip_serializing_if = "DecisionChannel::is_host")]
    pub channel: DecisionChannel,
    /// The result that an editor was shown. An edit with another result is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previewed: Option<EditResult>,
}

/// The result of an edit: what the call would be after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EditResult {
    /// The binding digest of the next revision.
    pub binding: BindingDigest,
    /// The state of the call: approved if the edit is also the last approval that the call needs.
    pub state: CallState,
}

impl EditResult {
    pub(crate) fn new(binding: BindingDigest, state: CallState) -> Self {
        Self { binding, state }
    }
}

/// An answer that does not yet name who gave it.
#[derive(Debug)]
#[must_use = "say who decides: `.by(principal)`"]
pub struct DecisionDraft<'r> {
    request: &'r ApprovalRequest,
    answer: DecisionKind,
    channel: DecisionChannel,
    previewed: Option<EditResult>,
    replayable: bool,
}

impl<'r> DecisionDraft<'r> {
    pub(super) fn new(request: &'r ApprovalRequest, answer: DecisionKind) -> Self {
        let channel = DecisionChannel::HOST;
        Self { request, answer, channel, previewed: None, replayable: false }
    }

    /// Binds an edit to the result that the editor was shown: if it would have another one by now,
    /// because a policy or the tool has changed, it is refused with
    /// [`Refusal::OtherResult`](crate::Refusal::OtherResult), and nothing changes. Affects edits
    /// only.
    ///
    /// ```
    /// # use hitl::{ApprovalRequest, Gate, GateError};
    /// # async fn edit(gate: Gate, request: ApprovalRequest) -> Result<(), GateError> {
    /// let patch = r#"{"amount": 80}"#;
    /// let preview = gate.preview_edit(&request, patch, "bob").await?;
    /// // Here Bob is shown `preview.changes`, and whether the edit also approves the call.
    /// gate.decide(request.edit(patch).previewed(&preview).by("bob")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn previewed(mut self, preview: &EditPreview) -> Self {
        self.previewed = Some(preview.result());
        self
    }

    /// Lets the same call be asked about again in this run. Affects rejections only; other answers
    /// are not remembered.
    pub fn may_ask_again(mut self) -> Self {
        if let DecisionKind::Reject { again, .. } = &mut self.answer {
            *again = RepeatPolicy::Allowed;
        }
        self
    }

    /// Derives the decision's id from the answer, the revision that it is about and the person, so
    /// that the same answer, delivered again, is the same decision: for channels that deliver more
    /// than once, like webhooks and clients that retry. Without this each answer has an id of its
    /// own, and a second one of a person is refused.
    ///
    /// An edit is named by its result, so this affects only edits that were
    /// [previewed](Self::previewed).
    pub fn replayable(mut self) -> Self {
        self.replayable = true;
        self
    }

    /// Names the channel through which the answer came; without it,
    /// [`HOST`](DecisionChannel::HOST). The host vouches for it: it must not come from the client
    /// that sends the answer.
    ///
    /// An approval or an edit counts only if the request
    /// [may be approved through](ApprovalRequest::may_be_approved_through) this channel.
    ///
    /// ```
    /// # use hitl::{approval::DecisionChannel, ApprovalRequest, Gate, GateError};
    /// # async fn approve(gate: Gate, request: ApprovalRequest) -> Result<(), GateError> {
    /// gate.decide(request.approve().through(DecisionChannel::CHAT).by("bob")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn through(mut self, channel: DecisionChannel) -> Self {
        self.channel = channel;
        self
    }

    /// Names the person who decides: a name, or a [`ReviewerIdentity`] with roles and tenants. The
    /// host vouches for it; it must not come from the model or from a request body.
    pub fn by(self, approver: impl Into<ReviewerIdentity>) -> Decision {
        let by = approver.into();
        let previewed = self.previewed.filter(|_| self.answer.choice() == Choice::Edit);
        let derive =
            || derived_id(self.request, &self.answer, previewed, &by.principal, &self.channel);
        let derived = if self.replayable { derive() } else { None };
        Decision {
            id: derived.unwrap_or_else(DecisionId::new),
            tenant: self.request.key.tenant.clone(),
            request: self.request.id,
            revision: self.request.revision,
            binding: self.request.binding,
            previewed,
            answer: self.answer,
            by,
            channel: self.channel,
        }
    }
}
