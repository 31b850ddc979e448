//! Break-glass: in an emergency a person lets calls run, within what the host declared, and nothing
//! else runs because of it.

use crate::support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_base::clock::ManualClock;
use hitl_base::{JsonText, Timestamp};
use hitl_core::call::{AmountSpec, StageSpec};
use hitl_core::gate::{BreakGlassEvent, Notice};
use hitl_core::grant::{BreakGlassOrder, Envelope, GrantError, InvalidOrder, OutsideEnvelope};
use hitl_core::machine::CallState;
use hitl_core::policy::{Rule, RuleConditions, RuleEffect, RuleSet};
use hitl_core::{
    CallKey, DynArguments, DynSpec, DynTool, Gate, GateErrorKind, GrantRecord, MemoryStore,
    Outcome, Permit, Principal, ReviewerIdentity, Risk, Store as _, Submission, Tenant, ToolConfig,
};
use support::{Bench, Flaky, bench_with};

const HOUR: Duration = Duration::from_secs(3600);
const TWO: &[StageSpec] = &[StageSpec::role("dba", 2)];
const PRICE: &[AmountSpec] = &[AmountSpec::new("price")];

/// A tool that two other people must approve.
const STRICT: ToolConfig =
    ToolConfig::DEFAULT.base_confidence(50).risk(Risk::High).four_eyes().stages(TWO);

fn tool(name: &str, config: ToolConfig) -> DynTool {
    let schema = r#"{"type":"object","properties":{"what":{"type":"string"},
        "price":{"type":"number"},"currency":{"type":"string"}}}"#;
    let body = |_: Permit<DynArguments>| async { Ok::<_, String>(JsonText::null()) };
    DynTool::new(DynSpec::new(name, "Restarts.").config(config), schema, body).unwrap()
}

fn envelope() -> Envelope {
    Envelope::new(["restart"]).person("ann").role("oncall").longest(HOUR).uses(3)
}

fn order() -> BreakGlassOrder {
    BreakGlassOrder::new("restart", "agent:ops").because("the primary is down").by("ann")
}

async fn bench(envelopes: impl IntoIterator<Item = Envelope>) -> Bench {
    bench_of(STRICT, envelopes).await
}

async fn bench_of(config: ToolConfig, envelopes: impl IntoIterator<Item = Envelope>) -> Bench {
    bench_with(|builder| {
        envelopes.into_iter().fold(builder.dyn_tool(tool("restart", config)), |builder, one| {
            builder.break_glass(one)
        })
    })
    .await
}

/// Returns whether a call runs without anybody being asked, and the reasons on its card.
async fn submitted(gate: &Gate, arguments: &str, position: u64) -> (bool, Vec<String>) {
    let asked = gate.submit_json("restart", arguments, "agent:ops", "run", position).await.unwrap();
    match asked {
        Submission::Done { outcome, receipt } => {
            assert!(matches!(outcome, Outcome::Executed(_)), "{outcome:?}");
            (true, receipt.reasons)
        }
        Submission::Pending(ticket) => (false, ticket.request().reasons.clone()),
    }
}

async fn runs(gate: &Gate, position: u64) -> bool {
    submitted(gate, r#"{"what":"db"}"#, position).await.0
}

async fn state(gate: &Gate, position: u64) -> CallState {
    let key = CallKey::new("run", position);
    gate.unscoped().get_by_key(&key).await.unwrap().unwrap().state()
}

async fn broken(gate: &Gate, order: BreakGlassOrder) -> GrantRecord {
    gate.break_glass(order).await.unwrap().record
}

async fn refused(gate: &Gate, order: BreakGlassOrder) -> GrantError {
    let error = gate.break_glass(order).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::NotGranted, "{error}");
    error.grant().unwrap().clone()
}

fn audited(bench: &Bench, event: &str) -> Vec<hitl_core::AuditRecord> {
    let all = bench.audit.records().into_iter();
    all.filter(|record| record.event.to_string() == event).collect()
}

/// A bench whose store has a clock that the test moves.
async fn bench_with_clock() -> (Bench, ManualClock) {
    let clock = ManualClock::at(Timestamp::from_millis(1_780_000_000_000));
    let store = MemoryStore::with_clock(clock.clone());
    let kept = store.clone();
    let built = bench_with(|builder| {
        builder.store(store).dyn_tool(tool("restart", STRICT)).break_glass(envelope())
    });
    (Bench { store: kept, ..built.await }, clock)
}

