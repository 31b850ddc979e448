//! One event of a call's life, as the audit keeps it.

use std::borrow::Cow;
use std::fmt;

use hitl_base::{JsonText, Timestamp};
use serde::{Deserialize, Serialize};

use super::ErasedLine;
use crate::approval::{KnownBy, ReviewerIdentity};
use crate::call::{BindingDigest, CallKey, Principal, PrincipalKind, Risk};
use crate::confidence::Assessment;
use crate::ids::{ClaimToken, DecisionId, RequestId};
use crate::machine::{CallRecord, CallState};
use crate::policy::{PolicyVersion, Verdict};

/// The schema version of an [`AuditRecord`]. Additive changes keep it. Since 2, a record may be
/// about no call; records of version 1 are read as they were.
pub const AUDIT_SCHEMA: u16 = 2;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AuditEvent {
    /// A call was read, and understood.
    Proposed,
    /// It was scored and routed. A call that runs at once has its score in its intent instead.
    Assessed,
    /// A human is asked.
    Requested,
    /// A human was shown the request.
    Shown,
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
    /// A human resolved an unknown outcome.
    Resolved,
    /// Nobody decided in time.
    Expired,
    /// It was withdrawn.
    Cancelled,
    /// A rule refused it.
    Denied,
    /// What it needs has risen; it is asked again.
    Reopened,
    /// A policy is in force from here on. It concerns no call.
    PolicyLoaded,
    /// A policy is accepted, by a person, by a signature, or because it only tightens. Written
    /// before it takes effect. It concerns no call; `policies` has the version before, if there was
    /// one, and the new.
    PolicyAccepted,
    /// A human changed its arguments; they are the next revision.
    Edited,
    /// A human approved it, and it needs more of them.
    Voted,
    /// Nobody decided in time; somebody else is asked.
    Escalated,
    /// An idempotent tool is tried once more.
    Retried,
    /// A standing permission was given.
    GrantSaved,
    /// A call ran on a standing permission.
    GrantUsed,
    /// A standing permission was taken back.
    GrantRevoked,
    /// Somebody said by what a person is known, from here on. It concerns no call.
    PersonChanged,
    /// A reviewer is about to see what redaction masks. Written before they do: without this record
    /// nothing is uncovered.
    Uncovered,
    /// A person orders an erasure. Written before anything is erased: without this record nothing
    /// is.
    ErasureOrdered,
    /// What was kept of a call was erased; the record lists the lines of the audit that may be
    /// replaced by placeholders. Without a call, they are those of read-only calls.
    Erased,
    /// A legal hold was placed.
    HoldPlaced,
    /// A legal hold is released. Written before it is: without this record it stays.
    HoldReleased,
}

impl AuditEvent {
    /// Whether the record of it is all that the audit needs of a change of the store. What only
    /// leads to a change, or is no change, completes none.
    pub(crate) const fn completes_a_change(self) -> bool {
        match self {
            Self::Requested
            | Self::Decided
            | Self::Released
            | Self::Executed
            | Self::Failed
            | Self::Unknown
            | Self::Resolved
            | Self::Expired
            | Self::Cancelled
            | Self::Denied
            | Self::Reopened
            | Self::Edited
            | Self::Voted
            | Self::Escalated
            | Self::Retried => true,
            Self::Proposed
            | Self::Assessed
            | Self::Shown
            | Self::Claimed
            | Self::PolicyLoaded
            | Self::PolicyAccepted
            | Self::GrantSaved
            | Self::GrantUsed
            | Self::GrantRevoked
            | Self::PersonChanged
            | Self::Uncovered
            | Self::ErasureOrdered
            | Self::Erased
            | Self::HoldPlaced
            | Self::HoldReleased => false,
        }
    }

