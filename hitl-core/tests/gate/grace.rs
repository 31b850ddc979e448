//! The grace of a tool: an approved call does not start for a while, and the approval can be taken
//! back.

use crate::support;

use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::{Clock as _, ManualClock};
use hitl_core::approval::ScriptedApprover;
use hitl_core::audit::AuditEvent;
use hitl_core::grant::GrantTerms;
use hitl_core::machine::Refusal;
use hitl_core::{
    CallState, Gate, MemoryAudit, MemoryStore, Outcome, ParameterSpec, Permit, ReviewerIdentity,
    Risk, SnapshotError, SnapshotWriter, StateRequirement, Submission, Ticket, Tool, ToolConfig,
    ToolSpec,
};
use support::{World, until};

const GRACE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Deploy {
    version: String,
}

impl Tool for Deploy {
    type Output = String;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("deploy", "Deploys.")
        .parameters(&[ParameterSpec::new("version")])
        .states(&[StateRequirement::new::<World>()])
        .config(ToolConfig::DEFAULT.risk(Risk::High).base_confidence(70).grace(GRACE));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|fields| fields.field("version", &self.version))
    }
    async fn run(permit: Permit<Self>) -> Result<String, String> {
        let (call, cx) = permit.open();
        cx.state::<World>().run(format!("deploy {}", call.version)).await;
        Ok(call.version)
    }
}

struct Stage {
    gate: Gate,
    world: World,
    clock: ManualClock,
    audit: MemoryAudit,
}

async fn stage() -> Stage {
    let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
    let (world, audit) = (World::default(), MemoryAudit::new());
    let store = MemoryStore::with_clock(clock.clone());
    let gate = Gate::builder().tool::<Deploy>().state(world.clone()).store(store);
    Stage { gate: gate.audit(audit.clone()).build().await.unwrap(), world, clock, audit }
}

impl Stage {
    async fn submit(&self) -> Ticket {
        let call = Deploy { version: "1".to_owned() };
        let submitted = self.gate.submit(call).by("ann").await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("it waits") };
        ticket
    }

    /// Lets the store's clock and the timers pass together.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_5_an_approved_call_does_not_start_within_its_grace_and_then_does() {
    let stage = stage().await;
    let ticket = stage.submit().await;
    let request = ticket.request().clone();
    let record = stage.gate.decide(request.approve().by("bob")).await.unwrap();
    let from = stage.clock.now().saturating_add(GRACE);
    assert_eq!(record.claimable_from(), Some(from));
    let waiting = tokio::spawn(async move { ticket.wait().await });
    let server = stage.gate.clone();
    let serving = tokio::spawn(async move { server.serve().await });
    stage.pass(29).await;
    assert_eq!(stage.world.ran(), 0);
    stage.pass(2).await;
    assert!(matches!(waiting.await.unwrap().unwrap(), Outcome::Executed(_)));
    assert_eq!(stage.world.ran(), 1);
    let late = stage.gate.take_back(&request, "bob").await.unwrap_err();
    assert!(matches!(late.refusal(), Some(Refusal::State { .. })), "{late}");
    serving.abort();
}

#[tokio::test(start_paused = true)]
async fn a_server_starts_what_was_submitted_when_its_grace_is_over() {
    let stage = stage().await;
    let request = stage.submit().await.request().clone();
    let server = stage.gate.clone();
    let serving = tokio::spawn(async move { server.serve().await });
    stage.gate.decide(request.approve().by("bob")).await.unwrap();
    stage.pass(29).await;
    assert_eq!(stage.world.ran(), 0);
    stage.pass(2).await;
    until("the start", async || stage.world.ran() == 1).await;
    serving.abort();
}

