//! Edits of a pending call, and the revisions before and after them.

use hitl_base::JsonText;
use serde::{Deserialize, Serialize};

use super::RecordedDecision;
use crate::approval::{Content, Decision, Link, Mask, RequestPreview};
use crate::call::{BindingDigest, ContentDigest};
use crate::confidence::Assessment;
use crate::policy::{Priority, Requirement};

/// A human's edit, with the gate's result of the patch. The sealed arguments are passed beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edit {
    /// The decision. It is stored, so its patch is redacted.
    pub decision: Decision,
    /// The resulting revision.
    pub revision: EditedRevision,
}

impl Edit {
    /// Returns an edit. Make one only from data that a gate has checked.
    pub fn new(decision: Decision, revision: EditedRevision) -> Self {
        Self { decision, revision }
    }
}

/// The revision that an edit leads to, assessed again.
#[derive(Clone, Debug, PartialEq, Eq)]
// Exhaustive: a store must keep each part.
pub struct EditedRevision {
    /// Its content.
    pub content: ContentDigest,
    /// The arguments, without secrets.
    pub arguments: JsonText,
    /// The masked parts of them.
    pub masks: Vec<Mask>,
    /// The number of masks beyond those that are listed.
    pub more_masks: usize,
    /// The contents that the arguments name, as they were read.
    pub contents: Vec<Content>,
    /// The preview of the call, as it was rendered.
    pub preview: Option<RequestPreview>,
    /// The targets of links that the arguments name.
    pub links: Vec<Link>,
    /// One line on what would happen.
    pub title: String,
    /// Its effect, without secrets. `None` if the tool declares none.
    pub effect: Option<String>,
    /// The score and its factors.
    pub assessment: Assessment,
    /// Its own requirement; that of the earlier revision is joined to it.
    pub requirement: Requirement,
    /// The reasons why the level is above that of the score.
    pub reasons: Vec<String>,
    /// Its urgency.
    pub priority: Priority,
    /// True if only the tool's schema has read the arguments. The executor reads them with the tool
    /// before it claims the call, and asks again if they read otherwise.
    pub unread: bool,
}

/// A summary of a revision that was edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PriorRevision {
    /// Its number.
    pub revision: u32,
    /// The binding named by decisions on it.
    pub binding: BindingDigest,
    /// Its arguments, without secrets.
    pub arguments: JsonText,
    /// The edit that ended it: person, time, and the redacted patch.
    pub edited: RecordedDecision,
}
