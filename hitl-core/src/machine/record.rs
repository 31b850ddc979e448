//! The record of a call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EscalationStep, Membership, PriorRevision, Vote};
use crate::approval::{ApprovalRequest, DecisionKind, KnownBy, ReviewerIdentity};
use crate::audit::ChainHead;
use crate::call::{
    CallContext, CallKey, CircumstancesDigest, ContentDigest, FailureRecord, Principal,
};
use crate::grant::{GrantRecord, GrantRefusal, GrantUse};
use crate::ids::{ClaimToken, DecisionId, GrantId, OwnerToken, RequestId, SessionId};
use crate::queue::Caps;

/// The schema version of a [`CallRecord`]. Additive changes keep it.
pub const RECORD_SCHEMA: u16 = 1;

/// The state of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CallState {
    /// It waits for a decision.
    Pending,
    /// It may be claimed and run.
    Approved,
    /// Somebody holds the claim and runs it.
    Claimed,
    /// The body ran and succeeded.
    Executed,
    /// The body ran and failed.
    Failed,
    /// A human said no.
    Rejected,
    /// A human answered the model instead.
    Responded,
    /// Nobody decided in time.
    Expired,
    /// It was withdrawn.
    Cancelled,
    /// A rule refused it.
    Denied,
    /// The body was started; how it ended is not known. Parked, not terminal.
    OutcomeUnknown,
}

impl CallState {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Approved,
        Self::Claimed,
        Self::Executed,
        Self::Failed,
        Self::Rejected,
        Self::Responded,
        Self::Expired,
        Self::Cancelled,
        Self::Denied,
        Self::OutcomeUnknown,
    ];

    /// Returns whether it can never change again.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Executed
                | Self::Failed
                | Self::Rejected
                | Self::Responded
                | Self::Expired
                | Self::Cancelled
                | Self::Denied
        )
    }

    /// Its name, as in records and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Claimed => "claimed",
            Self::Executed => "executed",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Responded => "responded",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Denied => "denied",
            Self::OutcomeUnknown => "outcomeUnknown",
        }
    }
}

impl fmt::Display for CallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who runs a call, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The proof: only who knows it may record how the body ended.
    pub token: ClaimToken,
    /// The executor's session. When it is dead, so is the claim.
    pub session: SessionId,
}

/// A decision as it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedDecision {
    /// The decision's id.
    pub id: DecisionId,
    /// The answer.
    pub answer: DecisionKind,
    /// Who decided.
    pub by: Principal,
    /// How it was known who they are; nothing in records of old, and where a grant decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The name that the directory gave them, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<Principal>,
    /// When, by the store's clock.
    pub at: Timestamp,
}

/// What is kept beside the state of a call that ended or was parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum EndReason {
    /// Why it was withdrawn, denied or parked; or who resolved it.
    Reason(String),
    /// How the body failed.
    Failure(FailureRecord),
}

/// What is kept of the tries of a call before this one, each of which failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RetryOf {
    /// The try right before.
    pub call: RequestId,
    /// The key of the first try: what the body's idempotency key is made of.
    pub first: CallKey,
    /// How many attempts the tries before had, together.
    pub attempts: u32,
    /// Who approved the first try, where that approval covers this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Principal>,
}

