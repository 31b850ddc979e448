//! The state machine of a call: every pair of state and event, and random histories.

use crate::machine_support as machine;

use std::collections::BTreeSet;

use hitl_base::Timestamp;
use hitl_core::grant::GrantUse;
use hitl_core::machine::{
    CallRecord, CallState as S, EditedRevision, Event, Reask, Refusal, StoreFacts, Transition,
};
use hitl_core::policy::{Quorum, Stage};
use hitl_core::store::suite::{Draft, facts};
use hitl_core::{
    Amount, ApprovalLevel, ClaimToken, DecisionId, OwnerToken, Principal, RequestId, Risk,
    ToolFacts,
};
use machine::*;
use proptest::prelude::*;
use serde_json::json;

/// Every row of the table, with its guards satisfied: from, event, to.
const TABLE: &[(S, Kind, S)] = &[
    (S::Pending, Kind::Approve, S::Approved),
    (S::Pending, Kind::Reject, S::Rejected),
    (S::Pending, Kind::Respond, S::Responded),
    (S::Pending, Kind::Abort, S::Cancelled),
    (S::Pending, Kind::Attach, S::Pending),
    (S::Approved, Kind::Attach, S::Approved),
    (S::Claimed, Kind::Attach, S::Claimed),
    (S::OutcomeUnknown, Kind::Attach, S::OutcomeUnknown),
    (S::Pending, Kind::CancelByOwner, S::Cancelled),
    (S::Approved, Kind::CancelByOwner, S::Cancelled),
    (S::Pending, Kind::CancelByHost, S::Cancelled),
    (S::Approved, Kind::CancelByHost, S::Cancelled),
    (S::Pending, Kind::Expire, S::Expired),
    (S::Approved, Kind::Expire, S::Expired),
    (S::Pending, Kind::Extend, S::Pending),
    (S::Pending, Kind::Assign, S::Pending),
    (S::Approved, Kind::Demote, S::Pending),
    (S::Approved, Kind::ShowRepeat, S::Pending),
    (S::Approved, Kind::Deny, S::Denied),
    (S::Pending, Kind::Deny, S::Denied),
    (S::Pending, Kind::Reask, S::Pending),
    (S::Approved, Kind::Reask, S::Pending),
    (S::Approved, Kind::Claim, S::Claimed),
    (S::Claimed, Kind::Release, S::Approved),
    (S::Claimed, Kind::Succeed, S::Executed),
    (S::OutcomeUnknown, Kind::Succeed, S::Executed),
    (S::Claimed, Kind::Fail, S::Failed),
    (S::OutcomeUnknown, Kind::Fail, S::Failed),
    (S::Claimed, Kind::TimeOut, S::OutcomeUnknown),
    (S::Claimed, Kind::Lose, S::OutcomeUnknown),
    (S::Pending, Kind::Restore, S::Pending),
    (S::Approved, Kind::Restore, S::Pending),
    (S::Claimed, Kind::Restore, S::OutcomeUnknown),
    (S::OutcomeUnknown, Kind::MarkExecuted, S::Executed),
    (S::OutcomeUnknown, Kind::MarkFailed, S::Failed),
    (S::OutcomeUnknown, Kind::Retry, S::Approved),
    (S::OutcomeUnknown, Kind::TryAgain, S::Approved),
    (S::OutcomeUnknown, Kind::Lose, S::OutcomeUnknown),
    (S::OutcomeUnknown, Kind::FoundEffect, S::Executed),
    (S::OutcomeUnknown, Kind::FoundNoEffect, S::Approved),
    (S::Pending, Kind::Edit, S::Approved),
    (S::Pending, Kind::Allow, S::Approved),
    (S::Approved, Kind::Disallow, S::Pending),
    (S::Approved, Kind::TakeBack, S::Pending),
    (S::Pending, Kind::CancelBySibling, S::Cancelled),
    (S::Approved, Kind::CancelBySibling, S::Cancelled),
    (S::Executed, Kind::Deliver, S::Executed),
    (S::Failed, Kind::Deliver, S::Failed),
    (S::Rejected, Kind::Deliver, S::Rejected),
    (S::Responded, Kind::Deliver, S::Responded),
    (S::Expired, Kind::Deliver, S::Expired),
    (S::Cancelled, Kind::Deliver, S::Cancelled),
    (S::Denied, Kind::Deliver, S::Denied),
];

