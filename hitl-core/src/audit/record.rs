//! One event of a call's life, as the audit keeps it.

use std::fmt;

use hitl_base::{JsonText, Timestamp};
use serde::{Deserialize, Serialize};

use crate::call::{BindingDigest, CallKey, Principal};
use crate::confidence::Assessment;
use crate::ids::{ClaimToken, DecisionId, RequestId};
use crate::machine::CallRecord;
use crate::policy::{PolicyVersion, Verdict};

/// The schema version of an [`AuditRecord`]. Additive changes keep it.
pub const AUDIT_SCHEMA: u16 = 1;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AuditEvent {
    /// A human is asked.
    Requested,
    /// A human decided.
    Decided,
    /// The body is about to be started. Written before it is: without this record nothing runs.
    Claimed,
    /// The body was not started after all.
    Released,
    /// The body succeeded.
    Executed,
    /// The body failed or panicked.
    Failed,
    /// The body was started and how it ended is not known.
    Unknown,
    /// A human settled what was unknown.
    Resolved,
    /// Nobody decided in time.
    Expired,
    /// It was withdrawn.
    Cancelled,
    /// A rule refused it.
    Denied,
    /// What it needs has risen; it is asked again.
    Reopened,
    /// A human changed its arguments; they are the next revision.
    Edited,
    /// A human approved it, and it needs more of them.
    Voted,
    /// Nobody decided in time; somebody else is asked.
    Escalated,
    /// An idempotent tool is tried once more.
    Retried,
    /// A policy is in force from here on. It concerns no call: key, tool and principal are those of
    /// the gate itself.
    PolicyLoaded,
}

impl fmt::Display for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One event, redacted. Fields that do not apply are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditRecord {
    /// What happened.
    pub event: AuditEvent,
    /// When.
    pub at: Timestamp,
    /// The call's record; none for a read-only call, which has no record in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<RequestId>,
    /// The call's key.
    pub key: CallKey,
    /// The tool.
    pub tool: String,
    /// Who asked.
    pub principal: Principal,
    /// Who did this, when it was a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Principal>,
    /// The revision.
    pub revision: u32,
    /// What a decision or a run stands on.
    pub binding: BindingDigest,
    /// What the machine decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The score and its factors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// The arguments, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<JsonText>,
    /// The decision. One that was sent twice stands here twice, under one id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
    /// The claim under which the body runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimToken>,
    /// Which attempt it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The policies that were asked, in the versions that answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyVersion>,
    /// The answer, the reason or the failure, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl AuditRecord {
    /// An event of a call that has a record.
    pub(crate) fn of(event: AuditEvent, record: &CallRecord, at: Timestamp) -> Self {
        Self {
            event,
            at,
            call: Some(record.id()),
            key: record.key().clone(),
            tool: record.request.tool.clone(),
            principal: record.request.principal.clone(),
            by: None,
            revision: record.request.revision,
            binding: record.request.binding,
            verdict: None,
            assessment: None,
            arguments: None,
            decision: None,
            claim: None,
            attempt: None,
            policies: Vec::new(),
            note: None,
        }
    }

    /// A policy is in force.
    pub(crate) fn policy_loaded(version: &PolicyVersion, at: Timestamp) -> Self {
        Self {
            event: AuditEvent::PolicyLoaded,
            at,
            call: None,
            key: CallKey::new("gate", 0),
            tool: String::new(),
            principal: Principal::new("gate"),
            by: None,
            revision: 0,
            binding: BindingDigest::NONE,
            verdict: None,
            assessment: None,
            arguments: None,
            decision: None,
            claim: None,
            attempt: None,
            policies: vec![version.clone()],
            note: Some(version.to_string()),
        }
    }
}
