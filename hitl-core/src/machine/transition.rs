//! The transition table: one function, one match, every row of the call's life.

use std::sync::Arc;
use std::time::Duration;

use super::decision;
use super::guards::{conclude, guard, is_expired, keep_newest, reopen};
use super::{
    CallRecord, CallState as S, Claim, EndReason, Event, Membership, ReconcileAnswer,
    RecordedDecision, Refusal, Resolution, StoreFacts, Withdrawal,
};
use crate::approval::DecisionKind;
use crate::call::{BINDING_VERSION, Identity, Principal};
use crate::grant::{GrantRecord, GrantRefusal};
use crate::ids::{GrantId, RequestId};
use crate::policy::{ApprovalLevel, Deciders, Quorum, Requirement, Stage};

/// The result of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "taken apart where it is made")]
// Exhaustive: a store that does not handle a variant must not compile.
pub enum Transition {
    /// The record changes to this.
    Changed(CallRecord),
    /// The same event was applied before: nothing changes, and it is a success.
    Replayed,
}

/// Returns the grant that an event draws on, or returns a draw to: a store loads it in the same
/// transaction, and saves the result of [`apply_with`].
pub fn grant_of(record: &CallRecord, event: &Event) -> Option<GrantId> {
    match event {
        Event::Claim { .. }
        | Event::Release { .. }
        | Event::Reconcile { answer: ReconcileAnswer::NotExecuted { .. }, .. } => {
            record.grant_use.map(|drawn| drawn.grant)
        }
        Event::ApproveByGrant { drawn, .. } => Some(drawn.grant),
        _ => None,
    }
}

/// Applies an event to a single record: without a grant and without a batch that is released
/// together.
///
/// Pure and total: every pair of state and event is either a row of the table or a [`Refusal`].
pub fn apply(record: &CallRecord, event: &Event, facts: StoreFacts) -> Result<Transition, Refusal> {
    apply_with(record, event, facts, None).map(|(step, _)| step)
}

/// Applies an event to a record, and to the grant that it [draws on](grant_of). Returns the
/// record's next step, and the updated grant if it changed. Pure and total.
pub fn apply_with(
    record: &CallRecord,
    event: &Event,
    facts: StoreFacts,
    grant: Option<&GrantRecord>,
) -> Result<(Transition, Option<GrantRecord>), Refusal> {
    let held = record.batch.as_ref().is_some_and(Membership::is_held);
    if held && matches!(event, Event::Claim { .. }) && !is_replay(record, event) {
        return Err(Refusal::BatchIncomplete);
    }
    draw_and_step(record, event, facts, grant)
}

/// Works like [`apply_with`], for a call whose siblings were checked.
pub(super) fn draw_and_step(
    record: &CallRecord,
    event: &Event,
    facts: StoreFacts,
    grant: Option<&GrantRecord>,
) -> Result<(Transition, Option<GrantRecord>), Refusal> {
    let step = step(record, event, facts)?;
    let Transition::Changed(next) = &step else { return Ok((step, None)) };
    let grant = grant.filter(|grant| grant.grant.tenant == record.key().tenant);
    let drawn = match event {
        Event::Claim { .. } => record.grant_use,
        // The draw happens later, but must be possible now: nobody is notified of a permission that
        // does not exist.
        Event::ApproveByGrant { drawn, .. } => Some(*drawn),
        Event::Release { .. }
        | Event::Reconcile { answer: ReconcileAnswer::NotExecuted { .. }, .. } => {
            let back = record.grant_use.zip(grant);
            let grant = back.map(|(drawn, grant)| grant.give_back(&drawn, facts.now));
            return Ok((step, grant));
        }
        _ => None,
    };
    let Some(drawn) = drawn else { return Ok((step, None)) };
    let grant = grant.ok_or(Refusal::Grant(GrantRefusal::Missing))?;
    next.takes_a_grant(&grant.grant).map_err(Refusal::Grant)?;
    let next_grant = grant.draw(&drawn, facts.now).map_err(Refusal::Grant)?;
    let claimed = next.state == S::Claimed;
    Ok((step, claimed.then_some(next_grant)))
}

