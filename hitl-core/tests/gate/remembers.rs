//! Rejections are remembered; idempotent tools are retried; access rights; changes under a pending
//! approval.

use crate::faulty;
use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;
use hitl_core::approval::ReviewerIdentity;
use hitl_core::{
    ApprovalLevel, Assessment, CallContext, CallKey, CallState, CallView, Effect, Gate,
    GateErrorKind, MemoryStore, Outcome, PageRequest, Permit, Policy, Risk, Ruling, RunContext,
    SnapshotError, SnapshotWriter, StageSpec, StateRequirement, Store, Submission, Tenant, Ticket,
    Tool, ToolConfig, ToolSpec,
};
use support::{World, ask, bench, bench_with, look, until};

async fn submit(gate: &Gate, text: &str, cx: impl Into<CallContext>, position: u64) -> Submission {
    gate.submit(ask(text)).by(cx).key("run", position).await.unwrap()
}

fn waits(submission: Submission) -> Ticket {
    match submission {
        Submission::Pending(ticket) => ticket,
        done @ Submission::Done { .. } => panic!("it needs a human, and yet: {done:?}"),
    }
}

fn denied(submission: Submission) -> String {
    match submission {
        Submission::Done { outcome: Outcome::Denied { reason }, .. } => reason,
        other => panic!("it was rejected before, and yet: {other:?}"),
    }
}

#[tokio::test]
async fn an_explicit_rejection_is_remembered_for_its_run_content_and_circumstances() {
    let bench = bench().await;
    let ticket = waits(submit(&bench.gate, "book", "agent", 1).await);
    bench.gate.decide(ticket.request().reject("over budget").by("ann")).await.unwrap();
    let why = denied(submit(&bench.gate, "book", "agent", 2).await);
    assert!(why.contains("rejected the same call in this run: over budget"), "{why}");
    // The call itself keeps its own outcome; a denial is not remembered as another rejection.
    let own = submit(&bench.gate, "book", "agent", 1).await;
    assert!(matches!(own, Submission::Done { outcome: Outcome::Rejected { .. }, .. }), "{own:?}");
    denied(submit(&bench.gate, "book", "agent", 3).await);
    // Other content, another run, another tenant, other circumstances: different questions.
    drop(waits(submit(&bench.gate, "walk", "agent", 4).await));
    drop(waits(submit(&bench.gate, "book", CallContext::new("agent").role("manager"), 5).await));
    drop(waits(submit(&bench.gate, "book", CallContext::new("agent").tenant("acme"), 6).await));
    let other = bench.gate.submit(ask("book")).by("agent").key("another run", 1).await.unwrap();
    drop(waits(other));
    assert_eq!(bench.world.ran(), 0);
}

#[tokio::test]
async fn nothing_but_an_explicit_rejection_is_remembered() {
    let bench = bench().await;
    // The reviewer allows being asked again.
    let ticket = waits(submit(&bench.gate, "book", "agent", 1).await);
    let later = ticket.request().reject("not yet").may_ask_again().by("ann");
    bench.gate.decide(later).await.unwrap();
    let ticket = waits(submit(&bench.gate, "book", "agent", 2).await);
    // Answered, withdrawn, approved: none of them blocks a later call.
    bench.gate.decide(ticket.request().respond("which one?").by("ann")).await.unwrap();
    let ticket = waits(submit(&bench.gate, "book", "agent", 3).await);
    bench.gate.decide(ticket.request().abort("stop").by("ann")).await.unwrap();
    let ticket = waits(submit(&bench.gate, "book", "agent", 4).await);
    ticket.cancel("no longer needed").await.unwrap();
    let ticket = waits(submit(&bench.gate, "book", "agent", 5).await);
    bench.gate.decide(ticket.request().approve().by("ann")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    drop(waits(submit(&bench.gate, "book", "agent", 6).await));
}

#[tokio::test]
async fn invariant_5_a_rejection_that_cannot_be_read_lets_nothing_through() {
    use faulty::{Fault, Faulty};
    for fault in [Fault::Before, Fault::After] {
        let store = Faulty {
            inner: MemoryStore::new(),
            fault,
            at: 0,
            for_ever: true,
            count: Arc::default(),
        };
        let healthy = store.inner.clone();
        let bench = bench_with(|builder| builder.store(healthy)).await;
        let ticket = waits(submit(&bench.gate, "book", "agent", 1).await);
        bench.gate.decide(ticket.request().reject("no").by("ann")).await.unwrap();
        let broken = bench_with(|builder| builder.store(store).skip_recovery()).await;
        let error = broken.gate.submit(ask("book")).by("agent").key("run", 2).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::Store);
        assert_eq!((bench.world.ran(), broken.world.ran()), (0, 0));
        // A read that would run at once checks the store as well.
        let error = broken.gate.submit(look("x")).by("agent").key("run", 3).await.unwrap_err();
        assert_eq!((error.kind(), broken.world.ran()), (GateErrorKind::Store, 0));
    }
}

