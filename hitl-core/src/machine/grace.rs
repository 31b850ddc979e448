//! The grace of an approval: the time in which the call does not start, and the approval can be
//! taken back.

use std::sync::Arc;
use std::time::Duration;

use super::decision::names_current_revision;
use super::guards::{guard, reopen};
use super::{CallRecord, Refusal, StoreFacts};
use crate::approval::ReviewerIdentity;
use crate::call::{BindingDigest, Identity, Principal};

/// Begins the grace of a call that a person has just approved, if its tool has one. The call has at
/// least as much time again to start.
pub(super) fn begin(next: &mut CallRecord, facts: StoreFacts) {
    next.claimable_from = None;
    let Some(grace) = next.request.grace_ms.map(Duration::from_millis) else { return };
    let from = facts.now.saturating_add(grace);
    next.claimable_from = Some(from);
    let needed = from.saturating_add(grace);
    if next.request.expires_at < needed {
        Arc::make_mut(&mut next.request).expires_at = needed;
    }
}

/// Checks that the grace of a call is over.
pub(super) fn check_over(record: &CallRecord, facts: StoreFacts) -> Result<(), Refusal> {
    match record.claimable_from {
        Some(from) if facts.now < from => Err(Refusal::InGrace { from }),
        _ => Ok(()),
    }
}

/// Takes an approval back, for somebody who has a part in it: the call is asked about again, as its
/// next revision, so that no decision on the earlier one answers it.
pub(super) fn take_back(
    next: &mut CallRecord,
    by: &ReviewerIdentity,
    shown: (u32, BindingDigest),
    facts: StoreFacts,
) -> Result<(), Refusal> {
    names_current_revision(next, by, shown)?;
    guard(check_over(next, facts).is_err(), Refusal::GraceOver)?;
    let is_by = |who: &Principal, canonical: Option<&Principal>| {
        by.identity().is(&Identity::new(who, canonical))
    };
    let decided = next.decision.iter().any(|d| is_by(&d.by, d.canonical.as_ref()));
    let voted = next.votes.iter().any(|vote| is_by(&vote.by, vote.canonical.as_ref()));
    guard(decided || voted, Refusal::NotApprover)?;
    reopen(next, format!("the approval was taken back by {}", by.principal));
    Ok(())
}
