//! Deciders: never the requester where it counts, one person in any spelling, humans only, and the
//! audit records who it was and how they were verified.

use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hitl_base::clock::ManualClock;
use hitl_base::{JsonText, Timestamp};
use hitl_core::approval::{DetailLevel, KnownBy, ReviewerIdentity};
use hitl_core::grant::{GrantError, GrantTerms};
use hitl_core::machine::{CallState, Refusal};
use hitl_core::policy::{
    Deciders, DirectoryError, PrincipalDirectory, PrincipalStatus, Quorum, RequesterRule,
};
use hitl_core::{
    ApprovalRequest, AuditRecord, CallContext, CallRecord, DynArguments, DynSpec, DynTool, Gate,
    GateBuilder, GateError, GateErrorKind, MemoryStore, Outcome, Permit, Principal, PrincipalKind,
    StageSpec, Submission, Tenant, ToolConfig,
};
use support::{Bench, ask, bench, bench_with, pay};

/// Returns a payment, which needs Full, from this requester.
async fn full(gate: &Gate, who: impl Into<CallContext>, position: u64) -> ApprovalRequest {
    let submitted = gate.submit(pay("shop", 5.0)).by(who).key("run", position).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits: {submitted:?}") };
    ticket.request().clone()
}

/// Returns a question, which needs Quick, from this requester.
async fn quick(gate: &Gate, who: impl Into<CallContext>, position: u64) -> ApprovalRequest {
    let submitted = gate.submit(ask("may I?")).by(who).key("run", position).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits: {submitted:?}") };
    ticket.request().clone()
}

async fn approve(
    gate: &Gate,
    request: &ApprovalRequest,
    by: impl Into<ReviewerIdentity>,
) -> Result<CallRecord, GateError> {
    gate.decide(request.approve().by(by)).await
}

async fn refusal(
    gate: &Gate,
    request: &ApprovalRequest,
    by: impl Into<ReviewerIdentity>,
) -> Refusal {
    approve(gate, request, by).await.unwrap_err().refusal().unwrap()
}

async fn record(gate: &Gate, request: &ApprovalRequest) -> CallRecord {
    gate.unscoped().get(&Tenant::default(), request.id).await.unwrap().unwrap()
}

fn audited(bench: &Bench, event: &str) -> AuditRecord {
    let all = bench.audit.records().into_iter();
    all.filter(|record| record.event.to_string() == event).last().unwrap()
}

/// Spellings of one name.
const ANN: [&str; 6] = ["ann", "Ann", "ANN", " ann ", "an\u{200b}n", "\u{feff}aNN"];