/// Hangs in its first attempt, and tells which attempt it is.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Send {
    to: String,
}

impl Tool for Send {
    type Output = String;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("send", "Sends something once for each key.")
        .states(&[StateRequirement::new::<World>()])
        .config(ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low).idempotent().attempts(2));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("to", &self.to))
    }
    async fn run(permit: Permit<Self>) -> Result<String, String> {
        let (_, cx): (_, RunContext) = permit.open();
        cx.state::<World>().run(format!("{} {}", cx.attempt(), cx.idempotency_key())).await;
        Ok(cx.attempt().to_string())
    }
}

/// Simulates a gate whose process died in the middle of a body: its session is over, its claim
/// remains.
async fn died(store: &MemoryStore, world: &World) -> CallKey {
    let gate = Gate::builder().tool::<Send>().state(world.clone()).store(store.clone());
    let gate = gate.build().await.unwrap();
    let held = world.hold();
    let call = tokio::spawn({
        let gate = gate.clone();
        async move { gate.submit(Send { to: "ann".to_owned() }).by("agent").key("run", 1).await }
    });
    world.started().await;
    let key = CallKey::new("run", 1);
    let claim = store.get_by_key(&key).await.unwrap().unwrap().claim().unwrap();
    store.close_session(claim.session).await.unwrap();
    call.abort();
    // The dead process does not continue.
    std::mem::forget(held);
    world.let_go();
    key
}