#[tokio::test(start_paused = true)]
async fn invariant_4_what_was_taken_back_is_asked_about_again_and_no_earlier_answer_counts() {
    let stage = stage().await;
    let ticket = stage.submit().await;
    let request = ticket.request().clone();
    let decision = request.approve().by("bob");
    stage.gate.decide(decision.clone()).await.unwrap();
    stage.pass(10).await;
    let stranger = stage.gate.take_back(&request, "eve").await.unwrap_err();
    assert_eq!(stranger.refusal(), Some(Refusal::NotApprover));
    let elsewhere = ReviewerIdentity::new("bob").tenant("other");
    let elsewhere = stage.gate.take_back(&request, elsewhere).await.unwrap_err();
    assert_eq!(elsewhere.refusal(), Some(Refusal::WrongTenant));
    let record = stage.gate.take_back(&request, "bob").await.unwrap();
    assert_eq!((record.state(), record.request().revision), (CallState::Pending, 2));
    assert!(record.request().reasons.iter().any(|why| why.contains("taken back by bob")));
    let waiting = tokio::spawn(async move { ticket.wait().await });
    stage.pass(60).await;
    assert_eq!(stage.world.ran(), 0);
    assert!(stage.gate.decide(decision).await.is_err(), "a replayed approval is no answer");
    let twice = stage.gate.take_back(record.request(), "bob").await.unwrap_err();
    assert!(matches!(twice.refusal(), Some(Refusal::State { .. })), "{twice}");
    let mut earlier = record.request().clone();
    stage.gate.decide(record.request().approve().by("eve")).await.unwrap();
    earlier.revision = 1;
    let refused = stage.gate.take_back(&earlier, "eve").await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::Stale));
    stage.pass(31).await;
    waiting.await.unwrap().unwrap();
    assert_eq!(stage.world.ran(), 1);
    let events: Vec<_> = stage.audit.records().into_iter().map(|line| line.event).collect();
    let taken = events.iter().filter(|event| **event == AuditEvent::TakenBack).count();
    assert_eq!(taken, 1, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn invariant_5_after_the_grace_nothing_is_taken_back_even_if_it_has_not_started() {
    let stage = stage().await;
    let request = stage.submit().await.request().clone();
    stage.gate.decide(request.approve().by("bob")).await.unwrap();
    stage.clock.advance(GRACE);
    let late = stage.gate.take_back(&request, "bob").await.unwrap_err();
    assert_eq!(late.refusal(), Some(Refusal::GraceOver));
}

#[tokio::test(start_paused = true)]
async fn an_edit_has_a_grace_and_a_grant_has_none() {
    let stage = stage().await;
    let ticket = stage.submit().await;
    let edit = ticket.request().edit(r#"{"version": "2"}"#).by("bob");
    let record = stage.gate.decide(edit).await.unwrap();
    assert!(record.claimable_from().is_some());
    let back = stage.gate.take_back(record.request(), "bob").await.unwrap();
    assert_eq!((back.state(), back.request().revision), (CallState::Pending, 3));
    let terms = GrantTerms::exactly();
    let preview = stage.gate.preview_grant(back.request().grant(terms).by("bob")).await.unwrap();
    let saved = stage.gate.save_grant(preview).await.unwrap();
    assert_eq!(saved.allowed.len(), 1);
    assert_eq!(saved.allowed[0].claimable_from(), None);
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(stage.world.log(), ["deploy 2"]);
}

#[tokio::test(start_paused = true)]
async fn an_approval_at_the_last_moment_has_its_whole_grace() {
    let stage = stage().await;
    let ticket = stage.submit().await;
    let request = ticket.request().clone();
    let left = request.expires_at.saturating_duration_since(stage.clock.now());
    stage.clock.advance(left.saturating_sub(Duration::from_secs(1)));
    stage.gate.decide(request.approve().by("bob")).await.unwrap();
    let waiting = tokio::spawn(async move { ticket.wait().await });
    stage.pass(31).await;
    assert!(matches!(waiting.await.unwrap().unwrap(), Outcome::Executed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_call_is_approved_inline_waits_for_the_grace() {
    let world = World::default();
    let builder = Gate::builder().tool::<Deploy>().state(world.clone());
    let gate = builder.approver(ScriptedApprover::approving("bob")).build().await.unwrap();
    let calling = tokio::spawn(async move {
        let limit = Duration::from_secs(5);
        gate.call(Deploy { version: "1".to_owned() }).by("ann").max_wait(limit).await
    });
    assert!(calling.await.unwrap().is_err(), "the grace is longer than the caller waits");
    assert_eq!(world.ran(), 0);
}
