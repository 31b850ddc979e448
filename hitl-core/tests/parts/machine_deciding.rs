//! The state machine of a call: who may answer, which question an answer is about, and that
//! questions only get stricter.

use crate::machine_support as machine;

use hitl_base::Timestamp;
use hitl_core::approval::{Choice, ReviewerIdentity};
use hitl_core::machine::{
    CallRecord, CallState as S, Event, Refusal, Resolution, StoreFacts, Transition,
};
use hitl_core::policy::{Quorum, RequesterRule, Requirement, Stage};
use hitl_core::store::suite::{Draft, edited};
use hitl_core::{ApprovalLevel, ClaimToken, OwnerToken, Principal, PrincipalKind};
use machine::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn invariant_7_a_quorum_needs_different_people_in_their_roles_and_order() {
    let stages = vec![Stage::role("finance", 1).join(&Stage::people(2)), Stage::role("legal", 1)];
    let quorum = Quorum { stages, ..Quorum::ONE };
    let record = Draft::new("run", 1).quorum(quorum).call().stamped(Timestamp::EPOCH);
    let ann = || ReviewerIdentity::new("ann");
    let fay = || ReviewerIdentity::new("fay").role("finance");
    let lee = || ReviewerIdentity::new("lee").role("legal");
    let first = changed(approve(&record, ann()));
    assert_eq!((first.state(), first.votes().len()), (S::Pending, 1));
    assert_eq!(approve(&first, ann()), Err(Refusal::AlreadyVoted));
    // The remaining place is for finance.
    assert_eq!(approve(&first, ReviewerIdentity::new("bob")), Err(Refusal::NotEntitled));
    assert_eq!(approve(&first, lee()), Err(Refusal::NotEntitled));
    let second = changed(approve(&first, fay()));
    assert_eq!(second.state(), S::Pending);
    assert_eq!(approve(&second, ReviewerIdentity::new("bob")), Err(Refusal::NotEntitled));
    // Nobody counts for two people, not even with both roles.
    assert_eq!(approve(&second, fay().role("legal")), Err(Refusal::AlreadyVoted));
    let third = changed(approve(&second, lee()));
    assert_eq!((third.state(), third.votes().len()), (S::Approved, 3));
    assert!(third.votes().iter().all(|vote| vote.binding == third.request().binding));
    // A rejection by one of the people it waits for.
    for pending in [&record, &first, &second] {
        let no = Event::Decide(pending.request().reject("no").by(lee()));
        assert_eq!(changed(apply(pending, &no, EARLY)).state(), S::Rejected);
    }
    let legal_only = Quorum { stages: vec![Stage::role("legal", 1)], ..Quorum::ONE };
    let record = Draft::new("run", 2).quorum(legal_only).call().stamped(Timestamp::EPOCH);
    let stranger = Event::Decide(record.request().reject("no").by("bob"));
    assert_eq!(apply(&record, &stranger, EARLY), Err(Refusal::NotEntitled));
}

#[test]
fn invariant_7_four_eyes_are_two_people() {
    let four = Requirement::new(ApprovalLevel::Full).four_eyes().quorum;
    let record = Draft::new("run", 1).quorum(four).call().stamped(Timestamp::EPOCH);
    let requester = record.request().principal.as_str().to_owned();
    assert_eq!(approve(&record, requester.as_str()), Err(Refusal::FourEyes));
    let edit = edited(&record, record.request().edit("{}").by("ann"), 2, ApprovalLevel::Full);
    let next = changed(apply(&record, &edit, EARLY));
    assert_eq!(
        (next.state(), next.votes().len()),
        (S::Pending, 0),
        "the editor's vote does not count"
    );
    assert_eq!(approve(&next, "ann"), Err(Refusal::FourEyes));
    assert_eq!(changed(approve(&next, "bob")).state(), S::Approved);
    // Nor may anybody who edited an earlier revision: their text may still be in it.
    let again = edited(&next, next.request().edit("{}").by("cid"), 3, ApprovalLevel::Full);
    let last = changed(apply(&next, &again, EARLY));
    assert_eq!(approve(&last, "ann"), Err(Refusal::FourEyes));
    assert_eq!(changed(approve(&last, "bob")).state(), S::Approved);
}

