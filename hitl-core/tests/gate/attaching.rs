//! An identical call attaches to the one that waits, or gets its outcome: one intention, one run.

use crate::faulty::{Fault, Faulty};
use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hitl_base::JsonText;
use hitl_core::approval::ScriptedApprover;
use hitl_core::gate::{ModelCall, ReadySubmission};
use hitl_core::store::Erasable;
use hitl_core::{
    CallContext, CallRecord, DynArguments, DynSpec, DynTool, FreezeScope, Gate, GateErrorKind,
    HostKey, HostKeys, MemoryStore, Outcome, PageRequest, Permit, Refusal, Repeat, RequestId,
    Resolution, Store as _, Submission, Tenant, Ticket, ToolConfig,
};
use support::{Bench, World, ask, bench, note, tools};

const ASK: &str = r#"{"text":"book"}"#;
const NOTE: &str = r#"{"text":"a"}"#;

/// Returns the gate of another process over the same store.
async fn other_gate(world: &World, store: &MemoryStore) -> Gate {
    let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
    builder.build().await.unwrap()
}

fn attaching<'g>(gate: &'g Gate, tool: &str, arguments: &str) -> ReadySubmission<'g, ModelCall> {
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
    assert_eq!(
        (world.ran(), store.get(&tenant(), next.request().id).await.unwrap().is_some()),
        (0, true)
    );
}

