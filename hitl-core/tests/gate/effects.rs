//! The same consequence once.

use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use hitl_core::approval::{DetailLevel, EarlierStanding};
use hitl_core::grant::{GrantError, GrantTerms};
use hitl_core::machine::{CallRecord, Event};
use hitl_core::store::{ApplyError, EventPayload, StoreWrapper};
use hitl_core::{
    ApprovalLevel, ApprovalRequest, CallContext, CallState, ErasureScope, Gate, MemoryStore,
    Outcome, Principal, QueueQuery, RequestId, ReviewScope, ReviewerIdentity, Store as _,
    StoreError, StoreErrorKind, Submission, Tenant,
};
use support::{Refund, Rotate, Transfer, World, bench, refund, tools};

fn waiting(submission: Submission) -> ApprovalRequest {
    match submission {
        Submission::Pending(ticket) => ticket.request().clone(),
        done @ Submission::Done { .. } => panic!("{done:?}"),
    }
}

async fn record(gate: &Gate, id: RequestId) -> CallRecord {
    gate.unscoped().get(&Tenant::default(), id).await.unwrap().unwrap()
}

#[tokio::test]
async fn invariant_3_a_second_call_with_the_effect_of_one_that_ran_is_asked_about() {
    let bench = bench().await;
    assert_eq!(bench.gate.call(refund("pay_1")).by("ann").key("a", 0).await.unwrap(), "pay_1");
    // Another run, another requester, other arguments.
    let second = Refund { payment: "pay_1".into(), note: "please".into() };
    let request = waiting(bench.gate.submit(second).by("carol").key("b", 0).await.unwrap());
    assert_eq!((request.level, bench.world.ran()), (ApprovalLevel::Full, 1));
    let first = record_of(&bench.gate, "a").await;
    assert_eq!(request.repeats, Some(first.id()));
    let said = request.earlier.as_ref().unwrap().to_string();
    assert!(said.contains(&first.id().to_string()) && said.contains("which has run"), "{said}");
    assert!(said.contains("Refund pay_1") && said.contains("for ann"), "{said}");
    assert_eq!(request.may_be_granted(), Err(GrantError::RepeatsEffect));
    // Who asks cannot let it happen a second time, and neither can an agent.
    bench.gate.decide(request.approve().by("carol")).await.unwrap_err();
    let agent = ReviewerIdentity::new(Principal::agent("bot"));
    bench.gate.decide(request.approve().by(agent)).await.unwrap_err();
    // A person who saw the first one can.
    bench.gate.decide(request.approve().by("bob")).await.unwrap();
    let again = bench.gate.submit(Refund { payment: "pay_1".into(), note: "please".into() });
    let again = again.by("carol").key("b", 0).await.unwrap();
    assert!(matches!(again, Submission::Done { outcome: Outcome::Executed(_), .. }), "{again:?}");
    assert_eq!(bench.world.ran(), 2);
    let third = waiting(bench.gate.submit(refund("pay_1")).by("ann").key("c", 0).await.unwrap());
    assert_eq!(third.repeats, Some(request.id), "the last one is shown");
    // Another payment is another effect, and so is another tenant's.
    bench.gate.call(refund("pay_2")).by("ann").await.unwrap();
    bench.gate.call(refund("pay_1")).by(CallContext::new("ann").tenant("other")).await.unwrap();
    assert_eq!(bench.world.ran(), 4);
}

async fn record_of(gate: &Gate, run: &str) -> CallRecord {
    let key = hitl_core::CallKey::new(run, 0);
    gate.unscoped().get_by_key(&key).await.unwrap().unwrap()
}

#[tokio::test]
async fn invariant_3_of_two_that_were_approved_one_starts_and_the_other_is_asked_about_again() {
    let bench = bench().await;
    let gate = bench.gate.clone();
    // Both are asked about before either runs.
    let submit = async |run: &str| {
        let transfer = Transfer { to: "Initech".into() };
        gate.submit(transfer).by("ann").key(run, 0).await.unwrap()
    };
    let (one, two) = (waiting(submit("a").await), waiting(submit("b").await));
    assert_eq!((one.repeats, two.repeats), (None, None));
    gate.decide(one.approve().by("bob")).await.unwrap();
    gate.decide(two.approve().by("bob")).await.unwrap();
    assert!(matches!(submit("a").await, Submission::Done { .. }));
    let other = gate.clone();
    let blocked = tokio::spawn(async move {
        let transfer = Transfer { to: "Initech".into() };
        other.submit(transfer).by("ann").key("b", 0).await.unwrap()
    });
    support::until("it is asked about again", async || {
        record(&gate, two.id).await.state() == CallState::Pending
    })
    .await;
    assert_eq!(bench.world.ran(), 1);
    let again = record(&gate, two.id).await.request().clone();
    assert_eq!(
        (again.repeats, again.revision, again.level),
        (Some(one.id), 2, ApprovalLevel::Full)
    );
    gate.decide(two.approve().by("bob")).await.unwrap_err();
    gate.decide(again.approve().by("bob")).await.unwrap();
    let ended = blocked.await.unwrap();
    assert!(matches!(ended, Submission::Done { .. }), "{ended:?}");
    assert_eq!(bench.world.ran(), 2);
}

