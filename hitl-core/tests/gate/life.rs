//! Callers that go away, bodies that run late, panic or fail, and secrets on the way.

use crate::support;

use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;
use hitl_core::approval::{DecisionKind, ScriptedApprover, channel};
use hitl_core::machine::Refusal;
use hitl_core::{
    CallError, CallKey, CallState, Gate, MemoryStore, NotRunReason, Outcome, Resolution,
    Store as _, Submission, Tenant,
};
use support::{Bench, Slow, World, ask, bench, bench_with, note, pay, tools, until};

async fn state(bench: &Bench, run: &str) -> Option<CallState> {
    bench
        .gate
        .unscoped()
        .get_by_key(&CallKey::new(run, 0))
        .await
        .unwrap()
        .map(|record| record.state())
}

#[tokio::test]
async fn invariant_12_dropping_an_attached_call_withdraws_it_while_it_waits() {
    let bench = bench().await;
    let gate = bench.gate.clone();
    let waiting = tokio::spawn(async move { gate.call(pay("c", 1.0)).by("ann").key("r", 0).await });
    until("pending", async || state(&bench, "r").await == Some(CallState::Pending)).await;
    waiting.abort();
    until("cancelled", async || state(&bench, "r").await == Some(CallState::Cancelled)).await;
    assert_eq!(bench.events(), ["requested", "cancelled"]);
    // And it stays so: the same key finds it cancelled.
    let error = bench.gate.call(pay("c", 1.0)).by("ann").key("r", 0).await.unwrap_err();
    assert!(
        matches!(error, CallError::NotRun(NotRunReason::Cancelled { reason }) if reason.contains("went away"))
    );
}

#[tokio::test]
async fn invariant_12_a_submitted_call_outlives_its_ticket() {
    let bench = bench().await;
    drop(bench.gate.submit(pay("c", 1.0)).by("ann").key("r", 0).await.unwrap());
    let again = bench.gate.submit(pay("c", 1.0)).by("ann").key("r", 0).await.unwrap();
    assert!(again.receipt().reattached && matches!(again, Submission::Pending(_)));
    assert_eq!(bench.events(), ["requested"]);
}

