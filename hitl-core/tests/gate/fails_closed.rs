//! If anything fails, no unclaimed body runs, and none runs twice.

use crate::faulty;
use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use faulty::{Fault, Faulty};
use hitl_core::approval::ScriptedApprover;
use hitl_core::{
    ApprovalLevel, Assessment, CallKey, CallState, CallView, Effect, Gate, GateErrorKind, HostKey,
    MemoryStore, Outcome, Permit, Policy, Risk, Ruling, SnapshotError, SnapshotWriter,
    StateRequirement, Store as _, StoreErrorKind, Submission, Tenant, Tool, ToolConfig, ToolSpec,
};
use support::{Flaky, Look, World, ask, bench, bench_with, note, pay, refund, tools};

/// The calls whose every store operation is made to fail.
#[derive(Clone, Copy, Debug)]
enum Case {
    Auto,
    Quick,
    Effect,
}

async fn attempt(gate: &Gate, case: Case) -> bool {
    match case {
        Case::Auto => gate.call(note("a")).by("ann").key("r", 0).await.is_ok(),
        Case::Quick => gate.call(ask("a")).by("ann").key("r", 0).await.is_ok(),
        Case::Effect => gate.call(refund("pay_1")).by("ann").key("r", 0).await.is_ok(),
    }
}

/// Operations fail one after the other, in each way; then the store works again and the same key is
/// submitted once more.
#[tokio::test(start_paused = true)]
async fn invariant_5_a_store_that_fails_anywhere_never_makes_a_body_run_twice_or_unclaimed() {
    let mut faults = 0;
    for case in [Case::Auto, Case::Quick, Case::Effect] {
        for (fault, for_ever) in [
            (Fault::Before, false),
            (Fault::After, false),
            (Fault::Before, true),
            (Fault::After, true),
        ] {
            for at in 0.. {
                let (world, memory) = (World::default(), MemoryStore::new());
                let count = Arc::new(AtomicUsize::new(0));
                let store = Faulty {
                    inner: memory.clone(),
                    fault,
                    at,
                    for_ever,
                    count: Arc::clone(&count),
                };
                let approver = ScriptedApprover::approving("bob");
                let build = tools(Gate::builder()).state(world.clone()).approver(approver.clone());
                let gate = build.store(store).build().await.unwrap();
                let worked = attempt(&gate, case).await;
                let context = format!("{case:?} {fault:?} for_ever={for_ever} at={at}");
                let record = memory.get_by_key(&CallKey::new("r", 0)).await.unwrap();
                assert!(world.ran() <= 1, "{context}");
                assert!(!worked || world.ran() == 1, "a result without a body: {context}");
                if world.ran() == 1 {
                    let attempts = record.map(|record| record.attempts());
                    assert_eq!(attempts, Some(1), "a body without a claim: {context}");
                }
                if count.load(Ordering::SeqCst) <= at {
                    assert!(worked, "nothing failed: {context}");
                    break;
                }
                faults += 1;
                drop(gate);
                let gate = tools(Gate::builder())
                    .state(world.clone())
                    .approver(approver)
                    .store(memory)
                    .build();
                attempt(&gate.await.unwrap(), case).await;
                assert!(world.ran() <= 1, "run again: {context}");
            }
        }
    }
    assert!(faults > 30, "{faults}");
}

#[tokio::test]
async fn invariant_6_an_intent_that_cannot_be_written_releases_the_claim_and_nothing_runs() {
    let (world, audit) = (World::default(), Flaky::default());
    let store = MemoryStore::new();
    let build = tools(Gate::builder()).state(world.clone()).store(store).audit(audit.clone());
    let gate = build.build().await.unwrap();
    audit.fail_after(0);
    for _ in 0..2 {
        let error = gate.submit(note("a")).by("ann").key("r", 0).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::Audit);
        assert!(error.to_string().contains("make room"), "{error}");
    }
    let read = gate.submit(Look { what: "x".into() }).by("ann").await.unwrap_err();
    assert_eq!(read.kind(), GateErrorKind::Audit, "a read without a record does not run either");
    let record = gate.unscoped().get_by_key(&CallKey::new("r", 0)).await.unwrap().unwrap();
    assert_eq!((record.state(), record.attempts(), world.ran()), (CallState::Approved, 0, 0));

    audit.mend();
    assert_eq!(gate.call(note("a")).by("ann").key("r", 0).await.unwrap(), "a");
    let events: Vec<String> = audit.kept.records().iter().map(|r| r.event.to_string()).collect();
    assert_eq!(events, ["released", "released", "claimed", "executed"], "the debt was paid first");
}

