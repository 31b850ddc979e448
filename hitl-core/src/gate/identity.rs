//! Who is who: whether the requester may approve, by what name the directory knows somebody, and
//! what the audit says of who decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::{GateError, GateErrorKind};
use super::handle::Inner;
use super::registry::Registered;
use crate::approval::{Decision, ReviewerIdentity};
use crate::audit::AuditRecord;
use crate::call::{CallContext, Identity, Principal};
use crate::machine::{CallRecord, Resolution};
use crate::policy::RequesterRule;

/// Where the host says that the requester may decide their own calls.
#[derive(Debug, Default)]
pub(super) struct TwoEyes {
    /// Everywhere.
    pub(super) everywhere: bool,
    /// For what these submit in somebody's name.
    pub(super) agents: Vec<Principal>,
}

impl Inner {
    /// Whether the requester of a call may approve it: the tool's own word, or else the gate's.
    pub(super) fn eyes(&self, tool: &Registered, context: &CallContext) -> RequesterRule {
        let own = tool.spec.config.eyes;
        if own != RequesterRule::ByLevel {
            return own;
        }
        let listed = |agent: &Principal| self.two_eyes.agents.contains(&agent.folded());
        let two = self.two_eyes.everywhere || context.agent.as_ref().is_some_and(listed);
        if two { RequesterRule::MayApprove } else { own }
    }

    /// Asks the directory for the one name of somebody. `None` when it gives no other than the one
    /// that all compare by, or there is no directory.
    pub(super) fn canonical(&self, who: &Principal) -> Result<Option<Principal>, GateError> {
        let Some(asked) = &self.directory else { return Ok(None) };
        let (directory, name) = (Arc::clone(&asked.directory), who.clone());
        // Late or panicking, it has not said who this is.
        let named = asked.names.run(move || directory.canonical(&name));
        let named = named.map_err(|_| {
            let why = "the directory cannot say who this is, so nothing is done in their name";
            GateError::new(GateErrorKind::Forbidden, why)
        })?;
        Ok(Some(named).filter(|named| *named != who.folded()))
    }

    /// Somebody who decides, with the name that the directory gives them.
    pub(super) fn identified(&self, by: ReviewerIdentity) -> Result<ReviewerIdentity, GateError> {
        let canonical = self.canonical(&by.principal)?;
        Ok(ReviewerIdentity { canonical, ..by })
    }

    /// The same among the people of a call: whom of them the directory takes for this one now. What
    /// was kept with the call may be older than what the directory says, or of a gate without one.
    ///
    /// # Errors
    ///
    /// When the directory cannot say who one of them is: then it is not known that they are two.
    pub(super) fn identified_among(
        &self,
        by: ReviewerIdentity,
        record: &CallRecord,
    ) -> Result<ReviewerIdentity, GateError> {
        let mut by = self.identified(by)?;
        if self.directory.is_none() {
            return Ok(by);
        }
        let own = by.canonical.clone().unwrap_or_else(|| by.principal.folded());
        let editors = record.prior_revisions.iter().map(|earlier| &earlier.edited.by);
        let voters = record.votes.iter().map(|vote| &vote.by);
        let people: BTreeSet<&Principal> =
            [&record.request.principal].into_iter().chain(editors).chain(voters).collect();
        for other in people {
            let is_known = by.identity().is(&Identity::new(other, None));
            if !is_known && self.canonical(other)?.is_some_and(|named| named == own) {
                by.also.push(other.clone());
            }
        }
        Ok(by)
    }

    /// The same for the author of a decision.
    pub(super) async fn identified_decision(
        &self,
        decision: Decision,
    ) -> Result<Decision, GateError> {
        let by = if self.directory.is_none() {
            decision.by
        } else {
            let record = self.current(&decision.tenant, decision.request).await?;
            self.identified_among(decision.by, &record)?
        };
        Ok(Decision { by, ..decision })
    }

    /// Audits what somebody decided, and how it is known who they are.
    pub(super) fn note_decider(&self, entry: AuditRecord, by: &ReviewerIdentity, note: String) {
        let mut entry = entry.known(by);
        entry.note = Some(note);
        self.note(&entry);
    }
}

/// Refuses another attempt to a requester whom only the directory knows as the one who asked. Who
/// asked never changes, so nothing can come between this look and the settlement.
pub(super) fn may_resolve(
    record: &CallRecord,
    resolution: &Resolution,
    by: &ReviewerIdentity,
) -> Result<(), GateError> {
    let retries = matches!(resolution, Resolution::Retry { .. });
    let bare = ReviewerIdentity::new(by.principal.clone());
    let hidden = record.is_requested_by(by) && !record.is_requested_by(&bare);
    if retries && hidden && !record.request.requester_may_approve() {
        let why = "who asks for this call cannot start it again; ask somebody else";
        return Err(GateError::new(GateErrorKind::Forbidden, why));
    }
    Ok(())
}
