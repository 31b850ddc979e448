//! The facts about a tool that a reviewer relies on, as its executor records them for others.

use hitl_base::JsonText;
use serde::{Deserialize, Serialize};

use super::{Fingerprint, Risk, Thresholds, ToolAnnotations};
use crate::approval::{ApprovalRequest, Choice};
use crate::grant::Envelope;

/// The means by which a tool's arguments are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ToolKind {
    /// A Rust type. A gate that has only the schema checks an edit with that; the type reads the
    /// result before it runs.
    Typed,
    /// The JSON Schema alone, so every gate that knows the schema can read them.
    Dynamic,
}

/// A tool as one executor has it: the facts that a reviewer relies on, and that its calls are
/// compared with. Contains no secret, and no data of any call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolFacts {
    /// Its name.
    pub name: String,
    /// A digest of the name, the description, the schema, the secret arguments and those whose
    /// contents are read.
    pub fingerprint: Fingerprint,
    /// The version of its code. `None` if it has no version to compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Its own description.
    pub description: String,
    /// Its name for people, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The line that describes what would happen, with its placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub describe: Option<String>,
    /// The effect that must not happen twice, with its placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// The JSON Schema of its arguments, as text. It may be large.
    pub schema: String,
    /// The paths of arguments that are secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitive: Vec<String>,
    /// The paths of arguments that name a content which is read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<String>,
    /// True if it renders a preview of its calls.
    #[serde(default, skip_serializing_if = "is_false")]
    pub previews: bool,
    /// Keywords of the schema that are not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<String>,
    /// The means by which its arguments are checked.
    pub kind: ToolKind,
    /// The kind of approval.
    pub approval_type: String,
    /// The harm of a wrong call.
    pub risk: Risk,
    /// Its effects on the world.
    pub hints: ToolAnnotations,
    /// Its thresholds.
    pub thresholds: Thresholds,
    /// The possible answers.
    pub choices: Vec<Choice>,
    /// True if a rejection must give a reason.
    pub requires_reason: bool,
    /// The label of the approving button.
    pub approve_label: String,
    /// The label of the rejecting button.
    pub reject_label: String,
    /// The time in milliseconds after an approval in which it can be taken back, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_ms: Option<u64>,
    /// The arguments that are amounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amounts: Vec<String>,
    /// The envelopes in which a person may let it run by breaking the glass, as its executor's host
    /// declared them when these facts were recorded. The executor checks its own, each time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub envelopes: Vec<Envelope>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl ToolFacts {
    /// Returns whether this is the tool that a request was made for: the same to a reviewer, in the
    /// same version, and no stricter than it was.
    pub fn is_of(&self, request: &ApprovalRequest) -> bool {
        self.fingerprint == request.fingerprint
            && self.build == request.build
            && self.has_labels_of(request)
            && !self.is_stricter_than(request)
    }

    /// Returns whether the tool is riskier than was shown, became destructive, requires a reason
    /// that was not asked for, or no longer offers an answer.
    pub(crate) fn is_stricter_than(&self, request: &ApprovalRequest) -> bool {
        self.risk > request.risk
            || (self.hints.destructive && !request.hints.destructive)
            || (self.requires_reason && !request.requires_reason)
            || request.choices.iter().any(|choice| !self.choices.contains(choice))
    }

    /// Returns whether the approval type and the button labels are those that were shown.
    pub(crate) fn has_labels_of(&self, request: &ApprovalRequest) -> bool {
        self.approval_type == request.approval_type
            && self.approve_label == request.approve_label
            && self.reject_label == request.reject_label
    }

    /// Returns the schema as JSON text.
    pub fn schema_text(&self) -> JsonText {
        JsonText::new(self.schema.clone()).unwrap_or_else(|_| JsonText::null())
    }
}