#[tokio::test]
async fn invariant_3_of_many_at_once_one_starts() {
    let bench = bench().await;
    let held = bench.world.hold();
    let calls: Vec<_> = (0..8)
        .map(|n| {
            let gate = bench.gate.clone();
            let run = format!("run-{n}");
            tokio::spawn(async move { gate.submit(refund("pay_1")).by("ann").key(run, 0).await })
        })
        .collect();
    support::until("seven wait", async || {
        let pending = [CallState::Pending];
        let page = hitl_core::store::PageRequest::new(&pending);
        bench.gate.unscoped().list(&Tenant::default(), page).await.unwrap().len() == 7
    })
    .await;
    assert_eq!(bench.world.ran(), 1);
    held.add_permits(8);
    for call in calls {
        call.abort();
    }
}

#[tokio::test]
async fn a_call_that_failed_may_have_had_its_effect() {
    let bench = bench().await;
    bench.gate.call(refund("broken")).by("ann").key("a", 0).await.unwrap_err();
    let request = waiting(bench.gate.submit(refund("broken")).by("ann").key("b", 0).await.unwrap());
    let said = request.earlier.unwrap().to_string();
    assert!(said.contains("may have had its effect all the same"), "{said}");
}

#[tokio::test]
async fn a_tool_may_refuse_to_repeat_an_effect() {
    let bench = bench().await;
    let submit =
        async |run: &str| bench.gate.submit(Rotate {}).by("ann").key(run, 0).await.unwrap();
    let Submission::Done { outcome: Outcome::Executed(_), .. } = submit("a").await else {
        panic!("the first one runs")
    };
    let Submission::Done { outcome: Outcome::Denied { reason }, .. } = submit("b").await else {
        panic!("the second one does not")
    };
    assert!(reason.contains("has the same effect, which happens once"), "{reason}");
}

#[tokio::test]
async fn no_grant_answers_a_repeated_effect() {
    let bench = bench().await;
    let gate = &bench.gate;
    let submit = async |run: &str| {
        let transfer = Transfer { to: "Initech".into() };
        gate.submit(transfer).by("ann").key(run, 0).await.unwrap()
    };
    // A grant that covers every transfer, given on the first one.
    let first = waiting(submit("a").await);
    let terms = GrantTerms::any_arguments().durable().uses(10);
    let preview = gate.preview_grant(first.grant(terms.clone()).by("alice")).await.unwrap();
    gate.save_grant(preview).await.unwrap();
    assert!(matches!(submit("a").await, Submission::Done { .. }));
    // The same transfer once more is asked about, and no grant is given on it.
    let second = waiting(submit("b").await);
    assert_eq!((second.repeats, bench.world.ran()), (Some(first.id), 1));
    let refused = gate.preview_grant(second.grant(terms).by("alice")).await.unwrap_err();
    assert_eq!(refused.grant(), Some(&GrantError::RepeatsEffect));
    assert_eq!(record(gate, second.id).await.state(), CallState::Pending);
    waiting(submit("c").await);
    assert_eq!(bench.world.ran(), 1);
}

/// A store whose next claims fail.
#[derive(Clone)]
struct NoClaims {
    inner: MemoryStore,
    fail: Arc<AtomicBool>,
}

#[async_trait]
impl StoreWrapper for NoClaims {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        if matches!(event, Event::Claim { .. }) && self.fail.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "gone").into());
        }
        self.inner.apply(tenant, id, event, enclosed).await
    }
}

