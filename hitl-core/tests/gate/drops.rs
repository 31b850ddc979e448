//! A caller goes away at every point of a call: nothing runs twice, and nothing is left stuck.

use crate::slow;
use crate::support;

use futures::FutureExt as _;
use hitl_core::approval::ScriptedApprover;
use hitl_core::machine::CallRecord;
use hitl_core::{CallKey, CallState, Gate, GateErrorKind, MemoryStore, Store as _, Submission};
use slow::Slow;
use support::{World, ask, note, tools};

fn key() -> CallKey {
    CallKey::new("r", 0)
}

/// Polls at most `polls` times, with all other tasks getting a turn in between; returns whether it
/// finished.
async fn poll_times<F: Future>(future: F, polls: usize) -> bool {
    tokio::pin!(future);
    for _ in 0..polls {
        if (&mut future).now_or_never().is_some() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// Returns the record once it no longer changes.
async fn at_rest(store: &MemoryStore) -> Option<CallRecord> {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    store.get_by_key(&key()).await.unwrap()
}

async fn gate(store: &MemoryStore, world: &World, approver: bool) -> Gate {
    let store = Slow { inner: store.clone(), without_payloads: false };
    let build = tools(Gate::builder()).state(world.clone()).store(store);
    let build = if approver { build.approver(ScriptedApprover::approving("bob")) } else { build };
    build.build().await.unwrap()
}

/// Checks the remains of an attached call whose caller went away.
fn assert_settled(record: Option<&CallRecord>, ran: usize, context: &str) {
    assert!(ran <= 1, "ran twice: {context}");
    match record.map(hitl_core::CallRecord::state) {
        None | Some(CallState::Cancelled) => assert_eq!(ran, 0, "{context}"),
        Some(CallState::Executed) => assert_eq!(ran, 1, "{context}"),
        state => panic!("left as {state:?}, ran {ran}: {context}"),
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_12_an_attached_call_dropped_anywhere_is_withdrawn_or_runs_to_its_end() {
    for quick in [false, true] {
        for polls in 0.. {
            let (world, store) = (World::default(), MemoryStore::new());
            let gate = gate(&store, &world, true).await;
            let finished = if quick {
                poll_times(gate.call(ask("a")).by("ann").key("r", 0).into_future(), polls).await
            } else {
                poll_times(gate.call(note("a")).by("ann").key("r", 0).into_future(), polls).await
            };
            let record = at_rest(&store).await;
            assert_settled(record.as_ref(), world.ran(), &format!("quick={quick} polls={polls}"));
            if finished {
                assert!(polls > 2);
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_12_a_submission_dropped_anywhere_leaves_no_claim_that_nobody_holds() {
    for quick in [false, true] {
        for polls in 0.. {
            let (world, store) = (World::default(), MemoryStore::new());
            let gate = gate(&store, &world, true).await;
            let finished = if quick {
                poll_times(gate.submit(ask("a")).by("ann").key("r", 0).into_future(), polls).await
            } else {
                poll_times(gate.submit(note("a")).by("ann").key("r", 0).into_future(), polls).await
            };
            let context = format!("quick={quick} polls={polls}");
            let record = at_rest(&store).await;
            let state = record.map(|record| record.state());
            assert_ne!(state, Some(CallState::Claimed), "a claim that nobody holds: {context}");
            // Submitting the same key again resumes it.
            let again = async {
                if quick {
                    gate.submit(ask("a")).by("ann").key("r", 0).await.unwrap()
                } else {
                    gate.submit(note("a")).by("ann").key("r", 0).await.unwrap()
                }
            };
            assert!(matches!(again.await, Submission::Done { .. }), "{context}");
            assert_eq!(world.ran(), 1, "{context}");
            if finished {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_12_a_wait_dropped_anywhere_changes_nothing_or_runs_to_its_end() {
    for polls in 0.. {
        let (world, store) = (World::default(), MemoryStore::new());
        let gate = gate(&store, &world, false).await;
        let submitted = gate.submit(ask("a")).by("ann").key("r", 0).await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("it waits") };
        gate.decide(ticket.request().approve().by("bob")).await.unwrap();
        let finished = poll_times(ticket.wait(), polls).await;
        let record = at_rest(&store).await.unwrap();
        match record.state() {
            CallState::Approved => assert_eq!((world.ran(), record.attempts()), (0, 0)),
            CallState::Executed => assert_eq!(world.ran(), 1),
            state => panic!("left as {state} after {polls} polls"),
        }
        ticket.wait().await.unwrap();
        assert_eq!(world.ran(), 1, "{polls} polls");
        if finished {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_12_a_server_dropped_anywhere_leaves_no_claim_that_nobody_holds() {
    for polls in 0..12 {
        let (world, store) = (World::default(), MemoryStore::new());
        let gate = gate(&store, &world, false).await;
        let submitted = gate.submit(ask("a")).by("ann").key("r", 0).await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("it waits") };
        gate.decide(ticket.request().approve().by("bob")).await.unwrap();
        poll_times(gate.serve(), polls).await;
        let record = at_rest(&store).await.unwrap();
        assert_ne!(record.state(), CallState::Claimed, "{polls} polls");
        ticket.wait().await.unwrap();
        assert_eq!(world.ran(), 1, "{polls} polls");
    }
}

/// A call to which another caller re-attached and then went away at once is withdrawn or unchanged:
/// it never waits for a caller that is gone.
#[tokio::test(start_paused = true)]
async fn invariant_12_a_re_attaching_call_dropped_anywhere_orphans_nothing() {
    for polls in 0..12 {
        let (world, store) = (World::default(), MemoryStore::new());
        let gate = gate(&store, &world, false).await;
        let submitted = gate.submit(ask("a")).by("ann").key("r", 0).await.unwrap();
        assert!(matches!(submitted, Submission::Pending(_)));
        poll_times(gate.call(ask("a")).by("ann").key("r", 0).into_future(), polls).await;
        let record = at_rest(&store).await.unwrap();
        let orphan = record.state() == CallState::Pending && record.is_attached();
        assert!(!orphan, "attached to nobody after {polls} polls");
    }
}

/// An approved call whose payload is gone cannot run, and its waiter gets an error.
#[tokio::test(start_paused = true)]
async fn a_wait_for_a_call_without_a_payload_ends() {
    let (world, store) = (World::default(), MemoryStore::new());
    let slow = Slow { inner: store.clone(), without_payloads: true };
    let gate = tools(Gate::builder()).state(world.clone()).store(slow).build().await.unwrap();
    let submitted = gate.submit(ask("a")).by("ann").key("r", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    assert!(poll_times(ticket.wait(), 100).await, "it looks again and again");
    let error = ticket.wait().await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Payload);
    assert_eq!(world.ran(), 0);
}

/// Returns arguments that are scanned off the runtime's threads.
fn long_text() -> String {
    "a plain word, key=key=, ".repeat(8 * 1024)
}

#[tokio::test]
async fn invariant_8_long_arguments_are_looked_through_elsewhere_while_others_go_on() {
    let (store, world) = (MemoryStore::new(), World::default());
    let gate = gate(&store, &world, false).await;
    // On a runtime of one thread: if they were scanned here, the first poll would not return so
    // soon.
    let mut call = Box::pin(async { gate.call(note(&long_text())).by("ann").await });
    assert!((&mut call).now_or_never().is_none(), "a typed call holds up its thread");
    call.await.unwrap();
    let arguments = format!(r#"{{"text":"{}"}}"#, long_text());
    let mut call = Box::pin(gate.call_json("note", &arguments, "ann", "r", 0));
    assert!((&mut call).now_or_never().is_none(), "a model's call holds up its thread");
    call.await.unwrap();
    assert_eq!(world.ran(), 2);
}

#[tokio::test]
async fn invariant_1_long_arguments_that_nobody_waits_for_any_more_run_nothing() {
    let (store, world) = (MemoryStore::new(), World::default());
    let gate = gate(&store, &world, false).await;
    let submitted = poll_times(
        async {
            let _ = gate.submit(ask(&long_text())).by("ann").key("r", 0).await;
        },
        1,
    )
    .await;
    assert!(!submitted);
    assert!(at_rest(&store).await.is_none());
    assert_eq!(world.ran(), 0);
    // The call is submitted once it is awaited, in a batch too.
    let batch = gate.submit_all("r").call(0, ask(&long_text())).by("ann").await;
    assert!(batch.parts().iter().all(|part| part.receipt.is_some()));
    assert!(at_rest(&store).await.is_some());
}
