//! Rules at the gate: their clock, and a shadow policy beside them.

use crate::support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use hitl_base::clock::ManualClock;
use hitl_core::policy::{PolicyAnswer, Rule, RuleConditions, TimeWindow};
use hitl_core::{
    Assessment, CallKey, CallState, CallView, Effect, Outcome, Policy, RuleSet, Ruling, Submission,
    Verdict, VerdictKind,
};
use support::{Look, ask, bench_with, note, pay, until};

fn rules(rule: Rule) -> RuleSet {
    RuleSet::builder("test", "1").rule(rule).build().unwrap()
}

#[tokio::test]
async fn rules_look_at_the_gates_clock() {
    let clock = ManualClock::at("2026-01-05T17:59:00Z".parse().unwrap());
    let closed = TimeWindow::always().between("18:00", "08:00");
    let policy = rules(Rule::deny("closed").when(RuleConditions::tool("note").time(closed)));
    let b = bench_with(|g| g.policy(policy).clock(clock.clone())).await;
    assert_eq!(b.gate.assess(&note("a"), "ann").unwrap().verdict, Verdict::Run);
    clock.advance(Duration::from_secs(60));
    assert!(matches!(b.gate.assess(&note("a"), "ann").unwrap().verdict, Verdict::Deny(_)));
}

/// An expired rule stays expired, whatever the machine's clock is set to.
#[tokio::test]
async fn invariant_5_a_clock_that_is_set_moves_no_rules() {
    let start = "2026-01-05T12:00:00Z".parse().unwrap();
    let clock = ManualClock::at(start);
    let window = |from: &str, to: &str| {
        TimeWindow::always().after(from.parse().unwrap()).before(to.parse().unwrap())
    };
    let lets = Rule::auto("a week").when(
        RuleConditions::tool("ask").time(window("2026-01-01T00:00:00Z", "2026-01-06T00:00:00Z")),
    );
    let freeze = Rule::deny("freeze").when(
        RuleConditions::tool("note").time(window("2026-01-10T00:00:00Z", "2026-03-01T00:00:00Z")),
    );
    let rules = RuleSet::builder("test", "1").rule(lets).rule(freeze).build().unwrap();
    let b = bench_with(|g| g.policy(rules).clock(clock.clone())).await;
    let runs = |call| b.gate.assess(&call, "ann").unwrap().verdict == Verdict::Run;
    let denied = || matches!(b.gate.assess(&note("a"), "ann").unwrap().verdict, Verdict::Deny(_));
    assert!(runs(ask("a")) && !denied());
    clock.advance(Duration::from_secs(8 * 86_400));
    assert!(!runs(ask("a")) && denied());
    clock.set(start);
    assert!(!runs(ask("a")), "it is over");
    assert!(denied(), "it has begun");
    // A jump over the freeze is not believed: the time is unknown, and the freeze counts.
    clock.set("2026-04-01T00:00:00Z".parse().unwrap());
    assert!(denied() && !runs(ask("a")));
    clock.set("2026-01-13T13:00:00Z".parse().unwrap());
    assert!(denied());
}

#[tokio::test]
async fn an_auto_rule_lifts_the_score_at_the_gate_and_nothing_else() {
    let policy = rules(Rule::auto("trusted").when(RuleConditions::tool("*").principal("ann")));
    let b = bench_with(|g| g.policy(policy)).await;
    let preview = b.gate.assess(&ask("a"), "ann").unwrap();
    assert_eq!(preview.verdict, Verdict::Run);
    assert_eq!(preview.decided_by.unwrap().to_string(), "rule `trusted` of test version 1");
    assert_eq!(preview.reasons, ["rule `trusted` of test version 1"]);
    assert_ne!(b.gate.assess(&ask("a"), "bob").unwrap().verdict, Verdict::Run);
    // High risk, and the tool sets no threshold of its own.
    assert_ne!(b.gate.assess(&pay("x", 5.0), "ann").unwrap().verdict, Verdict::Run);
    let outcome = b.gate.submit(ask("a")).by("ann").await.unwrap();
    assert!(matches!(outcome, Submission::Done { outcome: Outcome::Executed(_), .. }));
}

/// A candidate that misbehaves in every way.
struct Bad(u8);

impl Policy for Bad {
    fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        None
    }

    fn answer(&self, _: &CallView<'_>, _: &Assessment) -> PolicyAnswer {
        assert_ne!(self.0, 0, "a candidate that panics");
        PolicyAnswer::failed("a candidate that fails")
    }
}