/// The requester cannot restart alone a call that another human had to approve; no program can.
#[test]
fn invariant_7_another_attempt_at_full_is_not_the_requesters_to_give_and_no_programs() {
    let mut unknown = in_state(S::OutcomeUnknown, ClaimToken::new(), OwnerToken::new());
    set(&mut unknown, json!({ "request": { "level": ApprovalLevel::Full } }));
    let requester = unknown.request().principal.as_str().to_owned();
    let settle = |resolution: Resolution, by: &str| {
        let event = Event::Resolve { version: unknown.version(), resolution, by: by.into() };
        apply(&unknown, &event, EARLY)
    };
    let retry = || Resolution::Retry { attested: true };
    for own in [requester.clone(), requester.to_ascii_uppercase(), format!("agent:{requester}")] {
        match settle(retry(), &own) {
            Ok(step) => assert_eq!(changed(Ok(step)).state(), S::Pending, "{own}"),
            Err(refusal) => assert_eq!(refusal, Refusal::NotHuman, "{own}"),
        }
    }
    assert_eq!(changed(settle(retry(), "bob")).state(), S::Approved);
    // They may report what they saw, because that starts nothing.
    assert_eq!(changed(settle(Resolution::Executed, &requester)).state(), S::Executed);
    for program in ["agent:helper", "service:rota"] {
        for resolution in [retry(), Resolution::Executed] {
            assert_eq!(settle(resolution, program), Err(Refusal::NotHuman), "{program}");
        }
    }
}

/// Returns the same event from another sender. `None` if the event has no person.
fn sent_by(event: Event, who: &str) -> Option<Event> {
    let by = Principal::new(who);
    Some(match event {
        Event::Decide(mut decision) => {
            decision.by.principal = by;
            Event::Decide(decision)
        }
        Event::Edit(mut edit) => {
            edit.decision.by.principal = by;
            Event::Edit(edit)
        }
        Event::ApproveByGrant { decision, binding, drawn, .. } => {
            Event::ApproveByGrant { decision, binding, drawn, by }
        }
        Event::Resolve { version, resolution, .. } => Event::Resolve { version, resolution, by },
        _ => return None,
    })
}

/// A requesting program does not count as human because its kind is not given, whatever it answers
/// with.
#[test]
fn invariant_7_the_program_that_asked_answers_nothing_under_its_bare_name() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    let mut answers = 0;
    for eyes in [RequesterRule::default(), RequesterRule::MayApprove, RequesterRule::MayNotApprove]
    {
        for (state, kind) in S::ALL.into_iter().flat_map(|s| Kind::ALL.map(|kind| (s, kind))) {
            let mut record = in_state(state, token, owner);
            let all =
                [Choice::Approve, Choice::Reject, Choice::Edit, Choice::Respond, Choice::Abort];
            set(&mut record, json!({ "request": { "quorum": { "eyes": eyes }, "choices": all } }));
            let event = |record: &CallRecord, who| sent_by(kind.event(record, token, owner), who);
            let Some(human) = event(&record, "bob") else { continue };
            let may = apply(&record, &human, EARLY);
            for (program, names) in [
                (Principal::agent("helper"), ["helper", "HELPER ", "agent:helper"]),
                (Principal::service("rota"), ["rota", "Rota", "service:rota"]),
                // Named by a host that omits its kind.
                (Principal::new("helper"), ["helper", "h\u{200b}elper", "agent:helper"]),
            ] {
                let mut submitted = record.clone();
                set(&mut submitted, json!({ "request": { "agent": program } }));
                let mut itself = record.clone();
                set(&mut itself, json!({ "request": { "principal": program } }));
                let by_a_program = program.kind() != PrincipalKind::Human;
                let records = [Some(submitted), by_a_program.then_some(itself)];
                for record in records.iter().flatten() {
                    for who in names {
                        let refused = apply(record, &event(record, who).unwrap(), EARLY);
                        let case = format!("{eyes:?} {state:?} {kind:?} {who}: {refused:?}");
                        if may.is_ok() {
                            assert_eq!(refused, Err(Refusal::NotHuman), "{case}");
                            answers += 1;
                        } else {
                            assert!(refused.is_err(), "{case}");
                        }
                    }
                    let bob = apply(record, &event(record, "bob").unwrap(), EARLY);
                    assert_eq!(bob.is_ok(), may.is_ok(), "{kind:?} {bob:?}");
                }
            }
        }
    }
    assert!(answers > 100, "{answers}");
}

