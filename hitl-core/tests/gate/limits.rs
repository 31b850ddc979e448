//! A caller waits only as long as it wants to: then its call is withdrawn, unless it has started.

use crate::support;

use std::future::IntoFuture as _;
use std::time::Duration;

use futures::FutureExt as _;
use hitl_core::approval::{ScriptedApprover, channel};
use hitl_core::call::Outcome;
use hitl_core::gate::{LeftCall, WaitTimeout};
use hitl_core::{
    AuditEvent, CallError, CallKey, CallRecord, CallState, Gate, GateErrorKind, NotRunReason,
    Submission, Tenant,
};
use support::{Bench, Slow, ask, bench, bench_with, note, pay, tools};
use tokio::time::{Instant, sleep};

const LIMIT: Duration = Duration::from_secs(60);

fn timed_out<T: std::fmt::Debug>(result: Result<T, CallError<String>>) -> WaitTimeout {
    match result {
        Err(CallError::NotRun(NotRunReason::TimedOut(timeout))) => *timeout,
        other => panic!("it has run out of its time, and yet: {other:?}"),
    }
}

async fn record(gate: &Gate) -> CallRecord {
    gate.unscoped().get_by_key(&CallKey::new("r", 0)).await.unwrap().unwrap()
}

fn count(b: &Bench, event: AuditEvent) -> usize {
    b.audit.records().iter().filter(|record| record.event == event).count()
}

