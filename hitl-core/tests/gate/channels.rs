//! Through which channel a decision came: what it approves, what a policy takes away, and who reads
//! it afterwards.

use crate::support;

use std::sync::{Arc, Mutex};

use hitl_core::approval::DecisionChannel;
use hitl_core::confidence::{Assessment, CallView};
use hitl_core::grant::{BreakGlassOrder, GrantError, GrantTerms, InvalidOrder};
use hitl_core::machine::CallState;
use hitl_core::policy::{DecisionChannels, PolicyAnswer, Rule, RuleConditions, RuleSet, Ruling};
use hitl_core::{
    ApprovalLevel, ApprovalRequest, CallKey, CallRecord, Gate, GateErrorKind, Policy, Refusal,
    Store as _, Submission, Tenant,
};
use support::{Bench, ask, bench, bench_with, pay};

fn key(position: u64) -> CallKey {
    CallKey::new("run", position)
}

async fn asked(gate: &Gate, position: u64) -> ApprovalRequest {
    let call = gate.submit(ask(&format!("text {position}"))).by("ann").key("run", position);
    let Submission::Pending(ticket) = call.await.unwrap() else { panic!("it waits") };
    ticket.request().clone()
}

async fn paid(gate: &Gate, position: u64) -> ApprovalRequest {
    let call = gate.submit(pay("shop", 5.0)).by("ann").key("run", position);
    let Submission::Pending(ticket) = call.await.unwrap() else { panic!("it waits") };
    ticket.request().clone()
}

async fn record(gate: &Gate, position: u64) -> CallRecord {
    gate.unscoped().get_by_key(&key(position)).await.unwrap().unwrap()
}

fn audited(bench: &Bench, event: &str) -> Vec<Option<DecisionChannel>> {
    let all = bench.audit.records().into_iter();
    all.filter(|entry| entry.event.to_string() == event).map(|entry| entry.channel).collect()
}

/// The channels that a host may use, and a policy takes away while the gate lives.
#[derive(Clone, Default)]
struct Desk(Arc<Mutex<DecisionChannels>>);

impl Desk {
    fn only(&self, channel: DecisionChannel) {
        *self.0.lock().unwrap() = DecisionChannels::only([channel]);
    }
}

