//! A reviewer stops a run: calls that have not started are withdrawn, and nothing else is affected.

use crate::faulty;
use crate::support;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use faulty::{Fault, Faulty};
use hitl_core::{
    CallContext, CallError, CallKey, CallState, Gate, GateErrorKind, MemoryStore, NotRunReason,
    Outcome, Store as _, Submission, Ticket,
};
use support::{World, ask, bench, tools, until};

async fn waiting(gate: &Gate, run: &str, position: u64, by: CallContext) -> Ticket {
    match gate.submit(ask("well?")).by(by).key(run, position).await.unwrap() {
        Submission::Pending(ticket) => ticket,
        done @ Submission::Done { .. } => panic!("{done:?}"),
    }
}

async fn state(gate: &Gate, run: &str, position: u64) -> CallState {
    gate.unscoped().get_by_key(&CallKey::new(run, position)).await.unwrap().unwrap().state()
}

#[tokio::test(start_paused = true)]
async fn invariant_5_an_abort_stops_the_run_and_what_it_delegated_and_no_other() {
    let bench = bench().await;
    let gate = &bench.gate;
    let ann = || CallContext::new("ann");
    let stopped = waiting(gate, "run", 0, ann()).await;
    let approved = waiting(gate, "run", 1, ann()).await;
    gate.decide(approved.request().approve().by("bob")).await.unwrap();
    // A started call continues to its end.
    let running = waiting(gate, "run", 2, ann()).await;
    gate.decide(running.request().approve().by("bob")).await.unwrap();
    let held = bench.world.hold();
    let running = tokio::spawn(async move { running.wait().await });
    bench.world.started().await;
    bench.world.let_go();
    let delegated = ann().delegated_by(&CallKey::new("run", 0));
    let sub_agent = waiting(gate, "sub", 0, delegated).await;
    let other_run = waiting(gate, "other", 0, ann()).await;
    let other_tenant = waiting(gate, "run", 9, ann().tenant("acme")).await;
    // More calls than are read in one page.
    for position in 100..350 {
        drop(waiting(gate, "run", position, ann()).await);
    }
    gate.decide(stopped.request().abort("wrong customer").by("dora")).await.unwrap();

    let outcome = stopped.wait().await.unwrap();
    assert_eq!(outcome, Outcome::Aborted { reason: "wrong customer".to_owned() });
    assert_eq!(outcome.for_model().status, "aborted");
    let why = "the run was stopped by dora: wrong customer".to_owned();
    let withdrawn = Outcome::Cancelled { reason: why };
    assert_eq!(approved.wait().await.unwrap(), withdrawn);
    assert_eq!(sub_agent.wait().await.unwrap(), withdrawn);
    for position in 100..350 {
        assert_eq!(state(gate, "run", position).await, CallState::Cancelled);
    }
    assert_eq!(state(gate, "other", 0).await, CallState::Pending);
    let other =
        gate.unscoped().get(&"acme".into(), other_tenant.request().id).await.unwrap().unwrap();
    assert_eq!(other.state(), CallState::Pending);
    held.add_permits(1);
    assert!(matches!(running.await.unwrap().unwrap(), Outcome::Executed(_)));
    assert_eq!(bench.world.ran(), 1);
    let by_dora = bench.audit.records().into_iter();
    let by_dora =
        by_dora.filter(|record| record.by.as_ref().is_some_and(|by| by.as_str() == "dora"));
    assert_eq!(by_dora.count(), 1 + 252, "each is in the audit, in the reviewer's name");
    drop(other_run);
}

#[tokio::test]
async fn the_caller_of_an_aborted_call_is_told_to_stop() {
    let bench = bench().await;
    let gate = bench.gate.clone();
    let call = tokio::spawn(async move { gate.call(ask("x")).by("ann").key("run", 0).await });
    let key = CallKey::new("run", 0);
    until("it waits", async || bench.gate.unscoped().get_by_key(&key).await.unwrap().is_some())
        .await;
    let record = bench.gate.unscoped().get_by_key(&key).await.unwrap().unwrap();
    bench.gate.decide(record.request().abort("enough").by("dora")).await.unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "a reviewer stopped the run: enough");
    assert!(matches!(error, CallError::NotRun(NotRunReason::Aborted { .. })));
    assert_eq!(bench.world.ran(), 0);
}

/// Wherever the store fails, repeating the decision finishes the abort.
#[tokio::test(start_paused = true)]
async fn invariant_4_an_abort_that_fails_half_way_is_finished_by_the_same_decision() {
    for fault in [Fault::Before, Fault::After] {
        for at in 0.. {
            let (world, memory) = (World::default(), MemoryStore::new());
            let whole = tools(Gate::builder()).state(world.clone()).store(memory.clone());
            let whole = whole.build().await.unwrap();
            let first = waiting(&whole, "run", 0, "ann".into()).await;
            for position in 1..4 {
                drop(waiting(&whole, "run", position, "ann".into()).await);
            }
            let count = Arc::new(AtomicUsize::new(0));
            let store = Faulty { inner: memory.clone(), fault, at, for_ever: false, count };
            let gate = tools(Gate::builder()).state(world.clone()).store(store.clone());
            let gate = gate.skip_recovery().build().await.unwrap();
            let decision = first.request().abort("enough").by("dora");
            let failed = gate.decide(decision.clone()).await;
            if let Err(error) = &failed {
                assert_eq!(error.kind(), GateErrorKind::Store, "{fault:?} {at}");
                whole.decide(decision).await.unwrap();
            }
            for position in 0..4 {
                assert_eq!(
                    state(&whole, "run", position).await,
                    CallState::Cancelled,
                    "{fault:?} {at}"
                );
            }
            let record = memory.get_by_key(&CallKey::new("run", 0)).await.unwrap().unwrap();
            assert_eq!((record.decision().is_some(), world.ran()), (true, 0));
            if failed.is_ok() && store.count.load(std::sync::atomic::Ordering::SeqCst) <= at {
                assert!(at > 3, "the decision and three withdrawals: {at}");
                break;
            }
        }
    }
}