/// Lets what was spawned run to its end.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_glass_takes_the_place_of_everybody_who_would_be_asked_and_is_loud() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    let bench = bench_with(|builder| {
        builder.dyn_tool(tool("restart", STRICT)).break_glass(envelope()).on_notice(move |notice| {
            if let Notice::BreakGlass(glass) = notice {
                heard.lock().unwrap().push((glass.event(), glass.to_string()));
            }
        })
    })
    .await;
    let gate = &bench.gate;
    assert!(!runs(gate, 0).await, "two people of a role are needed");
    let grant = broken(gate, order().uses(2)).await;
    assert_eq!(
        grant.grant.rule[..4],
        [
            "BREAK-GLASS: run `restart` without the people who would be asked, when `agent:ops` \
             asks for it",
            "in any run",
            "with any arguments",
            "at most 2 times",
        ]
    );
    // The call that waited was approved at once; nothing has run yet.
    assert_eq!(state(gate, 0).await, CallState::Approved);
    assert_eq!(gate.broken_glass(&Tenant::default()).await.unwrap(), std::slice::from_ref(&grant));
    assert!(runs(gate, 0).await);
    let (ran, reasons) = submitted(gate, r#"{"what":"web"}"#, 1).await;
    assert!(ran);
    let why = format!("runs under break-glass: ann broke the glass (grant {})", grant.id());
    assert_eq!(reasons.last(), Some(&why), "the receipt says so");
    let key = CallKey::new("run", 1);
    let record = gate.unscoped().get_by_key(&key).await.unwrap().unwrap();
    assert_eq!(record.request().reasons.last(), Some(&why), "and so does the card");
    assert!(!runs(gate, 2).await, "both uses are taken");

    settle().await;
    let opened = audited(&bench, "breakGlassOpened");
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].by.as_ref().map(Principal::as_str), Some("ann"));
    assert_eq!(opened[0].subject.as_deref(), Some(&*grant.id().to_string()));
    assert!(opened[0].note.as_deref().unwrap().contains("because: the primary is down"));
    let uses = audited(&bench, "breakGlassUsed");
    assert_eq!(uses.len(), 2);
    assert!(uses.iter().all(|used| used.note.as_deref() == Some(&*why) && used.call.is_some()));
    let ended = audited(&bench, "breakGlassEnded");
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].note.as_deref(), Some("it is used up; 2 of 2 uses"));
    assert!(gate.broken_glass(&Tenant::default()).await.unwrap().is_empty());
    let said = said.lock().unwrap().clone();
    let events: Vec<_> = said.iter().map(|(event, _)| *event).collect();
    let [opened, drawn, ended] =
        [BreakGlassEvent::Opened, BreakGlassEvent::Used, BreakGlassEvent::Ended];
    assert_eq!(events, [opened, drawn, drawn, ended]);
    assert!(said[0].1.contains("ann lets `restart` run") && said[0].1.contains("Revoke it"));
    assert!(said[1].1.contains("ann broke the glass"), "{}", said[1].1);
}

#[tokio::test(start_paused = true)]
async fn it_ends_at_its_time_when_it_is_revoked_and_once_it_is_used_up() {
    let (bench, clock) = bench_with_clock().await;
    let gate = &bench.gate;
    let grant = broken(gate, order().uses(3).lasting(HOUR)).await;
    assert!(runs(gate, 0).await);
    clock.advance(HOUR);
    assert!(!runs(gate, 1).await, "its time is over");
    gate.recover().await.unwrap();
    gate.recover().await.unwrap();
    let ended = audited(&bench, "breakGlassEnded");
    assert_eq!(ended.len(), 1, "the end is audited once");
    assert_eq!(ended[0].note.as_deref(), Some("its time is over; 1 of 3 uses"));
    assert_eq!(ended[0].subject.as_deref(), Some(&*grant.id().to_string()));

    // It approves call 1, which waits; revoked, it covers neither that call nor a new one.
    let grant = broken(gate, order().uses(3)).await;
    assert_eq!(state(gate, 1).await, CallState::Approved);
    let by = "bob";
    gate.revoke_grant(&Tenant::default(), grant.id(), by, Some("it is fixed")).await.unwrap();
    assert!(!runs(gate, 1).await && !runs(gate, 2).await);
    assert_eq!(state(gate, 1).await, CallState::Pending);
    let ended = audited(&bench, "breakGlassEnded");
    assert_eq!(ended.len(), 2);
    assert_eq!(ended[1].note.as_deref(), Some("bob revoked it: it is fixed; 0 of 3 uses"));
    assert_eq!(bench.world.ran(), 0);
}

