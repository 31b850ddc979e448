//! One event of a call's life, as the audit records it.

use std::borrow::Cow;
use std::fmt;

use hitl_base::{JsonText, Timestamp};
use serde::{Deserialize, Serialize};

use super::ErasedLine;
use crate::approval::{DecisionChannel, KnownBy, ReviewerIdentity};
use crate::call::{
    BindingDigest, CallKey, OutputDigest, PreviewDigest, Principal, PrincipalKind, Risk,
};
use crate::confidence::Assessment;
use crate::ids::{ClaimToken, DecisionId, RequestId};
use crate::machine::{CallRecord, CallState};
use crate::policy::{PolicyVersion, Verdict};

/// The schema version of an [`AuditRecord`]. Additive changes keep it. Since version 2, a record
/// may be about no call; records of version 1 are read unchanged.
pub const AUDIT_SCHEMA: u16 = 2;

/// The event that a record describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AuditEvent {
    /// A call was read and parsed.
    Proposed,
    /// A call was scored and routed. A call that runs at once has its score in its intent instead.
    Assessed,
    /// A human is asked.
    Requested,
    /// A human was shown the request.
    Shown,
    /// A human decided.
    Decided,
    /// The body is about to be started. Written before the start: without this record nothing runs.
    Claimed,
    /// The body was not started after all.
    Released,
    /// The body succeeded.
    Executed,
    /// The body failed or panicked.
    Failed,
    /// The body was started, and its outcome is unknown.
    Unknown,
    /// A human resolved an unknown outcome.
    Resolved,
    /// The tool's own reconcile found out how an attempt of unknown outcome ended, and settled it.
    Reconciled,
    /// The tool's own reconcile was asked how an attempt ended, and settled nothing. Recorded once
    /// for each different answer.
    NotReconciled,
    /// Nobody decided in time.
    Expired,
    /// The call was withdrawn.
    Cancelled,
    /// A rule refused the call.
    Denied,
    /// The call's requirements have risen; it is asked about again.
    Reopened,
    /// A reviewer gave the call more time.
    Extended,
    /// Somebody who approved the call took that back before it started; it is asked about again.
    TakenBack,
    /// The call was assigned to a reviewer, or to nobody any more. It gives no right.
    Assigned,
    /// A reviewer is away until a time, or is back. About no call; the subject is the reviewer.
    AbsenceChanged,
    /// A policy is in force from here on. About no call.
    PolicyLoaded,
    /// A policy is accepted, by a person, by a signature, or because it only tightens. Written
    /// before it takes effect. About no call; `policies` has the version before, if there was one,
    /// and the new one.
    PolicyAccepted,
    /// A human changed the call's arguments; they are the next revision.
    Edited,
    /// A human approved the call, and more approvals are needed.
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
    /// A person breaks the glass: calls of a tool may run without the people who would be asked.
    /// Written before: without this record no such permission is given.
    BreakGlassOpened,
    /// A call ran because somebody had broken the glass.
    BreakGlassUsed,
    /// A permission that was given by breaking the glass has ended: it was revoked or used up, or
    /// its time is over.
    BreakGlassEnded,
    /// The means of recognizing a person were changed. About no call.
    PersonChanged,
    /// A reviewer is about to see what redaction masks. Written before they do: without this record
    /// nothing is uncovered.
    Uncovered,
    /// A person orders an erasure. Written before anything is erased: without this record nothing
    /// is.
    ErasureOrdered,
    /// The stored data of a call was erased; the record lists the lines of the audit that may be
    /// replaced by placeholders. If the record names no call, they are those of read-only calls.
    Erased,
    /// Somebody froze all tenants or one: nothing that the freeze reaches starts from here on.
    Frozen,
    /// A person is about to thaw. Written before: without this record the freeze stays.
    Thawed,
    /// A legal hold was placed.
    HoldPlaced,
    /// A legal hold is about to be released. Written before the release: without this record the
    /// hold stays.
    HoldReleased,
}

impl AuditEvent {
    /// Returns whether this event's record is all that the audit needs of a change of the store. An
    /// event that only leads to a change, or is no change, completes none.
    pub(crate) const fn completes_a_change(self) -> bool {
        match self {
            Self::Requested
            | Self::Decided
            | Self::Released
            | Self::Executed
            | Self::Failed
            | Self::Unknown
            | Self::Resolved
            | Self::Reconciled
            | Self::Expired
            | Self::Cancelled
            | Self::Denied
            | Self::Reopened
            | Self::Extended
            | Self::TakenBack
            | Self::Assigned
            | Self::Edited
            | Self::Voted
            | Self::Escalated
            | Self::Retried => true,
            Self::Proposed
            | Self::Assessed
            | Self::Shown
            | Self::NotReconciled
            | Self::Claimed
            | Self::PolicyLoaded
            | Self::PolicyAccepted
            | Self::GrantSaved
            | Self::GrantUsed
            | Self::GrantRevoked
            | Self::BreakGlassOpened
            | Self::AbsenceChanged
            | Self::BreakGlassUsed
            | Self::BreakGlassEnded
            | Self::PersonChanged
            | Self::Uncovered
            | Self::ErasureOrdered
            | Self::Erased
            | Self::Frozen
            | Self::Thawed
            | Self::HoldPlaced
            | Self::HoldReleased => false,
        }
    }

