//! Limits of grants: a number of calls, or a sum of an amount, is never exceeded, whatever fails
//! meanwhile.

use crate::faulty;
use crate::granting;
use crate::support;

use std::future::IntoFuture as _;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use faulty::{Fault, Faulty};
use granting::*;
use hitl_base::{Clock, JsonText, Timestamp};
use hitl_core::grant::{GrantError, GrantTerms};
use hitl_core::machine::{CallState, Resolution};
use hitl_core::{
    ApprovalRequest, DynArguments, DynSpec, DynTool, Gate, GateErrorKind, GrantRecord, MemoryStore,
    Outcome, Permit, Store as _, Submission, Tenant, Ticket, ToolConfig,
};
use support::{Bench, Flaky, World, bench, bench_with, pay, tools};

#[tokio::test(start_paused = true)]
async fn an_envelope_ends_and_then_a_human_is_asked_again() {
    let bench = bench().await;
    let gate = &bench.gate;
    let request = waiting(gate, "shop", 200.0, 0).await;
    let terms = GrantTerms::any_arguments().uses(4).sum("amount", "500".parse().unwrap());
    let record = permit(gate, &request, terms).await;
    let rule = record.grant.rule.join("\n");
    assert!(rule.contains("with any arguments: `to`, `amount`, `pin`"), "{rule}");
    assert!(rule.contains("at most 4 times\nfor at most 500 in `amount`, all calls together"));
    assert!(runs_again(gate, "shop", 200.0, 0).await);
    assert!(runs(gate, "bank", 299.5, 1).await);
    assert!(!runs(gate, "bank", 0.51, 2).await, "half is left");
    assert!(runs(gate, "bank", 0.5, 3).await);
    assert!(runs(gate, "bank", 0.0, 4).await);
    assert!(!runs(gate, "bank", 0.0, 5).await, "used four times");
    let stands = gate.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert_eq!((stands.used, stands.spent.to_string().as_str()), (4, "500"));
    assert_eq!(bench.world.ran(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_has_used_its_share() {
    let bench = bench().await;
    let request = waiting(&bench.gate, "nobody", 5.0, 0).await;
    let record = permit(&bench.gate, &request, GrantTerms::exactly().uses(1)).await;
    let again = bench.gate.submit(pay("nobody", 5.0)).by("ann").key("run", 1).await.unwrap();
    assert!(matches!(again, Submission::Done { outcome: Outcome::Failed(_), .. }));
    let stands = bench.gate.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert_eq!(stands.used, 1);
    // The request on which it was given finds nothing left, and is asked about again.
    waits_again(&bench.gate, pay("nobody", 5.0)).await;
    let asked = bench.gate.unscoped().get_by_key(&key(0)).await.unwrap().unwrap();
    assert_eq!((asked.state(), asked.request().revision), (CallState::Pending, 2));
    let why = asked.request().reasons.last().unwrap();
    assert!(why.contains("as often as it may"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn invariant_6_without_the_intent_the_share_is_given_back() {
    let (world, audit, store) = (World::default(), Flaky::default(), MemoryStore::new());
    let build = tools(Gate::builder()).state(world.clone()).store(store).audit(audit.clone());
    let gate = build.build().await.unwrap();
    let request = waiting(&gate, "shop", 5.0, 0).await;
    let record = permit(&gate, &request, GrantTerms::exactly().uses(1)).await;
    audit.fail_after(0);
    let error = gate.submit(pay("shop", 5.0)).by("ann").key("run", 1).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Audit);
    let stands = gate.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert_eq!((stands.used, world.ran()), (0, 0));
    audit.mend();
    assert!(runs_again(&gate, "shop", 5.0, 1).await);
    let stands = gate.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
    assert_eq!((stands.used, world.ran()), (1, 1));
}

/// Store operations fail one after the other, in each way: no body runs without its share of the
/// grant, and none runs twice.
#[tokio::test(start_paused = true)]
async fn invariant_5_a_store_that_fails_anywhere_overdraws_nothing() {
    let mut faults = 0;
    for (fault, for_ever) in
        [(Fault::Before, false), (Fault::After, false), (Fault::Before, true), (Fault::After, true)]
    {
        for at in 0.. {
            let (world, memory) = (World::default(), MemoryStore::new());
            let whole = tools(Gate::builder()).state(world.clone()).store(memory.clone());
            let whole = whole.build().await.unwrap();
            let request = waiting(&whole, "shop", 5.0, 0).await;
            let record = permit(&whole, &request, GrantTerms::exactly().uses(2)).await;
            let count = Arc::new(AtomicUsize::new(0));
            let store =
                Faulty { inner: memory.clone(), fault, at, for_ever, count: Arc::clone(&count) };
            let gate = tools(Gate::builder()).state(world.clone()).store(store);
            let gate = gate.skip_recovery().build().await.unwrap();
            let context = format!("{fault:?} for_ever={for_ever} at={at}");
            let new = gate.submit(pay("shop", 5.0)).by("ann").key("run", 1).await;
            let submitting = gate.submit(pay("shop", 5.0)).by("ann").key("run", 0).into_future();
            let old = tokio::time::timeout(Duration::from_secs(1), submitting).await;
            let old = matches!(old, Ok(Ok(Submission::Done { outcome: Outcome::Executed(_), .. })));
            let reached = count.load(std::sync::atomic::Ordering::SeqCst) > at;
            let stands = memory.grant(&Tenant::default(), record.id()).await.unwrap().unwrap();
            let ran = world.ran() as u64;
            assert!(ran <= stands.used && stands.used <= 2, "{ran} {stands:?} {context}");
            if !reached {
                assert!(new.is_ok() && old, "nothing failed: {context}");
                assert_eq!((ran, stands.used), (2, 2));
                break;
            }
            faults += 1;
        }
    }
    assert!(faults > 30, "{faults}");
}

/// The arguments that bodies received.
type Seen = Arc<Mutex<Vec<String>>>;

/// Returns a tool that accepts any arguments a model may write.
fn anything(seen: &Seen) -> DynTool {
    let seen = Arc::clone(seen);
    let body = move |permit: Permit<DynArguments>| {
        seen.lock().unwrap().push(permit.open().0.json().to_owned());
        async { Ok::<_, String>(JsonText::null()) }
    };
    let schema =
        r#"{"type":"object","properties":{"amount":{},"currency":{},"to":{"type":"object"}}}"#;
    let config = ToolConfig::DEFAULT.base_confidence(50).idempotent().attempts(3);
    DynTool::new(DynSpec::new("spend", "Spends.").config(config), schema, body).unwrap()
}

async fn spending(seen: &Seen) -> Bench {
    let tool = anything(seen);
    bench_with(|builder| builder.dyn_tool(tool)).await
}

async fn spend(gate: &Gate, text: &str, position: u64) -> Result<Submission, hitl_core::GateError> {
    gate.submit_json("spend", text, "ann", "run", position).await
}

async fn spend_waits(gate: &Gate, text: &str, position: u64) -> Ticket {
    match spend(gate, text, position).await.unwrap() {
        Submission::Pending(ticket) => ticket,
        done @ Submission::Done { .. } => panic!("{done:?}"),
    }
}

async fn stands(gate: &Gate, grant: &GrantRecord) -> (u64, String) {
    let record = gate.grant(&Tenant::default(), grant.id()).await.unwrap().unwrap();
    (record.used, record.spent.to_string())
}

fn up_to(sum: &str) -> GrantTerms {
    GrantTerms::any_arguments().sum("amount", sum.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn invariant_3_what_is_no_plain_amount_is_asked_about_and_draws_nothing() {
    let seen = Seen::default();
    let bench = spending(&seen).await;
    let gate = &bench.gate;
    let request = spend_waits(gate, r#"{"amount":1}"#, 0).await.request().clone();
    let grant = permit(gate, &request, up_to("500")).await;
    let odd = [
        "1e400",
        "-1e400",
        "1E+400",
        "-5",
        "-0.01",
        "-1e-400",
        "1e-400",
        "0.0000000000001",
        "501",
        "5.000000000000000000000000000000000001",
        "99999999999999999999999999999999999",
        r#""5""#,
        r#""NaN""#,
        "null",
        "true",
        "[5]",
        r#"{"amount":5}"#,
        r#""5 EUR""#,
    ];
    for (position, amount) in (10..).zip(odd) {
        let text = format!(r#"{{"amount":{amount}}}"#);
        let submitted = spend(gate, &text, position).await;
        assert!(
            matches!(&submitted, Ok(Submission::Pending(_)) | Err(_)),
            "{amount}: {submitted:?}"
        );
        assert_eq!(stands(gate, &grant).await, (0, "0".to_owned()), "{amount}");
    }
    // Text that is not JSON is no call.
    for text in [
        r#"{"amount":NaN}"#,
        r#"{"amount":Infinity}"#,
        r#"{"amount":5,"amount":1}"#,
        r#"{"amount":0x5}"#,
        r#"{"amount":+5}"#,
        r#"{"amount":05}"#,
        r#"{"amount":1_0}"#,
        "{}x",
    ] {
        let error = spend(gate, text, 90).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::InvalidArguments, "{text}");
    }
    assert!(seen.lock().unwrap().is_empty());
    // Numbers that only look odd mean what they say, to the last digit.
    let plain = ["0", "-0", "-0.0e5", "1e2", "0.000000000001", "399.999999999999", "0e400"];
    for (position, amount) in (100..).zip(plain) {
        let text = format!(r#"{{"amount":{amount}}}"#);
        let submitted = spend(gate, &text, position).await.unwrap();
        assert!(matches!(submitted, Submission::Done { .. }), "{amount}: {submitted:?}");
    }
    assert_eq!(stands(gate, &grant).await, (7, "500".to_owned()));
    drop(spend_waits(gate, r#"{"amount":0.000000000001}"#, 200).await);
    assert_eq!(seen.lock().unwrap().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn invariant_2_an_envelope_is_in_one_currency() {
    let euros = r#"{"amount":5,"currency":"EUR"}"#;
    let seen = Seen::default();
    let bench = spending(&seen).await;
    let gate = &bench.gate;
    let request = spend_waits(gate, euros, 0).await.request().clone();
    let grant = permit(gate, &request, up_to("500")).await;
    let rule = grant.grant.rule.join("\n");
    assert!(rule.contains("in \"EUR\", as `currency` says"), "{rule}");
    let runs = async |text: &str, position| {
        matches!(spend(gate, text, position).await, Ok(Submission::Done { .. }))
    };
    assert!(runs(euros, 1).await);
    for (position, other) in (10..).zip([
        r#"{"amount":5}"#,
        r#"{"amount":5,"currency":null}"#,
        r#"{"amount":5,"currency":"BTC"}"#,
        r#"{"amount":5,"currency":"eur"}"#,
        r#"{"amount":5,"currency":"EUR "}"#,
        r#"{"amount":5,"currency":["EUR"]}"#,
        r#"{"amount":5,"currency":"EUR","to":{"currency_code":"BTC"}}"#,
    ]) {
        assert!(!runs(other, position).await, "{other}");
    }
    assert!(runs(r#"{"currency":"EUR","amount":6}"#, 20).await);
    assert_eq!(stands(gate, &grant).await, (2, "11".to_owned()));

    // If the request named none, a call that names one does not match.
    let seen = Seen::default();
    let bench = spending(&seen).await;
    let gate = &bench.gate;
    let request = spend_waits(gate, r#"{"amount":5}"#, 0).await.request().clone();
    permit(gate, &request, up_to("500")).await;
    drop(spend_waits(gate, euros, 1).await);
    assert!(matches!(spend(gate, r#"{"amount":7}"#, 2).await, Ok(Submission::Done { .. })));
}

#[tokio::test(start_paused = true)]
async fn invariant_2_an_edit_into_an_envelope_is_a_humans_and_draws_nothing() {
    let seen = Seen::default();
    let bench = spending(&seen).await;
    let gate = &bench.gate;
    let first = spend_waits(gate, r#"{"amount":5}"#, 0).await.request().clone();
    let big = spend_waits(gate, r#"{"amount":900}"#, 1).await;
    let grant = permit(gate, &first, up_to("500")).await;
    // Once approved by the grant, it has no pending revision that could be edited to something
    // else.
    let allowed = gate.decide(first.edit(r#"{"amount":499}"#).by("eve")).await;
    assert_eq!(allowed.unwrap_err().kind(), GateErrorKind::Refused);
    let edited = gate.decide(big.request().edit(r#"{"amount":400}"#).by("bob")).await.unwrap();
    assert_eq!((edited.state(), edited.grant_use()), (CallState::Approved, None));
    assert!(matches!(big.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(
        stands(gate, &grant).await,
        (0, "0".to_owned()),
        "the editor's word, not the grant's"
    );
    assert_eq!(*seen.lock().unwrap(), [r#"{"amount":400}"#]);
}

/// Claims a call and dies in the middle of its body.
async fn dies(store: &MemoryStore, position: u64) {
    let record = store.get_by_key(&key(position)).await.unwrap().unwrap();
    let session = store.open_session().await.unwrap();
    let claim =
        hitl_core::store::suite::fixture::claim(&record, hitl_core::ClaimToken::new(), session);
    let none = hitl_core::store::EventPayload::none();
    store.apply(&Tenant::default(), record.id(), claim, none).await.unwrap();
    store.close_session(session).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn invariant_3_every_attempt_draws_and_what_is_left_over_is_asked_about() {
    let seen = Seen::default();
    let bench = spending(&seen).await;
    let gate = &bench.gate;
    let request = spend_waits(gate, r#"{"amount":200}"#, 0).await.request().clone();
    let grant = permit(gate, &request, up_to("500")).await;
    for attempts in 1..=2 {
        dies(&bench.store, 0).await;
        assert_eq!(stands(gate, &grant).await.0, attempts);
        gate.recover().await.unwrap();
        assert_eq!(state(gate, 0).await, CallState::Approved, "it may be tried again");
    }
    assert_eq!(stands(gate, &grant).await, (2, "400".to_owned()));
    // The third attempt no longer fits, and no other grant may approve a call that was tried.
    let adopting = gate.adopt(&request.key.tenant, request.id);
    assert!(tokio::time::timeout(Duration::from_secs(1), adopting).await.is_err());
    let asked = gate.unscoped().get_by_key(&key(0)).await.unwrap().unwrap();
    assert_eq!((asked.state(), asked.attempts(), asked.grant_use()), (CallState::Pending, 2, None));
    let other = asked.request().grant(up_to("1000")).by("alice");
    let preview = gate.preview_grant(other).await.unwrap();
    assert!(preview.waiting.is_empty(), "{preview:?}");
    let granted = gate.save_grant(preview).await.unwrap();
    assert!(granted.allowed.is_empty() && state(gate, 0).await == CallState::Pending);
    assert!(seen.lock().unwrap().is_empty());
    gate.decide(asked.request().approve().by("bob")).await.unwrap();
    let outcome = gate.adopt(&request.key.tenant, request.id).await.unwrap();
    assert!(matches!(outcome, Outcome::Executed(_)));
    assert_eq!(stands(gate, &grant).await, (2, "400".to_owned()), "a human's word draws nothing");
}

#[tokio::test(start_paused = true)]
async fn a_humans_retry_draws_nothing_and_gives_nothing_back() {
    let seen = Seen::default();
    let bench = spending(&seen).await;
    let gate = &bench.gate;
    let request = spend_waits(gate, r#"{"amount":200}"#, 0).await.request().clone();
    let grant = permit(gate, &request, up_to("300")).await;
    dies(&bench.store, 0).await;
    let lose = hitl_core::machine::Event::ExecutorLost;
    let none = hitl_core::store::EventPayload::none();
    bench.store.apply(&Tenant::default(), request.id, lose, none).await.unwrap();
    let unknown = gate.unscoped().get_by_key(&key(0)).await.unwrap().unwrap();
    assert_eq!(unknown.state(), CallState::OutcomeUnknown);
    let retry = Resolution::Retry { attested: true };
    let again = gate.resolve(&unknown, retry, "olga").await.unwrap();
    assert_eq!((again.state(), again.grant_use()), (CallState::Approved, None));
    let outcome = gate.adopt(&request.key.tenant, request.id).await.unwrap();
    assert!(matches!(outcome, Outcome::Executed(_)));
    assert_eq!(stands(gate, &grant).await, (1, "200".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn invariant_3_a_batch_that_an_envelope_does_not_hold_starts_none_of_its_calls() {
    let seen = Seen::default();
    let bench = spending(&seen).await;
    let gate = &bench.gate;
    let request = spend_waits(gate, r#"{"amount":200}"#, 0).await.request().clone();
    let grant = permit(gate, &request, up_to("500")).await;
    let mut batch = gate.submit_all("run");
    for position in 1..4 {
        batch = batch.json(position, "spend", r#"{"amount":200}"#);
    }
    let batch = batch.all_or_none().by("ann").await;
    // Each of them alone has room, but all three together do not.
    for position in 1..4 {
        assert_eq!(state(gate, position).await, CallState::Approved);
    }
    let waiter = tokio::spawn(async move { batch.wait().await });
    let asked = async |position| state(gate, position).await == CallState::Pending;
    support::until("one of them is asked about", async || asked(3).await).await;
    assert!(seen.lock().unwrap().is_empty(), "none has started");
    assert_eq!(stands(gate, &grant).await, (0, "0".to_owned()), "and none has drawn");
    let record = gate.unscoped().get_by_key(&key(3)).await.unwrap().unwrap();
    assert!(record.request().reasons.last().unwrap().contains("the grant's sum"));
    gate.decide(record.request().approve().by("bob")).await.unwrap();
    let answers = waiter.await.unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Outcome::Executed(_)))), "{answers:?}");
    assert_eq!(stands(gate, &grant).await, (2, "400".to_owned()));
    assert_eq!(seen.lock().unwrap().len(), 3);
}

/// A clock that a test can set to any time.
#[derive(Clone)]
struct Jumping(Arc<AtomicI64>);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_5_no_jump_of_the_clock_runs_what_is_over_or_fills_what_is_spent() {
    const DAY: i64 = 24 * 3600 * 1000;
    let (world, now) = (World::default(), Arc::new(AtomicI64::new(1_000 * DAY)));
    let store = MemoryStore::with_clock(Jumping(Arc::clone(&now)));
    let gate = tools(Gate::builder()).state(world.clone()).store(store);
    let gate = gate.build().await.unwrap();
    let jump = |to: i64| now.store(to, Ordering::SeqCst);
    let request = waiting(&gate, "shop", 5.0, 0).await;
    let until = Timestamp::from_millis(1_001 * DAY);
    let terms = GrantTerms::exactly().uses(2).until(until);
    let grant = permit(&gate, &request, terms).await;
    assert!(runs(&gate, "shop", 5.0, 1).await);
    let approved = waiting(&gate, "bank", 5.0, 2).await;
    gate.decide(approved.approve().by("bob")).await.unwrap();
    // Ahead: approvals and the grant have expired. Far ahead, the clock is refused.
    jump(1_001 * DAY);
    assert!(!runs(&gate, "shop", 5.0, 10).await);
    for far in [i64::MAX / 2, i64::MAX] {
        jump(far);
        let submitted = gate.submit(pay("shop", 5.0)).by("ann").key("run", 11).await;
        assert_eq!(submitted.unwrap_err().kind(), GateErrorKind::Store, "{far}");
    }
    jump(1_001 * DAY);
    gate.recover().await.unwrap();
    assert_eq!(state(&gate, 2).await, CallState::Expired);
    // And back again, before everything: expired calls stay expired, and draws stay drawn.
    for back in [0, i64::MIN / 2, i64::MIN, 1_000 * DAY] {
        jump(back);
        gate.recover().await.unwrap();
        assert_eq!(
            (state(&gate, 0).await, state(&gate, 2).await),
            (CallState::Expired, CallState::Expired)
        );
        assert!(gate.decide(approved.approve().by("eve")).await.is_err());
    }
    assert_eq!(world.ran(), 1);
    // The grant, too, stays expired, whatever the clock shows.
    assert!(!runs(&gate, "shop", 5.0, 30).await && !runs(&gate, "shop", 5.0, 31).await);
    assert_eq!(stands(&gate, &grant).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_currency_that_is_hidden_makes_no_envelope() {
    let seen = Seen::default();
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    let schema = r#"{"type":"object","properties":{"amount":{},"currency":{"type":"string","writeOnly":true}}}"#;
    let config = ToolConfig::DEFAULT.base_confidence(50);
    let tool = DynTool::new(DynSpec::new("spend", "Spends.").config(config), schema, body).unwrap();
    let bench = bench_with(|builder| builder.dyn_tool(tool)).await;
    let gate = &bench.gate;
    let ticket = spend_waits(gate, r#"{"amount":5,"currency":"EUR"}"#, 0).await;
    let request: ApprovalRequest = ticket.request().clone();
    assert_eq!(refused(gate, &request, up_to("500")).await, GrantError::Hidden);
    permit(gate, &request, GrantTerms::any_arguments().uses(2)).await;
    assert!(seen.lock().unwrap().is_empty());
}
