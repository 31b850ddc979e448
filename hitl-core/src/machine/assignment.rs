//! A call is assigned to a reviewer: that directs attention and gives no right.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::guards::{guard, is_expired};
use super::{CallRecord, CallState, Refusal, StoreFacts};
use crate::approval::ReviewerIdentity;
use crate::call::{Identity, Principal};
use crate::policy::RequesterRule;

/// The reviewer whose attention a call is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Assignment {
    /// The reviewer.
    pub to: Principal,
    /// The person who assigned it.
    pub by: Principal,
    /// The time, by the store's clock.
    pub at: Timestamp,
}

/// Assigns a call, or with `None` takes it from the one to whom it is assigned. The question stays
/// the same, and so does who may decide it.
pub(super) fn assign(
    next: &mut CallRecord,
    to: Option<&ReviewerIdentity>,
    by: &ReviewerIdentity,
    facts: StoreFacts,
) -> Result<(), Refusal> {
    guard(by.may_decide(&next.request.key.tenant), Refusal::WrongTenant)?;
    guard(!is_expired(next, facts), Refusal::Expired)?;
    if let Some(to) = to {
        may_be_assigned(next, to)?;
    }
    let at = facts.now;
    next.assigned =
        to.map(|to| Assignment { to: to.principal.clone(), by: by.principal.clone(), at });
    Ok(())
}

/// Returns whether the same person has assigned a waiting call to the same reviewer already.
pub(super) fn is_replay(
    record: &CallRecord,
    to: Option<&ReviewerIdentity>,
    by: &ReviewerIdentity,
) -> bool {
    let is_there = match (&record.assigned, to) {
        (Some(assigned), Some(to)) => {
            (&assigned.to, &assigned.by) == (&to.principal, &by.principal)
        }
        _ => false,
    };
    record.state == CallState::Pending && is_there
}

/// Checks that nothing that is known of the call keeps this person from deciding it. Their roles
/// are not known here.
fn may_be_assigned(next: &CallRecord, to: &ReviewerIdentity) -> Result<(), Refusal> {
    let (request, identity) = (&next.request, to.identity());
    guard(to.principal.is_named(), Refusal::NotHuman)?;
    guard(next.admits(request.quorum.deciders, &to.principal, &identity), Refusal::NotHuman)?;
    if !request.requester_may_approve() {
        guard(!next.is_requested_by(to), Refusal::FourEyes)?;
    }
    let is = |who: &Principal, canonical: Option<&Principal>| {
        identity.is(&Identity::new(who, canonical))
    };
    if request.quorum.eyes == RequesterRule::MayNotApprove {
        let mut edits = next.prior_revisions.iter().map(|earlier| &earlier.edited);
        let own = edits.any(|edited| is(&edited.by, edited.canonical.as_ref()));
        guard(!own, Refusal::FourEyes)?;
    }
    let voted = next.votes.iter().any(|vote| is(&vote.by, vote.canonical.as_ref()));
    guard(!voted, Refusal::AlreadyVoted)
}

impl CallRecord {
    /// Returns the reviewer to whom it is assigned.
    pub fn assigned(&self) -> Option<&Assignment> {
        self.assigned.as_ref()
    }
}