/// The stored record of a call. Payload and result are kept beside it, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, kept under its own name"
)]
pub struct CallRecord {
    /// [`RECORD_SCHEMA`] of the writer.
    pub(crate) schema: u16,
    /// Counts the record's changes, from 1: what a compare-and-set compares.
    pub(crate) version: u64,
    /// The state of the call.
    pub(crate) state: CallState,
    /// What a human is shown of it. Most changes of a call leave it as it is, so its versions share
    /// it.
    #[serde(with = "crate::shared")]
    pub(crate) request: Arc<ApprovalRequest>,
    /// Who asked and where.
    pub(crate) context: CallContext,
    /// The name that the directory gave who asked, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) canonical: Option<Principal>,
    /// What the submission contained: for re-attaching.
    pub(crate) content: ContentDigest,
    /// Its holder may withdraw the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<OwnerToken>,
    /// A live caller waits for it. When that caller is gone the call waits for it to come back:
    /// nobody runs it in its place.
    #[serde(default)]
    pub(crate) attached: bool,
    /// The decision that applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) decided: Option<RecordedDecision>,
    /// Who has approved this revision so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) votes: Vec<Vote>,
    /// The revisions that were edited, in short, the oldest first.
    #[serde(default, rename = "earlier", skip_serializing_if = "Vec::is_empty")]
    pub(crate) prior_revisions: Vec<PriorRevision>,
    /// The content of this revision, when it was edited.
    #[serde(default, rename = "revised", skip_serializing_if = "Option::is_none")]
    pub(crate) edited_content: Option<ContentDigest>,
    /// What the submission contained, as its tool reads it since that has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reread: Option<ContentDigest>,
    /// The revision that the sealed payload was made for, when its tool has changed since the last
    /// edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sealed: Option<u32>,
    /// Who is asked next when nobody decides in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) escalations: Vec<EscalationStep>,
    /// In which circumstances it was asked: what an explicit rejection is remembered for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) circumstances: Option<CircumstancesDigest>,
    /// Who runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claim: Option<Claim>,
    /// Where in the audit the intent stands of the last attempt that has ended, when the audit is a
    /// chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) intent: Option<ChainHead>,
    /// How long an approval may take, in milliseconds; a retry gives it this time again.
    #[serde(default, rename = "allowedMs")]
    pub(crate) approval_window_ms: u64,
    /// How often it was claimed.
    #[serde(default)]
    pub(crate) attempts: u32,
    /// What is kept beside the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ending: Option<EndReason>,
    /// The grant on which it runs, or may run.
    #[serde(default, rename = "granted", skip_serializing_if = "Option::is_none")]
    pub(crate) grant_use: Option<GrantUse>,
    /// The failed call that this one tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_of: Option<Box<RetryOf>>,
    /// The batch that it was submitted in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<Membership>,
    /// Its tool has changed, and nobody who has the tool has read the arguments with it yet.
    #[serde(default, skip_serializing_if = "is_kept")]
    pub(crate) unread: bool,
    /// Retention has erased what the call was about: key, content digest and state are left, so
    /// that the key stays taken.
    #[serde(default, skip_serializing_if = "is_kept")]
    pub(crate) erased: bool,
    /// The store was restored from a backup since this call was submitted: what it says may not be
    /// all that happened, so nothing but a human tries it again.
    #[serde(default, skip_serializing_if = "is_kept")]
    pub(crate) restored: bool,
    /// When it last changed, by the store's clock.
    pub(crate) updated_at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_kept(erased: &bool) -> bool {
    !*erased
}

impl CallRecord {
    /// Returns the record's id.
    pub fn id(&self) -> RequestId {
        self.request.id
    }

    /// Returns the call's key.
    pub fn key(&self) -> &CallKey {
        &self.request.key
    }

    /// Returns whether somebody is the requester: the principal, or the agent that submitted in
    /// their name.
    pub fn is_requested_by(&self, who: &ReviewerIdentity) -> bool {
        self.request.is_requested_by(self.canonical.as_ref(), &who.identity())
    }

    /// Returns whether the call was asked for in this principal's name, or in the name that the
    /// directory gives them, letter by letter. False for what is erased.
    pub fn is_of(&self, principal: &Principal) -> bool {
        !self.erased
            && (self.request.principal == *principal || self.canonical.as_ref() == Some(principal))
    }

    /// Returns the content digest of this revision.
    pub fn current_content(&self) -> ContentDigest {
        self.edited_content.unwrap_or(self.content)
    }

    /// Returns the key of the next try, should this one fail: it follows from the first key alone,
    /// so that there is one next try and no other.
    pub fn retry_key(&self) -> CallKey {
        let (first, tries) = match &self.retry_of {
            Some(retry) => (&retry.first, self.key().position),
            None => (self.key(), 0),
        };
        let run = format!("{}/call/{}/retry", first.run.as_str(), first.position);
        let position = tries.saturating_add(1);
        CallKey { tenant: first.tenant.clone(), run: run.into(), position }
    }

    /// Returns how often it was claimed, with the tries before it.
    pub fn attempts_in_all(&self) -> u32 {
        let before = self.retry_of.as_ref().map_or(0, |retry| retry.attempts);
        self.attempts.saturating_add(before)
    }