/// The differences after an attempt with an unknown outcome: an event that would end a call that
/// did not run leaves this one parked.
const TRIED: &[(S, Kind, S)] = &[
    (S::Pending, Kind::Reject, S::OutcomeUnknown),
    (S::Pending, Kind::Respond, S::OutcomeUnknown),
    (S::Pending, Kind::Abort, S::OutcomeUnknown),
    (S::Pending, Kind::CancelByOwner, S::OutcomeUnknown),
    (S::Approved, Kind::CancelByOwner, S::OutcomeUnknown),
    (S::Pending, Kind::CancelByHost, S::OutcomeUnknown),
    (S::Approved, Kind::CancelByHost, S::OutcomeUnknown),
    (S::Pending, Kind::Expire, S::OutcomeUnknown),
    (S::Approved, Kind::Expire, S::OutcomeUnknown),
    (S::Approved, Kind::Deny, S::OutcomeUnknown),
    (S::Pending, Kind::Deny, S::OutcomeUnknown),
];

/// The differences while there is an escalation left, while one vote is not enough, and where an
/// edit needs another person or asks for more than was shown.
const WAITS: &[(S, Kind, S)] = &[
    (S::Pending, Kind::Expire, S::Pending),
    (S::Pending, Kind::Approve, S::Pending),
    (S::Pending, Kind::Edit, S::Pending),
];

#[test]
fn invariant_11_every_pair_is_a_row_of_the_table_or_refused() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    let mut rows = 0;
    for state in S::ALL {
        for kind in Kind::ALL {
            let mut record = in_state(state, token, owner);
            match kind {
                Kind::Disallow => {
                    let drawn = GrantUse::new(the_grant().id(), Amount::ZERO);
                    set(&mut record, json!({ "granted": drawn }));
                }
                Kind::TakeBack => set_approved_by(&mut record, "alice"),
                Kind::FoundNoEffect => set(&mut record, json!({ "overSince": EARLY.now })),
                Kind::CancelBySibling => {
                    let draft = Draft::new("run", 1).together("b", &[1, 2]);
                    let batch = draft.call().stamped(EARLY.now).batch().cloned();
                    set(&mut record, json!({ "batch": batch }));
                }
                _ => {}
            }
            let now = match kind {
                Kind::Expire => record.request().expires_at,
                _ => Timestamp::from_millis(1),
            };
            let event = kind.event(&record, token, owner);
            let result = apply(
                &record,
                &event,
                StoreFacts { now, claimant_dead: true, decision_used: false, frozen: false },
            );
            let row = TABLE.iter().find(|(from, k, _)| (*from, *k) == (state, kind));
            match (row, result) {
                (Some((_, _, to)), Ok(Transition::Changed(next))) => {
                    rows += 1;
                    assert_eq!(next.state(), *to, "{state} {kind:?}");
                    assert_eq!((next.version(), next.updated_at()), (record.version() + 1, now));
                }
                (None, Err(refusal)) => {
                    assert_eq!(refusal, Refusal::State { state, event: event.name() });
                }
                // The record is in the state to which this same event would have led.
                (None, Ok(Transition::Replayed)) => {
                    let own = [(S::Claimed, Kind::Claim), (S::OutcomeUnknown, Kind::TimeOut)];
                    assert!(own.contains(&(state, kind)), "{state} {kind:?} is no replay");
                }
                (row, result) => panic!("{state} {kind:?}: {row:?}, {result:?}"),
            }
        }
    }
    assert_eq!(rows, TABLE.len());
}