#[tokio::test]
async fn a_candidate_is_counted_and_changes_nothing() {
    let candidate = rules(Rule::deny("no notes").when(RuleConditions::tool("note")));
    let b = bench_with(|g| g.shadow(candidate)).await;
    for position in 0..3 {
        b.gate.call(note("a")).by("ann").key("r", position).await.unwrap();
        // Submitting the same key again is not counted again.
        b.gate.call(note("a")).by("ann").key("r", position).await.unwrap();
    }
    b.gate.call(Look { what: "x".to_owned() }).by("ann").await.unwrap();
    b.gate.assess(&note("a"), "ann").unwrap();
    let report = b.gate.shadow_report();
    assert_eq!((report.compared, report.failed), (4, 0));
    assert_eq!(report.differences.len(), 1);
    let difference = &report.differences[0];
    assert_eq!((difference.tool.as_str(), difference.calls), ("note", 3));
    assert_eq!((difference.active, difference.candidate), (VerdictKind::Run, VerdictKind::Deny));
    assert_eq!(b.world.ran(), 4);
    assert!(b.audit.records().iter().all(|record| record.policies.is_empty()));
}

#[tokio::test]
async fn invariant_5_a_candidate_that_fails_or_panics_touches_no_call() {
    for bad in [0, 1] {
        let b = bench_with(|g| g.shadow(Bad(bad))).await;
        b.gate.call(note("a")).by("ann").key("r", 0).await.unwrap();
        let report = b.gate.shadow_report();
        assert_eq!((report.compared, report.failed), (0, 1));
        assert!(report.differences.is_empty());
        assert_eq!(b.world.ran(), 1);
        let record = b.gate.unscoped().get_by_key(&CallKey::new("r", 0)).await.unwrap().unwrap();
        assert!(record.request().reasons.is_empty());
    }
}

/// A policy that fails or panics for a while.
struct Broken(Arc<AtomicU8>);

impl Policy for Broken {
    fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        None
    }

    fn answer(&self, _: &CallView<'_>, _: &Assessment) -> PolicyAnswer {
        match self.0.load(Ordering::SeqCst) {
            0 => PolicyAnswer::new(None),
            1 => PolicyAnswer::failed("the rules did not load"),
            2 => panic!("the rules panic"),
            _ => PolicyAnswer::new(Some(Ruling { effect: Effect::Deny, reason: "no".to_owned() })),
        }
    }
}

/// Waits, while time passes.
async fn in_time(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    until(what, async || {
        tokio::time::advance(Duration::from_secs(1)).await;
        holds().await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn invariant_5_a_policy_that_is_broken_at_the_claim_runs_nothing_and_loses_no_approval() {
    for broken in [1, 2] {
        let says = Arc::new(AtomicU8::new(0));
        let b = bench_with(|g| g.policy(Broken(Arc::clone(&says)))).await;
        let mut waiters = Vec::new();
        for position in 0..2 {
            let submitted = b.gate.submit(ask("a")).by("ann").key("r", position).await.unwrap();
            let Submission::Pending(ticket) = submitted else { unreachable!("it waits") };
            b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
            says.store(broken, Ordering::SeqCst);
            waiters.push(tokio::spawn(async move { ticket.wait().await }));
            for _ in 0..30 {
                tokio::time::advance(Duration::from_secs(1)).await;
                tokio::task::yield_now().await;
            }
            let record =
                b.gate.unscoped().get_by_key(&CallKey::new("r", position)).await.unwrap().unwrap();
            assert_eq!(
                (record.state(), b.world.ran()),
                (CallState::Approved, usize::from(position == 1))
            );
            // Once fixed, it runs; and if it denies, the call is denied.
            says.store(if position == 0 { 0 } else { 3 }, Ordering::SeqCst);
            in_time("it goes on", async || {
                let record = b
                    .gate
                    .unscoped()
                    .get_by_key(&CallKey::new("r", position))
                    .await
                    .unwrap()
                    .unwrap();
                record.state().is_terminal()
            })
            .await;
            says.store(0, Ordering::SeqCst);
        }
        let last = waiters.pop().unwrap().await.unwrap().unwrap();
        assert!(matches!(last, Outcome::Denied { .. }), "{last:?}");
        assert!(matches!(waiters.pop().unwrap().await.unwrap(), Ok(Outcome::Executed(_))));
        assert_eq!(b.world.ran(), 1);
    }
}

#[tokio::test]
async fn invariant_5_a_denial_is_one_whatever_other_policies_do_not_know() {
    let (fails, denies) = (Arc::new(AtomicU8::new(1)), Arc::new(AtomicU8::new(3)));
    for order in [[&fails, &denies], [&denies, &fails]] {
        let policies = order.map(|says| Broken(Arc::clone(says)));
        let [first, second] = policies;
        let b = bench_with(|g| g.policy(first).policy(second)).await;
        let verdict = b.gate.assess(&note("a"), "ann").unwrap().verdict;
        assert_eq!(verdict, Verdict::Deny("no".to_owned()));
    }
}
