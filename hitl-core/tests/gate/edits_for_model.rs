//! After an edit, the model learns what ran: in the same words on every way to it.

use crate::support;

use std::time::Duration;

use hitl_core::{
    ApprovalLevel, Assessment, CallState, CallView, Effect, Gate, HostKey, MemoryStore, Outcome,
    PageRequest, Policy, Ruling, Submission, Tenant, Ticket,
};
use support::{BrokenRead, World, bench, bench_with, pay, tools};

async fn submit(gate: &Gate, tool: &str, arguments: &str, position: u64) -> Ticket {
    match gate.submit_json(tool, arguments, "agent", "run", position).await.unwrap() {
        Submission::Pending(ticket) => ticket,
        other @ Submission::Done { .. } => panic!("it needs a human, and yet: {other:?}"),
    }
}

async fn replayed(gate: &Gate, tool: &str, arguments: &str, position: u64) -> Outcome {
    match gate.submit_json(tool, arguments, "agent", "run", position).await.unwrap() {
        Submission::Done { outcome, .. } => outcome,
        other @ Submission::Pending(_) => panic!("it has ended, and yet: {other:?}"),
    }
}

/// Edits the current revision of a call.
async fn edit(gate: &Gate, ticket: &Ticket, patch: &str) {
    let request = ticket.request();
    let now = gate.unscoped().get(&request.key.tenant, request.id).await.unwrap().unwrap();
    gate.decide(now.request().edit(patch).by("alice")).await.unwrap();
}

const PAY: &str = r#"{"to":"ann","amount":900,"pin":"9731-secret"}"#;