#[tokio::test(start_paused = true)]
async fn invariant_12_a_call_that_nobody_decides_is_withdrawn_at_its_limit() {
    let b = bench().await;
    let began = Instant::now();
    let result = b.gate.call(pay("x", 1.0)).by("ann").key("r", 0).max_wait(LIMIT).await;
    assert_eq!(began.elapsed(), LIMIT);
    let record = record(&b.gate).await;
    let message = result.as_ref().unwrap_err().to_string();
    assert!(message.contains(&record.id().to_string()), "{message}");
    assert!(message.contains("60s") && message.contains("withdrawn"), "{message}");
    let for_model = result.as_ref().unwrap_err().for_model();
    assert!(for_model.text.contains("It did not run"), "{for_model:?}");
    let timeout = timed_out(result);
    assert_eq!(
        (timeout.id(), timeout.limit(), timeout.left()),
        (record.id(), LIMIT, LeftCall::Withdrawn)
    );
    assert_eq!(record.state(), CallState::Cancelled);
    assert_eq!((count(&b, AuditEvent::Cancelled), b.world.ran()), (1, 0));
    // Too late.
    let late = b.gate.decide(record.request().approve().by("bob")).await.unwrap_err();
    assert_eq!(late.kind(), GateErrorKind::Refused);
    assert_eq!(b.world.ran(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_limit_counts_the_time_of_a_question() {
    let (approver, mut questions) = channel(1);
    let b = bench_with(|g| g.approver(approver)).await;
    let began = Instant::now();
    let call = b.gate.call(ask("x")).by("ann").key("r", 0).max_wait(LIMIT).into_future();
    let (result, question) = tokio::join!(call, async {
        let question = questions.recv().await.unwrap();
        sleep(LIMIT * 2).await;
        question
    });
    assert_eq!(timed_out(result).left(), LeftCall::Withdrawn);
    assert!(began.elapsed() == LIMIT * 2 && question.is_withdrawn());
    assert_eq!((record(&b.gate).await.state(), b.world.ran()), (CallState::Cancelled, 0));
}

#[tokio::test(start_paused = true)]
async fn a_decision_within_the_limit_counts_and_the_body_may_take_longer() {
    let b = bench_with(|g| g.approver(ScriptedApprover::approving("bob"))).await;
    // Even no time is enough for an approver that answers at once.
    b.gate.call(ask("x")).by("ann").max_wait(Duration::ZERO).await.unwrap();
    b.world.started().await;
    let held = b.world.hold();
    let call = b.gate.call(ask("x")).by("ann").max_wait(LIMIT).into_future();
    let release = async {
        b.world.started().await;
        sleep(LIMIT * 3).await;
        held.add_permits(1);
    };
    let (result, ()) = tokio::join!(call, release);
    assert_eq!(result.unwrap(), "x");
    // A call that nobody is asked about does not wait.
    b.world.let_go();
    b.gate.call(note("x")).by("ann").max_wait(Duration::ZERO).await.unwrap();
    assert_eq!(b.world.ran(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_another_caller_has_taken_over_still_waits() {
    let b = bench().await;
    let call = b.gate.call(pay("x", 1.0)).by("ann").key("r", 0).max_wait(LIMIT).into_future();
    let other = async {
        sleep(LIMIT / 2).await;
        b.gate.submit(pay("x", 1.0)).by("ann").key("r", 0).await.unwrap()
    };
    let (result, other) = tokio::join!(call, other);
    let message = result.as_ref().unwrap_err().to_string();
    let timeout = timed_out(result);
    assert_eq!(timeout.left(), LeftCall::StillWaits);
    let id = timeout.id();
    let how = format!("only this process can decide it, with `Gate::decide`: call {id}");
    assert!(message.ends_with(&how), "{message}");
    let Submission::Pending(ticket) = other else { panic!("it waits") };
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(b.world.ran(), 1);
}

#[tokio::test(start_paused = true)]
async fn invariant_12_a_call_that_another_executor_has_started_is_waited_for_to_its_end() {
    let b = bench().await;
    let other = tools(Gate::builder()).state(b.world.clone()).store(b.store.clone());
    let other = other.build().await.unwrap();
    let held = b.world.hold();
    let mut call =
        Box::pin(b.gate.call(pay("x", 2.0)).by("ann").key("r", 0).max_wait(LIMIT).into_future());
    assert!(tokio::time::timeout(LIMIT / 2, &mut call).await.is_err());
    let waiting = record(&b.gate).await;
    other.decide(waiting.request().approve().by("bob")).await.unwrap();
    let id = waiting.id();
    let running = tokio::spawn(async move { other.adopt(&Tenant::default(), id).await });
    b.world.started().await;
    let began = Instant::now();
    assert!(tokio::time::timeout(LIMIT * 2, &mut call).await.is_err(), "it has started");
    assert_eq!(began.elapsed(), LIMIT * 2);
    held.add_permits(1);
    assert!(matches!(call.await.unwrap(), amount if amount.to_bits() == 2.0_f64.to_bits()));
    running.await.unwrap().unwrap();
    assert_eq!((b.world.ran(), record(&b.gate).await.state()), (1, CallState::Executed));
}

#[tokio::test(start_paused = true)]
async fn invariant_4_a_decision_in_the_moment_of_the_limit_counts_or_the_withdrawal_does() {
    let mut ran = 0;
    for polls in 0..40 {
        let b = bench().await;
        let call = b.gate.call(ask("x")).by("ann").key("r", 0).max_wait(LIMIT).into_future();
        let decide = async {
            sleep(LIMIT).await;
            for _ in 0..polls {
                tokio::task::yield_now().await;
            }
            let request = record(&b.gate).await.request().clone();
            b.gate.decide(request.approve().by("bob")).await
        };
        let (result, decided) = tokio::join!(call, decide);
        let state = record(&b.gate).await.state();
        match result {
            Ok(_) => {
                assert!(decided.is_ok());
                assert_eq!((state, b.world.ran()), (CallState::Executed, 1));
                ran += 1;
            }
            Err(error) => {
                assert_eq!(timed_out::<()>(Err(error)).left(), LeftCall::Withdrawn);
                assert_eq!((state, b.world.ran()), (CallState::Cancelled, 0));
            }
        }
        let ends = count(&b, AuditEvent::Executed) + count(&b, AuditEvent::Cancelled);
        assert_eq!(ends, 1, "{:?}", b.events());
    }
    assert!(ran < 40, "the limit never counts");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_waits_for_a_while_and_leaves_the_call_waiting() {
    let b = bench().await;
    let submitted = b.gate.submit(pay("x", 3.0)).by("ann").key("r", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    let began = Instant::now();
    assert!(ticket.wait_for(LIMIT).await.unwrap().is_none());
    assert_eq!(began.elapsed(), LIMIT);
    assert!(ticket.wait_for(Duration::ZERO).await.unwrap().is_none());
    assert_eq!(record(&b.gate).await.state(), CallState::Pending);
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    // A body that it starts runs to its end.
    let held = b.world.hold();
    let release = async {
        b.world.started().await;
        sleep(LIMIT * 2).await;
        held.add_permits(1);
    };
    let (outcome, ()) = tokio::join!(ticket.wait_for(LIMIT), release);
    let Some(Outcome::Executed(output)) = outcome.unwrap() else { panic!("it ran") };
    assert_eq!((output.json(), b.world.ran()), (Some("3.0"), 1));
}

#[tokio::test(start_paused = true)]
async fn a_ticket_does_not_wait_for_another_executor_beyond_its_limit() {
    let b = bench().await;
    let submitted = b.gate.submit(pay("x", 3.0)).by("ann").key("r", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    let held = b.world.hold();
    let gate = b.gate.clone();
    let serving = tokio::spawn(async move { gate.serve().await });
    b.world.started().await;
    assert!(ticket.wait_for(LIMIT).await.unwrap().is_none(), "it runs elsewhere");
    held.add_permits(1);
    assert!(matches!(ticket.wait_for(LIMIT).await.unwrap(), Some(Outcome::Executed(_))));
    serving.abort();
    assert_eq!(b.world.ran(), 1);
}

#[tokio::test(start_paused = true)]
async fn invariant_12_a_call_with_a_limit_dropped_around_it_is_withdrawn() {
    for polls in 0..60 {
        let b = bench().await;
        {
            let call = b.gate.call(pay("x", 1.0)).by("ann").key("r", 0).max_wait(LIMIT);
            let mut call = Box::pin(call.into_future());
            assert!((&mut call).now_or_never().is_none());
            for _ in 0..20 {
                tokio::task::yield_now().await;
                assert!((&mut call).now_or_never().is_none());
            }
            tokio::time::advance(LIMIT).await;
            for _ in 0..polls {
                if (&mut call).now_or_never().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!((record(&b.gate).await.state(), b.world.ran()), (CallState::Cancelled, 0));
        assert_eq!(count(&b, AuditEvent::Cancelled), 1, "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tools_own_timeout_is_not_the_callers_limit() {
    let b = bench().await;
    let _held = b.world.hold();
    let result = b.gate.call(Slow {}).by("ann").max_wait(Duration::ZERO).await;
    assert!(matches!(result, Err(CallError::Unknown { .. })), "{result:?}");
}