#[test]
fn invariant_7_another_attempt_is_for_those_who_had_to_agree_on_the_first() {
    let four = Requirement::new(ApprovalLevel::Full).four_eyes().quorum;
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    let mut unknown = in_state(S::OutcomeUnknown, token, owner);
    set(&mut unknown, json!({ "request": { "quorum": four } }));
    let requester = unknown.request().principal.clone();
    let resolution = Resolution::Retry { attested: true };
    let retry = Event::Resolve { version: unknown.version(), resolution, by: requester.clone() };
    let asked = changed(apply(&unknown, &retry, EARLY));
    assert_eq!(asked.state(), S::Pending);
    assert_eq!(asked.request().revision, unknown.request().revision + 1);
    assert!(asked.claim().is_none() && asked.votes().is_empty() && asked.decision().is_none());
    assert_eq!(approve(&asked, requester.as_str()), Err(Refusal::FourEyes));
    assert_eq!(changed(approve(&asked, "bob")).state(), S::Approved);
}

#[test]
fn whoever_waits_for_a_later_stage_may_edit() {
    let stages = vec![Stage::role("legal", 1), Stage::role("finance", 1)];
    let quorum = Quorum { stages, ..Quorum::ONE };
    let record = Draft::new("run", 1).quorum(quorum).call().stamped(Timestamp::EPOCH);
    let fay = ReviewerIdentity::new("fay").role("finance");
    let edit = edited(&record, record.request().edit("{}").by(fay), 2, ApprovalLevel::Full);
    let next = changed(apply(&record, &edit, EARLY));
    assert_eq!((next.state(), next.request().revision, next.votes().len()), (S::Pending, 2, 0));
}

#[test]
fn invariant_2_an_edit_voids_earlier_votes_and_is_never_cheaper() {
    let two = Quorum { stages: vec![Stage::people(2)], ..Quorum::ONE };
    let draft = Draft::new("run", 1).level(ApprovalLevel::Quick).quorum(two);
    let record = changed(approve(&draft.call().stamped(Timestamp::EPOCH), "ann"));
    let late = Event::Decide(record.request().approve().by("bob"));
    let decision = record.request().edit("{}").by("cid");
    let cheap = edited(&record, decision.clone(), 2, ApprovalLevel::Auto);
    let next = changed(apply(&record, &cheap, EARLY));
    assert_eq!((next.request().revision, next.request().level), (2, ApprovalLevel::Quick));
    assert_eq!(next.votes().iter().map(|vote| vote.by.as_str()).collect::<Vec<_>>(), ["cid"]);
    assert_eq!(apply(&next, &late, EARLY), Err(Refusal::Stale), "it was about other arguments");
    assert_eq!(apply(&next, &cheap, EARLY), Ok(Transition::Replayed));
    let [earlier] = next.prior_revisions() else { panic!("one earlier revision") };
    assert_eq!((earlier.revision, earlier.binding), (1, record.request().binding));
    assert_eq!(earlier.arguments, record.request().arguments);
    assert_eq!((earlier.edited.id, earlier.edited.by.as_str()), (decision.id, "cid"));
    assert_eq!(changed(approve(&next, "ann")).state(), S::Approved, "a new question, a new vote");
    // An edit does not answer a stricter question than the editor was shown.
    let single = Draft::new("run", 2).level(ApprovalLevel::Quick);
    let record = single.call().stamped(Timestamp::EPOCH);
    let strict = edited(&record, record.request().edit("{}").by("cid"), 2, ApprovalLevel::Full);
    let next = changed(apply(&record, &strict, EARLY));
    assert_eq!((next.state(), next.request().level), (S::Pending, ApprovalLevel::Full));
    assert!(next.votes().is_empty());
    // An edit that changes nothing is refused.
    let same = edited(&record, record.request().edit("{}").by("cid"), 1, ApprovalLevel::Quick);
    assert_eq!(apply(&record, &same, EARLY), Err(Refusal::Unchanged));
}

#[test]
fn invariant_13_edits_end() {
    let mut record = Draft::new("run", 1)
        .quorum(Requirement::new(ApprovalLevel::Full).four_eyes().quorum)
        .call()
        .stamped(Timestamp::EPOCH);
    for content in 2..18 {
        let edit =
            edited(&record, record.request().edit("{}").by("ann"), content, ApprovalLevel::Full);
        record = changed(apply(&record, &edit, EARLY));
    }
    let edit = edited(&record, record.request().edit("{}").by("ann"), 99, ApprovalLevel::Full);
    assert_eq!(apply(&record, &edit, EARLY), Err(Refusal::TooManyEdits));
}