#[tokio::test]
async fn invariant_3_an_idempotent_tool_is_tried_again_with_the_same_key_and_only_so_often() {
    let (store, world) = (MemoryStore::new(), World::default());
    let key = died(&store, &world).await;
    let next = Gate::builder().tool::<Send>().state(world.clone()).store(store.clone());
    let next = next.build().await.unwrap();
    assert_eq!(store.get_by_key(&key).await.unwrap().unwrap().state(), CallState::Approved);
    let done = next.submit(Send { to: "ann".to_owned() }).by("agent").key("run", 1).await.unwrap();
    let Submission::Done { outcome: Outcome::Executed(output), .. } = done else {
        panic!("it is tried again: {done:?}")
    };
    assert_eq!(output.json(), Some(r#""2""#));
    assert_eq!(world.log(), ["1 default/run#1", "2 default/run#1"]);
}

#[tokio::test]
async fn invariant_3_the_last_attempt_that_is_lost_waits_for_a_human() {
    let (store, world) = (MemoryStore::new(), World::default());
    let key = died(&store, &world).await;
    // It was the second one.
    let record = store.get_by_key(&key).await.unwrap().unwrap();
    assert_eq!(record.attempts(), 1);
    let once = Gate::builder().tool::<Send>().state(world.clone()).store(store.clone());
    let recovered = once.skip_recovery().build().await.unwrap();
    assert_eq!(recovered.recover().await.unwrap().retried, 1);
    let again = died_again(&store, &world).await;
    assert_eq!(again, 2);
    let recovered = recovered.recover().await.unwrap();
    assert_eq!((recovered.retried, recovered.unknown), (0, 1));
    assert_eq!(store.get_by_key(&key).await.unwrap().unwrap().state(), CallState::OutcomeUnknown);
}

/// Claims the call like another process, and dies.
async fn died_again(store: &MemoryStore, _: &World) -> u32 {
    let record = store.get_by_key(&CallKey::new("run", 1)).await.unwrap().unwrap();
    let session = store.open_session().await.unwrap();
    let claim =
        hitl_core::store::suite::fixture::claim(&record, hitl_core::ClaimToken::new(), session);
    let none = hitl_core::store::EventPayload::none();
    let tenant = &record.key().tenant;
    let claimed = store.apply(tenant, record.id(), claim, none).await.unwrap();
    store.close_session(session).await.unwrap();
    claimed.attempts()
}

#[tokio::test]
async fn invariant_7_people_see_and_decide_what_the_host_named() {
    let bench = bench().await;
    let acme = Tenant::new("acme");
    let cx = CallContext::new("agent").tenant("acme");
    let ticket = waits(submit(&bench.gate, "book", cx, 1).await);
    let id = ticket.request().id;
    let (ours, theirs) =
        (ReviewerIdentity::new("ann").tenant("acme"), ReviewerIdentity::new("bob").tenant("other"));
    let seen = bench.gate.scoped_to(ours);
    assert!(seen.get(&acme, id).await.unwrap().is_some());
    assert_eq!(seen.list(&acme, PageRequest::all()).await.unwrap().len(), 1);
    let seen = bench.gate.scoped_to(theirs);
    assert_eq!(seen.get(&acme, id).await.unwrap_err().kind(), GateErrorKind::Forbidden);
    let page = seen.list(&acme, PageRequest::all()).await;
    assert_eq!(page.unwrap_err().kind(), GateErrorKind::Forbidden);
    let seen = bench.gate.scoped_to(ReviewerIdentity::new("eve").sees("acme"));
    assert!(seen.get(&acme, id).await.unwrap().is_some());
}

#[tokio::test]
async fn delegated_calls_show_up_under_the_root_run() {
    let bench = bench().await;
    let root = CallKey::new("root", 1);
    let child = CallContext::new("agent").delegated_by(&root);
    let grandchild = child.delegated_by(&CallKey::new("child", 1));
    for (run, context) in
        [("root", CallContext::new("agent")), ("child", child), ("leaf", grandchild)]
    {
        drop(waits(bench.gate.submit(ask(run)).by(context).key(run, 1).await.unwrap()));
    }
    drop(waits(bench.gate.submit(ask("else")).by("agent").key("other", 1).await.unwrap()));
    let page = PageRequest::new(&[CallState::Pending]).root("root");
    let shown = bench.gate.unscoped().list(&Tenant::default(), page).await.unwrap();
    let runs: Vec<_> = shown.iter().map(|record| record.key().run.as_str()).collect();
    assert_eq!(runs, ["root", "child", "leaf"]);
    assert_eq!(shown[2].context().parent_call, Some(CallKey::new("child", 1)));
    assert_eq!(shown[2].context().root.as_ref().unwrap().as_str(), "root");
}

/// A policy that requires a full review once it is switched on.
#[derive(Clone, Default)]
struct Switch(Arc<AtomicBool>);
impl Policy for Switch {
    fn rule(&self, call: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let stricter = self.0.load(Ordering::SeqCst) && !call.context.has_role("manager");
        let reason = "month end".to_owned();
        stricter.then_some(Ruling { effect: Effect::AtLeast(ApprovalLevel::Full), reason })
    }
}

#[tokio::test]
async fn invariant_2_replicas_with_different_policies_ask_once_more_and_do_not_loop() {
    let switch = Switch::default();
    let (store, world) = (MemoryStore::new(), World::default());
    let replica = |policy: Switch| {
        let builder = support::tools(Gate::builder()).state(world.clone()).store(store.clone());
        builder.policy(policy).build()
    };
    let (lax, strict) =
        (replica(Switch::default()).await.unwrap(), replica(switch.clone()).await.unwrap());
    switch.0.store(true, Ordering::SeqCst);
    let ticket = waits(submit(&lax, "book", "agent", 1).await);
    assert_eq!(ticket.request().level, ApprovalLevel::Quick);
    lax.decide(ticket.request().approve().by("ann")).await.unwrap();
    // The strict gate asks again, with the reason.
    let adopted = tokio::spawn({
        let (strict, key) = (strict.clone(), ticket.request().key.tenant.clone());
        let id = ticket.request().id;
        async move { strict.adopt(&key, id).await }
    });
    let current = async || {
        lax.unscoped().get(&Tenant::default(), ticket.request().id).await.unwrap().unwrap()
    };
    until("it is asked again", async || current().await.state() == CallState::Pending).await;
    let asked = current().await;
    assert_eq!((asked.request().level, asked.request().revision), (ApprovalLevel::Full, 2));
    assert!(asked.request().reasons.last().unwrap().contains("month end"));
    strict.decide(asked.request().approve().by("ann")).await.unwrap();
    // Now either may run it: the requirement stays raised.
    assert!(matches!(adopted.await.unwrap().unwrap(), Outcome::Executed(_)));
    assert_eq!((world.ran(), current().await.request().revision), (1, 2));
}

/// Needs finance, and then a director; a question that nobody answers goes to the board.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wire {
    amount: u64,
}

impl Tool for Wire {
    type Output = u64;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("wire", "Wires money.").config(
        ToolConfig::DEFAULT
            .risk(Risk::High)
            .stages(&[StageSpec::role("finance", 1), StageSpec::role("director", 1)])
            .four_eyes()
            .expires(Duration::from_secs(600))
            .escalate(Some("board"), Duration::from_secs(60)),
    );
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("amount", &self.amount))
    }
    async fn run(permit: Permit<Self>) -> Result<u64, String> {
        Ok(permit.open().0.amount)
    }
}