#[tokio::test(start_paused = true)]
async fn invariant_5_only_what_the_host_declared_is_given() {
    let bench = bench([envelope()]).await;
    let gate = &bench.gate;
    let acme = || ReviewerIdentity::new("ann").tenant("acme");
    for (order, expected) in [
        (order().by("eve"), GrantError::OutsideEnvelope(OutsideEnvelope::Person)),
        (order().by(Principal::agent("ann")), GrantError::NotHuman),
        (order().uses(4), GrantError::OutsideEnvelope(OutsideEnvelope::Uses)),
        (order().lasting(2 * HOUR), GrantError::OutsideEnvelope(OutsideEnvelope::Longest)),
        (order().tenant("acme"), GrantError::OutsideEnvelope(OutsideEnvelope::Tenant)),
        (order().by(acme()), GrantError::WrongTenant),
        (order().because(" "), GrantError::InvalidOrder(InvalidOrder::Reason)),
        (order().uses(0), GrantError::InvalidOrder(InvalidOrder::Nothing)),
        (
            BreakGlassOrder::new("pay", "agent:ops").because("x").by("ann"),
            GrantError::OutsideEnvelope(OutsideEnvelope::None),
        ),
    ] {
        assert_eq!(refused(gate, order).await, expected);
    }
    let nobody = BreakGlassOrder::new("restart", "agent:ops").because("x");
    assert_eq!(refused(gate, nobody).await, GrantError::InvalidOrder(InvalidOrder::Nobody));
    let unknown = BreakGlassOrder::new("gone", "agent:ops").because("x").by("ann");
    let error = gate.break_glass(unknown).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::UnknownTool);
    assert!(audited(&bench, "breakGlassOpened").is_empty());
    assert!(gate.broken_glass(&Tenant::default()).await.unwrap().is_empty());
    // By a role, as the host has verified it.
    let bob = || ReviewerIdentity::new("bob").role("oncall");
    broken(gate, order().by(bob())).await;
    assert!(runs(gate, 0).await);
}

#[tokio::test(start_paused = true)]
async fn invariant_5_the_envelope_of_the_gate_that_runs_the_call_decides() {
    let wide = bench([envelope()]).await;
    assert!(!runs(&wide.gate, 0).await);
    let grant = broken(&wide.gate, order().uses(3)).await;
    assert_eq!(state(&wide.gate, 0).await, CallState::Approved);
    // Another process, without an envelope, with a narrower one, and with one for others.
    for (position, envelopes) in (1..).zip([
        vec![],
        vec![envelope().uses(2)],
        vec![envelope().longest(Duration::from_secs(60))],
        vec![Envelope::new(["restart"]).person("bob").longest(HOUR).uses(3)],
        vec![Envelope::new(["other"]).person("ann").longest(HOUR).uses(3)],
    ]) {
        let store = wide.store.clone();
        let narrow = bench_with(|builder| {
            let builder = builder.store(store).dyn_tool(tool("restart", STRICT));
            envelopes.into_iter().fold(builder, hitl_core::GateBuilder::break_glass)
        })
        .await;
        assert!(!runs(&narrow.gate, position).await, "{position}");
    }
    // A call that the first gate has approved is asked about again by one without an envelope.
    let store = wide.store.clone();
    let bare = bench_with(|builder| builder.store(store).dyn_tool(tool("restart", STRICT))).await;
    assert!(!runs(&bare.gate, 0).await);
    assert_eq!(state(&bare.gate, 0).await, CallState::Pending);
    let key = CallKey::new("run", 0);
    let asked = bare.gate.unscoped().get_by_key(&key).await.unwrap().unwrap();
    let why = asked.request().reasons.last().unwrap();
    assert!(why.contains("no broken glass covers it: the host declares no envelope"), "{why}");
    assert_eq!(wide.store.grant(&Tenant::default(), grant.id()).await.unwrap().unwrap().used, 0);
    assert!(runs(&wide.gate, 9).await, "where it is covered, it counts");
}