impl Policy for Desk {
    fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        None
    }

    fn answer(&self, _: &CallView<'_>, _: &Assessment) -> PolicyAnswer {
        PolicyAnswer::new(None).channels(self.0.lock().unwrap().clone())
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_5_an_elicitation_approves_a_quick_call_and_no_full_one() {
    let bench = bench().await;
    let gate = &bench.gate;
    let quick = asked(gate, 1).await;
    assert_eq!(quick.level, ApprovalLevel::Quick);
    let through = DecisionChannel::ELICITATION;
    let approved = gate.decide(quick.approve().through(through.clone()).by("bob")).await.unwrap();
    assert_eq!(approved.state(), CallState::Approved);
    let ran = gate.call(ask("text 1")).by("ann").key("run", 1).await.unwrap();
    assert_eq!(ran, "text 1");

    let full = paid(gate, 2).await;
    assert_eq!(full.level, ApprovalLevel::Full);
    let edit = full.edit(r#"{"amount": 4.0}"#).through(through.clone()).by("bob");
    for decision in [full.approve().through(through.clone()).by("bob"), edit] {
        let error = gate.decide(decision).await.unwrap_err();
        assert_eq!(error.kind(), GateErrorKind::Refused);
        assert_eq!(error.refusal(), Some(Refusal::Elicitation));
        let said = error.to_string();
        assert!(said.contains("in the console") && said.contains("hitl approve"), "{said}");
        assert_eq!(record(gate, 2).await.request(), &full, "it waits as it was");
    }
    // Anybody may stop it, from anywhere.
    let no = full.reject("not today").through(through.clone()).by("bob");
    assert_eq!(gate.decide(no).await.unwrap().state(), CallState::Rejected);
    assert_eq!(bench.world.ran(), 1);
    assert_eq!(audited(&bench, "decided"), [Some(through.clone()), Some(through)]);
}

#[tokio::test(start_paused = true)]
async fn invariant_5_an_elicitation_gives_no_permission_beyond_what_it_approves() {
    let bench = bench().await;
    let gate = &bench.gate;
    let full = paid(gate, 1).await;
    let draft = full.grant(GrantTerms::exactly()).through(DecisionChannel::ELICITATION).by("bob");
    let error = gate.preview_grant(draft).await.unwrap_err();
    assert_eq!(error.grant(), Some(&GrantError::Channel(Refusal::Elicitation)));
    // Of a quick call it may; then the grant says through which channel it came.
    let quick = asked(gate, 2).await;
    let draft = quick.grant(GrantTerms::exactly()).through(DecisionChannel::ELICITATION).by("bob");
    let saved = gate.save_grant(gate.preview_grant(draft).await.unwrap()).await.unwrap();
    assert_eq!(saved.record.grant.channel, Some(DecisionChannel::ELICITATION));
    assert_eq!(saved.allowed.len(), 1);
    assert_eq!(audited(&bench, "grantSaved"), [Some(DecisionChannel::ELICITATION)]);
    // An emergency is not decided in the agent's own client.
    let order = BreakGlassOrder::new("pay", "ann").because("it burns").by("bob");
    let error = gate.break_glass(order.through(DecisionChannel::ELICITATION)).await.unwrap_err();
    assert_eq!(error.grant(), Some(&GrantError::InvalidOrder(InvalidOrder::Channel)));
    assert_eq!(bench.world.ran(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_answer_is_kept_with_its_channel() {
    let bench = bench().await;
    let gate = &bench.gate;
    let pager = DecisionChannel::new("pager").unwrap();
    let request = asked(gate, 1).await;
    let edit = request.edit(r#"{"text": "other"}"#).through(pager.clone()).by("bob");
    let edited = gate.decide(edit).await.unwrap();
    assert_eq!(edited.prior_revisions()[0].edited.channel, Some(pager.clone()));
    assert_eq!(edited.decision().unwrap().channel, Some(pager.clone()));
    assert_eq!(audited(&bench, "edited"), [Some(pager.clone())]);
    let plain = asked(gate, 2).await;
    let decided = gate.decide(plain.approve().by("bob")).await.unwrap();
    assert_eq!(decided.decision().unwrap().channel, Some(DecisionChannel::HOST));
    assert_eq!(audited(&bench, "decided"), [Some(DecisionChannel::HOST)]);
    let history = bench.store.call_history(&Tenant::default(), request.id).await.unwrap();
    let channels: Vec<_> = history.iter().filter_map(|(_, entry)| entry.channel.clone()).collect();
    assert_eq!(channels, [pager]);
}

#[tokio::test(start_paused = true)]
async fn invariant_5_a_rule_takes_channels_away_and_the_card_says_which_are_left() {
    let rules = RuleSet::builder("desk", "1")
        .rule(
            Rule::quick("texts at the desk")
                .channels([DecisionChannel::CONSOLE, DecisionChannel::TERMINAL])
                .when(RuleConditions::tool("ask")),
        )
        .rule(
            Rule::quick("never in a chat")
                .channels([DecisionChannel::CONSOLE, DecisionChannel::CHAT])
                .when(RuleConditions::tool("a*")),
        )
        .build()
        .unwrap();
    let bench = bench_with(|builder| builder.policy(rules)).await;
    let gate = &bench.gate;
    let request = asked(gate, 1).await;
    assert_eq!(request.channels, DecisionChannels::only([DecisionChannel::CONSOLE]));
    let now = bench.store.now().await.unwrap();
    let card = request.render(now, hitl_core::approval::DetailLevel::Full).to_text();
    assert!(card.contains("may be approved only through: console"), "{card}");
    for channel in [DecisionChannel::HOST, DecisionChannel::TERMINAL, DecisionChannel::CHAT] {
        let decision = request.approve().through(channel.clone()).by("bob");
        let error = gate.decide(decision).await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::Channel));
        let said = error.to_string();
        assert!(said.ends_with("approve the call: console; decide it there"), "{said}");
        let draft = request.grant(GrantTerms::exactly()).through(channel).by("bob");
        let error = gate.preview_grant(draft).await.unwrap_err();
        assert_eq!(error.grant(), Some(&GrantError::Channel(Refusal::Channel)));
    }
    // An edit can be previewed by a program of another channel, and not made.
    let patch = r#"{"text": "other"}"#;
    let preview = gate.preview_edit(&request, patch, "bob").await.unwrap();
    let edit = request.edit(patch).previewed(&preview).by("bob");
    assert_eq!(gate.decide(edit).await.unwrap_err().refusal(), Some(Refusal::Channel));
    let edit = request.edit(patch).previewed(&preview).through(DecisionChannel::CONSOLE);
    let edited = gate.decide(edit.by("bob")).await.unwrap();
    assert_eq!((edited.state(), edited.request().revision), (CallState::Approved, 2));
    // Calls of other tools are approved as ever.
    let other = paid(gate, 2).await;
    assert!(other.channels.is_any());
    assert_eq!(gate.decide(other.approve().by("bob")).await.unwrap().state(), CallState::Approved);
}

/// A policy that has taken a channel away since the approval asks again, and an older grant of
/// another channel lets nothing run.
#[tokio::test(start_paused = true)]
async fn invariant_2_channels_that_were_taken_away_since_the_approval_ask_again() {
    let desk = Desk::default();
    let bench = bench_with(|builder| builder.policy(desk.clone())).await;
    let gate = &bench.gate;
    let granted = asked(gate, 7).await;
    let draft = granted.grant(GrantTerms::exactly()).by("bob");
    gate.save_grant(gate.preview_grant(draft).await.unwrap()).await.unwrap();
    let request = asked(gate, 1).await;
    gate.decide(request.approve().by("bob")).await.unwrap();
    desk.only(DecisionChannel::CONSOLE);
    for position in [1, 7] {
        let text = format!("text {position}");
        let again = gate.submit(ask(&text)).by("ann").key("run", position).await.unwrap();
        let Submission::Pending(_) = again else { panic!("it is asked about again") };
        support::until("it is asked about again", async || {
            record(gate, position).await.state() == CallState::Pending
        })
        .await;
        let now = record(gate, position).await;
        assert_eq!(now.request().channels, DecisionChannels::only([DecisionChannel::CONSOLE]));
    }
    let why = record(gate, 1).await.request().reasons.join("; ");
    assert!(why.contains("through no other channel than: console"), "{why}");
    assert_eq!(bench.world.ran(), 0);
}