#[tokio::test(start_paused = true)]
async fn invariant_7_who_asks_for_a_full_call_does_not_approve_it_however_they_are_spelt() {
    let bench = bench().await;
    let request = full(&bench.gate, "ann", 0).await;
    for own in ANN {
        assert_eq!(refusal(&bench.gate, &request, own).await, Refusal::FourEyes, "{own:?}");
    }
    assert_eq!(record(&bench.gate, &request).await.state(), CallState::Pending);
    let approved = approve(&bench.gate, &request, "bob").await.unwrap();
    assert_eq!(approved.state(), CallState::Approved);
    // They may stop it, and change it; a change does not approve it.
    let request = full(&bench.gate, "ann", 1).await;
    let edited = bench.gate.decide(request.edit(r#"{"amount": 6}"#).by("Ann")).await.unwrap();
    assert_eq!(edited.state(), CallState::Pending);
    assert_eq!(refusal(&bench.gate, edited.request(), "ann").await, Refusal::FourEyes);
    let rejected = bench.gate.decide(edited.request().reject("no").by("ann")).await.unwrap();
    assert_eq!(rejected.state(), CallState::Rejected);
    assert_eq!(bench.world.ran(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_asks_answers_quick_and_what_escalates_to_full_is_anothers() {
    let bench = bench().await;
    let request = quick(&bench.gate, "ann", 0).await;
    assert_eq!(approve(&bench.gate, &request, "ann").await.unwrap().state(), CallState::Approved);
    let clock = ManualClock::at(Timestamp::from_millis(1_780_000_000_000));
    let store = MemoryStore::with_clock(clock.clone());
    let minute = Duration::from_secs(60);
    let config = ToolConfig::DEFAULT.escalate(None, minute).expires(minute);
    let bench = bench_with(|gate| gate.store(store).dyn_tool(dyn_tool("climbs", config))).await;
    let gate = &bench.gate;
    let submitted = gate.submit_json("climbs", "{}", "ann", "run", 1).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    clock.advance(minute);
    assert_eq!(gate.recover().await.unwrap().escalated, 1);
    let now = record(gate, ticket.request()).await;
    assert_eq!(refusal(gate, now.request(), "ann").await, Refusal::FourEyes);
    assert_eq!(approve(gate, now.request(), "bob").await.unwrap().state(), CallState::Approved);
}

fn dyn_tool(name: &str, config: ToolConfig) -> DynTool {
    let schema = r#"{"type":"object","properties":{},"additionalProperties":false}"#;
    let spec = DynSpec::new(name, "A tool for tests.").config(config);
    let body = |_: Permit<DynArguments>| async {
        Ok::<_, String>(JsonText::new("true".to_owned()).unwrap())
    };
    DynTool::new(spec, schema, body).unwrap()
}

#[tokio::test(start_paused = true)]
async fn invariant_7_two_eyes_are_said_by_the_host_for_a_gate_a_tool_or_an_agent() {
    let gate = bench_with(GateBuilder::requester_may_decide).await;
    let request = full(&gate.gate, "ann", 0).await;
    assert_eq!(request.quorum.eyes, RequesterRule::MayApprove);
    assert_eq!(approve(&gate.gate, &request, "ann").await.unwrap().state(), CallState::Approved);
    assert_eq!(audited(&gate, "decided").requester_may_decide, Some(true));
    // A tool that requires four eyes still does.
    let config = ToolConfig::DEFAULT.base_confidence(50);
    let bench = bench_with(|gate| {
        gate.requester_may_decide().dyn_tool(dyn_tool("strict", config.four_eyes()))
    })
    .await;
    let submitted = bench.gate.submit_json("strict", "{}", "ann", "run", 1).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    assert_eq!(refusal(&bench.gate, ticket.request(), "ann").await, Refusal::FourEyes);
    // And a tool that allows it does so in a gate that does not.
    let bench =
        bench_with(|gate| gate.dyn_tool(dyn_tool("mild", config.requester_may_decide()))).await;
    let submitted = bench.gate.submit_json("mild", "{}", "ann", "run", 1).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    approve(&bench.gate, ticket.request(), "ann").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn invariant_7_what_an_agent_submits_is_its_persons_to_decide_alone_where_the_host_says_so() {
    let bench = bench_with(|gate| gate.requester_may_decide_for("Claude-Code")).await;
    let context = |agent: &str| CallContext::new("ann").submitted_by(agent);
    let text = |request: &ApprovalRequest| {
        request.render(request.created_at, DetailLevel::Brief).to_text()
    };
    // Not for an agent that was not named, nor for a different kind of principal of the same name.
    for (at, other) in ["codex", "service:claude-code"].into_iter().enumerate() {
        let request = full(&bench.gate, context(other), at as u64).await;
        assert_eq!(refusal(&bench.gate, &request, "ann").await, Refusal::FourEyes, "{other}");
        assert!(text(&request).contains("another human than ann decides it"), "{}", text(&request));
        assert_eq!(audited(&bench, "requested").requester_may_decide, Some(false));
    }
    // Nor for calls that she requests herself.
    let own = full(&bench.gate, "ann", 7).await;
    assert_eq!(refusal(&bench.gate, &own, "ann").await, Refusal::FourEyes);
    let request = full(&bench.gate, context("claude-code"), 8).await;
    let shown = text(&request);
    assert!(shown.contains("agent:claude-code for ann, in run"), "{shown}");
    assert!(shown.contains("ann may decide it alone"), "{shown}");
    let requested = audited(&bench, "requested");
    assert_eq!(requested.agent, Some(Principal::agent("claude-code")));
    assert_eq!(requested.requester_may_decide, Some(true));
    approve(&bench.gate, &request, "ann").await.unwrap();
    let decided = audited(&bench, "decided");
    assert_eq!((decided.by, decided.by_kind), (Some("ann".into()), Some(PrincipalKind::Human)));
    assert_eq!(decided.agent, Some(Principal::agent("claude-code")));
    // The agent under its own name cannot approve.
    let request = full(&bench.gate, context("codex"), 9).await;
    let asked = quick(&bench.gate, context("codex"), 10).await;
    for agent in ["codex", "Codex"] {
        for request in [&request, &asked] {
            assert_eq!(refusal(&bench.gate, request, agent).await, Refusal::NotHuman, "{agent}");
        }
    }
    approve(&bench.gate, &asked, "ann").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn invariant_7_a_grant_is_another_humans_to_give_at_every_level() {
    let bench = bench().await;
    let gate = &bench.gate;
    for request in [full(gate, "ann", 0).await, quick(gate, "ann", 1).await] {
        for own in ANN {
            let draft = request.grant(GrantTerms::exactly()).by(own);
            let error = gate.preview_grant(draft).await.unwrap_err();
            assert_eq!(error.grant(), Some(&GrantError::FourEyes), "{own:?}");
        }
        let draft = request.grant(GrantTerms::exactly()).by(Principal::agent("helper"));
        let error = gate.preview_grant(draft).await.unwrap_err();
        assert_eq!(error.grant(), Some(&GrantError::NotHuman));
    }
    // Another human's answers Full in place of four eyes.
    let request = full(gate, "ann", 2).await;
    let by = ReviewerIdentity::new("bob").known_by(KnownBy::Totp);
    let preview = gate.preview_grant(request.grant(GrantTerms::exactly()).by(by)).await.unwrap();
    let granted = gate.save_grant(preview).await.unwrap();
    assert_eq!(granted.record.grant.known_by, Some(KnownBy::Totp));
    assert_eq!(audited(&bench, "grantSaved").known_by, Some(KnownBy::Totp));
    let again = gate.submit(pay("shop", 5.0)).by("ann").key("run", 3).await.unwrap();
    assert!(matches!(again, Submission::Done { outcome: Outcome::Executed(_), .. }), "{again:?}");
    // Where two eyes are enough, they may give it themselves.
    let bench = bench_with(GateBuilder::requester_may_decide).await;
    let request = full(&bench.gate, "ann", 0).await;
    let draft = request.grant(GrantTerms::exactly()).by("ann");
    bench.gate.preview_grant(draft).await.unwrap();
}

/// A requester's own grant, as earlier versions and hosts with two eyes accept it, answers nothing
/// where four eyes are required.
#[tokio::test(start_paused = true)]
async fn invariant_7_a_grant_of_ones_own_answers_nothing_where_another_human_must() {
    let mild = bench_with(GateBuilder::requester_may_decide).await;
    let request = full(&mild.gate, "ann", 0).await;
    let draft = request.grant(GrantTerms::exactly()).by("Ann");
    let preview = mild.gate.preview_grant(draft).await.unwrap();
    let granted = mild.gate.save_grant(preview).await.unwrap();
    assert_eq!(granted.allowed.len(), 1);
    // A gate over the same store that requires four eyes asks again about the call that was
    // allowed.
    let strict = support::tools(Gate::builder()).state(mild.world.clone());
    let strict = strict.store(mild.store.clone()).build().await.unwrap();
    let submitted = strict.submit(pay("other", 5.0)).by("ann").key("run", 5).await.unwrap();
    assert!(matches!(submitted, Submission::Pending(_)));
    let same = strict.submit(pay("shop", 5.0)).by("ann").key("run", 6).await.unwrap();
    assert!(matches!(same, Submission::Pending(_)), "{same:?}");
    assert_eq!(mild.world.ran(), 0);
}

#[tokio::test(start_paused = true)]
async fn invariant_7_only_a_human_answers_and_the_host_says_where_others_may() {
    let bench = bench().await;
    let programs =
        [Principal::agent("helper"), Principal::service("rota"), Principal::new(" AGENT:x")];
    for (at, program) in programs.into_iter().enumerate() {
        let by = || ReviewerIdentity::from(program.clone());
        for request in [
            full(&bench.gate, "ann", at as u64).await,
            quick(&bench.gate, "ann", 10 + at as u64).await,
        ] {
            let answers = [
                request.approve().by(by()),
                request.edit("{}").by(by()),
                request.reject("no").by(by()),
                request.respond("go on").by(by()),
                request.abort("stop").by(by()),
            ];
            for answer in answers {
                let error = bench.gate.decide(answer).await.unwrap_err();
                assert_eq!(error.refusal(), Some(Refusal::NotHuman), "{program}");
            }
            assert_eq!(record(&bench.gate, &request).await.state(), CallState::Pending);
        }
    }
    let config = ToolConfig::DEFAULT.base_confidence(70).agents_may_decide();
    let bench = bench_with(|gate| gate.dyn_tool(dyn_tool("triage", config))).await;
    let submitted = bench.gate.submit_json("triage", "{}", "ann", "run", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    let request = ticket.request();
    assert_eq!(refusal(&bench.gate, request, Principal::service("rota")).await, Refusal::NotHuman);
    approve(&bench.gate, request, Principal::agent("triage")).await.unwrap();
    let decided = audited(&bench, "decided");
    assert_eq!(decided.by_kind, Some(PrincipalKind::Agent));
    assert_eq!(decided.known_by, Some(KnownBy::Host));
}

#[tokio::test(start_paused = true)]
async fn invariant_2_an_approval_under_two_eyes_or_by_an_agent_does_not_outlive_the_hosts_word() {
    let config = ToolConfig::DEFAULT.base_confidence(50);
    let mild = config.requester_may_decide().agents_may_decide();
    for by in [Principal::new("ann"), Principal::agent("helper")] {
        let bench = bench_with(|gate| gate.dyn_tool(dyn_tool("move", mild))).await;
        let submitted = bench.gate.submit_json("move", "{}", "ann", "run", 0).await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("it waits") };
        let request = ticket.request().clone();
        approve(&bench.gate, &request, by.clone()).await.unwrap();
        let strict = Gate::builder().store(bench.store.clone()).dyn_tool(dyn_tool("move", config));
        let strict = strict.build().await.unwrap();
        // The caller comes back for it, and it is asked about again.
        let back = strict.call_json("move", "{}", "ann", "run", 0);
        assert!(tokio::time::timeout(Duration::from_secs(1), back).await.is_err(), "{by}");
        let record = record(&strict, &request).await;
        assert_eq!(record.state(), CallState::Pending, "{by}");
        assert_eq!(record.request().revision, 2, "{by}");
        assert_eq!(refusal(&strict, record.request(), "ann").await, Refusal::FourEyes);
    }
}

/// A directory in which people have numbers, with one name that cannot be looked up.
#[derive(Clone)]
struct Numbers;

#[async_trait]
impl PrincipalDirectory for Numbers {
    async fn lookup(&self, _: &CallContext) -> Result<PrincipalStatus, DirectoryError> {
        Ok(PrincipalStatus::roles(Vec::<String>::new()))
    }

    fn canonical(&self, who: &Principal) -> Principal {
        match who.as_str() {
            "ann@x" | "ann.smith@x" | "card 4711" => Principal::new("u-17"),
            "bomb" => panic!("the directory is down"),
            _ => who.folded(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_7_people_are_compared_as_the_directory_compares_them() {
    const TWO: &[StageSpec] = &[StageSpec::people(2)];
    let quorum = ToolConfig::DEFAULT.base_confidence(50).stages(TWO);
    let bench = bench_with(|gate| {
        gate.principal_directory(Numbers, Duration::from_secs(1)).dyn_tool(dyn_tool("both", quorum))
    })
    .await;
    let gate = &bench.gate;
    let request = full(gate, "ann@x", 0).await;
    for own in ["ann.smith@x", "card 4711", "ANN@X", "u-17"] {
        assert_eq!(refusal(gate, &request, own).await, Refusal::FourEyes, "{own}");
        let draft = request.grant(GrantTerms::exactly()).by(own);
        let error = gate.preview_grant(draft).await.unwrap_err();
        assert_eq!(error.grant(), Some(&GrantError::FourEyes), "{own}");
    }
    // Two names of one person are one vote.
    let submitted = gate.submit_json("both", "{}", "zoe", "run", 1).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it waits") };
    approve(gate, ticket.request(), "ann@x").await.unwrap();
    assert_eq!(refusal(gate, ticket.request(), "card 4711").await, Refusal::AlreadyVoted);
    assert_eq!(refusal(gate, ticket.request(), "Ann@X").await, Refusal::AlreadyVoted);
    approve(gate, ticket.request(), "bob").await.unwrap();
    // A gate without the directory, such as the command line's, knows the stored names.
    let plain = Gate::builder().store(bench.store.clone()).build().await.unwrap();
    for own in ["Ann@x", "u-17"] {
        assert_eq!(refusal(&plain, &request, own).await, Refusal::FourEyes, "{own}");
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_5_without_a_name_from_the_directory_nothing_is_done() {
    let bench = bench_with(|gate| gate.principal_directory(Numbers, Duration::from_secs(1))).await;
    let submitted = bench.gate.submit(pay("shop", 5.0)).by("bomb").key("run", 0).await.unwrap();
    let Submission::Done { outcome: Outcome::Denied { .. }, .. } = submitted else {
        panic!("{submitted:?}")
    };
    let request = full(&bench.gate, "ann@x", 1).await;
    let error = approve(&bench.gate, &request, "bomb").await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Forbidden);
    let draft = request.grant(GrantTerms::exactly()).by("bomb");
    assert_eq!(bench.gate.preview_grant(draft).await.unwrap_err().kind(), GateErrorKind::Forbidden);
    assert_eq!(record(&bench.gate, &request).await.state(), CallState::Pending);
    assert_eq!(bench.world.ran(), 0);
}

#[test]
fn what_was_kept_before_there_were_kinds_is_read_and_means_the_default() {
    let quorum: Quorum = serde_json::from_str("{}").unwrap();
    assert_eq!((quorum.eyes, quorum.deciders), (RequesterRule::ByLevel, Deciders::HUMANS));
    let old: Quorum = serde_json::from_str(r#"{"eyes":"two","stages":[{"people":2}]}"#).unwrap();
    assert_eq!(old.eyes, RequesterRule::ByLevel);
    let four: Quorum = serde_json::from_str(r#"{"eyes":"four"}"#).unwrap();
    assert_eq!(four.eyes, RequesterRule::MayNotApprove);
    for quorum in [quorum, old, four, Quorum::ONE] {
        let text = serde_json::to_string(&quorum).unwrap();
        assert_eq!(serde_json::from_str::<Quorum>(&text).unwrap(), quorum, "{text}");
        // Every quorum meets the least one.
        assert!(Quorum::ONE.is_met_by(&quorum));
    }
    let old: ReviewerIdentity = serde_json::from_str(r#"{"principal":"bob"}"#).unwrap();
    assert_eq!(old, ReviewerIdentity::new("bob"));
    let later: KnownBy = serde_json::from_str(r#""passkey""#).unwrap();
    assert_eq!(later, KnownBy::Other);
}

/// A directory whose answers can change, for example when a person's number changes.
#[derive(Clone, Default)]
struct Renumbered(Arc<AtomicU32>);

#[async_trait]
impl PrincipalDirectory for Renumbered {
    async fn lookup(&self, _: &CallContext) -> Result<PrincipalStatus, DirectoryError> {
        Ok(PrincipalStatus::roles(Vec::<String>::new()))
    }

    fn canonical(&self, who: &Principal) -> Principal {
        match who.as_str() {
            "ann@x" | "card 4711" => Principal::new(format!("u-{}", self.0.load(Ordering::SeqCst))),
            _ => who.folded(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_7_who_asked_where_the_directory_was_not_or_was_another_decides_nothing() {
    const TWO: &[StageSpec] = &[StageSpec::people(2)];
    let quorum = ToolConfig::DEFAULT.base_confidence(50).stages(TWO);
    let directory = Renumbered::default();
    let knowing =
        |gate: GateBuilder| gate.principal_directory(directory.clone(), Duration::from_secs(1));
    let bench = bench_with(|gate| knowing(gate.dyn_tool(dyn_tool("both", quorum)))).await;
    // Submitted without a directory, as a hook's process does, to the same store.
    let hook = support::tools(Gate::builder()).state(bench.world.clone());
    let hook = hook.store(bench.store.clone()).build().await.unwrap();
    let unknown = full(&hook, "ann@x", 0).await;
    // Submitted and voted on before the directory has changed.
    let before = full(&bench.gate, "ann@x", 1).await;
    let submitted = bench.gate.submit_json("both", "{}", "zoe", "run", 2).await.unwrap();
    let Submission::Pending(voted) = submitted else { panic!("it waits") };
    approve(&bench.gate, voted.request(), "ann@x").await.unwrap();
    directory.0.store(18, Ordering::SeqCst);
    for request in [&unknown, &before] {
        let refused = refusal(&bench.gate, request, "card 4711").await;
        assert_eq!(refused, Refusal::FourEyes);
        let draft = request.grant(GrantTerms::exactly()).by("card 4711");
        let error = bench.gate.preview_grant(draft).await.unwrap_err();
        assert_eq!(error.grant(), Some(&GrantError::FourEyes));
    }
    let again = refusal(&bench.gate, voted.request(), "card 4711").await;
    assert_eq!(again, Refusal::AlreadyVoted);
    // Another person decides it.
    let approved = approve(&bench.gate, &unknown, "bob").await.unwrap();
    assert_eq!(approved.state(), CallState::Approved);
}

#[tokio::test(start_paused = true)]
async fn invariant_7_nobody_answers_under_a_name_in_which_nothing_is_seen() {
    let bench = bench().await;
    for (at, nobody) in ["", " ", "\u{200b}", "\u{2800}\u{feff}"].into_iter().enumerate() {
        let at = at as u64;
        for request in
            [full(&bench.gate, "ann", at).await, quick(&bench.gate, "ann", 10 + at).await]
        {
            assert_eq!(refusal(&bench.gate, &request, nobody).await, Refusal::NotHuman);
            let reject = bench.gate.decide(request.reject("no").by(nobody)).await.unwrap_err();
            assert_eq!(reject.refusal(), Some(Refusal::NotHuman), "{nobody:?}");
            let draft = request.grant(GrantTerms::exactly()).by(nobody);
            let error = bench.gate.preview_grant(draft).await.unwrap_err();
            assert_eq!(error.grant(), Some(&GrantError::NotHuman));
        }
    }
}
