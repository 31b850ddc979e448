//! An edit of a pending call, and the revisions before and after it.

use hitl_base::JsonText;
use serde::{Deserialize, Serialize};

use super::RecordedDecision;
use crate::approval::{Content, Decision, Link, Mask};
use crate::call::{BindingDigest, ContentDigest};
use crate::confidence::Assessment;
use crate::policy::{Priority, Requirement};

/// A human's edit, with what the gate has made of the patch. The sealed arguments come beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edit {
    /// The decision. Its patch is redacted: this is what is kept.
    pub decision: Decision,
    /// The revision that it leads to.
    pub revised: EditedRevision,
}

impl Edit {
    /// An edit. Only what a gate has checked should become one.
    pub fn new(decision: Decision, revised: EditedRevision) -> Self {
        Self { decision, revised }
    }
}

/// The revision that an edit leads to, assessed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditedRevision {
    /// What it contains.
    pub content: ContentDigest,
    /// The arguments, without secrets.
    pub arguments: JsonText,
    /// What is masked in them.
    pub masks: Vec<Mask>,
    /// How many masks there are beyond those that are listed.
    pub more_masks: usize,
    /// What the arguments name, as it was read.
    pub contents: Vec<Content>,
    /// Where links lead that they name.
    pub links: Vec<Link>,
    /// One line that says what would happen.
    pub title: String,
    /// The score and its factors.
    pub assessment: Assessment,
    /// What it needs by itself; what the earlier revision needed is added to it.
    pub requirement: Requirement,
    /// What raised the level above that of the score.
    pub reasons: Vec<String>,
    /// How soon it should be looked at.
    pub priority: Priority,
}

/// A revision that was edited, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PriorRevision {
    /// Its number.
    pub revision: u32,
    /// What decisions on it named.
    pub binding: BindingDigest,
    /// Its arguments, without secrets.
    pub arguments: JsonText,
    /// The edit that ended it: who, when, and the redacted patch.
    pub edited: RecordedDecision,
}