#[tokio::test]
async fn a_model_reads_what_ran_and_then_the_result() {
    let bench = bench().await;
    let ticket = submit(&bench.gate, "pay", PAY, 0).await;
    edit(&bench.gate, &ticket, r#"{"amount":500}"#).await;
    let said = "A human reviewer changed this call before it ran: `amount` from 900.0 to 500.0. \
                This is what the tool gave:\n500.0";
    let outcome = ticket.wait().await.unwrap();
    assert_eq!((outcome.for_model().text.as_str(), outcome.for_model().status), (said, "executed"));
    // The same from the record.
    assert_eq!(replayed(&bench.gate, "pay", PAY, 0).await, outcome);
    let changes = outcome.details().unwrap().changes().unwrap();
    assert_eq!((changes.listed().len(), changes.more()), (1, 0));
    // A call that was not changed has its result alone.
    let ticket = submit(&bench.gate, "pay", PAY, 1).await;
    bench.gate.decide(ticket.request().approve().by("alice")).await.unwrap();
    assert_eq!(ticket.wait().await.unwrap().for_model().text, "900.0");
}

/// Asks for a full review of texts with "eve", so that an edit to one does not let the call run.
struct AboutEve;
impl Policy for AboutEve {
    fn rule(&self, call: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let text = call.arguments.get("text")?.as_str()?;
        let effect = Effect::AtLeast(ApprovalLevel::Full);
        (text == "eve").then(|| Ruling { effect, reason: "about eve".to_owned() })
    }
}

#[tokio::test]
async fn two_edits_are_one_difference_and_two_that_cancel_are_none() {
    let bench = bench_with(|builder| builder.policy(AboutEve)).await;
    for (position, last, told) in [
        (0, "c", r#"A human reviewer changed this call before it ran: `text` from "a" to "c". "#),
        (1, "a", r#""a""#),
    ] {
        let ticket = submit(&bench.gate, "ask", r#"{"text":"a"}"#, position).await;
        edit(&bench.gate, &ticket, r#"{"text":"eve"}"#).await;
        edit(&bench.gate, &ticket, &format!(r#"{{"text":"{last}"}}"#)).await;
        let outcome = ticket.wait().await.unwrap();
        assert!(outcome.for_model().text.starts_with(told), "{}", outcome.for_model());
        assert_eq!(outcome.details().unwrap().changes().is_some(), last != "a");
        assert!(outcome.for_model().text.ends_with(&format!("\"{last}\"")));
    }
}

#[tokio::test]
async fn a_failure_and_an_unknown_outcome_say_what_was_changed() {
    let bench = bench().await;
    for (position, to, said) in [
        (0, "nobody", "The tool ran and failed. It may have had effects"),
        (1, "panic", "The tool ran and failed. It may have had effects"),
    ] {
        let ticket = submit(&bench.gate, "pay", PAY, position).await;
        edit(&bench.gate, &ticket, &format!(r#"{{"to":"{to}"}}"#)).await;
        let outcome = ticket.wait().await.unwrap();
        let before = format!(
            "A human reviewer changed this call before it ran: `to` from \"ann\" to \"{to}\". {said}"
        );
        assert!(outcome.for_model().text.starts_with(&before), "{}", outcome.for_model());
        assert_eq!(replayed(&bench.gate, "pay", PAY, position).await, outcome);
        // A typed call has the same text.
        let error = bench.gate.call(pay("ann", 900.0)).by("agent").key("run", position).await;
        assert_eq!(error.unwrap_err().for_model(), outcome.for_model());
    }
    // A typed call that ran here, with the tool's own error.
    let typed = bench.gate.call(pay("ann", 900.0)).by("agent").key("typed", 0);
    let deciding = async {
        let mut page = Vec::new();
        support::until("asked", async || {
            let queue = PageRequest::new(&[CallState::Pending]);
            page = bench.gate.unscoped().list(&Tenant::default(), queue).await.unwrap();
            !page.is_empty()
        })
        .await;
        bench.gate.decide(page[0].request().edit(r#"{"to":"nobody"}"#).by("alice")).await.unwrap();
    };
    let (typed, ()) = tokio::join!(std::future::IntoFuture::into_future(typed), deciding);
    let told = typed.unwrap_err().for_model().text;
    assert!(told.contains(r#"`to` from "ann" to "nobody""#) && !told.contains("9731"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_time_out_and_a_batch_say_what_was_changed() {
    let bench = bench().await;
    let _held = bench.world.hold();
    let gate = &bench.gate;
    let ticket = submit(gate, "brief", r#"{"text":"a"}"#, 0).await;
    edit(gate, &ticket, r#"{"text":"b"}"#).await;
    let told = ticket.wait().await.unwrap().for_model();
    assert_eq!(told.status, "outcomeUnknown");
    let said = "A human reviewer changed this call before it ran: `text` from \"a\" to \"b\". The \
                tool was started, and it is not known how it ended. It may have had effects.";
    assert!(told.text.starts_with(said), "{told}");
    bench.world.let_go();

    let batch = gate.submit_all("batch").json(0, "ask", r#"{"text":"a"}"#).by("agent").await;
    let id = batch.parts()[0].receipt.as_ref().unwrap().id.unwrap();
    let asked = gate.unscoped().get(&Tenant::default(), id).await.unwrap().unwrap();
    gate.decide(asked.request().edit(r#"{"text":"b"}"#).by("alice")).await.unwrap();
    let answers = batch.wait().await;
    let told = answers[0].as_ref().unwrap().for_model().text;
    let said = "A human reviewer changed this call before it ran: `text` from \"a\" to \"b\". This \
                is what the tool gave:\n\"b\"";
    assert_eq!(told, said);
}

#[tokio::test]
async fn invariant_8_an_edited_secret_is_not_named() {
    let bench = bench().await;
    let before = "Bearer abcdefghijkl12345678";
    for (position, after) in
        ["Bearer zyxwvutsrqpo87654321", "no secret at all"].into_iter().enumerate()
    {
        let position = position as u64;
        let text = format!(r#"{{"text":"curl -H 'Authorization: {before}'"}}"#);
        let ticket = submit(&bench.gate, "ask", &text, position).await;
        let patch = format!(r#"{{"text":"curl -H 'Authorization: {after}'"}}"#);
        edit(&bench.gate, &ticket, &patch).await;
        let outcome = ticket.wait().await.unwrap();
        let changes = outcome.details().unwrap().changes().unwrap().to_string();
        assert!(changes.starts_with("`text` "), "{changes}");
        for secret in ["abcdefghijkl", "zyxwvutsrqpo"] {
            assert!(!changes.contains(secret), "{changes}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_ran_is_known_in_another_process() {
    let (store, key) = (MemoryStore::new(), || HostKey::from_bytes([7; 32]));
    let open = async || {
        let gate = tools(Gate::builder()).state(World::default()).store(store.clone());
        gate.key(key()).build().await.unwrap()
    };
    let first = open().await;
    let ticket = submit(&first, "pay", PAY, 0).await;
    edit(&first, &ticket, r#"{"amount":500,"to":"bob"}"#).await;
    let outcome = ticket.wait().await.unwrap();
    drop((first, ticket));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(replayed(&open().await, "pay", PAY, 0).await, outcome);
    let told = outcome.for_model().text;
    assert!(told.contains(r#"`to` from "ann" to "bob"; `amount` from 900.0 to 500.0."#), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_does_not_warn_of_effects() {
    let bench = bench().await;
    let gate = &bench.gate;
    for (text, said) in [
        (r#"{"how":"fail"}"#, "The tool ran and failed. It only reads, so nothing was changed"),
        (r#"{"how":"panic"}"#, "The tool ran and failed. It only reads, so nothing was changed"),
        (r#"{"how":"hang"}"#, "It only reads, so nothing was changed: you may call it again."),
    ] {
        let outcome = gate.call_json("broken_read", text, "ann", "run", 0).await.unwrap();
        let told = outcome.for_model().text;
        assert!(told.contains(said) && !told.contains("effects"), "{told}");
    }
    let error = gate.call(BrokenRead { how: "fail".to_owned() }).by("ann").await.unwrap_err();
    assert!(error.for_model().text.contains("nothing was changed"), "{error}");
}