#[test]
fn invariant_11_nothing_leaves_a_terminal_state() {
    let terminal: BTreeSet<S> = S::ALL.into_iter().filter(|state| state.is_terminal()).collect();
    assert_eq!(terminal.len(), 7);
    // That an outcome was delivered changes no outcome.
    let (delivered, rest): (Vec<_>, Vec<_>) =
        TABLE.iter().partition(|(_, kind, _)| *kind == Kind::Deliver);
    assert!(delivered.iter().all(|(from, _, to)| from == to && terminal.contains(from)));
    assert!(rest.iter().all(|(from, ..)| !terminal.contains(from)));
    let left: BTreeSet<S> = rest.iter().map(|(from, ..)| *from).collect();
    assert!(S::ALL.iter().all(|state| terminal.contains(state) != left.contains(state)));
}

#[test]
fn each_guard_refuses_with_its_own_reason() {
    let (token, owner, now) = (ClaimToken::new(), OwnerToken::new(), Timestamp::from_millis(1));
    let refuse = |record: &CallRecord, event: Event, now, claimant_dead| {
        apply(
            record,
            &event,
            StoreFacts { now, claimant_dead, decision_used: false, frozen: false },
        )
        .unwrap_err()
    };
    let stranger = ClaimToken::new();
    for kind in [Kind::Release, Kind::Succeed, Kind::Fail, Kind::TimeOut] {
        let record = in_state(S::Claimed, token, owner);
        let refusal = refuse(&record, kind.event(&record, stranger, owner), now, true);
        assert_eq!(refusal, Refusal::NotClaimant, "{kind:?}");
    }
    let claimed = in_state(S::Claimed, token, owner);
    assert_eq!(refuse(&claimed, Event::ExecutorLost, now, false), Refusal::Alive);
    let approved = in_state(S::Approved, token, owner);
    let late = approved.request().expires_at;
    assert_eq!(
        refuse(&approved, Kind::Claim.event(&approved, token, owner), late, false),
        Refusal::Expired
    );
    assert_eq!(refuse(&approved, Event::Expire, now, false), Refusal::NotDue);
    let not_mine = Kind::CancelByOwner.event(&approved, token, OwnerToken::new());
    assert_eq!(refuse(&approved, not_mine, now, false), Refusal::NotOwner);
    let mut stale = approved.clone();
    let binding = in_other_call().request().binding;
    set(&mut stale, json!({ "request": { "binding": binding } }));
    for kind in [Kind::Claim, Kind::Demote, Kind::ShowRepeat, Kind::Deny, Kind::Reask] {
        let refusal = refuse(&approved, kind.event(&stale, token, owner), now, false);
        assert_eq!(refusal, Refusal::Stale, "{kind:?}");
    }
}

fn in_other_call() -> CallRecord {
    Draft::new("run", 2).content(2).call().stamped(Timestamp::EPOCH)
}

#[test]
fn invariant_11_what_was_tried_is_never_said_not_to_have_run() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    for (from, kind, to) in TRIED {
        let mut record = in_state(*from, token, owner);
        set(&mut record, json!({ "attempts": 1 }));
        let now = match kind {
            Kind::Expire => record.request().expires_at,
            _ => Timestamp::from_millis(1),
        };
        let event = kind.event(&record, token, owner);
        let next = changed(apply(
            &record,
            &event,
            StoreFacts { now, claimant_dead: true, decision_used: false, frozen: false },
        ));
        assert_eq!(next.state(), *to, "{from} {kind:?}");
        let Some(hitl_core::machine::EndReason::Reason(why)) = next.end_reason() else {
            panic!("{next:?}")
        };
        assert!(why.contains("how the earlier attempt ended is not known"), "{why}");
        assert!(!why.is_empty() && why.contains("it is not tried again"), "{why}");
    }
    // And its arguments stay: its idempotency key represents them.
    let mut record = in_state(S::Pending, token, owner);
    set(&mut record, json!({ "attempts": 1 }));
    let event = Kind::Edit.event(&record, token, owner);
    let facts = StoreFacts {
        now: Timestamp::from_millis(1),
        claimant_dead: true,
        decision_used: false,
        frozen: false,
    };
    assert_eq!(apply(&record, &event, facts), Err(Refusal::AlreadyTried));
}

