//! Hosts that are polled, and answers that arrive later: an outcome without waiting, a request by
//! its reference, the calls of a run, one answer delivered many times, and who is asked inline.

use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;
use hitl_core::approval::{DetailLevel, RequestRef, Review, ScriptedApprover};
use hitl_core::audit::AuditEvent;
use hitl_core::gate::ReferencedRequest;
use hitl_core::store::suite::start_clock;
use hitl_core::{
    Approver, CallContext, CallKey, CallRecord, CallState, Gate, GateErrorKind, MemoryStore,
    Outcome, QueueQuery, Repeat, RequestId, ReviewScope, ReviewerIdentity, RunId, Store as _,
    Submission, Tenant, Ticket,
};
use support::{Bench, World, ask, bench, bench_with, look, note, pay, tools};

fn tenant() -> Tenant {
    Tenant::default()
}

fn waits(submission: Submission) -> Ticket {
    match submission {
        Submission::Pending(ticket) => ticket,
        done @ Submission::Done { .. } => panic!("it waits, and yet: {done:?}"),
    }
}

async fn asked(gate: &Gate, text: &str) -> Ticket {
    waits(gate.submit(ask(text)).by("agent").run("session").await.unwrap())
}

/// Returns an approver that approves, and the number of its questions.
fn counting(name: &'static str) -> (ScriptedApprover, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let approver = ScriptedApprover::new(move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        Review::Decided(request.approve().by(name))
    });
    (approver, asked)
}

async fn outcome(gate: &Gate, id: RequestId) -> Option<Outcome> {
    gate.outcome(&tenant(), id).await.unwrap()
}

#[tokio::test]
async fn an_outcome_is_read_without_taking_the_call_over() {
    let Bench { gate, world, store, .. } = bench().await;
    let ticket = asked(&gate, "book").await;
    let id = ticket.request().id;
    let before = store.get(&tenant(), id).await.unwrap();
    assert!(outcome(&gate, id).await.is_none());
    gate.decide(ticket.request().approve().by("ann")).await.unwrap();
    assert!(outcome(&gate, id).await.is_none(), "it is approved, and this runs nothing");
    let owner = |record: Option<CallRecord>| {
        serde_json::to_value(record.unwrap()).unwrap()["owner"].clone()
    };
    assert_eq!(owner(store.get(&tenant(), id).await.unwrap()), owner(before));
    assert_eq!(world.ran(), 0);
    ticket.wait().await.unwrap();
    for _ in 0..2 {
        assert!(matches!(outcome(&gate, id).await, Some(Outcome::Executed(_))));
    }
    assert_eq!(world.ran(), 1);
    let acme = Tenant::new("acme");
    for (tenant, id) in [(&acme, id), (&tenant(), RequestId::new())] {
        let error = gate.outcome(tenant, id).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::NotFound);
        let error = gate.mark_delivered(tenant, id).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::NotFound);
    }
}

#[tokio::test]
async fn an_outcome_that_nobody_has_recorded_is_recorded() {
    let clock: ManualClock = start_clock();
    let store = MemoryStore::with_clock(clock.clone());
    let world = World::default();
    let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
    let gate = builder.build().await.unwrap();
    let ticket = asked(&gate, "book").await;
    clock.advance(Duration::from_secs(365 * 86_400));
    assert!(matches!(outcome(&gate, ticket.request().id).await, Some(Outcome::Expired)));
    let hold = world.hold();
    let shared = gate.clone();
    let running =
        tokio::spawn(async move { shared.submit(note("a")).by("agent").key("r", 1).await });
    world.started().await;
    let key = CallKey::new("r", 1);
    let record = store.get_by_key(&key).await.unwrap().unwrap();
    assert!(outcome(&gate, record.id()).await.is_none(), "it runs");
    store.close_session(record.claim().unwrap().session).await.unwrap();
    let parked = outcome(&gate, record.id()).await;
    assert!(matches!(parked, Some(Outcome::OutcomeUnknown(_))), "{parked:?}");
    hold.add_permits(1);
    drop(running.await.unwrap());
}