#[expect(clippy::too_many_lines, reason = "the table, row by row")]
fn step(record: &CallRecord, event: &Event, facts: StoreFacts) -> Result<Transition, Refusal> {
    if is_replay(record, event) {
        return Ok(Transition::Replayed);
    }
    guard(!facts.decision_used, Refusal::DecisionUsed)?;
    let mut next = record.clone();
    next.version += 1;
    next.updated_at = facts.now;
    let wrong_state = Refusal::State { state: record.state, event: event.name() };
    match (record.state, event) {
        (S::Pending, Event::Decide(decision)) => decision::decide(&mut next, decision, facts)?,
        (S::Pending, Event::Edit(edit)) => decision::edit(&mut next, edit, facts)?,
        (S::Pending, Event::ApproveByGrant { decision, binding, drawn, by }) => {
            guard(record.request.binding == *binding, Refusal::Stale)?;
            // A person looks at the earlier call.
            guard(record.request.repeats.is_none(), Refusal::NotAllowed)?;
            decision::allow(&mut next, *drawn, by, facts)?;
            next.decision = Some(RecordedDecision {
                id: *decision,
                answer: DecisionKind::Approve,
                by: by.clone(),
                known_by: None,
                channel: None,
                canonical: None,
                at: facts.now,
            });
        }
        (S::Approved, Event::GrantExhausted { binding, reason }) => {
            guard(record.request.binding == *binding, Refusal::Stale)?;
            guard(record.grant_use.is_some(), Refusal::NotAllowed)?;
            reopen(&mut next, reason.clone());
        }
        (
            S::Pending | S::Approved | S::Claimed | S::OutcomeUnknown,
            Event::Attach { owner, attached },
        ) => {
            next.owner = *owner;
            next.attached = *attached;
        }
        // An unknown outcome is none yet: an identical call still attaches.
        (state, Event::Deliver) if state.is_terminal() => next.attachable = false,
        (S::Pending | S::Approved, Event::Cancel { by, reason }) => {
            if let Withdrawal::Owner(token) = by
                && record.owner != Some(*token)
            {
                return Err(Refusal::NotOwner);
            }
            if matches!(by, Withdrawal::Sibling(_)) {
                let held = record.batch.as_ref().is_some_and(Membership::is_held);
                guard(held, Refusal::NotAllowed)?;
            }
            conclude(&mut next, S::Cancelled, Some(EndReason::Reason(reason.clone())));
        }
        (S::Pending | S::Approved, Event::Expire) => {
            guard(is_expired(record, facts), Refusal::NotDue)?;
            if record.state == S::Approved || !escalate(&mut next, facts) {
                conclude(&mut next, S::Expired, None);
            }
        }
        (S::Pending, Event::Extend { revision, binding, by }) => {
            super::extension::extend(&mut next, by, (*revision, *binding), facts)?;
        }
        (S::Approved, Event::TakeBack { revision, binding, by }) => {
            super::grace::take_back(&mut next, by, (*revision, *binding), facts)?;
        }
        (S::Pending, Event::Assign { to, by }) => {
            super::assignment::assign(&mut next, to.as_ref(), by, facts)?;
        }
        (S::Approved, Event::RequireMore { binding, requirement, reason }) => {
            guard(record.request.binding == *binding, Refusal::Stale)?;
            // Requirements only rise, so replicas with different policies cannot take turns asking.
            let needed = record.request.requirement();
            guard(!requirement.is_met_by(&needed), Refusal::Stale)?;
            Arc::make_mut(&mut next.request).require(needed.join(requirement));
            reopen(&mut next, reason.clone());
        }
        (S::Approved, Event::ShowRepeat { binding, earlier, requirement, reason }) => {
            guard(record.request.binding == *binding, Refusal::Stale)?;
            // Each earlier call is shown once, so asking ends.
            guard(record.request.repeats != Some(*earlier), Refusal::Stale)?;
            show_repeat(&mut next, *earlier, requirement, reason);
        }
        (S::Pending | S::Approved, Event::Deny { binding, reason }) => {
            guard(record.request.binding == *binding, Refusal::Stale)?;
            conclude(&mut next, S::Denied, Some(EndReason::Reason(reason.clone())));
        }
        (S::Pending | S::Approved, Event::Reask(reask)) => {
            super::reask::reask(&mut next, reask, facts)?;
        }
        (S::Approved, Event::Claim { token, session, binding, requirement }) => {
            guard(record.request.binding == *binding, Refusal::Stale)?;
            guard(record.request.binding_version == BINDING_VERSION, Refusal::Stale)?;
            guard(!is_expired(record, facts), Refusal::Expired)?;
            guard(requirement.is_met_by(&record.request.requirement()), Refusal::RequirementRose)?;
            super::grace::check_over(record, facts)?;
            guard(!facts.frozen, Refusal::Frozen)?;
            next.state = S::Claimed;
            next.claim = Some(Claim { token: *token, session: *session });
            next.over_since = None;
            next.attempts += 1;
            if let Some(batch) = next.batch.as_mut().filter(|batch| batch.is_held()) {
                batch.released = true;
            }
        }
        (S::Claimed, Event::Release { token }) => {
            holds(record, *token)?;
            next.state = S::Approved;
            next.claim = None;
            next.attempts = next.attempts.saturating_sub(1);
        }
        // From `OutcomeUnknown` this is the late result of the attempt that was lost.
        (S::Claimed | S::OutcomeUnknown, Event::Succeed { token }) => {
            holds(record, *token)?;
            next.state = S::Executed;
            next.end_reason = None;
        }
        (S::Claimed | S::OutcomeUnknown, Event::Fail { token, failure }) => {
            holds(record, *token)?;
            next.state = S::Failed;
            next.end_reason = Some(EndReason::Failure(failure.clone()));
        }
        (S::Claimed, Event::TimeOut { token }) => {
            holds(record, *token)?;
            next.state = S::OutcomeUnknown;
            next.end_reason = Some(EndReason::Reason("the body ran out of its time".to_owned()));
        }
        (S::Claimed, Event::ExecutorLost) => {
            guard(facts.claimant_dead, Refusal::Alive)?;
            next.state = S::OutcomeUnknown;
            next.over_since = Some(facts.now);
            next.end_reason =
                Some(EndReason::Reason("the executor died while it ran the body".to_owned()));
        }
        // A body that ran out of its time, or was running when a backup was taken, may go on until
        // its executor is dead.
        (S::OutcomeUnknown, Event::ExecutorLost) if record.over_since.is_none() => {
            guard(facts.claimant_dead, Refusal::Alive)?;
            next.over_since = Some(facts.now);
        }
        (S::Pending | S::Approved, Event::Restore) => ask_after_restore(&mut next, facts),
        (S::Claimed, Event::Restore) => {
            next.state = S::OutcomeUnknown;
            next.restored = true;
            next.end_reason = Some(EndReason::Reason(
                "it was running when the backup was taken that the store was restored from"
                    .to_owned(),
            ));
        }
        (S::OutcomeUnknown, Event::RetryIdempotent { version, most }) => {
            guard(record.version == *version, Refusal::Stale)?;
            retry_idempotent(&mut next, *most, facts)?;
        }
        (S::OutcomeUnknown, Event::Reconcile { version, answer }) => {
            guard(record.version == *version, Refusal::Stale)?;
            super::reconcile::reconcile(&mut next, *answer)?;
        }
        (S::OutcomeUnknown, Event::Resolve { version, resolution, by }) => {
            guard(record.version == *version, Refusal::Stale)?;
            resolve(&mut next, resolution, by, facts)?;
        }
        _ => return Err(wrong_state),
    }
    Ok(Transition::Changed(next))
}

