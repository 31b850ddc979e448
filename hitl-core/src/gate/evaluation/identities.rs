//! The identities of a call's people: whether the requester may approve it, the directory's name
//! for a person, and the requester's current rights.

use std::collections::BTreeSet;

use hitl_base::Redactor;

use crate::approval::{Decision, ReviewerIdentity};
use crate::call::{CallContext, Identity, Principal, Tenant};
use crate::gate::calls::call_store::CallStore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::evaluation::principal_directory::{DirectoryAnswer, DirectoryWithTimeout};
use crate::gate::tools::registered_tool::RegisteredTool;
use crate::machine::{CallRecord, Resolution};
use crate::policy::{PrincipalStatus, RequesterRule, role_changes};
use crate::sync::NoAnswer;

/// Resolves the people of calls: by the host's directory, and by its rules about requesters.
pub(in crate::gate) struct Identities {
    directory: Option<DirectoryWithTimeout>,
    self_approval: SelfApproval,
    redactor: Redactor,
}

/// The calls that the host lets their requesters decide.
#[derive(Debug, Default)]
pub(in crate::gate) struct SelfApproval {
    pub(in crate::gate) everywhere: bool,
    /// The agents whose submitted calls the requester may decide.
    pub(in crate::gate) agents: Vec<Principal>,
}

/// The current rights of a stored call's requester.
pub(in crate::gate) enum RequesterStatus {
    /// The rights at submission, as far as is known.
    Unchanged,
    /// The requester has other roles now.
    OtherRoles(Box<CallContext>, RoleChanges),
    /// Nothing may be done in the requester's name any more.
    Refused {
        /// The reason, in the directory's words.
        reason: String,
    },
    /// The directory does not answer, so nothing runs.
    Unknown,
}

/// The differences between a person's roles and those at submission, in words.
pub(in crate::gate) struct RoleChanges(pub(in crate::gate) String);

impl Identities {
    pub(in crate::gate) fn new(
        directory: Option<DirectoryWithTimeout>,
        self_approval: SelfApproval,
        redactor: Redactor,
    ) -> Self {
        Self { directory, self_approval, redactor }
    }

    /// Returns whether the requester of a call may approve it: by the tool's own rule, or else by
    /// the gate's.
    pub(in crate::gate) fn requester_rule(
        &self,
        tool: &RegisteredTool,
        context: &CallContext,
    ) -> RequesterRule {
        let own = tool.config().eyes;
        if own != RequesterRule::ByLevel {
            return own;
        }
        let listed = |agent: &Principal| self.self_approval.agents.contains(&agent.folded());
        let two = self.self_approval.everywhere || context.agent.as_ref().is_some_and(listed);
        if two { RequesterRule::MayApprove } else { own }
    }

    /// Asks the directory for the unique name of a person. Returns `None` if that equals the name
    /// by which people are compared, or if there is no directory.
    pub(in crate::gate) fn canonical(
        &self,
        who: &Principal,
    ) -> Result<Option<Principal>, GateError> {
        let Some(directory) = &self.directory else { return Ok(None) };
        // If the directory is late or panics, it has not identified the person.
        let named = directory.canonical(who).map_err(|_| {
            let why = "the directory cannot say who this is, so nothing is done in their name";
            GateError::new(GateErrorKind::Forbidden, why)
        })?;
        Ok(Some(named).filter(|named| *named != who.folded()))
    }

    /// Adds the directory's name for a person who decides.
    pub(in crate::gate) fn identify(
        &self,
        by: ReviewerIdentity,
    ) -> Result<ReviewerIdentity, GateError> {
        let canonical = self.canonical(&by.principal)?;
        Ok(ReviewerIdentity { canonical, ..by })
    }

    /// Does what [`identify`](Self::identify) does, and adds the people of a call whom the
    /// directory now considers to be the same person. The names that are stored with the call may
    /// be older than the directory's, or from a gate without one.
    ///
    /// # Errors
    ///
    /// If the directory cannot identify one of them: then it is not known that they are two people.
    pub(in crate::gate) fn identify_among(
        &self,
        by: ReviewerIdentity,
        record: &CallRecord,
    ) -> Result<ReviewerIdentity, GateError> {
        let mut by = self.identify(by)?;
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

    /// Does what [`identify_among`](Self::identify_among) does, for the author of a decision.
    pub(in crate::gate) async fn identify_author(
        &self,
        decision: Decision,
        calls: &CallStore,
    ) -> Result<Decision, GateError> {
        let by = if self.directory.is_none() {
            decision.by
        } else {
            let record = calls.current(&decision.tenant, decision.request).await?;
            self.identify_among(decision.by, &record)?
        };
        Ok(Decision { by, ..decision })
    }

    /// Asks the directory for the current rights of a stored call's requester. Without a directory,
    /// they are those at submission.
    ///
    /// Cancel safe: dropping it drops the question.
    pub(in crate::gate) async fn recheck_principal(&self, record: &CallRecord) -> RequesterStatus {
        let Some(directory) = &self.directory else { return RequesterStatus::Unchanged };
        let unknown = |why: &str| {
            let why = self.redactor.text(why);
            tracing::warn!(
                call = %record.id(), %why,
                "what the principal may do now is not known, so the call does not run; asking again"
            );
            RequesterStatus::Unknown
        };
        match directory.status(record.context.clone()).await {
            DirectoryAnswer::None(NoAnswer::Panicked) => unknown("the directory panicked"),
            DirectoryAnswer::None(NoAnswer::Late) => {
                unknown("the directory did not answer in time")
            }
            DirectoryAnswer::None(NoAnswer::NotAsked) => {
                unknown("the directory still hangs from earlier questions")
            }
            DirectoryAnswer::Failed(error) => unknown(&format!("the directory failed: {error}")),
            DirectoryAnswer::Status(PrincipalStatus::Refused(reason)) => {
                RequesterStatus::Refused { reason }
            }
            DirectoryAnswer::Status(PrincipalStatus::Roles(roles)) => {
                match role_changes(&record.context, &roles) {
                    None => RequesterStatus::Unchanged,
                    Some(changes) => {
                        let context = CallContext { roles, ..record.context.clone() };
                        RequesterStatus::OtherRoles(Box::new(context), RoleChanges(changes))
                    }
                }
            }
        }
    }
}

/// Refuses another attempt if only the directory reveals that the resolver is the requester. The
/// requester never changes, so nothing can come between this check and the resolution.
pub(in crate::gate) fn check_resolver(
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

/// Checks that the host lets a person decide this tenant's calls.
pub(in crate::gate) fn check_decider(
    by: ReviewerIdentity,
    tenant: &Tenant,
) -> Result<ReviewerIdentity, GateError> {
    if by.may_decide(tenant) {
        return Ok(by);
    }
    let why = "this call belongs to a tenant whose calls they may not decide";
    Err(GateError::new(GateErrorKind::Forbidden, why))
}