#[tokio::test]
async fn nobody_is_asked_inline_about_a_call_that_is_asked_about_later() {
    let (approver, inline) = counting("bob");
    let Bench { gate, world, .. } = bench_with(|gate| gate.approver(approver)).await;
    let later = gate.submit(ask("book")).by("agent").ask_later().await.unwrap();
    let ticket = waits(later);
    assert_eq!((inline.load(Ordering::SeqCst), world.ran()), (0, 0));
    gate.decide(ticket.request().approve().by("ann")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    // A call that needs nobody runs at once.
    let auto = gate.submit_text("note", r#"{"text":"a"}"#).by("agent").ask_later().await.unwrap();
    assert!(matches!(auto, Submission::Done { .. }));
    let asked = gate.submit(ask("book")).by("agent").await.unwrap();
    assert!(matches!(asked, Submission::Done { .. }));
    assert_eq!((inline.load(Ordering::SeqCst), world.ran()), (1, 3));
}

#[tokio::test]
async fn a_call_may_have_an_approver_of_its_own() {
    let (of_gate, gates_asked) = counting("bob");
    let Bench { gate, world, store, .. } = bench_with(|gate| gate.approver(of_gate)).await;
    let (own, own_asked) = counting("ann");
    let own: Arc<dyn Approver> = Arc::new(own);
    let submitted = gate.submit(ask("book")).by("agent").approver(Arc::clone(&own)).await.unwrap();
    let Submission::Done { outcome: Outcome::Executed(_), receipt } = submitted else { panic!() };
    let record = store.get(&tenant(), receipt.id.unwrap()).await.unwrap().unwrap();
    assert_eq!(record.decision().unwrap().by.as_str(), "ann");
    assert_eq!((own_asked.load(Ordering::SeqCst), gates_asked.load(Ordering::SeqCst)), (1, 0));
    // It has no more say than the gate's: Full waits for a surface, and a panic for somebody else.
    let full = gate.submit(pay("shop", 5.0)).by("agent").approver(Arc::clone(&own)).await.unwrap();
    drop(waits(full));
    assert_eq!(own_asked.load(Ordering::SeqCst), 1);
    let broken = Arc::new(ScriptedApprover::new(|_| panic!("out of order")));
    let broken = gate.submit(ask("walk")).by("agent").approver(broken).await.unwrap();
    drop(waits(broken));
    assert_eq!((world.ran(), gates_asked.load(Ordering::SeqCst)), (1, 0));
}

#[tokio::test]
async fn a_reference_leads_to_the_request_exactly_as_it_was_shown() {
    let Bench { gate, .. } = bench().await;
    let ticket = waits(gate.submit(pay("shop", 5.0)).by("agent").await.unwrap());
    let button = ticket.request().reference().to_string();
    let reference: RequestRef = button.parse().unwrap();
    let look = async || gate.request_by_ref(&tenant(), &reference).await.unwrap();
    let ReferencedRequest::Waits(request) = look().await else { panic!("it waits") };
    assert_eq!(*request, *ticket.request());
    let error = gate.request_by_ref(&Tenant::new("acme"), &reference).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::NotFound);
    // The requester may change the call, and somebody else approves it.
    gate.decide(ticket.request().edit(r#"{"amount":4.0}"#).by("agent")).await.unwrap();
    let ReferencedRequest::Changed(now) = look().await else { panic!("another revision") };
    assert_eq!(now.revision, 2);
    gate.decide(now.approve().by("ann")).await.unwrap();
    let ReferencedRequest::Closed(state) = look().await else { panic!("it is decided") };
    assert_eq!(state, CallState::Approved);
}

#[tokio::test]
async fn invariant_4_one_answer_delivered_a_hundred_times_is_one_decision() {
    let Bench { gate, world, audit, .. } = bench().await;
    let ticket = asked(&gate, "book").await;
    let mut answers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (gate, request) = (gate.clone(), ticket.request().clone());
        answers.spawn(async move {
            gate.decide(request.approve().replayable().by("ann")).await.map(|record| record.id())
        });
    }
    for answer in answers.join_all().await {
        assert_eq!(answer.unwrap(), ticket.request().id);
    }
    ticket.wait().await.unwrap();
    let late = gate.decide(ticket.request().approve().replayable().by("ann")).await.unwrap();
    assert_eq!((late.state(), world.ran()), (CallState::Executed, 1));
    // The audit may say it more than once, and always as the same change by the same decision.
    let records = audit.records();
    let decided = records.iter().filter(|record| record.event == AuditEvent::Decided);
    let mut decided: Vec<_> = decided.map(|entry| (entry.version, entry.decision)).collect();
    decided.dedup();
    assert_eq!(decided.len(), 1, "{decided:?}");
    // Another answer, and another person, are other decisions.
    gate.decide(ticket.request().reject("no").replayable().by("ann")).await.unwrap_err();
    gate.decide(ticket.request().approve().replayable().by("bob")).await.unwrap_err();
}

#[tokio::test]
async fn the_calls_that_wait_in_a_run_are_listed_and_withdrawn() {
    let Bench { gate, world, audit, .. } = bench().await;
    let run = RunId::new("session");
    let waiting = async || {
        let listed = gate.waiting_in_run(&tenant(), &run, 10).await.unwrap();
        listed.into_iter().map(|request| request.id).collect::<Vec<_>>()
    };
    assert_eq!(waiting().await, []);
    let first = asked(&gate, "one").await;
    let approved = asked(&gate, "two").await;
    gate.decide(approved.request().approve().by("ann")).await.unwrap();
    let child = CallContext::new("agent").root("session");
    let child = waits(gate.submit(ask("three")).by(child).run("child").await.unwrap());
    let other = waits(gate.submit(ask("one")).by("agent").run("other").await.unwrap());
    let acme = CallContext::new("agent").tenant("acme");
    let acme = waits(gate.submit(ask("one")).by(acme).run("session").await.unwrap());
    assert_eq!(waiting().await, [first.request().id, child.request().id]);
    let one = gate.waiting_in_run(&tenant(), &run, 1).await.unwrap();
    assert_eq!(one.len(), 1);

    let stranger = ReviewerIdentity::new("eve").tenant("acme");
    let error = gate.withdraw_run(&tenant(), &run, stranger, "no").await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Forbidden);
    let withdrawn =
        gate.withdraw_run(&tenant(), &run, "olga", "the client has gone").await.unwrap();
    assert_eq!((withdrawn, waiting().await), (3, vec![]));
    for ticket in [&first, &approved, &child] {
        let outcome = outcome(&gate, ticket.request().id).await;
        assert!(
            matches!(&outcome, Some(Outcome::Cancelled { reason }) if reason == "the client has gone"),
            "{outcome:?}"
        );
    }
    assert!(outcome(&gate, other.request().id).await.is_none());
    assert!(gate.outcome(&Tenant::new("acme"), acme.request().id).await.unwrap().is_none());
    let cancelled = |record: &&hitl_core::AuditRecord| {
        record.event == AuditEvent::Cancelled
            && record.by.as_ref().is_some_and(|by| by.as_str() == "olga")
    };
    assert_eq!(audit.records().iter().filter(cancelled).count(), 3);
    assert_eq!(world.ran(), 0);
    let again = gate.withdraw_run(&tenant(), &run, "olga", "once more").await.unwrap();
    assert_eq!(again, 0);
}

#[tokio::test]
async fn the_other_sides_id_of_a_call_is_a_label() {
    let Bench { gate, audit, store, .. } = bench().await;
    let labelled = |id: &str| CallContext::new("agent").tool_call_id(id);
    let submit = async |cx: CallContext| {
        let submitting = gate.submit(ask("book")).by(cx).run("session");
        waits(submitting.repeat(Repeat::Attach).await.unwrap())
    };
    let ticket = submit(labelled("call_abc")).await;
    let request = ticket.request();
    assert_eq!(request.tool_call_id.as_deref(), Some("call_abc"));
    // It is no part of the content: an identical call with another id is this call, as it was
    // named.
    let again = submit(labelled("call_def")).await;
    assert_eq!(
        (again.request().id, &again.request().tool_call_id),
        (request.id, &request.tool_call_id)
    );
    let mut other = request.clone();
    other.tool_call_id = None;
    assert!(request.reference().is_of(&other), "it is bound by no digest");
    let found = async |id: &str| {
        let queue = gate.scoped_to(ReviewScope::tenant("default")).queue();
        let page = queue.page(QueueQuery::pending().tool_call(id)).await.unwrap();
        page.entries.iter().map(CallRecord::id).collect::<Vec<_>>()
    };
    assert_eq!(found("call_abc").await, [request.id]);
    assert_eq!(found("call_def").await, []);
    assert_eq!(found("call").await, []);
    let audited = audit.records();
    assert!(audited.iter().all(|entry| entry.tool_call.as_deref() == Some("call_abc")));
    assert!(!audited.is_empty());
    let card = request.render(Timestamp::EPOCH, DetailLevel::Brief).to_text();
    assert!(card.contains("tool call: call_abc"), "{card}");
    // A body sees it, and what it delegates has one of its own.
    let delegated = labelled("call_abc").delegated_by(&request.key);
    assert_eq!(delegated.tool_call_id, None);
    // A read that leaves no record is audited with it too.
    gate.submit(look("x")).by(labelled("call_read")).await.map(drop).unwrap();
    assert!(audit.records().iter().any(|entry| entry.tool_call.as_deref() == Some("call_read")));
    drop(store);
}

#[tokio::test]
async fn invariant_8_an_id_that_cannot_be_shown_is_left_out() {
    let Bench { gate, .. } = bench().await;
    let long = "x".repeat(257);
    let faulty = [
        "",
        long.as_str(),
        "call\u{200b}",
        "call\n",
        "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789",
    ];
    for id in faulty {
        let cx = CallContext::new("agent").tool_call_id(id);
        let ticket = waits(gate.submit(ask(id)).by(cx).await.unwrap());
        assert_eq!(ticket.request().tool_call_id, None, "{id:?}");
    }
    // The call's own secret.
    let cx = CallContext::new("agent").tool_call_id("pin-1234-5678");
    let mut paying = pay("shop", 5.0);
    paying.pin = "1234-5678".to_owned();
    let ticket = waits(gate.submit(paying).by(cx).await.unwrap());
    assert_eq!(ticket.request().tool_call_id, None);
    let most = "x".repeat(256);
    let cx = CallContext::new("agent").tool_call_id(most.as_str());
    let ticket = waits(gate.submit(ask("long")).by(cx).await.unwrap());
    assert_eq!(ticket.request().tool_call_id, Some(most));
}

#[tokio::test]
async fn a_call_without_a_position_gets_one_that_is_its_own() {
    let Bench { gate, .. } = bench().await;
    let mut keys = Vec::new();
    for _ in 0..5 {
        keys.push(asked(&gate, "book").await.request().key.clone());
    }
    assert!(keys.iter().all(|key| key.run == RunId::new("session")));
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
}
