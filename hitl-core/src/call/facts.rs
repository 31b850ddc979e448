//! What a reviewer relies on about a tool, as its executor records it for others.

use hitl_base::JsonText;
use serde::{Deserialize, Serialize};

use super::{Fingerprint, Risk, Thresholds, ToolAnnotations};
use crate::approval::{ApprovalRequest, Choice};

/// Where a tool's arguments are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ToolKind {
    /// By a Rust type, so only a program that has that type can read them.
    Typed,
    /// By its JSON Schema alone, so every gate that knows the schema can.
    Dynamic,
}

/// A tool as one executor has it: what a reviewer relies on, and what a call of it is compared
/// with. Holds no secret, and nothing of any call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolFacts {
    /// Its name.
    pub name: String,
    /// Name, description, schema, secret arguments and those whose contents are read, in one
    /// digest.
    pub fingerprint: Fingerprint,
    /// The version of its code. `None` if it has none to compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// What it does, in its own words.
    pub description: String,
    /// The line that says what would happen, with its placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub describe: Option<String>,
    /// The JSON Schema of its arguments, as text. It may be large.
    pub schema: String,
    /// Which arguments are secrets, as paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitive: Vec<String>,
    /// Which arguments name a content that is read, as paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<String>,
    /// Keywords of the schema that are not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<String>,
    /// Where its arguments are checked.
    pub kind: ToolKind,
    /// What kind of approval it is.
    pub approval_type: String,
    /// How bad a wrong call is.
    pub risk: Risk,
    /// What it does to the world.
    pub hints: ToolAnnotations,
    /// Its thresholds.
    pub thresholds: Thresholds,
    /// What may be answered.
    pub choices: Vec<Choice>,
    /// A rejection must say why.
    pub requires_reason: bool,
    /// What the approving button says.
    pub approve_label: String,
    /// What the rejecting button says.
    pub reject_label: String,
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

    /// Returns whether the tool is riskier than was shown, became destructive, wants a reason that
    /// was not asked for, or no longer offers an answer.
    pub(crate) fn is_stricter_than(&self, request: &ApprovalRequest) -> bool {
        self.risk > request.risk
            || (self.hints.destructive && !request.hints.destructive)
            || (self.requires_reason && !request.requires_reason)
            || request.choices.iter().any(|choice| !self.choices.contains(choice))
    }

    /// Returns whether the words around a decision are those that were shown.
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
