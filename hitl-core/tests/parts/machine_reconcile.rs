//! The answers of a tool's own reconcile about attempts of unknown outcome.

use crate::machine_support as machine;

use hitl_base::Timestamp;
use hitl_core::machine::{
    CallRecord, CallState as S, EndReason, Event, ReconcileAnswer, Refusal, Resolution, StoreFacts,
};
use hitl_core::{ApprovalLevel, ClaimToken, OwnerToken};
use machine::*;
use serde_json::json;

const DEAD: StoreFacts = StoreFacts {
    now: Timestamp::from_millis(7),
    claimant_dead: true,
    decision_used: false,
    frozen: false,
};

fn found(record: &CallRecord, answer: ReconcileAnswer) -> Event {
    Event::Reconcile { version: record.version(), answer }
}

fn no_effect(record: &CallRecord, most: u32) -> Event {
    found(record, ReconcileAnswer::NotExecuted { most })
}

/// Returns a call that was claimed and timed out; its executor may be alive.
fn timed_out() -> (CallRecord, ClaimToken) {
    let (token, owner) = (ClaimToken::new(), OwnerToken::new());
    let record = start(ApprovalLevel::Quick, owner);
    let record = changed(approve(&record, "alice"));
    let record = changed(apply(&record, &Kind::Claim.event(&record, token, owner), EARLY));
    (changed(apply(&record, &Event::TimeOut { token }, EARLY)), token)
}

#[test]
fn invariant_3_no_effect_counts_only_if_the_executor_was_dead_when_the_tool_was_asked() {
    let (parked, token) = timed_out();
    assert_eq!(apply(&parked, &no_effect(&parked, 3), EARLY), Err(Refusal::Alive));
    // The executor died after the question: the answer may be older than what the body did.
    assert_eq!(apply(&parked, &no_effect(&parked, 3), DEAD), Err(Refusal::Alive));
    assert_eq!(apply(&parked, &Event::ExecutorLost, EARLY), Err(Refusal::Alive));
    let over = changed(apply(&parked, &Event::ExecutorLost, DEAD));
    assert_eq!((over.state(), over.end_reason()), (S::OutcomeUnknown, parked.end_reason()));
    assert_eq!(apply(&over, &no_effect(&parked, 3), DEAD), Err(Refusal::Stale));
    let open = changed(apply(&over, &no_effect(&over, 3), DEAD));
    assert_eq!((open.state(), open.claim(), open.end_reason()), (S::Approved, None, None));
    assert_eq!((open.attempts(), open.attempts_without_effect()), (0, 1));
    let stored = serde_json::to_string(&open).unwrap();
    assert_eq!(serde_json::from_str::<CallRecord>(&stored).unwrap(), open);
    assert!(open.decision().is_some(), "it runs on the approval that it has");
    for late in [Event::Succeed { token }, Kind::Fail.event(&open, token, OwnerToken::new())] {
        assert!(apply(&open, &late, DEAD).is_err(), "the old token is void");
    }
    // The next attempt is another one: what was known about the last does not count for it.
    let again = Kind::Claim.event(&open, ClaimToken::new(), OwnerToken::new());
    let again = changed(apply(&open, &again, DEAD));
    let Event::Claim { token, .. } =
        Kind::Claim.event(&again, again.claim().unwrap().token, OwnerToken::new())
    else {
        panic!("it is a claim")
    };
    let parked = changed(apply(&again, &Event::TimeOut { token }, DEAD));
    assert_eq!(apply(&parked, &no_effect(&parked, 3), DEAD), Err(Refusal::Alive));
}

#[test]
fn invariant_3_a_body_that_never_has_an_effect_starts_only_so_often() {
    let owner = OwnerToken::new();
    let mut record = changed(approve(&start(ApprovalLevel::Quick, owner), "alice"));
    let mut started = 0;
    loop {
        let token = ClaimToken::new();
        record = changed(apply(&record, &Kind::Claim.event(&record, token, owner), DEAD));
        started += 1;
        record = changed(apply(&record, &Event::ExecutorLost, DEAD));
        match apply(&record, &no_effect(&record, 3), DEAD) {
            Err(refusal) => {
                assert_eq!((refusal, started), (Refusal::TooManyAttempts, 3));
                break;
            }
            found => record = changed(found),
        }
    }
    assert_eq!(record.state(), S::OutcomeUnknown, "a human settles it");
    let resolve = Event::Resolve {
        version: record.version(),
        resolution: Resolution::Retry { attested: false },
        by: "olga".into(),
    };
    assert_eq!(changed(apply(&record, &resolve, DEAD)).state(), S::Approved);
}

#[test]
fn invariant_11_what_took_no_effect_and_ends_is_said_not_to_have_run() {
    let (parked, _) = timed_out();
    let over = changed(apply(&parked, &Event::ExecutorLost, DEAD));
    let open = changed(apply(&over, &no_effect(&over, 3), DEAD));
    let late = StoreFacts { now: open.request().expires_at, ..DEAD };
    assert_eq!(changed(apply(&open, &Event::Expire, late)).state(), S::Expired);
}

#[test]
fn invariant_3_a_call_that_was_ended_after_its_attempt_does_not_start_again() {
    let (parked, _) = timed_out();
    let over = changed(apply(&parked, &Event::ExecutorLost, DEAD));
    let retry = Event::RetryIdempotent { version: over.version(), most: 3 };
    let open = changed(apply(&over, &retry, DEAD));
    let cancelled = Kind::CancelByHost.event(&open, ClaimToken::new(), OwnerToken::new());
    let parked = changed(apply(&open, &cancelled, DEAD));
    assert_eq!(parked.state(), S::OutcomeUnknown);
    assert_eq!(apply(&parked, &no_effect(&parked, 9), DEAD), Err(Refusal::NotAllowed));
    let done = changed(apply(&parked, &found(&parked, ReconcileAnswer::Executed), DEAD));
    assert_eq!(done.state(), S::Executed, "and yet it may have taken effect");
    // The record of a restored store may miss an attempt.
    let mut restored = over;
    set(&mut restored, json!({ "restored": true }));
    assert_eq!(apply(&restored, &no_effect(&restored, 3), DEAD), Err(Refusal::NotAllowed));
    let done = apply(&restored, &found(&restored, ReconcileAnswer::Executed), DEAD);
    assert_eq!(changed(done).state(), S::Executed);
}

#[test]
fn invariant_11_an_effect_ends_the_call_and_a_late_result_changes_nothing() {
    let (parked, token) = timed_out();
    let done = changed(apply(&parked, &found(&parked, ReconcileAnswer::Executed), EARLY));
    assert_eq!((done.state(), done.attempts(), done.claim()), (S::Executed, 1, None));
    assert!(done.is_reconciled());
    let Some(EndReason::Reason(why)) = done.end_reason() else { panic!("{done:?}") };
    assert!(why.contains("reconcile"), "{why}");
    assert!(apply(&done, &Event::Succeed { token }, EARLY).is_err());
    assert!(apply(&done, &found(&done, ReconcileAnswer::Executed), EARLY).is_err());
    // A human was first.
    let resolution = Resolution::Failed { reason: "not booked".to_owned() };
    let by = "olga".into();
    let failed = Event::Resolve { version: parked.version(), resolution, by };
    let failed = changed(apply(&parked, &failed, EARLY));
    assert!(apply(&failed, &found(&parked, ReconcileAnswer::Executed), EARLY).is_err());
}
