//! The events of a call.

use super::{Edit, Reask};
use crate::approval::{Decision, DecisionChannel, ReviewerIdentity};
use crate::call::{BindingDigest, FailureRecord, Principal};
use crate::grant::GrantUse;
use crate::ids::{ClaimToken, DecisionId, OwnerToken, RequestId, SessionId};
use crate::policy::Requirement;

/// The author of a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
// Exhaustive: the author decides which audit record is written.
pub enum Withdrawal {
    /// The caller that owns it.
    Owner(OwnerToken),
    /// The host, on a principal's behalf.
    Host(Principal),
    /// Nobody: a sibling with which the call was to be released can no longer be approved.
    Sibling(RequestId),
}

/// A human's resolution of a call whose outcome is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// The human saw that the call took effect.
    Executed,
    /// The human saw that it did not take effect, or only in part.
    Failed {
        /// Their observation.
        reason: String,
    },
    /// The call may run once more.
    Retry {
        /// True if they attest that the earlier attempt is over, although its session may be alive.
        attested: bool,
    },
}

/// The answer of a tool's own reconcile about an attempt whose outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReconcileAnswer {
    /// The attempt took effect. Its result is enclosed, if it could be encoded.
    Executed,
    /// The attempt took no effect, and never will: the call may start again, as it was approved.
    NotExecuted {
        /// The most attempts allowed in all.
        most: u32,
    },
}

/// An event of a call that has a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A human decides.
    Decide(Decision),
    /// A grant permits it. The draw happens when the call is claimed.
    ApproveByGrant {
        /// The decision's id, so that replaying it is harmless.
        decision: DecisionId,
        /// The revision and binding that were checked.
        binding: BindingDigest,
        /// The grant, and the draw of a start.
        drawn: GrantUse,
        /// The person who gave the grant.
        by: Principal,
    },
    /// Its grant no longer permits it: it is asked about, as the next revision.
    GrantExhausted {
        /// The revision and binding that the executor checked.
        binding: BindingDigest,
        /// The reason.
        reason: String,
    },
    /// A human changes the arguments. The new payload is enclosed.
    Edit(Box<Edit>),
    /// A caller takes ownership by submitting the same key again.
    Attach {
        /// The new owner's proof; `None` for a caller that does not want to own it.
        owner: Option<OwnerToken>,
        /// True if it waits for the outcome; false if it will come back for it.
        attached: bool,
    },
    /// The outcome of a call that has ended has reached the other side: an identical call is a new
    /// call from now on.
    Deliver,
    /// The call is withdrawn.
    Cancel {
        /// The author of the withdrawal.
        by: Withdrawal,
        /// The reason.
        reason: String,
    },
    /// A reviewer gives the call the whole time of an approval again, from now on.
    Extend {
        /// The revision that they were shown.
        revision: u32,
        /// The binding digest that they were shown.
        binding: BindingDigest,
        /// The reviewer.
        by: ReviewerIdentity,
    },
    /// Somebody who approved the call takes that back, within its grace: it is asked about again,
    /// as the next revision.
    TakeBack {
        /// The revision that they approved.
        revision: u32,
        /// The binding digest that they approved.
        binding: BindingDigest,
        /// The person.
        by: ReviewerIdentity,
    },
    /// Somebody directs a reviewer's attention to the call, or with `None` no longer to anybody's.
    Assign {
        /// The reviewer, with the names by which they are compared with the call's people.
        to: Option<ReviewerIdentity>,
        /// The person who assigns it.
        by: ReviewerIdentity,
    },
    /// The call's time is up.
    Expire,
    /// Its requirement has risen since it was approved: it is asked again, as the next revision, so
    /// that no decision on the earlier question answers this one.
    RequireMore {
        /// The revision and binding that the executor checked.
        binding: BindingDigest,
        /// The present requirement.
        requirement: Requirement,
        /// The reason.
        reason: String,
    },
    /// An earlier call had its effect, has it now or may have had it, and was not shown with it: it
    /// is asked about again, in full, as the next revision, so that no decision on the earlier
    /// question answers this one.
    ShowRepeat {
        /// The revision and binding that the executor checked.
        binding: BindingDigest,
        /// The earlier call.
        earlier: RequestId,
        /// The requirement of its tool at level Full.
        requirement: Requirement,
        /// The reason, which describes the earlier call.
        reason: String,
    },
    /// The call that would run is not the one that was shown: the tool has changed, or the question
    /// was bound by an older rule. It is asked about again as the next revision, so that no
    /// decision on the earlier question answers this one. A payload is enclosed if its arguments
    /// have changed.
    Reask(Box<Reask>),
    /// The call is no longer allowed at all.
    Deny {
        /// The revision and binding that the executor checked.
        binding: BindingDigest,
        /// The reason.
        reason: String,
    },
    /// An executor claims it.
    Claim {
        /// The proof of the claim.
        token: ClaimToken,
        /// The executor's session.
        session: SessionId,
        /// The binding it is about to run.
        binding: BindingDigest,
        /// The call's requirement by the present policy.
        requirement: Requirement,
    },
    /// The executor did not start the body after all.
    Release {
        /// The proof of the claim.
        token: ClaimToken,
    },
    /// The body succeeded.
    Succeed {
        /// The proof of the claim.
        token: ClaimToken,
    },
    /// The body failed or panicked.
    Fail {
        /// The proof of the claim.
        token: ClaimToken,
        /// The record of the failure.
        failure: FailureRecord,
    },
    /// The body timed out.
    TimeOut {
        /// The proof of the claim.
        token: ClaimToken,
    },
    /// The executor died. Anyone may report it; the store verifies it. For a call that was parked
    /// while its executor was alive, this records that nothing of the attempt runs any more.
    ExecutorLost,
    /// The store was restored from a backup: the changes since the backup are unknown. A waiting or
    /// approved call is asked again, as the next revision; the outcome of one that ran is unknown.
    Restore,
    /// The gate retries an idempotent tool after an unknown outcome.
    RetryIdempotent {
        /// The version of the record that it checked.
        version: u64,
        /// The most attempts allowed.
        most: u32,
    },
    /// The tool's own reconcile has answered how an attempt of unknown outcome ended.
    Reconcile {
        /// The version of the record that the tool was asked about.
        version: u64,
        /// The answer.
        answer: ReconcileAnswer,
    },
    /// A human resolves an unknown outcome.
    Resolve {
        /// The version of the record that they saw.
        version: u64,
        /// The resolution.
        resolution: Resolution,
        /// The person.
        by: Principal,
    },
}

