//! Steps of a task that wait for a human.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod human_steps_retry;

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hitl::prelude::*;
use hitl::store::PageRequest;
use hitl::tasks::{StepContext, Task, TaskId, TaskManager, TaskState};
use hitl::{CallRecord, CallState, Gate, GateInTask as _, Tenant};

/// A counter of the bodies.
#[derive(Clone, Default)]
struct Bodies(Arc<AtomicU32>);

/// Wires money.
#[hitl_tool(risk = "high", base_confidence = 50, expires = "30d")]
async fn wire(#[hitl(state)] bodies: Bodies, to: String, amount: u32) -> String {
    bodies.0.fetch_add(1, Ordering::SeqCst);
    format!("{amount} to {to}")
}

async fn gate() -> (Gate, Bodies) {
    let bodies = Bodies::default();
    (Gate::builder().tool::<Wire>().state(bodies.clone()).build().await.unwrap(), bodies)
}

/// Waits until one call is in that state.
async fn one(gate: &Gate, state: CallState) -> CallRecord {
    for _ in 0..100_000 {
        let found =
            gate.unscoped().list(&Tenant::default(), PageRequest::new(&[state])).await.unwrap();
        if let [record] = found.as_slice() {
            return record.clone();
        }
        tokio::task::yield_now().await;
    }
    panic!("no call is {state}");
}

async fn pay(cx: StepContext, gate: Gate) -> Result<String, String> {
    let outcome =
        gate.call_in(&cx, wire("Initech", 120_u32)).by("agent").await.map_err(|e| e.to_string())?;
    match outcome {
        Outcome::Executed(output) => Ok(output.parse().unwrap()),
        other => Err(format!("{other:?}")),
    }
}

