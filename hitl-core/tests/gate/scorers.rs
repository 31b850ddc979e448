//! Scorers at the gate: they only lower the confidence, in time or not at all.

use crate::support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_core::policy::{Rule, RuleConditions};
use hitl_core::{
    ApprovalLevel, CallState, FactorSource, Opinion, Outcome, RuleSet, ScoreError, ScoredCall,
    Scorer, Submission, Verdict,
};
use support::{Look, ask, bench_with, note, pay};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Says(f64),
    Sleeps(u64),
    Fails,
    Panics,
    PanicsWhenDropped,
    Echoes,
}

/// A scorer that behaves as the test sets it.
#[derive(Clone)]
struct Judge {
    does: Arc<Mutex<Does>>,
    asked: Arc<AtomicUsize>,
    alive: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Judge {
    fn that(does: Does) -> Self {
        Self {
            does: Arc::new(Mutex::new(does)),
            asked: Arc::default(),
            alive: Arc::default(),
            seen: Arc::default(),
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

struct Alive(Arc<AtomicUsize>, bool);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        assert!(!self.1 || std::thread::panicking(), "dropped");
    }
}

#[async_trait::async_trait]
impl Scorer for Judge {
    fn name(&self) -> &'static str {
        "judge"
    }

    async fn score(&self, call: &ScoredCall) -> Result<Opinion, ScoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.alive.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push(serde_json::to_string(call)?);
        let does = *self.does.lock().unwrap();
        let _alive = Alive(Arc::clone(&self.alive), does == Does::PanicsWhenDropped);
        match does {
            Does::Says(points) => Ok(Opinion::new(points, "I have looked.")),
            Does::Sleeps(seconds) => {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(Opinion::no_objection())
            }
            Does::PanicsWhenDropped => std::future::pending().await,
            Does::Fails => Err("no connection; the pin was 9731-secret".into()),
            Does::Panics => panic!("broken judge"),
            Does::Echoes => Ok(Opinion::new(-30.0, format!("{} 9731-secret", "x".repeat(5_000)))),
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn invariant_5_a_scorer_only_lowers_and_silence_is_no_confidence() {
    for (does, confidence, verdict) in [
        (Does::Says(0.0), 90, Verdict::Run),
        (Does::Says(-5.0), 85, Verdict::Run),
        (Does::Says(-5.5), 84, Verdict::Ask(ApprovalLevel::Quick)),
        (Does::Says(-31.0), 59, Verdict::Ask(ApprovalLevel::Full)),
        (Does::Says(-100.0), 0, Verdict::Ask(ApprovalLevel::Full)),
        (Does::Says(1.0), 0, Verdict::Ask(ApprovalLevel::Full)),
        (Does::Says(f64::NAN), 0, Verdict::Ask(ApprovalLevel::Full)),
        (Does::Says(-1e9), 0, Verdict::Ask(ApprovalLevel::Full)),
        (Does::Sleeps(2), 0, Verdict::Ask(ApprovalLevel::Full)),
        (Does::Fails, 0, Verdict::Ask(ApprovalLevel::Full)),
        (Does::Panics, 0, Verdict::Ask(ApprovalLevel::Full)),
        (Does::PanicsWhenDropped, 0, Verdict::Ask(ApprovalLevel::Full)),
    ] {
        let judge = Judge::that(does);
        let b = bench_with(|g| g.scorer(judge.clone(), SECOND)).await;
        let submission = b.gate.submit(note("a")).by("ann").await.unwrap();
        let receipt = submission.receipt();
        assert_eq!(
            (receipt.assessment.confidence, &receipt.verdict),
            (confidence, &verdict),
            "{does:?}"
        );
        let factor = receipt.assessment.factors.last().unwrap();
        assert_eq!((&*factor.name, factor.source), ("judge", FactorSource::Scorer));
        assert_eq!(b.world.ran(), usize::from(verdict == Verdict::Run));
        assert_eq!(judge.alive.load(Ordering::SeqCst), 0, "{does:?} is left over");
        let preview = b.gate.assess_with_scorers(&note("a"), "ann").await.unwrap();
        assert_eq!((preview.verdict, preview.unasked.len()), (verdict, 0));
        assert_eq!(b.gate.assess(&note("a"), "ann").unwrap().unasked, ["judge"]);
    }
}

#[tokio::test(start_paused = true)]
async fn scorers_are_asked_together_and_only_where_they_matter() {
    let (slow, slower) = (Judge::that(Does::Sleeps(8)), Judge::that(Does::Sleeps(9)));
    let ten = Duration::from_secs(10);
    let b = bench_with(|g| g.scorer(slow.clone(), ten).scorer(slower.clone(), ten)).await;
    let began = tokio::time::Instant::now();
    b.gate.call(note("a")).by("ann").key("r", 0).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(9));
    // Full already: points cannot raise it.
    let pending = b.gate.submit(pay("x", 5_000.0)).by("ann").await.unwrap();
    assert_eq!(pending.receipt().verdict, Verdict::Ask(ApprovalLevel::Full));
    // Known already.
    b.gate.call(note("a")).by("ann").key("r", 0).await.unwrap();
    assert_eq!((slow.asked(), slower.asked()), (1, 1));
    // A read that runs at once.
    b.gate.call(Look { what: "x".to_owned() }).by("ann").await.unwrap();
    assert_eq!(slow.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn invariant_2_what_a_scorer_said_stays_and_it_is_not_asked_again() {
    let judge = Judge::that(Does::Says(-25.0));
    let b = bench_with(|g| g.scorer(judge.clone(), SECOND)).await;
    let Submission::Pending(ticket) = b.gate.submit(note("a")).by("ann").key("r", 0).await.unwrap()
    else {
        panic!("65 is Quick")
    };
    // A milder second opinion would make it Auto; the claim neither queries it nor needs it.
    *judge.does.lock().unwrap() = Does::Says(0.0);
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    assert_eq!(judge.asked(), 1);
    let record = b.gate.unscoped().get_by_key(&ticket.receipt().key).await.unwrap().unwrap();
    assert_eq!(record.request().assessment.confidence, 65);
    assert_eq!(record.state(), CallState::Executed);
}

#[tokio::test(start_paused = true)]
async fn invariant_12_a_caller_that_goes_away_leaves_no_question() {
    let judge = Judge::that(Does::Sleeps(3_600));
    let b = bench_with(|g| g.scorer(judge.clone(), Duration::from_secs(7_200))).await;
    let asked =
        tokio::time::timeout(SECOND, async { b.gate.call(note("a")).by("ann").key("r", 0).await });
    assert!(asked.await.is_err());
    tokio::task::yield_now().await;
    assert_eq!((judge.asked(), judge.alive.load(Ordering::SeqCst)), (1, 0));
    assert_eq!(b.world.ran(), 0);
    // The key is free: nothing was stored.
    *judge.does.lock().unwrap() = Does::Says(0.0);
    assert_eq!(b.gate.call(note("a")).by("ann").key("r", 0).await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn invariant_5_no_rule_lifts_what_a_scorer_took() {
    let judge = Judge::that(Does::Says(-1.0));
    let auto = Rule::auto("trusted").when(RuleConditions::tool("*").principal("ann"));
    let policy = RuleSet::builder("p", "1").rule(auto).build().unwrap();
    let b = bench_with(|g| g.policy(policy).scorer(judge.clone(), SECOND)).await;
    let verdict = |submission: &Submission| submission.receipt().verdict.clone();
    let doubted = b.gate.submit(ask("a")).by("ann").await.unwrap();
    assert_eq!(verdict(&doubted), Verdict::Ask(ApprovalLevel::Quick));
    *judge.does.lock().unwrap() = Does::Says(0.0);
    let fine = b.gate.submit(ask("b")).by("ann").await.unwrap();
    assert_eq!(verdict(&fine), Verdict::Run);
}

#[tokio::test(start_paused = true)]
async fn invariant_8_a_scorer_sees_no_secret_and_passes_none_on() {
    // Quick, so that scorers are queried about a call with a secret.
    let mut tool_call = pay("x", 5.0);
    tool_call.pin = "9731-secret".to_owned();
    for does in [Does::Echoes, Does::Fails] {
        let judge = Judge::that(does);
        let quick = Judge::that(Does::Says(0.0));
        let b = bench_with(|g| {
            g.scorer(judge.clone(), SECOND).scorer(quick, SECOND).signal(
                |_: &hitl_core::CallView<'_>| {
                    Some(hitl_core::Factor::points("known", 20, "Known."))
                },
            )
        })
        .await;
        let submission = b.gate.submit(tool_call.clone()).by("ann").await.unwrap();
        assert_eq!(judge.asked(), 1);
        let seen = judge.seen.lock().unwrap().concat();
        assert!(seen.contains("\"amount\":5.0") && !seen.contains("9731"), "{seen}");
        let factors = format!("{:?}", submission.receipt().assessment.factors);
        assert!(!factors.contains("9731"), "{factors}");
        assert!(factors.len() < 2_500, "{}", factors.len());
        let audited = serde_json::to_string(&b.audit.records()).unwrap();
        assert!(audited.contains("judge") && !audited.contains("9731"), "{audited}");
    }
}