#[tokio::test]
async fn a_later_caller_owns_the_call() {
    let Bench { gate, .. } = bench().await;
    let first = waits(submit(&gate, "ask", ASK).await);
    let second = waits(submit(&gate, "ask", ASK).await);
    // The first client gave up waiting, which withdraws nothing from the second.
    first.cancel("timed out").await.unwrap_err();
    assert!(gate.outcome(&tenant(), first.request().id).await.unwrap().is_none());
    second.cancel("stop").await.unwrap();
    let outcome = gate.outcome(&tenant(), first.request().id).await.unwrap();
    assert!(matches!(outcome, Some(Outcome::Cancelled { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_call_that_runs_is_attached_to() {
    let Bench { gate, world, .. } = bench().await;
    let (hold, shared) = (world.hold(), gate.clone());
    let running = tokio::spawn(async move { submit(&shared, "note", NOTE).await });
    world.started().await;
    let ticket = waits(submit(&gate, "note", NOTE).await);
    let id = ticket.request().id;
    assert!(!gate.mark_delivered(&tenant(), id).await.unwrap(), "it has not ended");
    hold.add_permits(1);
    let (outcome, of) = ended(running.await.unwrap());
    assert!(matches!(outcome, Outcome::Executed(_)));
    assert_eq!(of, Some(id));
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(world.ran(), 1);
}

/// The process dies while the body runs. A later caller gets the unknown outcome, and nothing
/// runs a second time, however often somebody says that it was delivered.
#[tokio::test(start_paused = true)]
async fn invariant_3_a_call_that_may_have_run_is_attached_to_and_never_run_again() {
    let Bench { gate, world, store, .. } = bench().await;
    let (_hold, shared) = (world.hold(), gate.clone());
    let running = tokio::spawn(async move { submit(&shared, "note", NOTE).await });
    world.started().await;
    let other = other_gate(&world, &store).await;
    let ticket = waits(submit(&other, "note", NOTE).await);
    let id = ticket.request().id;
    let record = store.get(&tenant(), id).await.unwrap().unwrap();
    store.close_session(record.claim().unwrap().session).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::OutcomeUnknown(_)));
    for _ in 0..2 {
        let (outcome, of) = ended(submit(&other, "note", NOTE).await);
        assert!(matches!(outcome, Outcome::OutcomeUnknown(_)), "{outcome:?}");
        assert_eq!(of, Some(id));
        assert!(!other.mark_delivered(&tenant(), id).await.unwrap());
    }
    let parked = store.get(&tenant(), id).await.unwrap().unwrap();
    other.resolve(&parked, Resolution::Executed, "olga").await.unwrap();
    assert!(matches!(ended(submit(&other, "note", NOTE).await).0, Outcome::Executed(_)));
    assert!(other.mark_delivered(&tenant(), id).await.unwrap());
    assert_eq!(world.ran(), 1);
    world.let_go();
    let (_, next) = ended(submit(&other, "note", NOTE).await);
    assert!(next.is_some() && next != Some(id));
    assert_eq!(world.ran(), 2, "it was delivered, so this is another intention");
    running.abort();
}

#[tokio::test]
async fn an_edited_call_is_found_by_what_was_submitted() {
    let Bench { gate, world, .. } = bench().await;
    let ticket = waits(submit(&gate, "ask", ASK).await);
    gate.decide(ticket.request().edit(r#"{"text":"walk"}"#).by("ann")).await.unwrap();
    let (outcome, of) = ended(submit(&gate, "ask", ASK).await);
    let Outcome::Executed(output) = outcome else { panic!("{outcome:?}") };
    assert_eq!(output.json(), Some(r#""walk""#));
    assert_eq!(of, Some(ticket.request().id));
    // What the reviewer made of it is another call if somebody submits it.
    let edited = waits(submit(&gate, "ask", r#"{"text":"walk"}"#).await);
    assert_ne!(Some(edited.request().id), of);
    assert_eq!(world.ran(), 1);
}

#[tokio::test]
async fn a_submission_that_cannot_attach_is_refused_and_nothing_is_stored() {
    let Bench { gate, world, store, .. } = bench().await;
    let error = gate.submit(ask("book")).by("agent").repeat(Repeat::Attach).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Refused);
    assert!(error.to_string().contains("name the run"), "{error}");
    let (_, id) = ended(submit(&gate, "note", NOTE).await);
    let done = store.get(&tenant(), id.unwrap()).await.unwrap().unwrap();
    let retry = gate.submit(note("a")).by("agent").retry_of(&done).repeat(Repeat::Attach);
    let error = retry.await.unwrap_err();
    assert!(error.to_string().contains("a retry is a further call"), "{error}");
    assert_eq!((world.ran(), store.history(0, 10).await.unwrap().entries.len()), (1, 2));
}

#[tokio::test]
async fn a_key_comes_before_the_content() {
    let Bench { gate, .. } = bench().await;
    let keyed = |text, position| {
        let submitting = gate.submit(ask(text)).by("agent").key("session", position);
        submitting.repeat(Repeat::Attach)
    };
    let first = waits(keyed("book", 1).await.unwrap()).request().id;
    assert_eq!(waits(keyed("book", 1).await.unwrap()).request().id, first);
    assert_eq!(waits(keyed("book", 2).await.unwrap()).request().id, first, "by its content");
    let other = waits(keyed("walk", 3).await.unwrap()).request().id;
    assert_ne!(other, first);
    let error = keyed("book", 3).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::KeyConflict, "{error}");
}

#[tokio::test]
async fn a_call_of_a_batch_and_a_read_that_runs_at_once_are_not_attached_to() {
    let Bench { gate, world, .. } = bench().await;
    let batch = gate.submit_all("session").json(1, "ask", ASK).by("agent").await;
    let of_batch = batch.parts()[0].receipt.as_ref().unwrap().id;
    let ticket = waits(submit(&gate, "ask", ASK).await);
    assert_ne!(Some(ticket.request().id), of_batch);
    for ran in 1..=2 {
        let (outcome, id) = ended(submit(&gate, "look", r#"{"what":"x"}"#).await);
        assert!(matches!(outcome, Outcome::Executed(_)) && id.is_none());
        assert_eq!(world.ran(), ran);
    }
}

#[tokio::test]
async fn while_frozen_an_outcome_is_returned_and_nothing_new_starts() {
    let Bench { gate, world, .. } = bench().await;
    let (_, id) = ended(submit(&gate, "note", NOTE).await);
    gate.freeze(FreezeScope::All, "an incident", "eve").await.unwrap();
    let (outcome, again) = ended(submit(&gate, "note", NOTE).await);
    assert!(matches!(outcome, Outcome::Executed(_)));
    assert_eq!(again, id);
    gate.mark_delivered(&tenant(), id.unwrap()).await.unwrap();
    let error = attaching(&gate, "note", NOTE).await.unwrap_err();
    assert_eq!((error.kind(), world.ran()), (GateErrorKind::Frozen, 1));
}

#[tokio::test]
async fn an_erased_outcome_is_not_returned() {
    let Bench { gate, world, store, .. } = bench().await;
    let (_, id) = ended(submit(&gate, "note", NOTE).await);
    gate.flush_audit().await.unwrap();
    let named = Erasable::new(tenant(), id.unwrap());
    assert_eq!(store.erase(&[named]).await.unwrap(), [None]);
    let (outcome, next) = ended(submit(&gate, "note", NOTE).await);
    assert!(matches!(outcome, Outcome::Executed(_)));
    assert_ne!(next, id);
    assert_eq!(world.ran(), 2);
}

/// The tool was changed while the call waited, so an identical call has it asked about again, and
/// still is this call.
#[tokio::test]
async fn a_changed_tool_is_asked_about_again() {
    let (store, ran) = (MemoryStore::new(), Arc::new(AtomicUsize::new(0)));
    let gate = async |description: &str| {
        let spec = DynSpec::new("pay", description).config(ToolConfig::DEFAULT.base_confidence(50));
        let ran = Arc::clone(&ran);
        let body = move |_permit: Permit<DynArguments>| {
            ran.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, String>(JsonText::null()) }
        };
        let tool = DynTool::new(spec, r#"{"type":"object"}"#, body).unwrap();
        Gate::builder().store(store.clone()).dyn_tool(tool).build().await.unwrap()
    };
    let before = gate("Pays somebody.").await;
    let ticket = waits(submit(&before, "pay", "{}").await);
    let first = ticket.request().clone();
    drop((ticket, before));
    tokio::task::yield_now().await;
    let after = gate("Pays somebody, and more.").await;
    let second = waits(submit(&after, "pay", "{}").await);
    assert_eq!(second.request().id, first.id);
    assert_eq!((first.revision, second.request().revision), (1, 2));
    let late = after.decide(first.approve().by("ann")).await.unwrap_err();
    assert_eq!(late.refusal(), Some(Refusal::Stale));
    after.decide(second.request().approve().by("ann")).await.unwrap();
    assert!(matches!(ended(submit(&after, "pay", "{}").await).0, Outcome::Executed(_)));
    assert_eq!(ran.load(Ordering::SeqCst), 1);
}

/// A secret enters the content under the host's key. After the key was replaced, the call is found
/// under the former one.
#[tokio::test]
async fn invariant_3_a_call_is_found_under_a_former_host_key() {
    let (store, world) = (MemoryStore::new(), World::default());
    let key = |byte| HostKey::from_bytes([byte; 32]);
    let first = other_gate(&world, &store.clone().keys(HostKeys::new(key(1)))).await;
    let paying = r#"{"to":"shop","amount":5.0,"pin":"4711"}"#;
    let ticket = waits(submit(&first, "pay", paying).await);
    let rotated = store.clone().keys(HostKeys::new(key(2)).with_previous(key(1)));
    let second = other_gate(&world, &rotated).await;
    assert_eq!(waits(submit(&second, "pay", paying).await).request().id, ticket.request().id);
    let other = waits(submit(&second, "pay", &paying.replace("4711", "4712")).await);
    assert_ne!(other.request().id, ticket.request().id);
}

/// Two gates, as of two processes, and many callers of each.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn invariant_3_callers_of_two_gates_race_and_one_body_runs() {
    let (store, world) = (MemoryStore::new(), World::default());
    let gates = [other_gate(&world, &store).await, other_gate(&world, &store).await];
    for round in 1..=5 {
        let text = format!(r#"{{"text":"{round}"}}"#);
        let mut callers = tokio::task::JoinSet::new();
        for number in 0..40 {
            let (gate, text) = (gates[number % 2].clone(), text.clone());
            callers.spawn(async move {
                match submit(&gate, "note", &text).await {
                    Submission::Done { outcome, receipt } => (outcome, receipt.id.unwrap()),
                    Submission::Pending(ticket) => {
                        let id = ticket.request().id;
                        (ticket.wait().await.unwrap(), id)
                    }
                }
            });
        }
        let answers = callers.join_all().await;
        assert!(answers.iter().all(|(outcome, _)| matches!(outcome, Outcome::Executed(_))));
        assert!(answers.iter().all(|(_, id)| *id == answers[0].1));
        assert_eq!(world.ran(), round);
    }
}

/// Each operation of the store fails once, or from then on, before or after it took effect; then
/// the store works again, and the client submits the same call until it has its outcome.
#[tokio::test(start_paused = true)]
async fn invariant_3_a_store_that_fails_anywhere_makes_no_second_run_of_one_intention() {
    let mut faults = 0;
    for tool in ["note", "ask"] {
        for (fault, for_ever) in [
            (Fault::Before, false),
            (Fault::After, false),
            (Fault::Before, true),
            (Fault::After, true),
        ] {
            for at in 0.. {
                let (world, memory) = (World::default(), MemoryStore::new());
                let count = Arc::new(AtomicUsize::new(0));
                let (inner, counted) = (memory.clone(), Arc::clone(&count));
                let store = Faulty { inner, fault, at, for_ever, count: counted };
                let approver = ScriptedApprover::approving("bob");
                let builder = tools(Gate::builder()).state(world.clone());
                let gate = builder.approver(approver.clone()).store(store).build().await.unwrap();
                let context = format!("{tool} {fault:?} for_ever={for_ever} at={at}");
                let first = attaching(&gate, tool, NOTE).await;
                let worked = match first {
                    Ok(Submission::Done { receipt, .. }) => {
                        let id = receipt.id.unwrap();
                        drop(gate.mark_delivered(&tenant(), id).await);
                        true
                    }
                    _ => false,
                };
                assert!(world.ran() <= 1, "{context}");
                assert!(!worked || world.ran() == 1, "an outcome without a body: {context}");
                let failed = count.load(Ordering::SeqCst) > at;
                drop(gate);
                tokio::task::yield_now().await;
                if !failed {
                    break;
                }
                faults += 1;
                let ran = world.ran();
                let delivered = !open_attachable(&memory).await;
                let builder = tools(Gate::builder()).state(world.clone()).approver(approver);
                let gate = builder.store(memory.clone()).build().await.unwrap();
                for _ in 0..2 {
                    drop(attaching(&gate, tool, NOTE).await);
                }
                let most = if worked && delivered { ran + 1 } else { 1 };
                assert!(world.ran() <= most, "run again: {context}");
            }
        }
    }
    assert!(faults > 40, "{faults}");
}

/// Returns whether an identical call would attach.
async fn open_attachable(store: &MemoryStore) -> bool {
    let all = store.list(&tenant(), PageRequest::all()).await.unwrap();
    all.iter().any(CallRecord::is_attachable)
}
