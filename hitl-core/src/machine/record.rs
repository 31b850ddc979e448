//! The record of a call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Assignment, EscalationStep, Membership, PriorRevision, Vote};
use crate::approval::{ApprovalRequest, DecisionChannel, DecisionKind, KnownBy, ReviewerIdentity};
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
    /// The call waits for a decision.
    Pending,
    /// The call may be claimed and run.
    Approved,
    /// An executor holds the claim and runs it.
    Claimed,
    /// The body ran and succeeded.
    Executed,
    /// The body ran and failed.
    Failed,
    /// A human rejected it.
    Rejected,
    /// A human answered the model instead.
    Responded,
    /// Nobody decided in time.
    Expired,
    /// The call was withdrawn.
    Cancelled,
    /// A rule refused it.
    Denied,
    /// The body was started; its outcome is unknown. Parked, not terminal.
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

    /// Returns whether the state is final.
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

    /// Returns its name, as in records and messages.
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

/// The claim of the executor that runs a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
// Exhaustive: a store must keep each part.
pub struct Claim {
    /// The proof: only its holder may record the outcome of the body.
    pub token: ClaimToken,
    /// The executor's session. Once it is dead, so is the claim.
    pub session: SessionId,
}

/// A recorded decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
// Exhaustive: a store must keep each part.
pub struct RecordedDecision {
    /// The decision's id.
    pub id: DecisionId,
    /// The answer.
    pub answer: DecisionKind,
    /// The person who decided.
    pub by: Principal,
    /// The way in which their identity was verified; `None` in old records, and where a grant
    /// decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_by: Option<KnownBy>,
    /// The channel through which it came; `None` in old records, and where a grant decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<DecisionChannel>,
    /// The name by which the directory knows them, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<Principal>,
    /// The time, by the store's clock.
    pub at: Timestamp,
}

/// The details of the end of a call, or of its parking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum EndReason {
    /// The reason why it was withdrawn, denied or parked; or the person who resolved it.
    Reason(String),
    /// The failure of the body.
    Failure(FailureRecord),
}

/// The earlier, failed tries of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RetryOf {
    /// The previous try.
    pub call: RequestId,
    /// The key of the first try, from which the body's idempotency key is derived.
    pub first: CallKey,
    /// The total number of attempts of the earlier tries.
    pub attempts: u32,
    /// The person who approved the first try, if that approval covers this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Principal>,
}

