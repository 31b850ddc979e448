//! Corner cases: rejected reads, masked keys, retries that extend an approval.

use crate::support;

use std::collections::HashMap;
use std::time::Duration;

use hitl_base::clock::ManualClock;
use hitl_base::{Clock as _, Timestamp};
use hitl_core::{
    ApprovalLevel, Assessment, CallContext, CallKey, CallState, CallView, Effect, Gate,
    GateBuilder, MemoryStore, Permit, Policy, Resolution, Risk, Ruling, SnapshotError,
    SnapshotWriter, Store as _, Submission, Tenant, Tool, ToolConfig, ToolSpec,
};
use support::{Look, Slow, World, bench_with, tools};

/// A policy under which only admins may look without being asked about.
struct Admins;

impl Policy for Admins {
    fn rule(&self, call: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let reason = "not an admin".to_owned();
        let effect = Effect::AtLeast(ApprovalLevel::Full);
        (!call.context.has_role("admin")).then_some(Ruling { effect, reason })
    }
}

/// Regression: a read-only call that would run at once was not looked up in the store, so a
/// rejected read ran when its key was submitted again in a context that needs no human.
#[tokio::test(start_paused = true)]
async fn invariant_10_a_read_that_was_rejected_stays_rejected() {
    let b = bench_with(|g| g.policy(Admins)).await;
    let look = || Look { what: "the payroll".to_owned() };
    let submitted = b.gate.submit(look()).by("ann").key("r", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    b.gate.decide(ticket.request().reject("no").by("bob")).await.unwrap();
    let admin = CallContext::new("ann").role("admin");
    let again = b.gate.submit(look()).by(admin).key("r", 0).await.unwrap();
    assert!(again.receipt().reattached, "{again:?}");
    assert_eq!(b.world.ran(), 0);
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Map {
    map: HashMap<String, u8>,
}

impl Tool for Map {
    type Output = u8;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("map", "A tool for tests.")
        .config(ToolConfig::DEFAULT.base_confidence(95).risk(Risk::Low));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("map", &self.map))
    }
    async fn run(_: Permit<Self>) -> Result<u8, String> {
        Ok(0)
    }
}

/// Regression: two masked keys became the same key, so that the shown arguments were no document
/// that hitl's own scanner reads, and any other reader dropped one of the two entries.
#[tokio::test]
async fn invariant_9_masked_keys_stay_apart() {
    let b = bench_with(GateBuilder::tool::<Map>).await;
    let key = |i: u8| format!("{}-abcdefghijklmnopqrstuvwxyz{i}", "sk");
    let text = format!(r#"{{"map": {{"{}": 1, "{}": 2}}}}"#, key(1), key(2));
    let shown = b.gate.assess_json("map", &text, "ann").unwrap().arguments;
    let tree = shown.tree().unwrap();
    assert_eq!(tree.get("map").unwrap().entries().len(), 2);
}

/// Regression: a retry gave the approval its time again, counted from the submission, so each retry
/// gave more than the one before.
#[tokio::test(start_paused = true)]
async fn each_retry_gives_an_approval_the_same_time() {
    let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
    let (world, store) = (World::default(), MemoryStore::with_clock(clock.clone()));
    let held = world.hold();
    let build = tools(Gate::builder()).state(world.clone()).store(store.clone());
    let gate = build.build().await.unwrap();
    let key = CallKey::new("r", 0);
    let mut lengths = Vec::new();
    for _ in 0..2 {
        let waiting = gate.clone();
        let run = tokio::spawn(async move {
            match waiting.submit(Slow {}).by("ann").key("r", 0).await {
                Ok(Submission::Pending(ticket)) => ticket.wait().await.map(drop),
                other => other.map(drop),
            }
        });
        run.await.unwrap().unwrap();
        clock.advance(Duration::from_secs(1_000_000));
        let unknown = store.get_by_key(&key).await.unwrap().unwrap();
        assert_eq!(unknown.state(), CallState::OutcomeUnknown);
        let retry = Resolution::Retry { attested: true };
        let record = gate.resolve(&unknown, retry, "bob").await.unwrap();
        lengths.push(record.request().expires_at.saturating_duration_since(clock.now()));
    }
    drop((held, Tenant::default()));
    assert_eq!(lengths[0], lengths[1]);
}