#[tokio::test]
async fn invariant_6_a_failure_after_the_act_is_debt_and_changes_nothing() {
    let (world, audit) = (World::default(), Flaky::default());
    let gate =
        tools(Gate::builder()).state(world.clone()).audit(audit.clone()).build().await.unwrap();
    audit.fail_after(1);
    assert_eq!(
        gate.call(note("a")).by("ann").key("r", 0).await.unwrap(),
        "a",
        "the outcome stands"
    );
    assert_eq!(
        gate.unscoped().get_by_key(&CallKey::new("r", 0)).await.unwrap().unwrap().state(),
        CallState::Executed
    );
    assert_eq!(gate.audit_debt(), 1);
    gate.submit(note("b")).by("ann").key("r", 1).await.unwrap_err();
    assert_eq!(world.ran(), 1, "debt stops further bodies");
    audit.mend();
    gate.call(note("b")).by("ann").key("r", 1).await.unwrap();
    assert_eq!((world.ran(), gate.audit_debt()), (2, 0));
}

/// A policy that a test can switch.
#[derive(Clone, Default)]
struct Turned {
    full: Arc<AtomicBool>,
    deny: Arc<AtomicBool>,
}

impl Policy for Turned {
    fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let effect = if self.deny.load(Ordering::SeqCst) {
            Effect::Deny
        } else if self.full.load(Ordering::SeqCst) {
            Effect::AtLeast(ApprovalLevel::Full)
        } else {
            return None;
        };
        Some(Ruling { effect, reason: "freeze".into() })
    }
}

async fn pending(gate: &Gate, run: &str) -> hitl_core::Ticket {
    match gate.submit(ask("a")).by("ann").key(run, 0).await.unwrap() {
        Submission::Pending(ticket) => ticket,
        Submission::Done { .. } => panic!("not pending"),
    }
}

#[tokio::test]
async fn invariant_2_a_policy_that_rose_since_the_approval_asks_again_and_says_why() {
    let policy = Turned::default();
    let bench = bench_with(|b| b.policy(policy.clone())).await;
    let ticket = pending(&bench.gate, "r").await;
    bench.gate.decide(ticket.request().approve().by("dora")).await.unwrap();
    policy.full.store(true, Ordering::SeqCst);
    let waiting = tokio::spawn(async move { ticket.wait().await });
    let key = CallKey::new("r", 0);
    support::until("asked again", async || {
        bench.gate.unscoped().get_by_key(&key).await.unwrap().unwrap().state() == CallState::Pending
    })
    .await;
    let record = bench.gate.unscoped().get_by_key(&key).await.unwrap().unwrap();
    assert_eq!((record.request().level, bench.world.ran()), (ApprovalLevel::Full, 0));
    assert!(
        record.request().reasons.last().unwrap().contains("freeze"),
        "{:?}",
        record.request().reasons
    );
    bench.gate.decide(record.request().approve().by("dora")).await.unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap(), Outcome::Executed(_)), "and not in a loop");
    assert_eq!(
        bench.events(),
        ["requested", "decided", "reopened", "decided", "claimed", "executed"]
    );
}

#[tokio::test]
async fn invariant_2_a_call_that_is_denied_since_its_approval_does_not_run() {
    let policy = Turned::default();
    let bench = bench_with(|b| b.policy(policy.clone())).await;
    let ticket = pending(&bench.gate, "r").await;
    bench.gate.decide(ticket.request().approve().by("dora")).await.unwrap();
    policy.deny.store(true, Ordering::SeqCst);
    assert_eq!(ticket.wait().await.unwrap(), Outcome::Denied { reason: "freeze".into() });
    let denied = bench.gate.submit(note("x")).by("ann").await.unwrap();
    assert!(matches!(denied, Submission::Done { outcome: Outcome::Denied { .. }, .. }));
    assert_eq!(bench.world.ran(), 0);
}

