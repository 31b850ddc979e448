//! The events of a call.

use super::{Edit, Reask};
use crate::approval::Decision;
use crate::call::{BindingDigest, FailureRecord, Principal};
use crate::grant::GrantUse;
use crate::ids::{ClaimToken, DecisionId, OwnerToken, RequestId, SessionId};
use crate::policy::Requirement;

/// Who withdraws a call.
#[derive(Clone, Debug, PartialEq, Eq)]
// Exhaustive: who withdraws decides what is audited.
pub enum Withdrawal {
    /// The caller that owns it.
    Owner(OwnerToken),
    /// The host, in somebody's name.
    Host(Principal),
    /// Nobody: a call that it was to be released together with will not be approved any more.
    Sibling(RequestId),
}

/// A human's resolution of a call whose outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// They saw that it took effect.
    Executed,
    /// They saw that it did not, or only in part.
    Failed {
        /// What they saw.
        reason: String,
    },
    /// It may run once more.
    Retry {
        /// They attest that the earlier attempt is over, although its session may be alive.
        attested: bool,
    },
}

/// An event of a call that has a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A human decides.
    Decide(Decision),
    /// A grant permits it. What is drawn on the grant is drawn when the call is claimed.
    ApproveByGrant {
        /// The decision's id, so that sending it again is harmless.
        decision: DecisionId,
        /// The revision and binding that were looked at.
        binding: BindingDigest,
        /// Which grant, and what a start will draw on it.
        drawn: GrantUse,
        /// Who gave the grant.
        by: Principal,
    },
    /// The grant that permitted it does not any more: it is asked about, as the next revision.
    GrantExhausted {
        /// The revision and binding that the executor looked at.
        binding: BindingDigest,
        /// Why.
        reason: String,
    },
    /// A human changes the arguments. Its payload comes with it.
    Edit(Box<Edit>),
    /// A caller takes ownership by submitting the same key again.
    Attach {
        /// The new owner's proof; nothing for a caller that does not want to own it.
        owner: Option<OwnerToken>,
        /// Whether it waits for the outcome, or will come back for it.
        attached: bool,
    },
    /// The call is withdrawn.
    Cancel {
        /// By whom.
        by: Withdrawal,
        /// Why.
        reason: String,
    },
    /// Its time is up.
    Expire,
    /// What it needs has risen since it was approved: it is asked again, as the next revision, so
    /// that no decision on the earlier question answers this one.
    RequireMore {
        /// The revision and binding that the executor looked at.
        binding: BindingDigest,
        /// What it needs now.
        requirement: Requirement,
        /// Why.
        reason: String,
    },
    /// What would run is not what was shown: the tool has changed, or the question was bound by an
    /// older rule. It is asked about again as the next revision, so that no decision on the earlier
    /// question answers this one. A payload comes with it when its arguments are others now.
    Reask(Box<Reask>),
    /// It is no longer allowed at all.
    Deny {
        /// The revision and binding that the executor looked at.
        binding: BindingDigest,
        /// Why.
        reason: String,
    },
    /// An executor wants to run it.
    Claim {
        /// The proof it will hold.
        token: ClaimToken,
        /// Its session.
        session: SessionId,
        /// What it is about to run.
        binding: BindingDigest,
        /// What the call needs by the policy of now.
        requirement: Requirement,
    },
    /// The executor did not start the body after all.
    Release {
        /// Its proof.
        token: ClaimToken,
    },
    /// The body succeeded.
    Succeed {
        /// The executor's proof.
        token: ClaimToken,
    },
    /// The body failed or panicked.
    Fail {
        /// The executor's proof.
        token: ClaimToken,
        /// What is kept of the failure.
        failure: FailureRecord,
    },
    /// The body timed out.
    TimeOut {
        /// The executor's proof.
        token: ClaimToken,
    },
    /// The executor died. Anyone may say so; the store checks it.
    ExecutorLost,
    /// The store was restored from a backup: what happened since that was taken is not known. What
    /// waits or was approved is asked again, as the next revision; what ran is not known to have
    /// ended.
    Restore,
    /// The gate tries an idempotent tool once more after an outcome that nobody knows.
    RetryIdempotent {
        /// The record's version that it looked at.
        version: u64,
        /// The most attempts there may be.
        most: u32,
    },
    /// A human resolves an unknown outcome.
    Resolve {
        /// The record's version that they looked at.
        version: u64,
        /// How.
        resolution: Resolution,
        /// Who.
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
            Self::Cancel { .. } => "cancel",
            Self::Expire => "expire",
            Self::RequireMore { .. } => "demote",
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
            Self::Resolve { .. } => "resolve",
        }
    }

    /// Returns whether the event has a record of its own in the audit. A claim has the intent,
    /// without which nothing runs; who owns a call is not audited.
    pub const fn is_audited(&self) -> bool {
        !matches!(self, Self::Attach { .. } | Self::Claim { .. })
    }

    /// Returns the id of the decision that it carries, if it carries one. A store keeps for which
    /// call an id has counted, and the machine refuses it for another one.
    pub const fn decision(&self) -> Option<DecisionId> {
        match self {
            Self::Decide(decision) => Some(decision.id),
            Self::Edit(edit) => Some(edit.decision.id),
            Self::ApproveByGrant { decision, .. } => Some(*decision),
            _ => None,
        }
    }

    /// Returns the person who did it, if one did.
    pub fn by(&self) -> Option<&Principal> {
        match self {
            Self::Decide(decision) => Some(&decision.by.principal),
            Self::Edit(edit) => Some(&edit.decision.by.principal),
            Self::Cancel { by: Withdrawal::Host(principal), .. }
            | Self::ApproveByGrant { by: principal, .. }
            | Self::Resolve { by: principal, .. } => Some(principal),
            _ => None,
        }
    }
}