#[tokio::test]
async fn invariant_12_re_attaching_takes_ownership_over() {
    let bench = bench().await;
    let gate = bench.gate.clone();
    let first = tokio::spawn(async move { gate.call(pay("c", 1.0)).by("ann").key("r", 0).await });
    until("pending", async || state(&bench, "r").await == Some(CallState::Pending)).await;
    let Submission::Pending(ticket) =
        bench.gate.submit(pay("c", 1.0)).by("ann").key("r", 0).await.unwrap()
    else {
        panic!("not pending")
    };
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    bench.gate.decide(ticket.request().approve().by("dora")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(bench.world.ran(), 1);
}

#[tokio::test]
async fn a_ticket_withdraws_what_it_owns_and_only_that() {
    let bench = bench().await;
    let submit =
        async || match bench.gate.submit(pay("c", 1.0)).by("ann").key("r", 0).await.unwrap() {
            Submission::Pending(ticket) => ticket,
            Submission::Done { .. } => panic!("not pending"),
        };
    let (old, new) = (submit().await, submit().await);
    let refused = old.cancel("mine?").await.unwrap_err();
    assert_eq!(refused.refusal(), Some(hitl_core::Refusal::NotOwner));
    new.cancel("changed my mind").await.unwrap();
    assert_eq!(old.wait().await.unwrap(), Outcome::Cancelled { reason: "changed my mind".into() });
}

#[tokio::test]
async fn invariant_12_a_body_that_has_started_runs_to_its_end_without_its_caller() {
    let bench = bench().await;
    let hold = bench.world.hold();
    let gate = bench.gate.clone();
    let caller = tokio::spawn(async move { gate.call(note("a")).by("ann").key("r", 0).await });
    bench.world.started().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    assert_eq!(state(&bench, "r").await, Some(CallState::Claimed));
    // A caller who comes back waits for the one body that runs.
    let gate = bench.gate.clone();
    let back = tokio::spawn(async move { gate.call(note("a")).by("ann").key("r", 0).await });
    hold.add_permits(10);
    assert_eq!(back.await.unwrap().unwrap(), "a");
    assert_eq!((bench.world.ran(), bench.events()), (1, vec!["claimed".into(), "executed".into()]));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_runs_out_of_time_is_unknown_and_its_late_result_settles_it() {
    let bench = bench().await;
    let hold = bench.world.hold();
    let error = bench.gate.call(Slow {}).by("ann").key("r", 0).await.unwrap_err();
    assert!(matches!(error, CallError::Unknown { key, .. } if key == CallKey::new("r", 0)));
    assert_eq!(state(&bench, "r").await, Some(CallState::OutcomeUnknown));
    let parked = bench.gate.call(Slow {}).by("ann").key("r", 0).await.unwrap_err();
    assert!(matches!(parked, CallError::Unknown { .. }), "it is not run again");
    hold.add_permits(10);
    until("settled", async || state(&bench, "r").await == Some(CallState::Executed)).await;
    assert_eq!(bench.gate.call(Slow {}).by("ann").key("r", 0).await.unwrap(), 7);
    assert_eq!(
        (bench.world.ran(), bench.events()),
        (1, vec!["claimed".into(), "unknown".into(), "executed".into()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_human_settles_what_is_unknown() {
    let bench = bench().await;
    let _hold = bench.world.hold();
    for (run, how, then) in [
        ("done", Resolution::Executed, CallState::Executed),
        ("failed", Resolution::Failed { reason: "half of it".into() }, CallState::Failed),
    ] {
        bench.gate.call(Slow {}).by("ann").key(run, 0).await.unwrap_err();
        let record =
            bench.gate.unscoped().get_by_key(&CallKey::new(run, 0)).await.unwrap().unwrap();
        bench.gate.resolve(&record, how.clone(), "dora").await.unwrap();
        assert_eq!(state(&bench, run).await, Some(then));
        assert!(bench.gate.resolve(&record, how, "eve").await.is_err(), "once");
    }
    let outcome = bench.gate.submit(Slow {}).by("ann").key("done", 0).await.unwrap();
    let Submission::Done { outcome: Outcome::Executed(output), .. } = outcome else {
        panic!("not executed")
    };
    assert_eq!(output.json(), None, "nobody heard what it said");
    let error = bench.gate.call(Slow {}).by("ann").key("done", 0).await.unwrap_err();
    assert!(matches!(error, CallError::OutputUnavailable { .. }));
}

#[tokio::test(start_paused = true)]
async fn invariant_3_a_retry_needs_a_human_who_attests_that_the_first_attempt_is_over() {
    let bench = bench().await;
    let hold = bench.world.hold();
    bench.gate.call(Slow {}).by("ann").key("r", 0).await.unwrap_err();
    let record = bench.gate.unscoped().get_by_key(&CallKey::new("r", 0)).await.unwrap().unwrap();
    let hasty = bench
        .gate
        .resolve(&record, Resolution::Retry { attested: false }, "dora")
        .await
        .unwrap_err();
    assert_eq!(hasty.refusal(), Some(hitl_core::Refusal::Alive));
    bench.gate.resolve(&record, Resolution::Retry { attested: true }, "dora").await.unwrap();
    assert_eq!(bench.world.ran(), 1, "settling runs nothing");
    hold.add_permits(10);
    // The late result of the first attempt must not resolve the second.
    assert_eq!(bench.gate.call(Slow {}).by("ann").key("r", 0).await.unwrap(), 7);
    let record = bench.gate.unscoped().get_by_key(&CallKey::new("r", 0)).await.unwrap().unwrap();
    assert_eq!((record.state(), record.attempts(), bench.world.ran()), (CallState::Executed, 2, 2));
}

#[tokio::test]
async fn invariant_8_a_failure_and_a_panic_are_kept_without_the_secret() {
    let bench = bench_with(|b| b.approver(ScriptedApprover::approving("bob"))).await;
    for (to, panicked) in [("nobody", false), ("panic", true)] {
        let Submission::Pending(ticket) =
            bench.gate.submit(pay(to, 1.0)).by("ann").key(to, 0).await.unwrap()
        else {
            panic!("not pending")
        };
        bench.gate.decide(ticket.request().approve().by("dora")).await.unwrap();
        let Outcome::Failed(failure) = ticket.wait().await.unwrap() else { panic!("not failed") };
        assert_eq!(failure.panicked, panicked);
        assert!(failure.message.contains("[redacted]"), "{}", failure.message);
        assert_eq!(state(&bench, to).await, Some(CallState::Failed));
    }
    let everything = format!(
        "{:?} {:?} {:?}",
        bench.audit.records(),
        bench
            .gate
            .unscoped()
            .list(&Tenant::default(), hitl_core::PageRequest::all())
            .await
            .unwrap(),
        bench.gate.assess(&pay("c", 1.0), "ann").unwrap(),
    );
    // Not "9731", which the digits of random ids may spell.
    assert!(!everything.contains("-secret"), "{everything}");
}

#[tokio::test]
async fn invariant_8_what_is_stored_is_sealed() {
    let bench = bench().await;
    let Submission::Pending(ticket) = bench.gate.submit(pay("carol", 1.0)).by("ann").await.unwrap()
    else {
        panic!("not pending")
    };
    let sealed =
        bench.store.payload(&Tenant::default(), ticket.request().id).await.unwrap().unwrap();
    let has =
        |needle: &[u8]| sealed.as_bytes().windows(needle.len()).any(|window| window == needle);
    assert!(!has(b"9731") && !has(b"carol"));
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_takes_too_long_expires_and_nothing_runs() {
    let clock = ManualClock::at(Timestamp::now());
    let (world, store) = (World::default(), MemoryStore::with_clock(clock.clone()));
    let gate = tools(Gate::builder()).state(world.clone()).store(store).build().await.unwrap();
    let submit =
        async |run: &str| match gate.submit(pay("c", 1.0)).by("ann").key(run, 0).await.unwrap() {
            Submission::Pending(ticket) => ticket,
            Submission::Done { .. } => panic!("not pending"),
        };
    let (undecided, approved) = (submit("a").await, submit("b").await);
    clock.advance(Duration::from_secs(599));
    gate.decide(approved.request().approve().by("dora")).await.unwrap();
    clock.advance(Duration::from_secs(1));
    let late = gate.decide(undecided.request().approve().by("dora")).await.unwrap_err();
    assert_eq!(late.refusal(), Some(hitl_core::Refusal::Expired));
    assert_eq!(undecided.wait().await.unwrap(), Outcome::Expired);
    assert_eq!(
        approved.wait().await.unwrap(),
        Outcome::Expired,
        "an approval does not keep for ever"
    );
    assert_eq!(world.ran(), 0);
}

#[tokio::test]
async fn serving_runs_what_was_submitted_and_approved_but_not_what_somebody_waits_for() {
    let bench = bench_with(|b| b).await;
    let server = bench.gate.clone();
    let serving = tokio::spawn(async move { server.serve().await });
    let Submission::Pending(ticket) =
        bench.gate.submit(pay("c", 2.0)).by("ann").key("s", 0).await.unwrap()
    else {
        panic!("not pending")
    };
    bench.gate.decide(ticket.request().approve().by("dora")).await.unwrap();
    until("served", async || state(&bench, "s").await == Some(CallState::Executed)).await;

    // An attached call whose caller has gone belongs to that caller.
    let (approver, mut questions) = channel(1);
    let other = tools(Gate::builder())
        .state(bench.world.clone())
        .store(bench.store.clone())
        .approver(approver);
    let other = other.build().await.unwrap();
    let gate = other.clone();
    let caller = tokio::spawn(async move { gate.call(ask("hi")).by("ann").key("c", 0).await });
    let question = questions.recv().await.unwrap();
    bench.gate.decide(question.request.approve().by("dora")).await.unwrap();
    assert_eq!(caller.await.unwrap().unwrap(), "hi");
    assert_eq!(bench.world.log(), ["pay default/s#0", "ask default/c#0"]);
    serving.abort();
}

#[tokio::test]
async fn invariant_10_a_body_whose_process_died_is_unknown_after_recovery_and_does_not_run_again() {
    let bench = bench().await;
    let _hold = bench.world.hold();
    let gate = bench.gate.clone();
    let caller = tokio::spawn(async move { gate.call(note("a")).by("ann").key("r", 0).await });
    bench.world.started().await;
    let claim = bench
        .gate
        .unscoped()
        .get_by_key(&CallKey::new("r", 0))
        .await
        .unwrap()
        .unwrap()
        .claim()
        .unwrap();

    // A second gate on the same store takes nothing from a living session.
    let second = || tools(Gate::builder()).state(bench.world.clone()).store(bench.store.clone());
    let living = second().build().await.unwrap();
    assert_eq!(state(&bench, "r").await, Some(CallState::Claimed));

    bench.store.close_session(claim.session).await.unwrap();
    let recovered = living.recover().await.unwrap();
    assert_eq!((recovered.unknown, recovered.expired), (1, 0));
    let error = living.call(note("a")).by("ann").key("r", 0).await.unwrap_err();
    assert!(matches!(error, CallError::Unknown { .. }));
    assert_eq!(bench.world.ran(), 1);
    caller.abort();
}

#[tokio::test(start_paused = true)]
async fn invariant_4_another_answer_under_the_id_of_a_decision_is_no_replay() {
    let b = bench().await;
    let submitted = b.gate.submit(ask("a")).by("ann").await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    let approved = ticket.request().approve().by("bob");
    let mut rejected = ticket.request().reject("no").by("bob");
    rejected.id = approved.id;
    b.gate.decide(approved.clone()).await.unwrap();
    assert!(b.gate.decide(rejected).await.is_err(), "it was told that its rejection stands");
    let stands = b.gate.decide(approved).await.unwrap();
    assert_eq!(stands.state(), CallState::Approved);
}

#[tokio::test(start_paused = true)]
async fn a_blank_reason_is_no_reason() {
    let b = bench().await;
    let submitted = b.gate.submit(pay("bob", 1.0)).by("ann").await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    // As it may come over a wire, bypassing `reject`.
    let mut blank = ticket.request().reject("no").by("bob");
    blank.answer = DecisionKind::Reject {
        reason: Some(" \n".to_owned()),
        again: hitl_core::approval::RepeatPolicy::Refused,
    };
    let refused = b.gate.decide(blank).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::ReasonRequired));
}