#[tokio::test]
async fn an_effect_is_free_again_once_its_holder_has_ended_without_a_start() {
    let (world, fail) = (World::default(), Arc::new(AtomicBool::new(true)));
    let store = NoClaims { inner: MemoryStore::new(), fail: Arc::clone(&fail) };
    let gate = tools(Gate::builder()).state(world.clone()).store(store).build().await.unwrap();
    gate.submit(refund("pay_1")).by("ann").key("a", 0).await.unwrap_err();
    fail.store(false, Ordering::SeqCst);
    let first = record_of(&gate, "a").await;
    assert_eq!((first.state(), world.ran()), (CallState::Approved, 0));
    // It may still start.
    let request = waiting(gate.submit(refund("pay_1")).by("ann").key("b", 0).await.unwrap());
    let said = request.earlier.as_ref().unwrap().to_string();
    assert!(said.contains("which is approved and starts first"), "{said}");
    gate.cancel(&first, "host", "not needed").await.unwrap();
    gate.call(refund("pay_1")).by("ann").key("c", 0).await.unwrap();
    assert_eq!(world.ran(), 1);
}

/// Returns what a person reads of a call now, on the card of every surface.
async fn card(gate: &Gate, id: RequestId) -> String {
    let all = gate.scoped_to(ReviewScope::all_tenants());
    let shown = all.get(&Tenant::default(), id).await.unwrap().unwrap();
    let listed = all.queue().page(QueueQuery::pending()).await.unwrap().entries;
    let listed = listed.iter().find(|record| record.id() == id).map(CallRecord::request);
    assert!(listed.is_none_or(|listed| listed == shown.request()), "the queue and the card agree");
    let now = gate.now().await.unwrap();
    shown.request().render(now, DetailLevel::Brief).to_text()
}

#[tokio::test]
async fn a_card_shows_the_earlier_call_as_it_is_now() {
    let (world, fail) = (World::default(), Arc::new(AtomicBool::new(true)));
    let store = NoClaims { inner: MemoryStore::new(), fail: Arc::clone(&fail) };
    let gate = tools(Gate::builder()).state(world.clone()).store(store).build().await.unwrap();
    gate.submit(refund("pay_1")).by("ann").key("a", 0).await.unwrap_err();
    let second = waiting(gate.submit(refund("pay_1")).by("ann").key("b", 0).await.unwrap());
    assert_eq!(second.earlier.as_ref().unwrap().standing, EarlierStanding::Approved);
    let before = card(&gate, second.id).await;
    assert!(before.contains("Refund pay_1") && before.contains("starts first"), "{before}");
    assert!(before.contains("  beware      the same effect as call"), "{before}");
    assert!(!before.contains("raised by"), "it is said once: {before}");
    gate.cancel(&record_of(&gate, "a").await, "host", "not needed").await.unwrap();
    let after = card(&gate, second.id).await;
    assert!(after.contains("has since ended without running: it is cancelled"), "{after}");
    assert!(!after.contains("starts first") && !after.contains("beware"), "{after}");
    assert!(after.contains("  raised by   the same effect as call"), "{after}");
    // The question is the same: only what is shown of another call has changed.
    let stored = record(&gate, second.id).await;
    assert_eq!((stored.request().binding, stored.version()), (second.binding, 1));
    assert_eq!(stored.request().earlier, None, "no store keeps a copy");
    fail.store(false, Ordering::SeqCst);
    gate.decide(second.approve().by("bob")).await.unwrap();
    let ran = gate.submit(refund("pay_1")).by("ann").key("b", 0).await.unwrap();
    assert!(matches!(ran, Submission::Done { .. }) && world.ran() == 1, "{ran:?}");
}

#[tokio::test]
async fn what_is_erased_of_an_earlier_call_is_erased_on_the_cards_of_later_ones() {
    let bench = bench().await;
    let gate = &bench.gate;
    gate.call(refund("pay_1")).by("ann").key("a", 0).await.unwrap();
    let first = record_of(gate, "a").await;
    let second = waiting(gate.submit(refund("pay_1")).by("carol").key("b", 0).await.unwrap());
    let line = |card: String| -> String {
        card.lines().find(|line| line.contains("the same effect")).unwrap().to_owned()
    };
    let before = line(card(gate, second.id).await);
    assert!(before.contains("Refund pay_1") && before.contains("ann"), "{before}");
    let scope = ErasureScope::Call { tenant: Tenant::default(), id: first.id() };
    gate.flush_audit().await.unwrap();
    gate.erase(&scope, "asked for", "dora", &[]).await.unwrap();
    let after = line(card(gate, second.id).await);
    assert!(!after.contains("Refund") && !after.contains("ann"), "{after}");
    assert!(after.contains(&first.id().to_string()) && after.contains("has run"), "{after}");
    // Nothing of the first call was copied into the second, wherever its record goes.
    let stored = serde_json::to_string(&record(gate, second.id).await).unwrap();
    assert!(!stored.contains("\"ann\""), "{stored}");
}