#[test]
fn invariant_7_nobody_decides_for_a_tenant_that_is_not_theirs() {
    let record = Draft::new("run", 1).tenant("acme").call().stamped(Timestamp::EPOCH);
    for stranger in
        [ReviewerIdentity::new("bob").tenant("umbrella"), ReviewerIdentity::new("bob").sees("acme")]
    {
        assert_eq!(approve(&record, stranger.clone()), Err(Refusal::WrongTenant));
        let edit =
            edited(&record, record.request().edit("{}").by(stranger), 2, ApprovalLevel::Full);
        assert_eq!(apply(&record, &edit, EARLY), Err(Refusal::WrongTenant));
    }
    let ours = ReviewerIdentity::new("ann").tenant("acme");
    assert_eq!(changed(approve(&record, ours)).state(), S::Approved);
}

#[test]
fn invariant_5_silence_escalates_and_never_approves() {
    let record = Draft::new("run", 1)
        .level(ApprovalLevel::Quick)
        .escalate("director", 60)
        .call()
        .stamped(Timestamp::EPOCH);
    let slow = Event::Decide(record.request().approve().by("ann"));
    let late = StoreFacts {
        now: record.request().expires_at,
        claimant_dead: false,
        decision_used: false,
        frozen: false,
    };
    let next = changed(apply(&record, &Event::Expire, late));
    assert_eq!((next.state(), next.request().level), (S::Pending, ApprovalLevel::Full));
    assert_eq!(next.request().revision, 2);
    assert_eq!(next.request().expires_at.saturating_duration_since(late.now).as_secs(), 60);
    assert!(next.request().reasons.last().unwrap().contains("escalated to director"));
    let facts =
        StoreFacts { now: late.now, claimant_dead: false, decision_used: false, frozen: false };
    assert_eq!(apply(&next, &slow, facts), Err(Refusal::Stale));
    let again =
        |by: ReviewerIdentity| apply(&next, &Event::Decide(next.request().approve().by(by)), facts);
    assert_eq!(again(ReviewerIdentity::new("ann")), Err(Refusal::NotEntitled));
    let director = ReviewerIdentity::new("dora").role("director");
    assert_eq!(changed(again(director)).state(), S::Approved);
    let over = StoreFacts {
        now: next.request().expires_at,
        claimant_dead: false,
        decision_used: false,
        frozen: false,
    };
    assert_eq!(changed(apply(&next, &Event::Expire, over)).state(), S::Expired, "there is an end");
}

#[test]
fn invariant_2_a_decision_on_a_laxer_question_does_not_answer_a_stricter_one() {
    let owner = OwnerToken::new();
    let record = start(ApprovalLevel::Quick, owner);
    let facts = StoreFacts {
        now: Timestamp::from_millis(1),
        claimant_dead: false,
        decision_used: false,
        frozen: false,
    };
    let decision = Kind::Approve.event(&record, ClaimToken::new(), owner);
    let approved = changed(apply(&record, &decision, facts));
    let demote = Kind::Demote.event(&approved, ClaimToken::new(), owner);
    let asked = changed(apply(&approved, &demote, facts));
    assert_eq!(apply(&asked, &decision, facts), Err(Refusal::Stale));
    assert_ne!(asked.request().binding, record.request().binding);
}