#[tokio::test(start_paused = true)]
async fn invariant_5_a_grant_that_somebody_wrote_into_the_store_covers_nothing_more() {
    let bench = bench([envelope()]).await;
    let gate = &bench.gate;
    let honest = broken(gate, order().uses(1).lasting(HOUR)).await;
    assert!(runs(gate, 0).await);
    settle().await;
    // The same, with an id of its own: it is in nobody's list.
    let mut forged = honest.clone();
    forged.grant.id = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
    forged.used = 0;
    bench.store.save_grant(forged).await.unwrap();
    assert!(!runs(gate, 1).await);
    // One that is in the list, and says more than the envelope.
    let mut forged = honest.clone();
    forged.grant.id = "018f0000-0000-7000-8000-000000000002".parse().unwrap();
    forged.grant.uses = Some(1000);
    forged.used = 0;
    let list = bench.store.metadata("break_glass.v1").await.unwrap();
    let to = serde_json::json!([{ "tenant": "default", "grant": forged.id(),
        "until": "2099-01-01T00:00:00.000Z" }]);
    let name = "break_glass.v1";
    let set = bench.store.compare_and_set_metadata(name, list.as_deref(), &to.to_string()).await;
    assert!(set.unwrap());
    bench.store.save_grant(forged).await.unwrap();
    assert!(!runs(gate, 2).await);
    // A list that cannot be read: somebody is asked.
    let list = bench.store.metadata(name).await.unwrap();
    let set = bench.store.compare_and_set_metadata(name, list.as_deref(), "damaged").await;
    assert!(set.unwrap());
    assert!(!runs(gate, 3).await);
    assert_eq!(gate.break_glass(order()).await.unwrap_err().kind(), GateErrorKind::Store);
}

#[tokio::test(start_paused = true)]
async fn invariant_5_it_lifts_no_denial_no_repeated_effect_and_no_file_of_the_gate() {
    let deny = Rule::new("freeze", RuleEffect::Deny).when(RuleConditions::tool("restart"));
    let rules = RuleSet::builder("rules", "1").rule(deny).build().unwrap();
    let denying = bench_with(|builder| {
        builder.policy(rules).dyn_tool(tool("restart", STRICT)).break_glass(envelope())
    })
    .await;
    broken(&denying.gate, order()).await;
    let asked = denying.gate.submit_json("restart", "{}", "agent:ops", "run", 0).await.unwrap();
    let Submission::Done { outcome, .. } = asked else { panic!("{asked:?}") };
    assert!(matches!(outcome, Outcome::Denied { .. }), "{outcome:?}");

    let repeating = bench_of(STRICT.effect("restart:{what}"), [envelope()]).await;
    broken(&repeating.gate, order().uses(3)).await;
    assert!(runs(&repeating.gate, 0).await);
    assert!(!runs(&repeating.gate, 1).await, "the same effect again is looked at");

    let protecting = bench_with(|builder| {
        builder
            .dyn_tool(tool("restart", STRICT))
            .break_glass(envelope())
            .protect("/srv/app/policy.toml")
    })
    .await;
    broken(&protecting.gate, order().uses(3)).await;
    let own = r#"{"what":"/srv/app/policy.toml"}"#;
    assert!(!submitted(&protecting.gate, own, 0).await.0, "the gate's own files are looked at");
    assert!(runs(&protecting.gate, 1).await);
}

#[tokio::test(start_paused = true)]
async fn invariant_6_what_cannot_be_audited_is_not_given() {
    let audit = Flaky::default();
    let sink = audit.clone();
    let bench = bench_with(|builder| {
        builder.audit(sink).dyn_tool(tool("restart", STRICT)).break_glass(envelope())
    })
    .await;
    audit.fail_after(0);
    let error = bench.gate.break_glass(order()).await.unwrap_err();
    assert_eq!(error.kind(), GateErrorKind::Audit);
    audit.mend();
    assert!(bench.gate.broken_glass(&Tenant::default()).await.unwrap().is_empty());
    assert!(!runs(&bench.gate, 0).await);
}