    /// The revision that the sealed payload belongs to: the last one whose arguments were others.
    pub(crate) fn sealed_revision(&self) -> u32 {
        let edited =
            self.prior_revisions.last().map_or(1, |earlier| earlier.revision.saturating_add(1));
        self.sealed.map_or(edited, |sealed| sealed.max(edited))
    }
}

/// A call that enters the store: pending, denied, or claimed in the same step (Auto).
///
/// Its times are placeholders: the store stamps them with its own clock inside the transaction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewCall {
    /// The record as it would be. Only a gate makes one.
    pub(crate) record: CallRecord,
    /// How long the approval may take.
    pub(crate) expires_in: Duration,
    /// By when it should be decided.
    pub(crate) due_in: Duration,
    /// How many calls may wait.
    pub(crate) caps: Caps,
    /// The session that puts the submission into the audit.
    pub(crate) auditor: Option<SessionId>,
}

impl NewCall {
    /// Stamps it with the store's clock, without a copy. Whatever the time is that it is
    /// [`stamped`](Self::stamped) with later, that one counts.
    pub fn stamp(&mut self, now: Timestamp) {
        let (record, within) = (&mut self.record, self.expires_in);
        record.updated_at = now;
        record.approval_window_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let (due_at, expires_at) = (now.saturating_add(self.due_in), now.saturating_add(within));
        let request = &record.request;
        if (request.created_at, request.due_at, request.expires_at) != (now, due_at, expires_at) {
            let request = Arc::make_mut(&mut record.request);
            (request.created_at, request.due_at, request.expires_at) = (now, due_at, expires_at);
        }
    }

    /// The record, stamped with the store's clock: what the store keeps.
    pub fn stamped(&self, now: Timestamp) -> CallRecord {
        let mut call = self.clone();
        call.stamp(now);
        call.record
    }

    /// The grant on which it runs at once: the store loads it in the same transaction, and keeps
    /// what [`admitted`](Self::admitted) makes of it.
    pub fn grant(&self) -> Option<GrantId> {
        let runs = self.record.state == CallState::Claimed;
        self.record.grant_use.filter(|_| runs).map(|drawn| drawn.grant)
    }

    /// The record, stamped, and the grant after what it draws on it.
    pub fn admitted(
        &self,
        grant: Option<&GrantRecord>,
        now: Timestamp,
    ) -> Result<(CallRecord, Option<GrantRecord>), GrantRefusal> {
        let record = self.stamped(now);
        let Some(drawn) = record.grant_use.filter(|_| self.grant().is_some()) else {
            return Ok((record, None));
        };
        let grant = grant.filter(|grant| grant.grant.tenant == self.key().tenant);
        let grant = grant.ok_or(GrantRefusal::Missing)?;
        record.takes_a_grant_of(&grant.grant.by, &grant.grant.giver())?;
        let grant = grant.draw(&drawn, now)?;
        Ok((record, Some(grant)))
    }

    /// Returns the record's id.
    pub fn id(&self) -> RequestId {
        self.record.id()
    }

    /// Returns the call's key.
    pub fn key(&self) -> &CallKey {
        self.record.key()
    }

    /// The caps that the store judges before this call begins to wait; none when it does not.
    pub fn caps(&self) -> Caps {
        if self.record.state == CallState::Pending { self.caps } else { Caps::default() }
    }

    /// The session that puts the submission into the audit, when that has a record of its own: an
    /// admitted call has its intent.
    pub fn auditor(&self) -> Option<SessionId> {
        self.auditor.filter(|_| self.record.state != CallState::Claimed)
    }

    /// Who asked.
    pub fn principal(&self) -> &Principal {
        &self.record.request.principal
    }

    /// What the submission contains.
    pub fn content(&self) -> ContentDigest {
        self.record.content
    }
}

/// One line of a call's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Which call.
    pub id: RequestId,
    /// Its key.
    pub key: CallKey,
    /// What happened: `submitted`, or the event's name.
    pub event: String,
    /// Where the call stands after it.
    pub state: CallState,
    /// The record's version after it.
    pub version: u64,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// Who did it, when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Principal>,
}

impl HistoryEntry {
    /// The line for an event that led to `record`.
    pub fn new(event: &str, record: &CallRecord, by: Option<Principal>) -> Self {
        Self {
            id: record.id(),
            key: record.key().clone(),
            event: event.to_owned(),
            state: record.state,
            version: record.version,
            at: record.updated_at,
            by,
        }
    }
}
