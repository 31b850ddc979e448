//! The answers of humans on a pending call: votes, decisions and edits.

use std::sync::Arc;

use super::grace;
use super::guards::{conclude, guard, is_expired, keep_newest};
use super::{
    CallRecord, CallState as S, Edit, EndReason, PriorRevision, RecordedDecision, Refusal,
    StoreFacts, Vote,
};
use crate::approval::{
    Choice, Decision, DecisionChannel, DecisionKind, EditResult, ReviewerIdentity, names_the_same,
    previews_the_same,
};
use crate::call::{BindingDigest, Identity, Principal, PrincipalKind, Risk};
use crate::grant::{Grant, GrantKind, GrantRefusal, GrantUse, break_glass_reason};
use crate::policy::{Deciders, RequesterRule};

/// The most edits of a call. To change it further, submit it again under another key.
const MOST_EDITS: usize = 16;

/// Applies an answer. An approval is a vote, and the last one that the quorum needs approves the
/// call.
pub(super) fn decide(
    next: &mut CallRecord,
    decision: &Decision,
    facts: StoreFacts,
) -> Result<(), Refusal> {
    check_answer(next, decision, facts)?;
    let recorded = record_decision(decision, facts);
    match &decision.answer {
        DecisionKind::Approve => {
            if count_vote(next, decision, facts)? {
                next.state = S::Approved;
                next.decision = Some(recorded);
                grace::begin(next, facts);
            }
            return Ok(());
        }
        // A patch must be processed by a gate first.
        DecisionKind::Edit { .. } => return Err(Refusal::NotAllowed),
        DecisionKind::Reject { reason, .. } => {
            let given = reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
            guard(given || !next.request.requires_reason, Refusal::ReasonRequired)?;
            conclude(next, S::Rejected, None);
        }
        DecisionKind::Respond { .. } => conclude(next, S::Responded, None),
        DecisionKind::Abort { reason } => {
            let why = format!("aborted by the reviewer: {reason}");
            conclude(next, S::Cancelled, Some(EndReason::Reason(why)));
        }
    }
    next.decision = Some(recorded);
    Ok(())
}

/// Applies a grant's approval in place of a human's: for calls that one person may approve by a
/// plain yes, unless the risk is critical. `by` gave the grant.
///
/// A grant that was given by breaking the glass takes the place of every person whom the call
/// needs, at any risk. Which calls that may be is not decided here: the gate that uses the grant
/// checks its own envelope.
pub(super) fn allow(
    next: &mut CallRecord,
    drawn: GrantUse,
    by: &Principal,
    facts: StoreFacts,
) -> Result<(), Refusal> {
    let request = &next.request;
    guard(!is_expired(next, facts), Refusal::Expired)?;
    guard(request.choices.contains(&Choice::Approve), Refusal::NotAllowed)?;
    if drawn.kind == GrantKind::Standing {
        let plain = request.quorum.is_one() && request.risk < Risk::Critical;
        guard(plain, Refusal::NotAllowed)?;
        // A grant covers arguments; the contents they name are reviewed each time.
        guard(request.contents.is_empty(), Refusal::NotAllowed)?;
    }
    // What a call would do is then unknown, so somebody looks at it.
    guard(request.has_sound_preview(), Refusal::NotAllowed)?;
    let giver = Identity::new(by, None);
    next.takes_a_grant_of(drawn.kind, by, &giver).map_err(|why| match why {
        GrantRefusal::NotHuman => Refusal::NotHuman,
        _ => Refusal::FourEyes,
    })?;
    // A call that was tried before, or comes from a backup, needs a human's review.
    guard(next.attempts == 0 && !next.restored, Refusal::AlreadyTried)?;
    if drawn.kind == GrantKind::BreakGlass {
        let request = Arc::make_mut(&mut next.request);
        keep_newest(request);
        request.reasons.push(break_glass_reason(drawn.grant, by));
    }
    next.state = S::Approved;
    next.grant_use = Some(drawn);
    Ok(())
}