#[tokio::test(start_paused = true)]
async fn the_amounts_of_its_calls_come_to_no_more_than_its_sum() {
    let config = STRICT.amounts(PRICE);
    let without = bench_of(config, [envelope()]).await;
    let outside = GrantError::OutsideEnvelope(OutsideEnvelope::Sum);
    assert_eq!(refused(&without.gate, order()).await, outside);
    let bench = bench_of(config, [envelope().sum(100.into()).currency("EUR")]).await;
    let gate = &bench.gate;
    broken(gate, order().uses(3)).await;
    let pays = async |arguments: &str, position| submitted(gate, arguments, position).await.0;
    assert!(!pays(r#"{"what":"a"}"#, 0).await, "no amount");
    assert!(!pays(r#"{"price":-1}"#, 1).await, "a negative one");
    assert!(!pays(r#"{"price":10,"currency":"USD"}"#, 2).await, "another currency");
    assert!(pays(r#"{"price":60,"currency":"EUR"}"#, 3).await);
    assert!(!pays(r#"{"price":41}"#, 4).await, "more than is left");
    assert!(pays(r#"{"price":40}"#, 5).await);
    settle().await;
    let notes: Vec<_> = audited(&bench, "breakGlassUsed").iter().map(|r| r.note.clone()).collect();
    assert!(notes[0].as_deref().unwrap().ends_with("; 60 of its sum"), "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn invariant_3_of_many_that_take_the_last_use_one_runs() {
    let bench = bench([envelope()]).await;
    broken(&bench.gate, order().uses(1)).await;
    let calls = (0..20).map(|position| runs(&bench.gate, position));
    let ran = futures::future::join_all(calls).await;
    assert_eq!(ran.iter().filter(|ran| **ran).count(), 1);
    settle().await;
    assert_eq!(audited(&bench, "breakGlassUsed").len(), 1);
    assert_eq!(audited(&bench, "breakGlassEnded").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_gate_without_the_tool_asks_the_envelope_that_its_executor_published() {
    let executor = bench([envelope()]).await;
    assert!(!runs(&executor.gate, 0).await);
    let store = executor.store.clone();
    let operator =
        Gate::builder().store(store).audit(executor.audit.clone()).build().await.unwrap();
    let outside = GrantError::OutsideEnvelope(OutsideEnvelope::Uses);
    assert_eq!(refused(&operator, order().uses(4)).await, outside);
    let given = operator.break_glass(order()).await.unwrap();
    assert_eq!(given.allowed.len(), 1, "the call that waits is approved from there");
    assert!(runs(&executor.gate, 0).await);
    // An executor without an envelope publishes none.
    let bare = bench([]).await;
    let operator = Gate::builder().store(bare.store.clone()).build().await.unwrap();
    let outside = GrantError::OutsideEnvelope(OutsideEnvelope::None);
    assert_eq!(refused(&operator, order()).await, outside);
}

#[tokio::test(start_paused = true)]
async fn a_policy_declares_envelopes_too_and_secrets_stay_out_of_reasons() {
    let rules = RuleSet::builder("rules", "1").break_glass(envelope()).build().unwrap();
    let bench = bench_with(|b| b.policy(rules).dyn_tool(tool("restart", STRICT))).await;
    let secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a".to_owned();
    let grant = broken(&bench.gate, order().because(format!("token {secret} leaked"))).await;
    assert!(!format!("{grant:?}").contains(&secret));
    assert!(
        audited(&bench, "breakGlassOpened").iter().all(|r| !format!("{r:?}").contains(&secret))
    );
    assert!(runs(&bench.gate, 0).await);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_force_at_once_than_are_kept_track_of() {
    let (bench, clock) = bench_with_clock().await;
    for _ in 0..64 {
        broken(&bench.gate, order()).await;
    }
    assert_eq!(refused(&bench.gate, order()).await, GrantError::TooManyInForce);
    clock.advance(HOUR);
    bench.gate.recover().await.unwrap();
    broken(&bench.gate, order()).await;
}