#[test]
fn what_waits_for_others_waits() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    for (from, kind, to) in WAITS {
        let draft = Draft::new("run", 1).owner(owner).escalate("director", 60);
        let two = Quorum { stages: vec![Stage::people(2)], ..Quorum::ONE };
        let record = draft.quorum(two).call().stamped(Timestamp::EPOCH);
        assert_eq!(record.state(), *from);
        let now = match kind {
            Kind::Expire => record.request().expires_at,
            _ => Timestamp::from_millis(1),
        };
        let event = kind.event(&record, token, owner);
        let next = changed(apply(
            &record,
            &event,
            StoreFacts { now, claimant_dead: true, decision_used: false, frozen: false },
        ));
        assert_eq!(next.state(), *to, "{from} {kind:?}");
    }
}

#[test]
fn invariant_3_an_idempotent_tool_is_tried_again_only_so_often_and_only_when_the_attempt_is_over() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    let mut record = in_state(S::OutcomeUnknown, token, owner);
    set(&mut record, json!({ "attempts": 1 }));
    let again = |record: &CallRecord, facts, most| {
        apply(record, &Event::RetryIdempotent { version: record.version(), most }, facts)
    };
    let dead = StoreFacts {
        now: Timestamp::from_millis(1),
        claimant_dead: true,
        decision_used: false,
        frozen: false,
    };
    assert_eq!(again(&record, EARLY, 3), Err(Refusal::Alive));
    assert_eq!(again(&record, dead, 1), Err(Refusal::TooManyAttempts));
    let late = StoreFacts {
        now: record.request().expires_at,
        claimant_dead: true,
        decision_used: false,
        frozen: false,
    };
    assert_eq!(again(&record, late, 3), Err(Refusal::Expired), "what was approved has an end");
    let stale = Event::RetryIdempotent { version: record.version() + 1, most: 3 };
    assert_eq!(apply(&record, &stale, dead), Err(Refusal::Stale));
    let next = changed(again(&record, dead, 3));
    assert_eq!((next.state(), next.claim(), next.attempts()), (S::Approved, None, 1));
    let late_result = Event::Succeed { token };
    assert!(apply(&next, &late_result, dead).is_err(), "the old token is void");
    set(&mut record, json!({ "request": { "hints": { "idempotent": false } } }));
    assert_eq!(again(&record, dead, 3), Err(Refusal::NotAllowed));
}