    /// This, or that the outcome is unknown: what was tried is never said not to have run.
    pub(crate) fn of_what_was_tried(self, state: CallState) -> Self {
        if state == CallState::OutcomeUnknown { Self::Unknown } else { self }
    }
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
    /// The record's version in the store after this. With `call` it names the change: a record that
    /// stands in the audit twice (a writer died before it could say that it had written it) has
    /// both alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// What it is about when it is about no call: a grant's id, a policy's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The call's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<CallKey>,
    /// The tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Cow<'static, str>>,
    /// How bad a wrong call of it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// The agent or service that submitted in their name, when the host names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Principal>,
    /// Whether who asked may approve it, at the level that it needs. Said when it is asked about
    /// and when it is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester_may_decide: Option<bool>,
    /// Who did this, when it was a person, or a program that the host lets decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Principal>,
    /// What kind of principal that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_kind: Option<PrincipalKind>,
    /// How it was known who they are, when they decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// What a decision or a run stands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<BindingDigest>,
    /// The version of the tool's code that is about to run: of an intent, when the tool has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Cow<'static, str>>,
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
    /// The lines that may be replaced by placeholders: of an erasure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<ErasedLine>,
}

impl AuditRecord {
    /// An event that is about no call. `subject` says what it is about; it is shown as it is, so it
    /// must hold no secret.
    pub fn about(event: AuditEvent, subject: impl Into<String>, at: Timestamp) -> Self {
        Self { subject: Some(subject.into()), ..Self::bare(event, at) }
    }

    /// An event, and nothing about it.
    pub(crate) fn bare(event: AuditEvent, at: Timestamp) -> Self {
        Self {
            event,
            at,
            call: None,
            version: None,
            subject: None,
            key: None,
            tool: None,
            risk: None,
            principal: None,
            agent: None,
            requester_may_decide: None,
            by: None,
            by_kind: None,
            known_by: None,
            revision: None,
            binding: None,
            build: None,
            verdict: None,
            assessment: None,
            arguments: None,
            decision: None,
            claim: None,
            attempt: None,
            policies: Vec::new(),
            note: None,
            erased: Vec::new(),
        }
    }

    /// A policy is in force.
    pub(crate) fn policy_loaded(version: &PolicyVersion, at: Timestamp) -> Self {
        Self {
            policies: vec![version.clone()],
            ..Self::about(AuditEvent::PolicyLoaded, version.to_string(), at)
        }
    }

    /// A policy is about to be accepted; `why` says by whom or what.
    #[cfg(feature = "policy-files")]
    pub(crate) fn policy_accepted(
        from: Option<&PolicyVersion>,
        to: &PolicyVersion,
        why: &str,
        at: Timestamp,
    ) -> Self {
        let before = from.map_or("nothing", |from| &from.digest);
        Self {
            policies: from.into_iter().chain([to]).cloned().collect(),
            note: Some(format!("{why}: from {before} to {}", to.digest)),
            ..Self::about(AuditEvent::PolicyAccepted, to.to_string(), at)
        }
    }

    /// Says who did it.
    #[must_use]
    pub fn by(mut self, principal: impl Into<Principal>) -> Self {
        let principal = principal.into();
        self.by_kind = Some(principal.kind());
        self.by = Some(principal);
        self
    }

    /// Says who decided it, and how it is known who they are.
    #[must_use]
    pub(crate) fn known(mut self, by: &ReviewerIdentity) -> Self {
        self.known_by = Some(by.known_by);
        self.by(by.principal.clone())
    }

    /// An event of a call that has a record.
    pub(crate) fn new(event: AuditEvent, record: &CallRecord, at: Timestamp) -> Self {
        Self {
            call: Some(record.id()),
            version: Some(record.version),
            key: Some(record.key().clone()),
            tool: Some(Cow::Owned(record.request.tool.clone())),
            risk: Some(record.request.risk),
            principal: Some(record.request.principal.clone()),
            agent: record.request.agent.clone(),
            requester_may_decide: matches!(event, AuditEvent::Requested | AuditEvent::Decided)
                .then(|| record.request.requester_may_approve()),
            revision: Some(record.request.revision),
            binding: Some(record.request.binding),
            ..Self::bare(event, at)
        }
    }
}
