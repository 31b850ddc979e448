//! A human changes the arguments of a call: their version runs, checked like any other.

use crate::faulty;
use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hitl_core::approval::{DecisionKind, ReviewerIdentity};
use hitl_core::{
    ApprovalLevel, ArgumentErrorKind, Assessment, AuditEvent, CallRecord, CallState, CallView,
    Effect, Gate, GateErrorKind, MemoryStore, Outcome, Policy, Refusal, Ruling, Store, Submission,
    Ticket,
};
use support::{Bench, Pay, ask, bench, bench_with, pay};

async fn pending(gate: &Gate, call: Pay) -> Ticket {
    match gate.submit(call).by("agent").key("run", 1).await.unwrap() {
        Submission::Pending(ticket) => ticket,
        other @ Submission::Done { .. } => panic!("it needs a human, and yet: {other:?}"),
    }
}

async fn current(bench: &Bench, ticket: &Ticket) -> CallRecord {
    let request = ticket.request();
    bench.gate.unscoped().get(&request.key.tenant, request.id).await.unwrap().unwrap()
}

#[tokio::test]
async fn invariant_2_what_the_editor_wrote_is_what_runs() {
    let bench = bench().await;
    let ticket = pending(&bench.gate, pay("ann", 5000.0)).await;
    let shown = ticket.request();
    let decision = shown.edit(r#"{"amount": 20.5}"#).by("alice");
    let record = bench.gate.decide(decision.clone()).await.unwrap();
    assert_eq!((record.state(), record.request().revision), (CallState::Approved, 2));
    assert_ne!(record.request().binding, shown.binding);
    assert_eq!(record.content(), shown_content(&bench, &ticket).await, "the key still finds it");
    assert_eq!(record.request().title, "Pay 20.50 to \"ann\"");
    let arguments = record.request().arguments.as_str();
    assert_eq!(arguments, r#"{"to":"ann","amount":20.5,"pin":"[redacted]"}"#);
    let [earlier] = record.prior_revisions() else { panic!("both revisions are kept") };
    assert_eq!((earlier.revision, &earlier.arguments), (1, &shown.arguments));
    assert_eq!(earlier.edited.by.as_str(), "alice");
    assert_eq!(earlier.edited.at, record.updated_at());
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it ran") };
    assert_eq!(output.json(), Some("20.5"));
    // The same edit, sent again before and after the call ran, is harmless.
    let again = bench.gate.decide(decision).await.unwrap();
    assert_eq!((again.state(), again.request().revision), (CallState::Executed, 2));
    assert_eq!(bench.events(), ["requested", "edited", "claimed", "executed"]);
    let records = bench.audit.records();
    let edited = records.iter().find(|kept| kept.event == AuditEvent::Edited).unwrap();
    assert_eq!(edited.note.as_deref(), Some("edited and approved"));
    assert_eq!(edited.by.as_ref().unwrap().as_str(), "alice");
    assert_eq!(edited.arguments.as_ref().unwrap().as_str(), arguments);
}

async fn shown_content(bench: &Bench, ticket: &Ticket) -> hitl_core::ContentDigest {
    let page = bench
        .gate
        .unscoped()
        .list(&ticket.request().key.tenant, hitl_core::PageRequest::all())
        .await;
    page.unwrap()[0].content()
}

#[tokio::test]
async fn invariant_10_a_call_that_was_edited_is_found_by_its_key_and_first_content() {
    let bench = bench().await;
    let ticket = pending(&bench.gate, pay("ann", 5000.0)).await;
    bench.gate.decide(ticket.request().edit(r#"{"amount": 1}"#).by("alice")).await.unwrap();
    let again = bench.gate.submit(pay("ann", 5000.0)).by("agent").key("run", 1).await.unwrap();
    assert!(again.receipt().reattached);
    let Submission::Done { outcome: Outcome::Executed(output), .. } = again else {
        panic!("it was approved: {again:?}")
    };
    assert_eq!(output.json(), Some("1.0"));
    assert_eq!(bench.world.ran(), 1);
    let other = bench.gate.submit(pay("ann", 1.0)).by("agent").key("run", 1).await.unwrap_err();
    assert_eq!(other.kind(), GateErrorKind::KeyConflict);
}

#[tokio::test]
async fn invariant_5_a_patch_that_is_not_sound_changes_nothing() {
    use ArgumentErrorKind as K;
    let bench = bench().await;
    let ticket = pending(&bench.gate, pay("ann", 5000.0)).await;
    let before = current(&bench, &ticket).await;
    let payload = bench.store.payload(&before.key().tenant, before.id()).await.unwrap();
    for (patch, kind, path) in [
        ("{", K::Syntax, ""),
        ("7", K::WrongType, ""),
        (r#"{"amount": "much"}"#, K::WrongType, "amount"),
        (r#"{"amount": 1, "amount": 2}"#, K::DuplicateKey, "amount"),
        (r#"{"amount": 9007199254740993}"#, K::Inexact, "amount"),
        (r#"{"amount": 1e999}"#, K::NotFinite, "amount"),
        (r#"{"amount": null}"#, K::Missing, "amount"),
        (r#"{"currency": "EUR"}"#, K::UnknownField, "currency"),
        // A mask never overwrites a secret, nor can an editor.
        (r#"{"pin": "[redacted]"}"#, K::Mask, "pin"),
        (r#"{"to": "x [redacted:0123456789] y"}"#, K::Mask, "to"),
        (r#"{"pin": "0000"}"#, K::Secret, "pin"),
        (r#"{"pin": null}"#, K::Secret, "pin"),
        (r#"{"pin": {"a": 1}}"#, K::Secret, "pin"),
    ] {
        let error = bench.gate.decide(before.request().edit(patch).by("alice")).await.unwrap_err();
        let why = error.arguments().unwrap_or_else(|| panic!("{patch}: {error}"));
        assert_eq!((why.kind(), why.path()), (kind, path), "{patch}: {why}");
        assert!(!error.to_string().contains("9731"), "{error}");
        assert_eq!(current(&bench, &ticket).await, before, "{patch}");
    }
    let kept = bench.store.payload(&before.key().tenant, before.id()).await.unwrap();
    assert_eq!(kept, payload, "the arguments are the ones that were shown");
    assert_eq!(bench.events(), ["requested"]);
    let unchanged = bench.gate.decide(before.request().edit("{}").by("alice")).await.unwrap_err();
    assert_eq!(unchanged.refusal(), Some(Refusal::Unchanged));
    bench.gate.decide(before.request().approve().by("alice")).await.unwrap();
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it ran") };
    assert_eq!(output.json(), Some("5000.0"));
}

/// A policy that requires a full review of every call while it is strict.
struct Changing(Arc<AtomicBool>);

impl Policy for Changing {
    fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let effect = Effect::AtLeast(ApprovalLevel::Full);
        let strict = self.0.load(Ordering::SeqCst);
        strict.then(|| Ruling { effect, reason: "strict".to_owned() })
    }
}

#[tokio::test]
async fn invariant_2_an_edit_has_the_result_that_its_editor_was_shown_or_none() {
    let strict = Arc::new(AtomicBool::new(false));
    let bench = bench_with(|g| g.policy(Changing(Arc::clone(&strict)))).await;
    for (position, relaxed) in [(0, true), (1, false)] {
        strict.store(false, Ordering::SeqCst);
        let submission = bench.gate.submit(ask("bob")).by("agent").key("run", position).await;
        let Submission::Pending(ticket) = submission.unwrap() else { panic!("it waits") };
        let (request, patch) = (ticket.request(), r#"{"text": "ann"}"#);
        assert_eq!(request.level, ApprovalLevel::Quick);
        // The policy that the editor is shown the result of, and the one when they send it.
        strict.store(relaxed, Ordering::SeqCst);
        let preview = bench.gate.preview_edit(request, patch, "alice").await.unwrap();
        let shown = if relaxed { CallState::Pending } else { CallState::Approved };
        assert_eq!(preview.state, shown);
        let edit = || request.edit(patch).previewed(&preview).by("alice");
        strict.store(!relaxed, Ordering::SeqCst);
        let before = current(&bench, &ticket).await;
        let error = bench.gate.decide(edit()).await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::OtherResult), "{error}");
        assert_eq!(current(&bench, &ticket).await, before, "nothing changes");
        assert_eq!(bench.world.ran(), 0);
        // With the policy that they saw, it counts; and sent again, it is harmless.
        strict.store(relaxed, Ordering::SeqCst);
        let decision = edit();
        let edited = bench.gate.decide(decision.clone()).await.unwrap();
        let is = (edited.state(), edited.request().binding);
        assert_eq!(is, (preview.state, preview.request.binding));
        assert_eq!(bench.gate.decide(decision).await.unwrap().state(), shown);
    }
    // Other answers have no preview.
    let Submission::Pending(ticket) =
        bench.gate.submit(ask("bob")).by("agent").key("run", 2).await.unwrap()
    else {
        panic!("it waits")
    };
    let preview = bench.gate.preview_edit(ticket.request(), r#"{"text": "x"}"#, "alice").await;
    let approve = ticket.request().approve().previewed(&preview.unwrap()).by("alice");
    assert_eq!(bench.gate.decide(approve).await.unwrap().state(), CallState::Approved);
}

/// A policy that denies calls to mallory, and requires a full review of calls to eve.
struct Rules;
impl Policy for Rules {
    fn rule(&self, call: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let effect = match call.arguments.get("text")?.as_str()? {
            "mallory" => Effect::Deny,
            "eve" => Effect::AtLeast(ApprovalLevel::Full),
            _ => return None,
        };
        Some(Ruling { effect, reason: "a rule".to_owned() })
    }
}

#[tokio::test]
async fn invariant_2_an_edit_is_assessed_again_and_never_cheaper() {
    let bench = bench_with(|builder| builder.policy(Rules)).await;
    let submit = async |text: &str, position| {
        let call = bench.gate.submit(ask(text)).by("agent").key("run", position).await.unwrap();
        let Submission::Pending(ticket) = call else { panic!("it needs a human") };
        ticket
    };
    // Denied: the earlier revision stays, and can still be decided.
    let ticket = submit("bob", 1).await;
    let edit = ticket.request().edit(r#"{"text": "mallory"}"#).by("alice");
    let error = bench.gate.decide(edit).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::EditDenied);
    assert_eq!(current(&bench, &ticket).await.version(), 1);
    // Stricter: asked again at the new level, although the editor approves.
    let edit = ticket.request().edit(r#"{"text": "eve"}"#).by("alice");
    let record = bench.gate.decide(edit).await.unwrap();
    assert_eq!((record.state(), record.request().level), (CallState::Pending, ApprovalLevel::Full));
    assert_eq!(record.request().reasons, ["a rule"]);
    // Less strict by itself: it keeps its level.
    let edit = record.request().edit(r#"{"text": "bob again"}"#).by("alice");
    let record = bench.gate.decide(edit).await.unwrap();
    assert_eq!(
        (record.state(), record.request().level),
        (CallState::Approved, ApprovalLevel::Full)
    );
    assert_eq!(record.prior_revisions().len(), 2);
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it ran") };
    assert_eq!(output.json(), Some(r#""bob again""#));
}

#[tokio::test]
async fn invariant_4_of_two_editors_one_wins() {
    let bench = bench().await;
    let ticket = pending(&bench.gate, pay("ann", 5000.0)).await;
    let request = ticket.request();
    let (one, other) = tokio::join!(
        bench.gate.decide(request.edit(r#"{"amount": 1}"#).by("alice")),
        bench.gate.decide(request.edit(r#"{"amount": 2}"#).by("bob")),
    );
    let (won, lost) = match (one, other) {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        both => panic!("one wins: {both:?}"),
    };
    assert!(lost.current().is_some_and(|current| current.request().revision == 2));
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it ran") };
    let amount: f64 = output.parse().unwrap();
    let by = won.prior_revisions()[0].edited.by.as_str();
    assert_eq!(by, if amount < 1.5 { "alice" } else { "bob" });
}

#[tokio::test]
async fn invariant_2_the_sealed_text_of_one_purpose_or_revision_is_nothing_in_another() {
    use hitl_core::machine::Event;
    use hitl_core::store::EventPayload;
    let bench = bench().await;
    let ticket = pending(&bench.gate, pay("ann", 5000.0)).await;
    let (tenant, id) = (ticket.request().key.tenant.clone(), ticket.request().id);
    let first = bench.store.payload(&tenant, id).await.unwrap().unwrap();
    bench.gate.decide(ticket.request().edit(r#"{"amount": 1}"#).by("alice")).await.unwrap();
    // An attacker who can write the store, but lacks the key, restores the larger amount.
    let attach = Event::Attach { owner: None, attached: false };
    bench.store.apply(&tenant, id, attach, EventPayload::payload(first)).await.unwrap();
    let error = ticket.wait().await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Payload);
    assert_eq!(bench.world.ran(), 0);
}

#[tokio::test]
async fn invariant_8_what_an_editor_types_is_redacted_where_it_is_kept() {
    let bench = bench().await;
    let call = bench.gate.submit(ask("hello")).by("agent").key("run", 1).await.unwrap();
    let Submission::Pending(ticket) = call else { panic!("it needs a human") };
    let secret = "Bearer abcdefghijkl12345678";
    let patch = format!(r#"{{"text": "curl -H 'Authorization: {secret}'"}}"#);
    let decision = ticket.request().edit(patch).by("alice");
    assert!(!format!("{decision:?}").contains("abcdefghijkl"));
    let record = bench.gate.decide(decision.clone()).await.unwrap();
    let text = serde_json::to_string(&record).unwrap();
    assert!(!text.contains("abcdefghijkl"), "{text}");
    assert!(matches!(&record.prior_revisions()[0].edited.answer, DecisionKind::Edit { .. }));
    for kept in bench.audit.records() {
        assert!(!serde_json::to_string(&kept).unwrap().contains("abcdefghijkl"));
    }
    // It still counts as the same decision.
    assert_eq!(bench.gate.decide(decision).await.unwrap().version(), record.version());
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it ran") };
    assert!(output.json().unwrap().contains(secret), "what runs is what they wrote");
}

#[tokio::test]
async fn invariant_7_a_stranger_edits_withdraws_and_settles_nothing() {
    let bench = bench().await;
    let ticket = pending(&bench.gate, pay("ann", 5000.0)).await;
    let record = current(&bench, &ticket).await;
    let stranger = || ReviewerIdentity::new("bob").tenant("umbrella");
    let edit = record.request().edit(r#"{"amount": 1}"#).by(stranger());
    let error = bench.gate.decide(edit).await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::WrongTenant));
    let error = bench.gate.cancel(&record, stranger(), "mine").await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Forbidden);
    let how = hitl_core::Resolution::Executed;
    let error = bench.gate.resolve(&record, how, stranger()).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Forbidden);
    assert_eq!(current(&bench, &ticket).await, record);
}

#[tokio::test]
async fn invariant_5_an_edit_that_the_store_does_not_take_is_no_edit() {
    use faulty::{Fault, Faulty};
    use std::sync::atomic::Ordering;
    for fault in [Fault::Before, Fault::After] {
        for at in 0..6 {
            let store = Faulty {
                inner: MemoryStore::new(),
                fault,
                at: usize::MAX,
                for_ever: false,
                count: Arc::default(),
            };
            let (inner, count) = (store.inner.clone(), Arc::clone(&store.count));
            let bench = bench_with(|builder| builder.store(Faulty { at, ..store })).await;
            count.store(1_000, Ordering::SeqCst);
            let ticket = pending(&bench.gate, pay("ann", 5000.0)).await;
            let decision = ticket.request().edit(r#"{"amount": 1}"#).by("alice");
            count.store(0, Ordering::SeqCst);
            let first = bench.gate.decide(decision.clone()).await;
            if let Err(error) = &first {
                assert_eq!(error.kind(), GateErrorKind::Store, "{fault:?} {at}");
            }
            count.store(1_000, Ordering::SeqCst);
            let record = bench.gate.decide(decision).await.unwrap();
            assert_eq!((record.state(), record.request().revision), (CallState::Approved, 2));
            let id = record.id();
            let kept = inner.get(&record.key().tenant, id).await.unwrap().unwrap();
            assert_eq!(kept.prior_revisions().len(), 1, "{fault:?} {at}");
            let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it ran") };
            assert_eq!(output.json(), Some("1.0"));
        }
    }
}