#[tokio::test]
async fn a_card_shows_the_effect() {
    let bench = bench().await;
    let gate = &bench.gate;
    let transfer = Transfer { to: "Initech \u{202e}GmbH".into() };
    let request = waiting(gate.submit(transfer).by("ann").key("a", 0).await.unwrap());
    let text = card(gate, request.id).await;
    assert!(text.contains("effect"), "{text}");
    assert!(text.contains("pay:\"Initech \\u{202e}GmbH\""), "{text}");
    let json = serde_json::to_value(&request).unwrap();
    assert!(json["effect"].as_str().unwrap().starts_with("pay:"), "{json}");
    // An edit has another effect.
    let edit = request.edit(r#"{"to": "Globex"}"#);
    let edited = gate.decide(edit.by("bob")).await.unwrap();
    assert_eq!(edited.request().effect.as_deref(), Some("pay:Globex"));
    // Without a template there is none.
    let plain = waiting(gate.submit(support::pay("x", 1.0)).by("ann").key("c", 0).await.unwrap());
    assert_eq!(plain.effect, None);
    assert!(!card(gate, plain.id).await.contains("effect"));
}

#[tokio::test]
async fn invariant_8_an_effect_shows_no_secret() {
    let bench = bench().await;
    let secret = "sk-proj-4fT9aQ2LmZ7xW1cV8bN3rK6yH5jD0gS4uE";
    let transfer = Transfer { to: secret.into() };
    let request = waiting(bench.gate.submit(transfer).by("ann").key("a", 0).await.unwrap());
    let effect = request.effect.clone().unwrap();
    assert!(effect.starts_with("pay:") && !effect.contains(secret), "{effect}");
    assert!(!serde_json::to_string(&request).unwrap().contains(secret));
    // The effect itself is that of the exact value.
    let other = Transfer { to: "sk-proj-4fT9aQ2LmZ7xW1cV8bN3rK6yH5jD0gS4uF".into() };
    let other = waiting(bench.gate.submit(other).by("ann").key("b", 0).await.unwrap());
    bench.gate.decide(request.approve().by("bob")).await.unwrap();
    assert_eq!(other.repeats, None);
}

#[tokio::test]
async fn invariant_3_a_repetition_that_did_not_start_frees_nothing() {
    let (world, fail) = (World::default(), Arc::new(AtomicBool::new(false)));
    let store = NoClaims { inner: MemoryStore::new(), fail: Arc::clone(&fail) };
    let gate = tools(Gate::builder()).state(world.clone()).store(store).build().await.unwrap();
    gate.call(refund("pay_1")).by("ann").key("a", 0).await.unwrap();
    let first = record_of(&gate, "a").await;
    // A person saw the first one, and the second takes its place, but does not start.
    let second = waiting(gate.submit(refund("pay_1")).by("ann").key("b", 0).await.unwrap());
    gate.decide(second.approve().by("bob")).await.unwrap();
    fail.store(true, Ordering::SeqCst);
    gate.submit(refund("pay_1")).by("ann").key("b", 0).await.unwrap_err();
    fail.store(false, Ordering::SeqCst);
    // While it may still start, nobody takes its place.
    let third = waiting(gate.submit(refund("pay_1")).by("ann").key("c", 0).await.unwrap());
    assert_eq!(third.repeats, Some(second.id));
    gate.decide(third.approve().by("bob")).await.unwrap();
    let busy = gate.submit(refund("pay_1")).by("ann").key("c", 0).await.unwrap();
    assert!(matches!(busy, Submission::Pending(_)), "{busy:?}");
    // Once it has ended, the first one counts again.
    gate.cancel(&record_of(&gate, "b").await, "host", "not needed").await.unwrap();
    let again = waiting(gate.submit(refund("pay_1")).by("ann").key("c", 0).await.unwrap());
    assert_eq!((again.repeats, world.ran()), (Some(first.id()), 1));
    let fourth = waiting(gate.submit(refund("pay_1")).by("ann").key("d", 0).await.unwrap());
    assert_eq!(fourth.repeats, Some(first.id()));
}