/// Applies an edit: the next revision, never less strict than the one that was shown. The editor's
/// vote counts on it, unless the tool requires four eyes, the editor requested the call and may not
/// approve it, the new revision needs more than the old one, the arguments name other contents, or
/// the preview differs: those are questions that the editor has not seen.
pub(super) fn edit(next: &mut CallRecord, edit: &Edit, facts: StoreFacts) -> Result<(), Refusal> {
    let (decision, revision) = (&edit.decision, &edit.revision);
    guard(matches!(decision.answer, DecisionKind::Edit { .. }), Refusal::NotAllowed)?;
    check_answer(next, decision, facts)?;
    // The effects of an earlier attempt under this key must not be confused with other arguments.
    guard(next.attempts_in_all() == 0, Refusal::AlreadyTried)?;
    guard(next.prior_revisions.len() < MOST_EDITS, Refusal::TooManyEdits)?;
    guard(revision.content != next.current_content(), Refusal::Unchanged)?;
    let shown = next.request.requirement();
    let needed = shown.join(&revision.requirement);
    let request = Arc::make_mut(&mut next.request);
    next.prior_revisions.push(PriorRevision {
        revision: request.revision,
        binding: request.binding,
        arguments: std::mem::replace(&mut request.arguments, revision.arguments.clone()),
        edited: record_decision(decision, facts),
    });
    request.masks.clone_from(&revision.masks);
    request.more_masks = revision.more_masks;
    let seen = names_the_same(&request.contents, &revision.contents)
        && previews_the_same(request.preview.as_ref(), revision.preview.as_ref());
    request.contents.clone_from(&revision.contents);
    request.preview.clone_from(&revision.preview);
    request.links.clone_from(&revision.links);
    // Other arguments may have another effect, and the reasons are those of the revision: the claim
    // shows what it repeats.
    request.repeats = None;
    request.effect.clone_from(&revision.effect);
    request.title.clone_from(&revision.title);
    request.assessment = revision.assessment.clone();
    request.priority = request.priority.max(revision.priority);
    request.reasons.clone_from(&revision.reasons);
    request.revision += 1;
    request.bind(revision.content);
    next.edited_content = Some(revision.content);
    next.unread = revision.unread;
    next.votes.clear();
    let rose = needed != shown;
    Arc::make_mut(&mut next.request).require(needed);
    let may_approve = next.request.choices.contains(&Choice::Approve);
    let four = next.request.quorum.eyes == RequesterRule::MayNotApprove;
    let counts = may_approve && !four && !rose && seen;
    let vote = if counts { count_vote(next, decision, facts) } else { Ok(false) };
    let complete = match vote {
        // They may edit the call, but it is not theirs, or not their turn, to approve.
        Err(Refusal::NotEntitled | Refusal::FourEyes) => false,
        other => other?,
    };
    if complete {
        next.state = S::Approved;
        next.decision = Some(record_decision(decision, facts));
        grace::begin(next, facts);
    }
    let result = EditResult::new(next.request.binding, next.state);
    guard(decision.previewed.is_none_or(|shown| shown == result), Refusal::OtherResult)
}

/// Checks whether an edit would be refused for any patch, before the payload is opened. Returns
/// `Ok(true)` if the same edit was made before.
pub(crate) fn check_edit(
    record: &CallRecord,
    decision: &Decision,
    facts: StoreFacts,
) -> Result<bool, Refusal> {
    if is_replay(record, decision) {
        return Ok(true);
    }
    let wrong_state = Refusal::State { state: record.state, event: "edit" };
    guard(record.state == S::Pending, wrong_state)?;
    check_answer(record, decision, facts)?;
    guard(record.attempts_in_all() == 0, Refusal::AlreadyTried)?;
    guard(record.prior_revisions.len() < MOST_EDITS, Refusal::TooManyEdits)?;
    Ok(false)
}

/// Returns whether this same decision was made before.
pub(super) fn is_replay(record: &CallRecord, decision: &Decision) -> bool {
    // Not known of old records.
    let came_through =
        |known: Option<&DecisionChannel>| known.is_none_or(|it| *it == decision.channel);
    // A different answer under the same id is a different decision.
    let same = |decided: &RecordedDecision| {
        decided.id == decision.id
            && decided.answer == decision.answer
            && decided.by == decision.by.principal
            && came_through(decided.channel.as_ref())
    };
    let voted = |vote: &Vote| {
        vote.id == decision.id
            && vote.by == decision.by.principal
            && decision.answer == DecisionKind::Approve
            && came_through(vote.channel.as_ref())
    };
    record.decision.as_ref().is_some_and(same)
        || record.votes.iter().any(voted)
        || record.prior_revisions.iter().any(|earlier| same(&earlier.edited))
}

