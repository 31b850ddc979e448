//! An identical call attaches to the one that waits, or gets its outcome: one intention, one run.

use crate::support;

use std::sync::Arc;
use std::time::Duration;

use hitl_core::approval::ScriptedApprover;
use hitl_core::gate::ReadySubmission;
use hitl_core::{
    CallContext, CallState, Gate, GateErrorKind, MemoryStore, Outcome, Repeat, RequestId,
    Resolution, Store as _, Submission, Tenant, Ticket,
};
use support::{Bench, World, ask, bench, bench_with, look, note, pay, tools};

const ASK: &str = r#"{"text":"book"}"#;

fn attaching<'g>(
    gate: &'g Gate,
    tool: &str,
    arguments: &str,
) -> ReadySubmission<'g, hitl_core::gate::ModelCall> {
    gate.submit_text(tool, arguments).by("agent").run("session").repeat(Repeat::Attach)
}

async fn submit(gate: &Gate, tool: &str, arguments: &str) -> Submission {
    attaching(gate, tool, arguments).await.unwrap()
}

fn waits(submission: Submission) -> Ticket {
    match submission {
        Submission::Pending(ticket) => ticket,
        done @ Submission::Done { .. } => panic!("it waits, and yet: {done:?}"),
    }
}

fn ended(submission: Submission) -> (Outcome, Option<RequestId>) {
    match submission {
        Submission::Done { outcome, receipt } => (outcome, receipt.id),
        Submission::Pending(ticket) => panic!("it has ended, and yet: {ticket:?}"),
    }
}

fn tenant() -> Tenant {
    Tenant::default()
}

#[tokio::test]
async fn invariant_3_identical_calls_of_a_run_are_one_request_and_one_run() {
    let Bench { gate, world, store, .. } = bench().await;
    let mut tickets = Vec::new();
    for _ in 0..3 {
        tickets.push(waits(submit(&gate, "ask", ASK).await));
    }
    let id = tickets[0].request().id;
    assert!(tickets.iter().all(|ticket| ticket.request().id == id), "{tickets:?}");
    assert!(!tickets[0].receipt().reattached && tickets[1].receipt().reattached);
    // Spelled otherwise, and typed: the same content.
    let typed = gate.submit(ask("book")).by("agent").run("session").repeat(Repeat::Attach);
    assert_eq!(waits(typed.await.unwrap()).request().id, id);
    let spelled = submit(&gate, "ask", r#" { "text" : "b\u006fok" } "#).await;
    assert_eq!(waits(spelled).request().id, id);

    gate.decide(tickets[0].request().approve().by("ann")).await.unwrap();
    for ticket in &tickets {
        assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    }
    // Nobody has said that it was delivered.
    for _ in 0..2 {
        let (outcome, of) = ended(submit(&gate, "ask", ASK).await);
        assert!(matches!(outcome, Outcome::Executed(_)));
        assert_eq!(of, Some(id));
    }
    assert_eq!(world.ran(), 1);
    assert!(gate.mark_delivered(&tenant(), id).await.unwrap());
    assert!(gate.mark_delivered(&tenant(), id).await.unwrap(), "it stays delivered");
    assert_ne!(waits(submit(&gate, "ask", ASK).await).request().id, id);
    assert!(!store.get(&tenant(), id).await.unwrap().unwrap().is_attachable());
}

#[tokio::test]
async fn what_differs_is_another_call() {
    let Bench { gate, .. } = bench().await;
    let first = waits(submit(&gate, "ask", ASK).await).request().id;
    let by = |context: CallContext| gate.submit_text("ask", ASK).by(context);
    let attach = Repeat::Attach;
    for other in [
        attaching(&gate, "ask", r#"{"text":"walk"}"#),
        by("agent".into()).run("another session").repeat(attach),
        by("somebody".into()).run("session").repeat(attach),
        by(CallContext::new("agent").tenant("acme")).run("session").repeat(attach),
        // It does not say that it attaches.
        by("agent".into()).run("session"),
        by("agent".into()).run("session").repeat(Repeat::NewCall),
        by("agent".into()),
    ] {
        assert_ne!(waits(other.await.unwrap()).request().id, first);
    }
    let same = by(CallContext::new("agent").because("once more").submitted_by("another agent"));
    let same = same.run("session").repeat(attach).await.unwrap();
    assert_eq!(waits(same).request().id, first);
}

#[tokio::test]
async fn a_rejection_is_delivered_and_then_remembered() {
    let Bench { gate, world, .. } = bench().await;
    let ticket = waits(submit(&gate, "ask", ASK).await);
    let id = ticket.request().id;
    gate.decide(ticket.request().reject("over budget").by("ann")).await.unwrap();
    let (outcome, of) = ended(submit(&gate, "ask", ASK).await);
    assert!(matches!(outcome, Outcome::Rejected { reason: Some(why) } if why == "over budget"));
    assert_eq!(of, Some(id));
    gate.mark_delivered(&tenant(), id).await.unwrap();
    let (outcome, of) = ended(submit(&gate, "ask", ASK).await);
    let Outcome::Denied { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("rejected the same call in this run: over budget"), "{reason}");
    assert_ne!(of, Some(id));
    assert_eq!(world.ran(), 0);
}

#[tokio::test]
async fn a_call_that_never_ran_is_delivered_once_and_then_asked_about_again() {
    let Bench { gate, world, store, .. } = bench().await;
    let withdrawn = waits(submit(&gate, "ask", ASK).await);
    withdrawn.cancel("changed my mind").await.unwrap();
    let (outcome, id) = ended(submit(&gate, "ask", ASK).await);
    assert!(matches!(outcome, Outcome::Cancelled { .. }), "{outcome:?}");
    assert!(gate.mark_delivered(&tenant(), id.unwrap()).await.unwrap());
    let next = waits(submit(&gate, "ask", ASK).await);
    assert_ne!(Some(next.request().id), id);
    assert_eq!((world.ran(), store.get(&tenant(), next.request().id).await.unwrap().is_some()), (0, true));
}

#[tokio::test]
async fn a_later_caller_owns_the_call() {
    let Bench { gate, .. } = bench().await;
    let first = waits(submit(&gate, "ask", ASK).await);
    let second = waits(submit(&gate, "ask", ASK).await);
    // The first client gave up waiting, which withdraws nothing from the second.
    first.cancel("timed out").await.unwrap_err();
    assert_eq!(gate.outcome(&tenant(), first.request().id).await.unwrap().is_none(), true);
    second.cancel("stop").await.unwrap();
    let outcome = gate.outcome(&tenant(), first.request().id).await.unwrap();
    assert!(matches!(outcome, Some(Outcome::Cancelled { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_call_that_runs_or_may_have_run_is_attached_to() {
    let Bench { gate, world, store, .. } = bench().await;
    let hold = world.hold();
    let shared = gate.clone();
    let running =
        tokio::spawn(async move { submit(&shared, "note", r#"{"text":"a"}"#).await });
    world.started().await;
    let ticket = waits(submit(&gate, "note", r#"{"text":"a"}"#).await);
    let id = ticket.request().id;
    assert!(!gate.mark_delivered(&tenant(), id).await.unwrap(), "it has not ended");
    assert!(gate.outcome(&tenant(), id).await.unwrap().is_none());
    hold.add_permits(1);
    let (outcome, of) = ended(running.await.unwrap());
    assert!(matches!(outcome, Outcome::Executed(_)));
    assert_eq!(of, Some(id));
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(world.ran(), 1);
    drop(store);
}