fn holds(record: &CallRecord, token: crate::ids::ClaimToken) -> Result<(), Refusal> {
    guard(record.claim.is_some_and(|claim| claim.token == token), Refusal::NotClaimant)
}

/// Returns whether this same event led to the record's state: its author may have missed the
/// answer.
fn is_replay(record: &CallRecord, event: &Event) -> bool {
    let mine = |token| record.claim.is_some_and(|claim| claim.token == token);
    match event {
        Event::Decide(decision) => decision::is_replay(record, decision),
        Event::Edit(edit) => decision::is_replay(record, &edit.decision),
        Event::ApproveByGrant { decision, .. } => {
            let decided = record.decision.as_ref();
            record.grant_use.is_some() && decided.is_some_and(|decided| decided.id == *decision)
        }
        Event::Deliver => record.state.is_terminal() && !record.attachable,
        Event::Assign { to, by } => super::assignment::is_replay(record, to.as_ref(), by),
        Event::Claim { token, .. } => record.state == S::Claimed && mine(*token),
        Event::Succeed { token } => record.state == S::Executed && mine(*token),
        Event::Fail { token, .. } => record.state == S::Failed && mine(*token),
        Event::TimeOut { token } => record.state == S::OutcomeUnknown && mine(*token),
        _ => false,
    }
}

/// Retries an idempotent tool if no executor can still be running it, within the time of the
/// approval: only a human's review extends that.
fn retry_idempotent(next: &mut CallRecord, most: u32, facts: StoreFacts) -> Result<(), Refusal> {
    guard(next.request.hints.idempotent && !next.restored, Refusal::NotAllowed)?;
    guard(facts.claimant_dead, Refusal::Alive)?;
    guard(next.attempts < most, Refusal::TooManyAttempts)?;
    guard(!is_expired(next, facts), Refusal::Expired)?;
    next.state = S::Approved;
    next.end_reason = None;
    next.claim = None;
    Ok(())
}