impl Event {
    /// Returns the event's name, as in a call's history.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Decide(_) => "decide",
            Self::ApproveByGrant { .. } => "allow",
            Self::GrantExhausted { .. } => "disallow",
            Self::Edit(_) => "edit",
            Self::Attach { .. } => "attach",
            Self::Deliver => "deliver",
            Self::Cancel { .. } => "cancel",
            Self::Extend { .. } => "extend",
            Self::TakeBack { .. } => "takeBack",
            Self::Assign { .. } => "assign",
            Self::Expire => "expire",
            Self::RequireMore { .. } => "demote",
            Self::ShowRepeat { .. } => "repeat",
            Self::Reask(_) => "reask",
            Self::Deny { .. } => "deny",
            Self::Claim { .. } => "claim",
            Self::Release { .. } => "release",
            Self::Succeed { .. } => "succeed",
            Self::Fail { .. } => "fail",
            Self::TimeOut { .. } => "timeOut",
            Self::ExecutorLost => "lose",
            Self::Restore => "restore",
            Self::RetryIdempotent { .. } => "tryAgain",
            Self::Reconcile { .. } => "reconcile",
            Self::Resolve { .. } => "resolve",
        }
    }

    /// Returns whether the event has an audit record of its own. A claim is covered by the intent,
    /// without which nothing runs; ownership and delivery change nothing about the call.
    pub const fn is_audited(&self) -> bool {
        !matches!(self, Self::Attach { .. } | Self::Deliver | Self::Claim { .. })
    }

    /// Returns the id of its decision, if it has one. A store records the call for which an id has
    /// counted, and the machine refuses it for another one.
    pub const fn decision(&self) -> Option<DecisionId> {
        match self {
            Self::Decide(decision) => Some(decision.id),
            Self::Edit(edit) => Some(edit.decision.id),
            Self::ApproveByGrant { decision, .. } => Some(*decision),
            _ => None,
        }
    }

    /// Returns the channel through which a person's decision came, if it is one.
    pub const fn channel(&self) -> Option<&DecisionChannel> {
        match self {
            Self::Decide(decision) => Some(&decision.channel),
            Self::Edit(edit) => Some(&edit.decision.channel),
            _ => None,
        }
    }

    /// Returns the person who caused it, if one did.
    pub fn by(&self) -> Option<&Principal> {
        match self {
            Self::Decide(decision) => Some(&decision.by.principal),
            Self::Edit(edit) => Some(&edit.decision.by.principal),
            Self::Extend { by, .. } | Self::TakeBack { by, .. } | Self::Assign { by, .. } => {
                Some(&by.principal)
            }
            Self::Cancel { by: Withdrawal::Host(principal), .. }
            | Self::ApproveByGrant { by: principal, .. }
            | Self::Resolve { by: principal, .. } => Some(principal),
            _ => None,
        }
    }
}