/// A random attempt: the event, one of a few tokens, the delay, and whether the author sees the
/// current or the first record.
#[derive(Clone, Debug)]
struct Attempt {
    kind: Kind,
    token: usize,
    later: u64,
    dead: bool,
    outdated: bool,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let attempt = (
        proptest::sample::select(&Kind::ALL[..]),
        0..3_usize,
        prop_oneof![6 => 0..5_u64, 1 => 0..400_u64],
        any::<bool>(),
        proptest::bool::weighted(0.2),
    )
        .prop_map(|(kind, token, later, dead, outdated)| Attempt {
            kind,
            token,
            later,
            dead,
            outdated,
        });
    proptest::collection::vec(attempt, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// In any order of events: versions count changes, terminal is terminal, a token is live only
    /// while the call is claimed or parked, attempts only grow by claims, and requirements only
    /// rise.
    #[test]
    fn invariant_11_random_lives_keep_the_rules(attempts in attempts()) {
        let tokens: Vec<_> = (0..3).map(|_| ClaimToken::new()).collect();
        let owner = OwnerToken::new();
        let mut first = start(ApprovalLevel::Quick, owner);
        set(&mut first, json!({ "request": { "graceMs": 1_000 } }));
        let id: RequestId = first.id();
        let (mut record, mut now) = (first.clone(), 0_u64);
        let mut events: Vec<Event> = Vec::new();
        for Attempt { kind, token, later, dead, outdated } in attempts {
            now += later * 1000;
            let seen = if outdated { &first } else { &record };
            let event = kind.event(seen, tokens[token], owner);
            let facts = StoreFacts {
                now: Timestamp::from_millis(i64::try_from(now).unwrap()),
                claimant_dead: dead && record.claim().is_some(),
                decision_used: false,
                frozen: false,
            };
            let next = match apply(&record, &event, facts) {
                Ok(Transition::Changed(next)) => next,
                Ok(Transition::Replayed) => {
                    prop_assert!(events.contains(&event) || kind == Kind::Claim
                        || matches!(kind, Kind::Succeed | Kind::Fail | Kind::TimeOut));
                    continue;
                }
                Err(_) => continue,
            };
            // Only the delivery of the outcome is noted afterwards.
            let noted = kind == Kind::Deliver && next.state() == record.state();
            prop_assert!(noted || !record.state().is_terminal(), "{} is terminal", record.state());
            prop_assert_eq!(next.version(), record.version() + 1);
            prop_assert_eq!(next.id(), id);
            prop_assert_eq!(next.updated_at(), facts.now);
            prop_assert!(next.request().level >= record.request().level);
            prop_assert!(next.request().revision >= record.request().revision);
            let row = (record.state(), kind, next.state());
            let known = TABLE.contains(&row) && !(record.attempts() > 0 && next.state().is_terminal()
                && matches!(record.state(), S::Pending | S::Approved))
                || record.attempts() > 0 && TRIED.contains(&row);
            prop_assert!(known, "{} {:?} {} is no row", record.state(), kind, next.state());
            match kind {
                Kind::Claim => prop_assert_eq!(next.attempts(), record.attempts() + 1),
                Kind::Release | Kind::FoundNoEffect => {
                    prop_assert_eq!(next.attempts() + 1, record.attempts());
                }
                _ => prop_assert_eq!(next.attempts(), record.attempts()),
            }
            prop_assert!(next.state() != S::Claimed || next.claim().is_some());
            prop_assert!(next.attempts() == 0 || !matches!(next.state(),
                S::Rejected | S::Responded | S::Expired | S::Cancelled | S::Denied),
                "what was tried is never said not to have run");
            prop_assert!(record.request().requirement().is_met_by(&next.request().requirement()));
            if matches!(next.state(), S::Pending | S::Approved) {
                prop_assert!(next.claim().is_none(), "no token outlives its claim");
            }
            // Applying the same event again changes nothing.
            if let Ok(Transition::Changed(twice)) = apply(&next, &event, facts) {
                let again = matches!(kind, Kind::Attach | Kind::Restore);
                prop_assert!(again, "{:?} -> {}", kind, twice.state());
            }
            events.push(event);
            record = next;
        }
    }

    /// A record in any state survives serialisation.
    #[test]
    fn invariant_10_records_round_trip(attempts in attempts()) {
        let (token, owner) = (ClaimToken::new(), OwnerToken::new());
        let mut record = start(ApprovalLevel::Quick, owner);
        for attempt in attempts {
            let facts = StoreFacts { now: Timestamp::from_millis(5), claimant_dead: attempt.dead, decision_used: false, frozen: false };
            let event = attempt.kind.event(&record, token, owner);
            if let Ok(Transition::Changed(next)) = apply(&record, &event, facts) {
                let text = serde_json::to_string(&next).unwrap();
                prop_assert_eq!(&serde_json::from_str::<CallRecord>(&text).unwrap(), &next);
                record = next;
            }
        }
    }
}

#[test]
fn an_event_names_the_person_who_caused_it() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    let record = start(ApprovalLevel::Quick, owner);
    let event = |kind: Kind| kind.event(&record, token, owner);
    let (alice, olga) = (Principal::new("alice"), Principal::new("olga"));
    for kind in [Kind::CancelByHost, Kind::MarkExecuted, Kind::MarkFailed, Kind::Retry, Kind::Allow]
    {
        assert_eq!(event(kind).by(), Some(&olga), "{kind:?}");
    }
    for kind in [Kind::Approve, Kind::Reject, Kind::Edit, Kind::Extend, Kind::Assign] {
        assert_eq!(event(kind).by(), Some(&alice), "{kind:?}");
    }
    for kind in [Kind::CancelByOwner, Kind::CancelBySibling, Kind::Expire, Kind::Claim, Kind::Lose]
    {
        assert_eq!(event(kind).by(), None, "{kind:?}");
    }
}