/// Checks whether a person may see the masked parts of a call: they need the right to decide on the
/// revision they were shown.
pub(crate) fn check_uncover(
    record: &CallRecord,
    by: &ReviewerIdentity,
    shown: (u32, BindingDigest),
    facts: StoreFacts,
) -> Result<(), Refusal> {
    let wrong_state = Refusal::State { state: record.state, event: "uncover" };
    guard(matches!(record.state, S::Pending | S::OutcomeUnknown), wrong_state)?;
    names_current_revision(record, by, shown)?;
    // A call that ran must be resolved, however late it is.
    guard(record.state != S::Pending || !is_expired(record, facts), Refusal::Expired)?;
    has_a_say(record, by)
}

/// Checks whether a person has a say on the revision that they were shown, in time.
pub(super) fn check_reviewer(
    record: &CallRecord,
    by: &ReviewerIdentity,
    shown: (u32, BindingDigest),
    facts: StoreFacts,
) -> Result<(), Refusal> {
    names_current_revision(record, by, shown)?;
    guard(!is_expired(record, facts), Refusal::Expired)?;
    has_a_say(record, by)
}

/// Checks the guards common to all answers.
fn check_answer(next: &CallRecord, decision: &Decision, facts: StoreFacts) -> Result<(), Refusal> {
    let request = &next.request;
    names_current_revision(next, &decision.by, (decision.revision, decision.binding))?;
    guard(request.id == decision.request, Refusal::Stale)?;
    guard(!is_expired(next, facts), Refusal::Expired)?;
    guard(request.choices.contains(&decision.answer.choice()), Refusal::NotAllowed)?;
    has_a_say(next, &decision.by)?;
    // To stop a call, or to answer in its place, is no approval.
    match decision.answer.choice() {
        Choice::Approve | Choice::Edit => request.may_be_approved_through(&decision.channel),
        Choice::Reject | Choice::Respond | Choice::Abort => Ok(()),
    }
}

/// Checks that a person who may decide this tenant's calls has seen this revision.
pub(super) fn names_current_revision(
    next: &CallRecord,
    by: &ReviewerIdentity,
    shown: (u32, BindingDigest),
) -> Result<(), Refusal> {
    let request = &next.request;
    guard(by.may_decide(&request.key.tenant), Refusal::WrongTenant)?;
    guard(next.admits(request.quorum.deciders, &by.principal, &by.identity()), Refusal::NotHuman)?;
    guard((request.revision, request.binding) == shown, Refusal::Stale)
}

/// Checks that a person has a say in some stage: they may then review the call closely, stop it or
/// change it.
fn has_a_say(next: &CallRecord, by: &ReviewerIdentity) -> Result<(), Refusal> {
    let mut at = 0;
    while let Some(stage) = next.request.quorum.stage(at) {
        if stage.missing(&[&by.roles]) < stage.missing(&[]) {
            return Ok(());
        }
        at += 1;
    }
    Err(Refusal::NotEntitled)
}

/// Counts a vote for the current stage. Returns whether the quorum is complete.
fn count_vote(
    next: &mut CallRecord,
    decision: &Decision,
    facts: StoreFacts,
) -> Result<bool, Refusal> {
    let by = &decision.by;
    let request = &next.request;
    let is_by = |who: &Principal, canonical: Option<&Principal>| {
        by.identity().is(&Identity::new(who, canonical))
    };
    if !request.requester_may_approve() {
        guard(!next.is_requested_by(by), Refusal::FourEyes)?;
    }
    if request.quorum.eyes == RequesterRule::MayNotApprove {
        let mut edits = next.prior_revisions.iter().map(|earlier| &earlier.edited);
        let own = edits.any(|edited| is_by(&edited.by, edited.canonical.as_ref()));
        guard(!own, Refusal::FourEyes)?;
    }
    let voted = next.votes.iter().any(|vote| is_by(&vote.by, vote.canonical.as_ref()));
    guard(!voted, Refusal::AlreadyVoted)?;
    let current = next.votes.last().map_or(0, |vote| vote.stage);
    let voters = |stage: u32| -> Vec<&[String]> {
        let of = next.votes.iter().filter(|vote| vote.stage == stage);
        of.map(|vote| vote.roles.as_slice()).collect()
    };
    let mut at = current;
    let stage_at = |at: u32| request.quorum.stage(at as usize);
    while stage_at(at).is_some_and(|stage| stage.missing(&voters(at)) == 0) {
        at += 1;
    }
    let Some(stage) = stage_at(at) else { return Ok(true) };
    let mut with = voters(at);
    let before = stage.missing(&with);
    with.push(&by.roles);
    let missing = stage.missing(&with);
    guard(missing < before, Refusal::NotEntitled)?;
    let is_last = stage_at(at + 1).is_none();
    next.votes.push(Vote {
        id: decision.id,
        binding: next.request.binding,
        by: by.principal.clone(),
        known_by: Some(by.known_by),
        channel: Some(decision.channel.clone()),
        canonical: by.canonical.clone(),
        roles: by.roles.clone(),
        stage: at,
        at: facts.now,
    });
    Ok(missing == 0 && is_last)
}