fn task(gate: &Gate) -> Task<String> {
    let gate = gate.clone();
    let step = TaskStep::new("Pay", move |cx: StepContext| pay(cx, gate.clone()));
    Task::new("Settle").step(step.timeout(Duration::from_secs(5))).timeout(Duration::from_secs(10))
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_human_counts_against_no_budget_and_holds_no_slot() {
    let (gate, bodies) = gate().await;
    let manager = TaskManager::builder().max_concurrent(1).build().unwrap();
    let handle = manager.submit(task(&gate)).unwrap();
    let record = one(&gate, CallState::Pending).await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(handle.state(), TaskState::Waiting);
    // The only slot is free.
    let other =
        Task::new("other").step(TaskStep::new("s", |_: StepContext| async { Ok::<_, String>(1) }));
    assert_eq!(manager.submit(other).unwrap().wait().await.unwrap(), 1);
    gate.decide(record.request().approve().by("dora")).await.unwrap();
    assert_eq!(handle.wait().await.unwrap(), "120 to Initech");
    assert_eq!(bodies.0.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_submitted_again_asks_nobody_twice_and_runs_nothing_twice() {
    let (gate, bodies) = gate().await;
    let id = TaskId::new();
    for round in 0..3 {
        let manager = TaskManager::builder().build().unwrap();
        let handle = manager.submit(task(&gate).id(id)).unwrap();
        if round == 0 {
            let record = one(&gate, CallState::Pending).await;
            gate.decide(record.request().approve().by("dora")).await.unwrap();
        }
        assert_eq!(handle.wait().await.unwrap(), "120 to Initech");
    }
    let calls = gate.unscoped().list(&Tenant::default(), PageRequest::all()).await.unwrap();
    assert_eq!((calls.len(), bodies.0.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(calls[0].key().run.as_str(), format!("task/{id}/step/0"));
}

#[tokio::test(start_paused = true)]
async fn cancelling_the_task_withdraws_what_it_waits_for() {
    let (gate, bodies) = gate().await;
    let manager = TaskManager::builder().build().unwrap();
    let handle = manager.submit(task(&gate)).unwrap();
    let record = one(&gate, CallState::Pending).await;
    handle.cancel("changed my mind");
    assert!(handle.wait().await.is_err());
    let withdrawn = one(&gate, CallState::Cancelled).await;
    assert_eq!(withdrawn.id(), record.id());
    assert!(gate.decide(record.request().approve().by("dora")).await.is_err());
    assert_eq!(bodies.0.load(Ordering::SeqCst), 0);
}

/// Looks at a balance, which nobody is asked about.
#[hitl_tool(read_only, base_confidence = 95)]
async fn look(#[hitl(state)] bodies: Bodies) -> u32 {
    bodies.0.fetch_add(1, Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_step_waits_off_the_clock_while_it_is_frozen_and_nothing_of_the_task_is_lost() {
    let bodies = Bodies::default();
    let builder = Gate::builder().tool::<Wire>().tool::<Look>().state(bodies.clone());
    let gate = builder.build().await.unwrap();
    let all = hitl::store::FreezeScope::All;
    gate.freeze(all.clone(), "an incident", "eve").await.unwrap();
    let manager = TaskManager::builder().build().unwrap();
    let reads = gate.clone();
    let read = Task::new("Look").step(
        TaskStep::new("Look", move |cx: StepContext| {
            let gate = reads.clone();
            async move {
                match gate.call_in(&cx, look()).by("agent").await.map_err(|e| e.to_string())? {
                    Outcome::Executed(_) => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            }
        })
        .timeout(Duration::from_secs(5)),
    );
    let (read, paid) = (manager.submit(read).unwrap(), manager.submit(task(&gate)).unwrap());
    // A call is asked about and decided, and waits.
    let record = one(&gate, CallState::Pending).await;
    gate.decide(record.request().approve().by("dora")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!((read.state(), paid.state()), (TaskState::Waiting, TaskState::Waiting));
    assert_eq!(bodies.0.load(Ordering::SeqCst), 0);
    gate.thaw(&all, "eve").await.unwrap();
    read.wait().await.unwrap();
    assert_eq!(paid.wait().await.unwrap(), "120 to Initech");
    assert_eq!(bodies.0.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_fails_the_step_and_nothing_runs() {
    let (gate, bodies) = gate().await;
    let manager = TaskManager::builder().build().unwrap();
    let handle = manager.submit(task(&gate)).unwrap();
    let record = one(&gate, CallState::Pending).await;
    gate.decide(record.request().reject("no budget").by("dora")).await.unwrap();
    assert!(handle.wait().await.unwrap_err().to_string().contains("no budget"));
    assert_eq!(bodies.0.load(Ordering::SeqCst), 0);
}

/// Pays, which can be undone, and then sends, which fails unless `sends`.
fn settle(id: TaskId, gate: &Gate, sends: bool, undoes: bool) -> Task<String> {
    let (gate, then) = (gate.clone(), gate.clone());
    let first = TaskStep::new("Pay", move |cx: StepContext| pay(cx, gate.clone())).durable();
    let undo = move |_: StepContext, _: String| std::future::ready(Ok::<_, String>(()));
    let first = if undoes { first.undo(undo) } else { first };
    let send = TaskStep::new("Send", move |cx: StepContext, _: String| {
        let gate = then.clone();
        async move {
            let paid = pay(cx, gate).await?;
            if sends { Ok(paid) } else { Err("offline".to_owned()) }
        }
    });
    Task::new("Settle").id(id).step(first).step(send.durable()).journaled()
}

#[tokio::test(start_paused = true)]
async fn invariant_3_a_retried_task_finds_its_calls_but_those_of_steps_that_were_undone() {
    for undoes in [false, true] {
        let (gate, bodies) = gate().await;
        let journal = hitl::tasks::MemoryJournal::new();
        let manager = TaskManager::builder().journal(journal).build().unwrap();
        let id = TaskId::new();
        let approve = async || {
            let record = one(&gate, CallState::Pending).await;
            gate.decide(record.request().approve().by("dora")).await.unwrap();
            record.key().run.as_str().to_owned()
        };
        let handle = manager.submit(settle(id, &gate, false, undoes)).unwrap();
        assert_eq!(approve().await, format!("task/{id}/step/0"));
        assert_eq!(approve().await, format!("task/{id}/step/1"));
        assert!(handle.wait().await.is_err());
        assert_eq!(bodies.0.load(Ordering::SeqCst), 2);
        let handle = manager.retry(settle(id, &gate, true, undoes)).unwrap();
        if undoes {
            // It was undone, so it is paid again, and asked about again.
            assert_eq!(approve().await, format!("task/{id}/step/0/r1"));
        }
        assert_eq!(handle.wait().await.unwrap(), "120 to Initech");
        let expected = if undoes { 3 } else { 2 };
        assert_eq!(bodies.0.load(Ordering::SeqCst), expected, "the failed step found its call");
    }
}