#[test]
fn a_call_that_is_stamped_in_place_shares_its_request_and_is_what_stamping_gives() {
    let at = Timestamp::from_millis(1_000);
    let mut call = Draft::new("run", 3).call();
    let record = call.stamped(at);
    call.stamp(at);
    let shared = call.stamped(at);
    assert_eq!(shared, record);
    assert!(std::ptr::eq(shared.request(), call.stamped(at).request()));
    // A later stamp counts, and leaves earlier copies unchanged.
    let later = call.stamped(Timestamp::from_millis(2_000));
    assert_eq!(later.request().created_at, Timestamp::from_millis(2_000));
    assert!(later.request().expires_at > shared.request().expires_at);
    assert_eq!(shared, record);
}

/// Returns the tool of a call with one change after the other; each is a different question.
fn changed_tools(record: &CallRecord) -> Vec<(&'static str, ToolFacts)> {
    let mut tools = Vec::new();
    let mut with = |what, change: fn(&mut ToolFacts)| {
        let mut tool = facts(record);
        change(&mut tool);
        tools.push((what, tool));
    };
    with("fingerprint", |tool| tool.fingerprint = "0".repeat(64).parse().unwrap());
    with("build", |tool| tool.build = Some("2.0".to_owned()));
    with("no build", |tool| tool.build = None);
    with("approve label", |tool| tool.approve_label.push('!'));
    with("reject label", |tool| tool.reject_label.push('!'));
    with("approval type", |tool| tool.approval_type.push('!'));
    with("risk", |tool| tool.risk = Risk::Critical);
    with("destructive", |tool| tool.hints.destructive = true);
    with("a reason", |tool| tool.requires_reason = true);
    with("fewer answers", |tool| tool.choices.truncate(1));
    tools
}

#[test]
fn invariant_2_a_changed_tool_is_another_question_and_the_same_tool_is_none() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    for state in [S::Pending, S::Approved] {
        let record = in_state(state, token, owner);
        let reask = |tool| {
            let reask = Reask::new(record.request().binding, tool, "asked again");
            apply(&record, &Event::Reask(Box::new(reask)), EARLY)
        };
        assert_eq!(reask(facts(&record)), Err(Refusal::Stale), "nothing has changed");
        let mut other = facts(&record);
        other.name.push('2');
        assert_eq!(reask(other), Err(Refusal::Stale), "it is another tool");
        for (what, tool) in changed_tools(&record) {
            let next = changed(reask(tool.clone()));
            assert_eq!((next.state(), next.request().revision), (S::Pending, 2), "{what}");
            assert_ne!(next.request().binding, record.request().binding, "{what}");
            assert!(next.is_unread(), "nobody who has the tool has read the arguments: {what}");
            assert!(tool.is_of(next.request()), "{what}");
            assert_eq!(next.request().arguments, record.request().arguments);
            assert_eq!(next.request().reasons.last().map(String::as_str), Some("asked again"));
            // An answer to the first question does not answer this one in any state.
            let refused = apply(&next, &Event::Decide(record.request().approve().by("bob")), EARLY);
            assert_eq!(refused, Err(Refusal::Stale), "{what}");
        }
    }
}