    /// Returns this event, or `Unknown` if the outcome is unknown: an attempted call is never
    /// recorded as not run.
    pub(crate) fn of_what_was_tried(self, state: CallState) -> Self {
        if state == CallState::OutcomeUnknown { Self::Unknown } else { self }
    }
}

impl fmt::Display for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One event, redacted. Fields that do not apply are omitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditRecord {
    /// The event.
    pub event: AuditEvent,
    /// The time of the event.
    pub at: Timestamp,
    /// The call's record; `None` for a read-only call, which has no record in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<RequestId>,
    /// The version of the call's record in the store after this event. Together with `call` it
    /// identifies the change: if a record is in the audit twice (a writer died before it could
    /// confirm that it had written it), both are equal in both fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The subject of a record that is about no call: a grant's id, a policy's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The call's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<CallKey>,
    /// The tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Cow<'static, str>>,
    /// The harm of a wrong call of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// The requester.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// The agent or service that submitted in the requester's name, if the host names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Principal>,
    /// The other side's id of the call, if the host names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<String>,
    /// True if the requester may approve the call at the level that it needs. Recorded when it is
    /// asked about and when it is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester_may_decide: Option<bool>,
    /// The person who caused the event, or the program that the host lets decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Principal>,
    /// The kind of that principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_kind: Option<PrincipalKind>,
    /// The means by which their identity was verified, if they decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The channel through which their decision or grant came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<DecisionChannel>,
    /// The revision of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The digest that a decision or a run is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<BindingDigest>,
    /// The digest of the preview that `binding` covers, if the tool renders one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<PreviewDigest>,
    /// The version of the tool's code that is about to run: in an intent, if the tool has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Cow<'static, str>>,
    /// The verdict of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The score and its factors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// The arguments, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<JsonText>,
    /// The decision. One that was sent twice is recorded twice, under one id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
    /// The claim under which the body runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimToken>,
    /// The number of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The policies that were evaluated, in the versions that answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyVersion>,
    /// The digest of the output of a body that failed with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputDigest>,
    /// The answer, the reason or the failure, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// In the record of an erasure: the lines that may be replaced by placeholders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<ErasedLine>,
}

impl AuditRecord {
    /// Creates a record that is about no call. `subject` names its subject; it is shown as it is,
    /// so it must not contain a secret.
    pub fn about(event: AuditEvent, subject: impl Into<String>, at: Timestamp) -> Self {
        Self { subject: Some(subject.into()), ..Self::bare(event, at) }
    }

    /// Creates a record with only an event and a time.
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
            tool_call: None,
            requester_may_decide: None,
            by: None,
            by_kind: None,
            known_by: None,
            channel: None,
            revision: None,
            binding: None,
            preview: None,
            build: None,
            verdict: None,
            assessment: None,
            arguments: None,
            decision: None,
            claim: None,
            attempt: None,
            policies: Vec::new(),
            output: None,
            note: None,
            erased: Vec::new(),
        }
    }

    /// Records that a policy is in force.
    pub(crate) fn policy_loaded(version: &PolicyVersion, at: Timestamp) -> Self {
        Self {
            policies: vec![version.clone()],
            ..Self::about(AuditEvent::PolicyLoaded, version.to_string(), at)
        }
    }

    /// Records that a policy is about to be accepted; `why` names the person or the reason.
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

    /// Names the person who caused the event.
    #[must_use]
    pub fn by(mut self, principal: impl Into<Principal>) -> Self {
        let principal = principal.into();
        self.by_kind = Some(principal.kind());
        self.by = Some(principal);
        self
    }

    /// Names the person who decided, and how their identity was verified.
    #[must_use]
    pub(crate) fn known(mut self, by: &ReviewerIdentity) -> Self {
        self.known_by = Some(by.known_by);
        self.by(by.principal.clone())
    }

    /// Creates a record about a call that has a record in the store.
    pub(crate) fn new(event: AuditEvent, record: &CallRecord, at: Timestamp) -> Self {
        Self {
            call: Some(record.id()),
            version: Some(record.version),
            key: Some(record.key().clone()),
            tool: Some(Cow::Owned(record.request.tool.clone())),
            risk: Some(record.request.risk),
            principal: Some(record.request.principal.clone()),
            agent: record.request.agent.clone(),
            tool_call: record.request.tool_call_id.clone(),
            requester_may_decide: matches!(event, AuditEvent::Requested | AuditEvent::Decided)
                .then(|| record.request.requester_may_approve()),
            revision: Some(record.request.revision),
            binding: Some(record.request.binding),
            preview: record.request.preview.as_ref().map(|preview| preview.digest),
            ..Self::bare(event, at)
        }
    }
}
