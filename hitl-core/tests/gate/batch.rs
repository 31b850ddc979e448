//! Batches: the parallel tool calls of one model turn.

use crate::faulty;
use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use faulty::{Fault, Faulty};
use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;

use hitl_core::machine::CallState;
use hitl_core::{
    CallKey, Gate, GateErrorKind, MemoryStore, Outcome, QueueQuery, ReviewScope, Store as _,
};
use support::{World, ask, bench, note, pay, tools, until};

const PAY: &str = r#"{"to": "shop", "amount": 10.0, "pin": "1234"}"#;

fn key(position: u64) -> CallKey {
    CallKey::new("run", position)
}

async fn approve(gate: &Gate, position: u64) {
    let record = gate.unscoped().get_by_key(&key(position)).await.unwrap().unwrap();
    gate.decide(record.request().approve().by("alice")).await.unwrap();
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
    // Auto siblings and calls that could not be submitted end without a human.
    let mut ended =
        [batch.next().await, batch.next().await, batch.next().await, batch.next().await];
    ended.sort_unstable();
    assert_eq!(ended, [Some(1), Some(2), Some(4), Some(5)]);
    assert!(matches!(batch.parts()[1].answer, Some(Ok(Outcome::Executed(_)))));
    assert!(batch.parts()[0].answer.is_none() && batch.parts()[0].receipt.is_some());
    assert!(batch.parts()[2].receipt.is_none());

    // Decisions come in any order; the later call is decided first.
    let reject = gate.unscoped().get_by_key(&key(3)).await.unwrap().unwrap();
    gate.decide(reject.request().reject("not today").by("alice")).await.unwrap();
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
        let record = gate.unscoped().get_by_key(&key(position)).await.unwrap().unwrap();
        let membership = record.batch().unwrap();
        assert_eq!((membership.batch.clone(), u64::from(membership.index)), (id.clone(), position));
        assert_eq!(membership.size, 3);
    }
    drop((batch, gate));
    // The same as after a restart.
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
    let state = async |position| {
        bench.gate.unscoped().get_by_key(&key(position)).await.unwrap().unwrap().state()
    };
    until("the body ended", async || state(1).await == CallState::Executed).await;
    assert_eq!(state(0).await, CallState::Pending, "what waits stays in the queue");
    // An abandoned wait loses nothing either.
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
    let queue = bench.gate.scoped_to(ReviewScope::tenant("default")).queue();
    assert_eq!(queue.page(QueueQuery::pending().run("run")).await.unwrap().entries.len(), 2);
    approve(&bench.gate, 1).await;
    let cancelled = bench.gate.unscoped().get_by_key(&key(0)).await.unwrap().unwrap();
    bench.gate.cancel(&cancelled, "host", "changed our minds").await.unwrap();
    let answers = batch.wait().await;
    assert!(matches!(answers[0], Ok(Outcome::Cancelled { .. })));
    assert!(matches!(answers[1], Ok(Outcome::Executed(_))));
}

async fn state(gate: &Gate, position: u64) -> CallState {
    gate.unscoped().get_by_key(&key(position)).await.unwrap().unwrap().state()
}