/// The stored record of a call. Payload and result are stored beside it, sealed.
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
    /// The number of the record's changes, from 1, which a compare-and-set compares.
    pub(crate) version: u64,
    /// The state of the call.
    pub(crate) state: CallState,
    /// The request that is shown to a human. Most changes of a call leave it unchanged, so its
    /// versions share it.
    #[serde(with = "hitl_base::shared::value")]
    pub(crate) request: Arc<ApprovalRequest>,
    /// The principal and context of the call.
    pub(crate) context: CallContext,
    /// The name by which the directory knows the requester, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) canonical: Option<Principal>,
    /// The content of the submission: for re-attaching.
    pub(crate) content: ContentDigest,
    /// The owner's proof: its holder may withdraw the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<OwnerToken>,
    /// True if a live caller waits for it. Once that caller is gone the call waits for it to come
    /// back: no worker runs it instead.
    #[serde(default)]
    pub(crate) attached: bool,
    /// The decision that applies.
    #[serde(default, rename = "decided", skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<RecordedDecision>,
    /// The approvals of this revision so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) votes: Vec<Vote>,
    /// Summaries of the revisions that were edited, the oldest first.
    #[serde(default, rename = "earlier", skip_serializing_if = "Vec::is_empty")]
    pub(crate) prior_revisions: Vec<PriorRevision>,
    /// The content of this revision, if it was edited.
    #[serde(default, rename = "revised", skip_serializing_if = "Option::is_none")]
    pub(crate) edited_content: Option<ContentDigest>,
    /// The content of the submission as its tool, which has changed since, now reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reread: Option<ContentDigest>,
    /// The revision for which the sealed payload was made, if its tool has changed since the last
    /// edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sealed: Option<u32>,
    /// The next people asked if nobody decides in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) escalations: Vec<EscalationStep>,
    /// The circumstances in which it was asked: the scope in which an explicit rejection is
    /// remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) circumstances: Option<CircumstancesDigest>,
    /// The claim of its executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claim: Option<Claim>,
    /// The time before which it is not claimed: until then its approval can be taken back. `None`
    /// without a grace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claimable_from: Option<Timestamp>,
    /// The place in the audit of the intent of the last ended attempt, if the audit is a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) intent: Option<ChainHead>,
    /// The time until an approval expires, in milliseconds; a retry gets this time again.
    #[serde(default, rename = "allowedMs")]
    pub(crate) approval_window_ms: u64,
    /// The number of times it was claimed, without the attempts that took no effect.
    #[serde(default)]
    pub(crate) attempts: u32,
    /// The number of attempts that took no effect, as the tool's own reconcile found.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) without_effect: u32,
    /// The time since which the executor of the last attempt is known to be dead, if the outcome of
    /// that attempt is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) over_since: Option<Timestamp>,
    /// True if the tool's own reconcile found that it took effect.
    #[serde(default, skip_serializing_if = "is_kept")]
    pub(crate) reconciled: bool,
    /// The details of its end.
    #[serde(default, rename = "ending", skip_serializing_if = "Option::is_none")]
    pub(crate) end_reason: Option<EndReason>,
    /// The grant on which it runs, or may run.
    #[serde(default, rename = "granted", skip_serializing_if = "Option::is_none")]
    pub(crate) grant_use: Option<GrantUse>,
    /// The failed call that this one tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_of: Option<Box<RetryOf>>,
    /// The batch in which it was submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<Membership>,
    /// True if no gate with the tool has read the arguments with it yet: the tool has changed, or
    /// an edit was checked by the schema alone.
    #[serde(default, skip_serializing_if = "is_kept")]
    pub(crate) unread: bool,
    /// True if retention has erased its data: key, content digest and state remain, so that the key
    /// stays taken.
    #[serde(default, skip_serializing_if = "is_kept")]
    pub(crate) erased: bool,
    /// True if the store was restored from a backup since this call was submitted: the record may
    /// be incomplete, so only a human may retry it.
    #[serde(default, skip_serializing_if = "is_kept")]
    pub(crate) restored: bool,
    /// The reviewer to whom it is assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) assigned: Option<Assignment>,
    /// True while an identical call that is submitted with
    /// [`Repeat::Attach`](crate::Repeat::Attach) is this call: it was submitted so, and its outcome
    /// is not delivered.
    #[serde(default, skip_serializing_if = "is_kept")]
    pub(crate) attachable: bool,
    /// The time of its last change, by the store's clock.
    pub(crate) updated_at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_kept(erased: &bool) -> bool {
    !*erased
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
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

    /// Returns whether somebody is the requester: the principal, or the agent that submitted on
    /// their behalf.
    pub fn is_requested_by(&self, who: &ReviewerIdentity) -> bool {
        self.request.is_requested_by(self.canonical.as_ref(), &who.identity())
    }

    /// Returns whether the call was requested in this principal's name, or in the directory's name
    /// for them, letter by letter. False for an erased call.
    pub fn is_of(&self, principal: &Principal) -> bool {
        !self.erased
            && (self.request.principal == *principal || self.canonical.as_ref() == Some(principal))
    }

    /// Returns the content digest of this revision.
    pub fn current_content(&self) -> ContentDigest {
        self.edited_content.unwrap_or(self.content)
    }

    /// Returns the key of the next try, if this one fails: it is derived from the first key alone,
    /// so that there is exactly one next try.
    pub fn retry_key(&self) -> CallKey {
        let (first, tries) = match &self.retry_of {
            Some(retry) => (&retry.first, self.key().position),
            None => (self.key(), 0),
        };
        let run = format!("{}/call/{}/retry", first.run.as_str(), first.position);
        let position = tries.saturating_add(1);
        CallKey { tenant: first.tenant.clone(), run: run.into(), position }
    }

    /// Returns the number of claims, including those of the earlier tries, without the attempts
    /// that took no effect.
    pub fn attempts_in_all(&self) -> u32 {
        let before = self.retry_of.as_ref().map_or(0, |retry| retry.attempts);
        self.attempts.saturating_add(before)
    }

    /// Returns whether it has provably not run, and never will: it has ended without a start.
    pub(crate) fn never_ran(&self) -> bool {
        self.state.is_terminal() && self.attempts == 0 && !self.restored
    }

    /// Returns the revision of the sealed payload: the last one whose arguments changed.
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
    /// The draft of the record. Only a gate makes one.
    pub(crate) record: CallRecord,
    /// The time until the approval expires.
    pub(crate) expires_in: Duration,
    /// The time until it is due.
    pub(crate) due_in: Duration,
    /// The caps on waiting calls.
    pub(crate) caps: Caps,
    /// The session that writes the submission to the audit.
    pub(crate) auditor: Option<SessionId>,
}

impl NewCall {
    /// Stamps it with the store's clock, without a copy. If it is [`stamped`](Self::stamped) again
    /// later, the later time counts.
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

    /// Returns the record that the store keeps, stamped with the store's clock.
    pub fn stamped(&self, now: Timestamp) -> CallRecord {
        let mut call = self.clone();
        call.stamp(now);
        call.record
    }

    /// Returns whether it starts as soon as it is stored: it is claimed in the same step. Such a
    /// call is refused while its tenant is [frozen](crate::store::is_frozen).
    pub fn starts(&self) -> bool {
        self.record.state == CallState::Claimed
    }

    /// Returns the grant on which it runs at once: the store loads it in the same transaction, and
    /// saves the result of [`admitted`](Self::admitted).
    pub fn grant(&self) -> Option<GrantId> {
        self.record.grant_use.filter(|_| self.starts()).map(|drawn| drawn.grant)
    }

    /// Returns the stamped record, and the grant after its draw.
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
        record.takes_a_grant(&grant.grant)?;
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

    /// Returns the caps that the store checks before this call begins to wait; none if it does not
    /// wait.
    pub fn caps(&self) -> Caps {
        if self.record.state == CallState::Pending { self.caps } else { Caps::default() }
    }

    /// Returns the session that writes the submission to the audit, if the submission has an audit
    /// record of its own: an admitted call has its intent instead.
    pub fn auditor(&self) -> Option<SessionId> {
        self.auditor.filter(|_| !self.starts())
    }

    /// Returns the principal of the call.
    pub fn principal(&self) -> &Principal {
        &self.record.request.principal
    }

    /// Returns the content of the submission.
    pub fn content(&self) -> ContentDigest {
        self.record.content
    }

    /// Returns whether it is the [attachable](CallRecord::is_attachable) call of its run with the
    /// same content, if there is one, instead of a new call.
    pub fn attaches(&self) -> bool {
        self.record.attachable
    }
}