/// Escalates a call that nobody decided in time: the next people are asked, with a requirement that
/// is never lower. Returns `false` if no step is left.
fn escalate(next: &mut CallRecord, facts: StoreFacts) -> bool {
    if next.escalations.is_empty() {
        return false;
    }
    let step = next.escalations.remove(0);
    let mut needed = Requirement::new(ApprovalLevel::Full);
    if let Some(role) = &step.role {
        needed = needed.stage(Stage::role(role.clone(), 1));
    }
    let needed = next.request.requirement().join(&needed);
    Arc::make_mut(&mut next.request).require(needed);
    let whom = step.role.as_ref().map_or_else(String::new, |role| format!(" to {role}"));
    reopen(next, format!("escalated{whom}: nobody decided in time"));
    let within = Duration::from_millis(step.within_ms);
    let request = Arc::make_mut(&mut next.request);
    request.expires_at = facts.now.saturating_add(within);
    request.due_at = facts.now.saturating_add(within / 2);
    true
}

/// Asks again after a restore, because a decision or a run may be missing: a human reviews the
/// call, and no earlier decision answers the new question.
fn ask_after_restore(next: &mut CallRecord, facts: StoreFacts) {
    let why = "asked again: the store was restored from a backup, and this may have run since that \
               was taken; look whether it has";
    next.restored = true;
    // A call that ran without asking had no reviewers; now it needs a human.
    let asked = Requirement::new(ApprovalLevel::Quick).quorum(Quorum::default());
    let needed = next.request.requirement().join(&asked);
    Arc::make_mut(&mut next.request).require(needed);
    reopen(next, why.to_owned());
    renew(next, facts);
}

/// Asks about a call that repeats the effect of an earlier one, which the reason describes.
fn show_repeat(next: &mut CallRecord, earlier: RequestId, needed: &Requirement, reason: &str) {
    let in_full = Requirement::new(ApprovalLevel::Full);
    let needed = next.request.requirement().join(needed).join(&in_full);
    let request = Arc::make_mut(&mut next.request);
    request.require(needed);
    request.repeats = Some(earlier);
    keep_newest(request);
    reopen(next, reason.to_owned());
}

/// Restarts the approval's time: a human has just reviewed the call, or has to.
fn renew(next: &mut CallRecord, facts: StoreFacts) {
    let time = Duration::from_millis(next.approval_window_ms);
    let request = Arc::make_mut(&mut next.request);
    request.expires_at = request.expires_at.max(facts.now.saturating_add(time));
}

fn resolve(
    next: &mut CallRecord,
    how: &Resolution,
    by: &Principal,
    facts: StoreFacts,
) -> Result<(), Refusal> {
    // A call that ran without asking has no deciders. Still, only a human decides whether it may
    // run again.
    let deciders = match next.request.level {
        ApprovalLevel::Auto => Deciders::HUMANS,
        _ => next.request.quorum.deciders,
    };
    guard(next.admits(deciders, by, &Identity::new(by, None)), Refusal::NotHuman)?;
    match how {
        Resolution::Executed => {
            next.state = S::Executed;
            next.end_reason = Some(EndReason::Reason(format!("marked as done by {by}")));
        }
        Resolution::Failed { reason } => {
            next.state = S::Failed;
            next.end_reason =
                Some(EndReason::Reason(format!("marked as failed by {by}: {reason}")));
        }
        Resolution::Retry { attested } => {
            guard(facts.claimant_dead || *attested, Refusal::Alive)?;
            next.end_reason = None;
            // The human's approval of this attempt replaces the grant and its earlier decision.
            if next.grant_use.take().is_some() {
                next.decision = None;
            }
            let requester =
                next.request.is_requested_by(next.canonical.as_ref(), &Identity::new(by, None));
            let may = next.request.requester_may_approve() || !requester;
            // Nor can they where only some channels may approve: this one is not known.
            let any = next.request.channels.is_any();
            if next.request.quorum.is_one() && may && any {
                next.state = S::Approved;
            } else {
                // If several people, or somebody other than the requester, had to approve, one
                // person cannot restart it alone.
                reopen(next, format!("{by} asks for another attempt: look what the last one did"));
            }
            renew(next, facts);
        }
    }
    // The old token is void: a late result must not overwrite a human's resolution.
    next.claim = None;
    Ok(())
}