#[test]
fn invariant_2_a_call_that_repeats_an_effect_is_asked_about_once_for_each_earlier_one() {
    let owner = OwnerToken::new();
    let record = start(ApprovalLevel::Quick, owner);
    let decision = Kind::Approve.event(&record, ClaimToken::new(), owner);
    let approved = changed(apply(&record, &decision, EARLY));
    let repeat = Kind::ShowRepeat.event(&approved, ClaimToken::new(), owner);
    let Event::ShowRepeat { earlier, .. } = &repeat else { panic!("{repeat:?}") };
    let asked = changed(apply(&approved, &repeat, EARLY));
    let request = asked.request();
    assert_eq!((request.level, request.repeats), (ApprovalLevel::Full, Some(*earlier)));
    assert_eq!(apply(&asked, &decision, EARLY), Err(Refusal::Stale));
    // No grant answers it.
    let allow = Kind::Allow.event(&asked, ClaimToken::new(), owner);
    assert_eq!(apply(&asked, &allow, EARLY), Err(Refusal::NotAllowed));
    let decision = Kind::Approve.event(&asked, ClaimToken::new(), owner);
    let again = changed(apply(&asked, &decision, EARLY));
    let (binding, reason) = (again.request().binding, String::new());
    let requirement = Requirement::new(ApprovalLevel::Full);
    let same = Event::ShowRepeat { binding, earlier: *earlier, requirement, reason };
    assert_eq!(apply(&again, &same, EARLY), Err(Refusal::Stale));
    // Other arguments have been compared with nothing yet.
    let edit = Kind::Edit.event(&asked, ClaimToken::new(), owner);
    assert_eq!(changed(apply(&asked, &edit, EARLY)).request().repeats, None);
}

#[test]
fn invariant_2_no_decision_from_before_a_restore_answers_after_it() {
    let owner = OwnerToken::new();
    let record = start(ApprovalLevel::Quick, owner);
    let facts = StoreFacts {
        now: Timestamp::from_millis(700_000),
        claimant_dead: true,
        decision_used: false,
        frozen: false,
    };
    let early = StoreFacts {
        now: Timestamp::from_millis(1),
        claimant_dead: false,
        decision_used: false,
        frozen: false,
    };
    let decision = Kind::Approve.event(&record, ClaimToken::new(), owner);
    let approved = changed(apply(&record, &decision, early));
    for held in [&record, &approved] {
        let asked = changed(apply(held, &Event::Restore, facts));
        assert_eq!((asked.state(), asked.decision()), (S::Pending, None));
        assert_eq!(apply(&asked, &decision, early), Err(Refusal::Stale));
        assert!(asked.request().reasons.last().unwrap().contains("look whether it has"));
        assert!(asked.request().expires_at > facts.now, "there is time to look");
    }
}

fn stages() -> impl Strategy<Value = Vec<Stage>> {
    let role = proptest::sample::select(vec!["legal", "finance", "ops"]);
    let stage = (0..3_u32, proptest::collection::btree_map(role, 1..3_u32, 0..3)).prop_map(
        |(people, roles)| Stage {
            people,
            roles: roles.into_iter().map(|(role, n)| (role.to_owned(), n)).collect(),
        },
    );
    proptest::collection::vec(stage, 0..3)
}

fn requirements() -> impl Strategy<Value = Requirement> {
    let level = proptest::sample::select(vec![
        ApprovalLevel::Auto,
        ApprovalLevel::Quick,
        ApprovalLevel::Full,
    ]);
    (level, any::<bool>(), stages()).prop_map(|(level, four, stages)| {
        let one = Requirement::new(level).quorum(Quorum { stages, ..Quorum::ONE });
        if four { one.four_eyes() } else { one }
    })
}

proptest! {
    /// Requirements are a join-semilattice: joined in any order they give the same result, which is
    /// at least as strict as each of them.
    #[test]
    fn invariant_2_requirements_only_rise(a in requirements(), b in requirements(), c in requirements()) {
        prop_assert_eq!(a.join(&b), b.join(&a));
        prop_assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
        prop_assert_eq!(a.join(&a), a.clone());
        prop_assert!(a.is_met_by(&a.join(&b)) && b.is_met_by(&a.join(&b)));
        if a.is_met_by(&b) && b.is_met_by(&c) {
            prop_assert!(a.is_met_by(&c));
        }
    }

    /// People who satisfy the stricter stage satisfy the laxer one.
    #[test]
    fn invariant_2_who_satisfies_more_satisfies_less(
        a in stages(), b in stages(),
        people in proptest::collection::vec(
            proptest::collection::vec(proptest::sample::select(vec!["legal", "finance", "ops"]), 0..3), 0..7),
    ) {
        let people: Vec<Vec<String>> = people.into_iter()
            .map(|roles| roles.into_iter().map(str::to_owned).collect()).collect();
        let voters: Vec<&[String]> = people.iter().map(Vec::as_slice).collect();
        for (a, b) in a.iter().zip(&b) {
            if a.join(b).missing(&voters) == 0 {
                prop_assert_eq!((a.missing(&voters), b.missing(&voters)), (0, 0));
            }
        }
    }
}
