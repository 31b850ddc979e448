//! What an edit brings and what it leaves behind; votes; who is asked next.

use hitl_base::{JsonText, Timestamp};
use serde::{Deserialize, Serialize};

use super::Decided;
use crate::approval::{Content, Decision, KnownBy, Link, Mask};
use crate::call::{BindingDigest, ContentDigest, Principal};
use crate::confidence::Assessment;
use crate::ids::DecisionId;
use crate::policy::{Priority, Requirement};

/// A human's edit, with what the gate has made of the patch. The sealed arguments come beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edit {
    /// The decision. Its patch is redacted: this is what is kept.
    pub decision: Decision,
    /// The revision that it leads to.
    pub revised: Revised,
}

impl Edit {
    /// An edit. Only what a gate has checked should become one.
    pub fn new(decision: Decision, revised: Revised) -> Self {
        Self { decision, revised }
    }
}

/// The revision that an edit leads to, assessed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revised {
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
    pub because: Vec<String>,
    /// How soon it should be looked at.
    pub priority: Priority,
}

/// A revision that was edited, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Earlier {
    /// Its number.
    pub revision: u32,
    /// What decisions on it named.
    pub binding: BindingDigest,
    /// Its arguments, without secrets.
    pub arguments: JsonText,
    /// The edit that ended it: who, when, and the redacted patch.
    pub edited: Decided,
}

/// One approval of the revision that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Vote {
    /// The decision's id.
    pub id: DecisionId,
    /// The revision it is about.
    pub binding: BindingDigest,
    /// Who voted.
    pub by: Principal,
    /// How it was known who they are; nothing in records of old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The name that the directory gave them, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<Principal>,
    /// In which roles, as the host had verified them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// For which stage of the quorum, from 0.
    pub stage: u32,
    /// When, by the store's clock.
    pub at: Timestamp,
}

/// Who is asked next when nobody decides in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Escalation {
    /// The role that must approve from then on; anybody when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// How long they have, in milliseconds.
    pub within_ms: u64,
}

impl Escalation {
    /// Another `within_ms` milliseconds, for somebody of this role.
    pub fn new(role: Option<String>, within_ms: u64) -> Self {
        Self { role, within_ms }
    }
}