#[tokio::test(start_paused = true)]
async fn all_or_none_runs_nothing_before_all_are_approved() {
    let bench = bench().await;
    let gate = &bench.gate;
    let batch = gate.submit_all("run").json(0, "pay", PAY).call(1, note("auto")).call(2, ask("x"));
    let mut batch = batch.json(3, "look", r#"{"what": "sky"}"#).all_or_none().by("ann").await;
    let nothing = tokio::time::timeout(Duration::from_secs(60), batch.next()).await;
    assert!(nothing.is_err());
    assert_eq!(bench.world.ran(), 0, "what is Auto waits too");
    assert_eq!(state(gate, 1).await, CallState::Approved);
    assert_eq!(state(gate, 3).await, CallState::Approved, "a read too");
    let listed = gate
        .scoped_to(ReviewScope::tenant("default"))
        .queue()
        .page(QueueQuery::pending())
        .await
        .unwrap();
    assert_eq!(listed.entries.len(), 2, "a reviewer is asked about what needs one");
    approve(gate, 2).await;
    let nothing = tokio::time::timeout(Duration::from_secs(60), batch.next()).await;
    assert!(nothing.is_err() && bench.world.ran() == 0);
    approve(gate, 0).await;
    for answer in batch.wait().await {
        assert!(matches!(answer, Ok(Outcome::Executed(_))), "{answer:?}");
    }
    assert_eq!(bench.world.ran(), 4);
    for position in 0..4 {
        let record = gate.unscoped().get_by_key(&key(position)).await.unwrap().unwrap();
        assert_eq!((record.attempts(), record.batch().unwrap().released), (1, true));
    }
}

#[tokio::test(start_paused = true)]
async fn all_or_none_runs_nothing_when_one_of_them_will_not_run() {
    #[derive(Clone, Copy, Debug)]
    enum Ends {
        Rejected,
        Withdrawn,
        Expired,
        NotEntered,
    }
    for ends in [Ends::Rejected, Ends::Withdrawn, Ends::Expired, Ends::NotEntered] {
        let (clock, world) = (ManualClock::at(Timestamp::from_millis(1_000)), World::default());
        let store = MemoryStore::with_clock(clock.clone());
        let gate = tools(Gate::builder()).state(world.clone()).store(store);
        let gate = &gate.build().await.unwrap();
        let batch = gate.submit_all("run").json(0, "pay", PAY).call(1, note("auto"));
        let batch = match ends {
            Ends::NotEntered => batch.json(2, "no_such_tool", "{}"),
            _ => batch.call(2, ask("x")),
        };
        let batch = batch.all_or_none().by("ann").await;
        if !matches!(ends, Ends::NotEntered) {
            approve(gate, 2).await;
        }
        let record = gate.unscoped().get_by_key(&key(0)).await.unwrap().unwrap();
        match ends {
            Ends::Rejected => {
                gate.decide(record.request().reject("no").by("alice")).await.unwrap();
                // Whether or not a caller waits.
                assert_eq!(state(gate, 1).await, CallState::Cancelled);
            }
            Ends::Withdrawn => {
                gate.cancel(&record, "alice", "enough").await.unwrap();
            }
            Ends::Expired => clock.advance(Duration::from_secs(600)),
            Ends::NotEntered => {}
        }
        let answers = batch.wait().await;
        for (at, answer) in answers.iter().enumerate() {
            let own = match (ends, at) {
                (Ends::Rejected, 0) => matches!(answer, Ok(Outcome::Rejected { .. })),
                (Ends::Expired, 0) => matches!(answer, Ok(Outcome::Expired)),
                (Ends::NotEntered, 2) => answer.is_err(),
                _ => matches!(answer, Ok(Outcome::Cancelled { .. })),
            };
            assert!(own, "{ends:?} {at}: {answer:?}");
        }
        if let Ok(Outcome::Cancelled { reason }) = &answers[1] {
            assert!(reason.starts_with("none of its batch runs: "), "{reason}");
        }
        assert_eq!(world.ran(), 0, "{ends:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_releases_a_batch_that_nobody_waits_for() {
    let bench = bench().await;
    let gate = &bench.gate;
    let batch = gate.submit_all("run").call(0, ask("a")).call(1, note("b")).call(2, ask("c"));
    drop(batch.all_or_none().by("ann").await);
    let server = gate.clone();
    let serving = tokio::spawn(async move { server.serve().await });
    approve(gate, 0).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(bench.world.ran(), 0);
    approve(gate, 2).await;
    until("all of them ran", async || bench.world.ran() == 3).await;
    serving.abort();
    assert_eq!(bench.world.ran(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_submitted_again_is_released_once() {
    let (world, store) = (World::default(), MemoryStore::new());
    let build = async || {
        let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
        builder.build().await.unwrap()
    };
    let submit = async |gate: &Gate| {
        let batch = gate.submit_all("run").call(0, ask("a")).call(1, note("b"));
        batch.all_or_none().by("ann").await
    };
    let (first, second) = (build().await, build().await);
    let (one, two) = (submit(&first).await, submit(&second).await);
    approve(&second, 0).await;
    let (one, two) = tokio::join!(one.wait(), two.wait());
    for answer in one.into_iter().chain(two) {
        assert!(matches!(answer, Ok(Outcome::Executed(_))), "{answer:?}");
    }
    assert_eq!(world.ran(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ran_on_its_own_before_is_in_no_batch() {
    let bench = bench().await;
    let gate = &bench.gate;
    let _ran = gate.call(note("b")).by("ann").key("run", 1).await.unwrap();
    let batch = gate.submit_all("run").call(0, ask("a")).call(1, note("b"));
    let batch = batch.all_or_none().by("ann").await;
    approve(gate, 0).await;
    let answers = batch.wait().await;
    assert!(
        matches!(&answers[0], Ok(Outcome::Cancelled { reason }) if reason.contains("on its own"))
    );
    assert_eq!(bench.world.ran(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_released_together_is_given_up_at_once() {
    // The same call twice under one position.
    let bench = bench().await;
    let batch = bench.gate.submit_all("run").call(0, note("a")).call(0, note("a"));
    let answers = batch.all_or_none().by("ann").await.wait().await;
    for answer in &answers {
        let given_up =
            matches!(answer, Ok(Outcome::Cancelled { reason }) if reason.contains("twice"));
        assert!(given_up, "{answer:?}");
    }
    // The same calls, submitted before as a batch of independent calls.
    let plain = bench.gate.submit_all("other").call(0, ask("a"));
    drop(plain.call(1, ask("b")).by("ann").await);
    let batch = bench.gate.submit_all("other").call(0, ask("a")).call(1, ask("b"));
    drop(batch.all_or_none().by("ann").await);
    let other = |position| CallKey::new("other", position);
    let record = bench.gate.unscoped().get_by_key(&other(0)).await.unwrap().unwrap();
    assert!(!record.batch().unwrap().is_held(), "it is what it was submitted as");
    // Of the two positions, one exists already and one is new.
    let (world, store) = (World::default(), MemoryStore::new());
    let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
    let gate = builder.build().await.unwrap();
    drop(gate.submit_all("run").call(0, ask("a")).json(1, "no_such_tool", "{}").by("ann").await);
    let batch = gate.submit_all("run").call(0, ask("a")).call(1, note("b"));
    let batch = batch.all_or_none().by("ann").await;
    let answers = tokio::time::timeout(Duration::from_secs(60), batch.wait()).await;
    // The old one waits for its reviewer; the new one will not run.
    assert!(answers.is_err());
    assert_eq!(
        gate.unscoped().get_by_key(&key(1)).await.unwrap().unwrap().state(),
        CallState::Cancelled
    );
    assert_eq!((world.ran(), bench.world.ran()), (0, 0));
}

/// No store failure starts some of them without the others.
#[tokio::test(start_paused = true)]
async fn invariant_5_a_store_that_fails_anywhere_releases_all_or_none() {
    let mut faults = 0;
    for (fault, for_ever) in
        [(Fault::Before, false), (Fault::After, false), (Fault::Before, true), (Fault::After, true)]
    {
        for at in 0.. {
            let (world, memory) = (World::default(), MemoryStore::new());
            let whole = tools(Gate::builder()).state(world.clone()).store(memory.clone());
            let whole = whole.build().await.unwrap();
            let submit = async |gate: &Gate| {
                let batch = gate.submit_all("run").call(0, ask("a")).call(1, ask("b"));
                batch.all_or_none().by("ann").await
            };
            drop(submit(&whole).await);
            approve(&whole, 0).await;
            approve(&whole, 1).await;
            let count = Arc::new(AtomicUsize::new(0));
            let store =
                Faulty { inner: memory.clone(), fault, at, for_ever, count: Arc::clone(&count) };
            let gate = tools(Gate::builder()).state(world.clone()).store(store);
            let gate = gate.skip_recovery().build().await.unwrap();
            let answers = submit(&gate).await.wait();
            let answers = tokio::time::timeout(Duration::from_secs(20), answers).await;
            let context = format!("{fault:?} for_ever={for_ever} at={at}");
            let mut attempts = Vec::new();
            for position in 0..2 {
                attempts.push(memory.get_by_key(&key(position)).await.unwrap().unwrap().attempts());
            }
            // A claim that was released counts no attempt; a call that ran was claimed.
            assert!(world.ran() <= 2 && attempts.iter().all(|n| *n <= 1), "{context}");
            let log = world.log();
            assert!(log.iter().collect::<std::collections::BTreeSet<_>>().len() == log.len());
            if count.load(Ordering::SeqCst) <= at {
                assert!(answers.unwrap().iter().all(Result::is_ok), "{context}");
                assert_eq!(world.ran(), 2, "{context}");
                break;
            }
            faults += 1;
        }
    }
    assert!(faults > 20, "{faults}");
}