#[tokio::test]
async fn invariant_2_a_payload_under_another_key_or_of_another_call_does_not_run() {
    let bench = bench().await;
    let ticket = pending(&bench.gate, "r").await;
    bench.gate.decide(ticket.request().approve().by("dora")).await.unwrap();
    let build = tools(Gate::builder()).state(bench.world.clone()).store(bench.store.clone());
    let stranger = build.key(HostKey::from_bytes([9; 32])).build().await.unwrap();
    // Under another key the content digest differs too: the stranger cannot re-attach.
    let conflict = stranger.submit(note("a")).by("ann").key("r", 0).await.unwrap_err();
    assert_eq!(conflict.kind(), GateErrorKind::KeyConflict);
    let error = stranger.adopt(&Tenant::default(), ticket.request().id).await.unwrap_err();
    assert_eq!(error.store().map(hitl_core::StoreError::kind), Some(StoreErrorKind::Key));
    assert_eq!(bench.world.ran(), 0);
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)), "its own gate runs it");
}

mod changed {
    //! The tool `ask` after a deploy: with another description, and so another fingerprint.
    use hitl_core::{Permit, SnapshotError, SnapshotWriter, Tool, ToolConfig, ToolSpec};

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Ask {
        text: String,
    }

    impl Tool for Ask {
        type Output = String;
        type Error = String;
        const SPEC: ToolSpec = ToolSpec::new("ask", "Does something else now.")
            .config(ToolConfig::DEFAULT.base_confidence(70));
        fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
            to.object(|fields| fields.field("text", &self.text))
        }
        async fn run(permit: Permit<Self>) -> Result<String, String> {
            Err(permit.open().0.text)
        }
    }
}

#[tokio::test]
async fn invariant_2_an_approval_is_void_when_the_tool_has_changed() {
    let bench = bench().await;
    let ticket = pending(&bench.gate, "r").await;
    bench.gate.decide(ticket.request().approve().by("dora")).await.unwrap();
    let deployed =
        Gate::builder().tool::<changed::Ask>().store(bench.store.clone()).build().await.unwrap();
    let error = deployed.adopt(&Tenant::default(), ticket.request().id).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::ToolChanged);
    let none = Gate::builder().store(bench.store.clone()).build().await.unwrap();
    let error = none.adopt(&Tenant::default(), ticket.request().id).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::UnknownTool);
    assert_eq!(bench.world.ran(), 0);
}

#[tokio::test]
async fn a_tenant_sees_nothing_of_another() {
    let bench = bench().await;
    let Submission::Pending(ticket) = bench.gate.submit(pay("c", 1.0)).by("ann").await.unwrap()
    else {
        panic!("not pending")
    };
    let (acme, id) = (Tenant::new("acme"), ticket.request().id);
    assert!(bench.gate.unscoped().get(&acme, id).await.unwrap().is_none());
    assert_eq!(bench.gate.adopt(&acme, id).await.unwrap_err().kind(), GateErrorKind::NotFound);
    let mut foreign = ticket.request().approve().by("dora");
    foreign.tenant = acme;
    assert_eq!(bench.gate.decide(foreign).await.unwrap_err().kind(), GateErrorKind::NotFound);
}

/// Counts seconds.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Tick {}

impl Tool for Tick {
    type Output = ();
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("tick", "Counts seconds.")
        .states(&[StateRequirement::new::<Arc<AtomicUsize>>()])
        .config(
            ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low).timeout(Duration::from_secs(3)),
        );
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|_| Ok(()))
    }
    async fn run(permit: Permit<Self>) -> Result<(), String> {
        let (_, cx) = permit.open();
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cx.state::<Arc<AtomicUsize>>().fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_past_its_time_goes_on_while_the_store_cannot_park_it() {
    let ticks = Arc::new(AtomicUsize::new(0));
    let store = Faulty {
        inner: MemoryStore::new(),
        fault: Fault::Before,
        // After the gate's construction has asked for the time, and after the submission.
        at: 2,
        for_ever: true,
        count: Arc::default(),
    };
    let build = Gate::builder().tool::<Tick>().state(Arc::clone(&ticks)).store(store);
    let gate = build.build().await.unwrap();
    let call = tokio::spawn(async move {
        let _ = gate.call(Tick {}).by("ann").await;
    });
    tokio::time::sleep(Duration::from_millis(7_500)).await;
    assert!(!call.is_finished(), "it is still being parked");
    assert_eq!(ticks.load(Ordering::SeqCst), 7);
}