#[tokio::test]
async fn a_tool_says_who_must_approve_and_who_is_asked_when_nobody_does() {
    let clock = ManualClock::at(Timestamp::from_millis(1_780_000_000_000));
    let store = MemoryStore::with_clock(clock.clone());
    let bench = bench_with(|builder| builder.store(store).tool::<Wire>()).await;
    let gate = &bench.gate;
    let enter = async |position| {
        let submitted = gate.submit(Wire { amount: 7 }).by("fay").key("run", position).await;
        waits(submitted.unwrap())
    };
    let ticket = enter(1).await;
    let finance = |name: &str| ReviewerIdentity::new(name).role("finance");
    let own = gate.decide(ticket.request().approve().by(finance("fay"))).await.unwrap_err();
    assert_eq!(own.refusal(), Some(hitl_core::Refusal::FourEyes));
    let vote = ticket.request().approve().by(finance("fritz"));
    let voted = gate.decide(vote.clone()).await.unwrap();
    assert_eq!((voted.state(), voted.votes().len()), (CallState::Pending, 1));
    assert_eq!(gate.decide(vote).await.unwrap(), voted, "sent twice, it counts once");
    let director = ticket.request().approve().by(ReviewerIdentity::new("dora").role("director"));
    assert_eq!(gate.decide(director).await.unwrap().state(), CallState::Approved);
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it ran") };
    assert_eq!(output.json(), Some("7"));
    let events = bench.events();
    // A vote sent twice is audited twice, under one id.
    assert_eq!(events, ["requested", "voted", "voted", "decided", "claimed", "executed"]);

    let ticket = enter(2).await;
    clock.advance(Duration::from_secs(600));
    let recovered = gate.recover().await.unwrap();
    assert_eq!((recovered.escalated, recovered.expired), (1, 0));
    let tenant = Tenant::default();
    let asked = gate.unscoped().get(&tenant, ticket.request().id).await.unwrap().unwrap();
    assert!(asked.request().reasons.last().unwrap().contains("escalated to board"));
    assert_eq!(asked.request().quorum.stages[0].roles.len(), 2, "finance, and the board as well");
    clock.advance(Duration::from_secs(60));
    let recovered = gate.recover().await.unwrap();
    assert_eq!((recovered.escalated, recovered.expired), (0, 1));
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Expired));
    assert!(bench.events().contains(&"escalated".to_owned()));
}