fn record_decision(decision: &Decision, facts: StoreFacts) -> RecordedDecision {
    RecordedDecision {
        id: decision.id,
        answer: decision.answer.clone(),
        by: decision.by.principal.clone(),
        known_by: Some(decision.by.known_by),
        channel: Some(decision.channel.clone()),
        canonical: decision.by.canonical.clone(),
        at: facts.now,
    }
}

impl CallRecord {
    /// Returns whether a person may answer: of an allowed kind, with a visible name, and not the
    /// program that requested the call. A program's own name never counts as a human's, even if its
    /// kind is not given. Every answer of a person is checked here.
    pub(super) fn admits(&self, deciders: Deciders, by: &Principal, known: &Identity<'_>) -> bool {
        let Self { request, canonical, .. } = self;
        let mut programs =
            vec![(Identity::new(&request.principal, canonical.as_ref()), request.principal.kind())];
        if let Some(agent) = &request.agent {
            // The principal that the host names as the agent is a program, under any name.
            let kind = match agent.kind() {
                PrincipalKind::Human => PrincipalKind::Agent,
                kind => kind,
            };
            programs.push((Identity::new(agent, None), kind));
        }
        let may = |(program, kind): &(Identity<'_>, PrincipalKind)| {
            deciders.include(*kind) || !known.is(program)
        };
        deciders.admit(by) && programs.iter().all(may)
    }

    /// Checks whether this grant may take a human's place here.
    pub(crate) fn takes_a_grant(&self, grant: &Grant) -> Result<(), GrantRefusal> {
        self.takes_a_grant_of(grant.kind(), &grant.by, &grant.giver())?;
        // Breaking the glass takes the place of every person, wherever they would answer.
        let may = match (grant.kind(), &grant.channel) {
            (GrantKind::BreakGlass, _) => true,
            (GrantKind::Standing, Some(channel)) => {
                self.request.may_be_approved_through(channel).is_ok()
            }
            (GrantKind::Standing, None) => self.request.channels.is_any(),
        };
        if may { Ok(()) } else { Err(GrantRefusal::Channel) }
    }

    /// Checks whether somebody's grant may take a human's place here: a requester's own grant does
    /// not approve a call that they may not approve themselves, at any level, and neither does a
    /// program's. In an emergency the requester may be the only person there is: only that a human
    /// breaks the glass is checked.
    pub(crate) fn takes_a_grant_of(
        &self,
        kind: GrantKind,
        by: &Principal,
        giver: &Identity<'_>,
    ) -> Result<(), GrantRefusal> {
        let quorum = &self.request.quorum;
        if kind == GrantKind::BreakGlass {
            let may = self.admits(Deciders::HUMANS, by, giver);
            return if may { Ok(()) } else { Err(GrantRefusal::NotHuman) };
        }
        let may = self.admits(quorum.deciders, by, giver);
        let own = self.request.is_requested_by(self.canonical.as_ref(), giver);
        match (may, own && quorum.eyes > RequesterRule::MayApprove) {
            (false, _) => Err(GrantRefusal::NotHuman),
            (true, true) => Err(GrantRefusal::Own),
            (true, false) => Ok(()),
        }
    }
}
