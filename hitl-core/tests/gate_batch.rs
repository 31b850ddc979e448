//! Batches: the parallel tool calls of one model turn.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod support;

use std::time::Duration;

use hitl_core::machine::CallState;
use hitl_core::{CallKey, Gate, GateErrorKind, MemoryStore, Outcome, QueueQuery, Viewer};
use support::{World, ask, bench, note, pay, tools, until};

const PAY: &str = r#"{"to": "shop", "amount": 10.0, "pin": "1234"}"#;

fn key(position: u64) -> CallKey {
    CallKey::new("run", position)
}

async fn approve(gate: &Gate, position: u64) {
    let record = gate.find(&key(position)).await.unwrap().unwrap();
    gate.decide(record.request.approve().by("alice")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn siblings_go_their_own_ways_and_answers_keep_their_order() {
    let bench = bench().await;
    let gate = &bench.gate;
    let mut batch = gate
        .submit_all("run")
        .json(0, "pay", PAY)
        .call(1, note("kept"))
        .json(2, "no_such_tool", "{}")
        .call(3, ask("well?"))
        .json(4, "look", r#"{"what": "sky"}"#)
        .json(5, "pay", r#"{"to": 7}"#)
        .by("ann")
        .await;
    // Auto siblings and those that could not be entered end without anybody.
    let mut ended =
        [batch.next().await, batch.next().await, batch.next().await, batch.next().await];
    ended.sort_unstable();
    assert_eq!(ended, [Some(1), Some(2), Some(4), Some(5)]);
    assert!(matches!(batch.parts()[1].answer, Some(Ok(Outcome::Executed(_)))));
    assert!(batch.parts()[0].answer.is_none() && batch.parts()[0].receipt.is_some());
    assert!(batch.parts()[2].receipt.is_none());

    // Decisions come in any order; the later call is decided first.
    let reject = gate.find(&key(3)).await.unwrap().unwrap();
    gate.decide(reject.request.reject("not today").by("alice")).await.unwrap();
    assert_eq!(batch.next().await, Some(3));
    approve(gate, 0).await;
    let answers = batch.wait().await;
    let kind = |at: usize| answers[at].as_ref().unwrap_err().kind();
    assert!(matches!(answers[0], Ok(Outcome::Executed(_))));
    assert!(matches!(answers[1], Ok(Outcome::Executed(_))));
    assert_eq!(kind(2), GateErrorKind::UnknownTool);
    assert!(matches!(answers[3], Ok(Outcome::Rejected { .. })));
    assert!(matches!(answers[4], Ok(Outcome::Executed(_))));
    assert_eq!(kind(5), GateErrorKind::InvalidArguments);
    assert_eq!(bench.world.ran(), 3);
}

#[tokio::test(start_paused = true)]
async fn records_say_which_batch_they_are_of_and_the_same_batch_again_re_attaches() {
    let (world, store) = (World::default(), MemoryStore::new());
    let build = async || {
        let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
        builder.build().await.unwrap()
    };
    let gate = build().await;
    let submit = async |gate: &Gate| {
        let batch = gate.submit_all("run").call(0, pay("shop", 1.0)).call(1, note("once"));
        batch.call(2, pay("shop", 2.0)).by("ann").await
    };
    let mut batch = submit(&gate).await;
    assert_eq!(batch.next().await, Some(1));
    let id = batch.id().clone();
    for position in 0..3 {
        let record = gate.find(&key(position)).await.unwrap().unwrap();
        let membership = record.batch.unwrap();
        assert_eq!((membership.batch, u64::from(membership.index)), (id.clone(), position));
        assert_eq!(membership.size, 3);
    }
    drop((batch, gate));
    // As after a restart.
    let gate = build().await;
    let again = submit(&gate).await;
    assert_eq!(*again.id(), id);
    assert!(again.parts().iter().all(|part| part.receipt.as_ref().unwrap().reattached));
    approve(&gate, 2).await;
    approve(&gate, 0).await;
    let answers = again.wait().await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Outcome::Executed(_)))));
    assert_eq!(world.ran(), 3, "nothing ran twice");
}

#[tokio::test(start_paused = true)]
async fn invariant_12_dropping_a_batch_cancels_nothing() {
    let bench = bench().await;
    let held = bench.world.hold();
    let batch = bench.gate.submit_all("run").call(0, pay("shop", 1.0)).call(1, note("runs"));
    let batch = batch.by("ann").await;
    bench.world.started().await;
    drop(batch);
    held.add_permits(10);
    let state = async |position| bench.gate.find(&key(position)).await.unwrap().unwrap().state;
    until("the body ended", async || state(1).await == CallState::Executed).await;
    assert_eq!(state(0).await, CallState::Pending, "what waits stays in the queue");
    // A wait that is given up loses nothing either.
    let batch = bench.gate.submit_all("run").call(0, pay("shop", 1.0)).call(1, note("runs"));
    let batch = batch.by("ann").await;
    assert!(tokio::time::timeout(Duration::from_secs(60), batch.wait()).await.is_err());
    assert_eq!(state(0).await, CallState::Pending);
    approve(&bench.gate, 0).await;
    assert_eq!(bench.world.ran(), 1, "nobody waits, so nobody runs it");
    let batch = bench.gate.submit_all("run").call(0, pay("shop", 1.0)).call(1, note("runs"));
    let answers = batch.by("ann").await.wait().await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Outcome::Executed(_)))));
    assert_eq!(bench.world.ran(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_of_a_batch_under_one_key_do_not_run_twice() {
    let bench = bench().await;
    let batch = bench.gate.submit_all("run").call(0, note("one")).call(0, note("one"));
    let answers = batch.call(0, note("other")).by("ann").await.wait().await;
    assert!(answers[..2].iter().all(|answer| matches!(answer, Ok(Outcome::Executed(_)))));
    assert_eq!(answers[2].as_ref().unwrap_err().kind(), GateErrorKind::KeyConflict);
    assert_eq!(bench.world.ran(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_empty_batch_has_no_answers() {
    let bench = bench().await;
    assert!(bench.gate.submit_all("run").by("ann").await.wait().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_waits_is_in_the_queue_and_expires_as_any_call() {
    let bench = bench().await;
    let batch = bench.gate.submit_all("run").call(0, pay("a", 1.0)).call(1, pay("b", 2.0));
    let batch = batch.by("ann").await;
    let queue = bench.gate.queue(Viewer::of("default"));
    assert_eq!(queue.page(QueueQuery::pending().run("run")).await.unwrap().entries.len(), 2);
    approve(&bench.gate, 1).await;
    let cancelled = bench.gate.find(&key(0)).await.unwrap().unwrap();
    bench.gate.cancel(&cancelled, "host", "changed our minds").await.unwrap();
    let answers = batch.wait().await;
    assert!(matches!(answers[0], Ok(Outcome::Cancelled { .. })));
    assert!(matches!(answers[1], Ok(Outcome::Executed(_))));
}