#[test]
fn invariant_2_a_binding_of_the_first_rule_runs_nothing() {
    let owner = OwnerToken::new();
    let old = Draft::new("run", 1).owner(owner).bound_by_the_first_rule();
    let old = old.call().stamped(Timestamp::EPOCH);
    let approved = changed(approve(&old, "alice"));
    let claim = Kind::Claim.event(&approved, ClaimToken::new(), owner);
    assert_eq!(apply(&approved, &claim, EARLY), Err(Refusal::Stale));
    let reask = Reask::new(approved.request().binding, facts(&approved), "by the rule of now");
    let asked = changed(apply(&approved, &Event::Reask(Box::new(reask)), EARLY));
    assert_eq!((asked.state(), asked.request().binding_version), (S::Pending, 2));
    let approved = changed(approve(&asked, "alice"));
    let claim = Kind::Claim.event(&approved, ClaimToken::new(), owner);
    assert_eq!(changed(apply(&approved, &claim, EARLY)).state(), S::Claimed);
    // An older record has no binding version and no build.
    let text = serde_json::to_string(&old).unwrap();
    let text = text.replace(r#","bindingVersion":1"#, "");
    assert!(!text.contains("bindingVersion") && !text.contains("build"), "{text}");
    assert_eq!(serde_json::from_str::<CallRecord>(&text).unwrap(), old);
}

#[test]
fn a_change_never_makes_a_question_laxer_and_keeps_few_reasons() {
    let owner = OwnerToken::new();
    let mut record = start(ApprovalLevel::Full, owner);
    let risk = record.request().risk;
    for round in 0..100 {
        let mut tool = facts(&record);
        tool.build = Some(round.to_string());
        tool.risk = hitl_core::Risk::Low;
        let reask = Reask::new(record.request().binding, tool, format!("asked again: {round}"));
        record = changed(apply(&record, &Event::Reask(Box::new(reask)), EARLY));
        assert_eq!((record.request().risk, record.request().level), (risk, ApprovalLevel::Full));
    }
    assert!(record.request().reasons.len() <= 32, "{}", record.request().reasons.len());
    let late = StoreFacts {
        now: record.request().expires_at,
        claimant_dead: false,
        decision_used: false,
        frozen: false,
    };
    let mut tool = facts(&record);
    tool.build = None;
    let reask = Reask::new(record.request().binding, tool, "too late");
    let refused = apply(&record, &Event::Reask(Box::new(reask)), late);
    assert_eq!(refused, Err(Refusal::Expired), "it does not gain time");
}

#[test]
fn invariant_3_what_was_tried_is_not_asked_about_with_other_arguments() {
    let owner = OwnerToken::new();
    let mut record = start(ApprovalLevel::Full, owner);
    set(&mut record, json!({ "attempts": 1 }));
    let mut tool = facts(&record);
    tool.build = Some("2.0".to_owned());
    let same = Reask::new(record.request().binding, tool.clone(), "why");
    assert_eq!(changed(apply(&record, &Event::Reask(Box::new(same)), EARLY)).attempts(), 1);
    let revised = EditedRevision {
        content: "7".repeat(64).parse().unwrap(),
        arguments: record.request().arguments.clone(),
        masks: Vec::new(),
        more_masks: 0,
        contents: Vec::new(),
        preview: None,
        links: Vec::new(),
        title: "Another".to_owned(),
        effect: None,
        assessment: record.request().assessment.clone(),
        requirement: record.request().requirement(),
        reasons: Vec::new(),
        priority: record.request().priority,
        unread: false,
    };
    let other = Reask::new(record.request().binding, tool, "why").revision(revised);
    let refused = apply(&record, &Event::Reask(Box::new(other)), EARLY);
    assert_eq!(refused, Err(Refusal::AlreadyTried));
}

#[test]
fn invariant_9b_a_changed_tool_is_shown_with_the_masks_of_its_arguments() {
    let record = start(ApprovalLevel::Full, OwnerToken::new());
    let mut tool = facts(&record);
    tool.build = Some("2.0".to_owned());
    let mask = r#"{"at":"/note","reason":"shape","characters":40,"fingerprint":"0123456789"}"#;
    let revised = EditedRevision {
        content: "7".repeat(64).parse().unwrap(),
        arguments: record.request().arguments.clone(),
        masks: vec![serde_json::from_str(mask).unwrap()],
        more_masks: 3,
        contents: Vec::new(),
        preview: None,
        links: Vec::new(),
        title: "Another".to_owned(),
        effect: None,
        assessment: record.request().assessment.clone(),
        requirement: record.request().requirement(),
        reasons: Vec::new(),
        priority: record.request().priority,
        unread: false,
    };
    let asked = Reask::new(record.request().binding, tool, "why").revision(revised.clone());
    let next = changed(apply(&record, &Event::Reask(Box::new(asked)), EARLY));
    assert_eq!((&next.request().masks, next.request().more_masks), (&revised.masks, 3));
}

#[test]
fn invariant_7_what_ran_unasked_is_settled_and_asked_about_by_humans() {
    use hitl_core::policy::RequesterRule;
    use hitl_core::{Principal, machine::Resolution};
    let mut record = start(ApprovalLevel::Auto, OwnerToken::new());
    set(&mut record, json!({ "request": { "quorum": Quorum::ONE } }));
    set(&mut record, json!({ "state": S::OutcomeUnknown }));
    set(&mut record, json!({ "attempts": 1 }));
    let retry = |by: &str| Event::Resolve {
        resolution: Resolution::Retry { attested: true },
        version: record.version(),
        by: Principal::new(by),
    };
    let facts =
        StoreFacts { now: EARLY.now, claimant_dead: true, decision_used: false, frozen: false };
    assert_eq!(apply(&record, &retry("agent:x"), facts), Err(Refusal::NotHuman));
    assert_eq!(changed(apply(&record, &retry("bob"), facts)).state(), S::Approved);
    set(&mut record, json!({ "state": S::Approved }));
    let asked = changed(apply(&record, &Event::Restore, facts));
    assert_eq!(asked.state(), S::Pending);
    assert_eq!(
        (asked.request().level, asked.request().quorum.eyes),
        (ApprovalLevel::Quick, RequesterRule::ByLevel)
    );
    assert_eq!(asked.request().quorum.deciders, hitl_core::policy::Deciders::HUMANS);
}

#[test]
fn invariant_3_another_try_is_not_edited() {
    let mut record = start(ApprovalLevel::Full, OwnerToken::new());
    let earlier = json!({ "call": record.id(), "first": record.key(), "attempts": 1 });
    set(&mut record, json!({ "retryOf": earlier }));
    let decision = record.request().edit(r#"{"amount":1}"#).by("bob");
    let edit = hitl_core::store::suite::edited(&record, decision, 77, ApprovalLevel::Full);
    assert_eq!(apply(&record, &edit, EARLY), Err(Refusal::AlreadyTried));
}

/// Whether its tenant is frozen makes a difference to a claim, and to no other event.
#[test]
fn invariant_5_a_freeze_refuses_claims_and_nothing_else() {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    for state in S::ALL {
        for kind in Kind::ALL {
            let record = in_state(state, token, owner);
            let event = kind.event(&record, token, owner);
            let of = |frozen| apply(&record, &event, StoreFacts { frozen, ..EARLY });
            match (of(false), of(true)) {
                (Ok(Transition::Changed(_)), frozen) if matches!(event, Event::Claim { .. }) => {
                    assert_eq!(frozen, Err(Refusal::Frozen), "{state} {kind:?}");
                }
                (open, frozen) => assert_eq!(open, frozen, "{state} {kind:?}"),
            }
        }
    }
}

/// Sets a decision by somebody, whose grace has not ended.
fn set_approved_by(record: &mut CallRecord, by: &str) {
    let answer = serde_json::to_value(hitl_core::approval::DecisionKind::Approve).unwrap();
    let decided = json!({ "id": DecisionId::new(), "answer": answer, "by": by, "at": EARLY.now });
    let later = Timestamp::from_millis(1_000);
    set(record, json!({ "decided": decided, "claimableFrom": later }));
}

/// Records of before there was a grace start at once.
#[test]
fn a_record_without_a_grace_is_read_as_one_that_starts_at_once() {
    let record = in_state(S::Approved, ClaimToken::new(), OwnerToken::new());
    let text = serde_json::to_string(&record).unwrap();
    assert!(!text.contains("claimableFrom") && !text.contains("graceMs"), "{text}");
    assert_eq!(serde_json::from_str::<CallRecord>(&text).unwrap().claimable_from(), None);
}
