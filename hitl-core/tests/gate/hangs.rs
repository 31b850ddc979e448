//! Host code that hangs: a signal, a policy, a directory, a scorer. It has a deadline, then it
//! counts as the strict answer, and no other caller waits for it.

use crate::support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hitl_core::policy::{DirectoryError, PrincipalDirectory, PrincipalStatus};
use hitl_core::{
    ApprovalLevel, Assessment, CallContext, CallView, Factor, Opinion, Policy, Ruling, ScoreError,
    ScoredCall, Scorer, Submission, Verdict,
};
use support::{ask, bench_with, note};

/// Long enough for code that answers, even on a busy machine.
const LONG: Duration = Duration::from_secs(120);
const SHORT: Duration = Duration::from_millis(20);

/// Code that hangs while its switch is held, and counts how often it was entered.
#[derive(Clone)]
struct Hang {
    entered: Arc<AtomicUsize>,
    until_dropped: Arc<Mutex<Receiver<()>>>,
}

impl Hang {
    fn new() -> (Self, Sender<()>) {
        let (switch, until_dropped) = channel();
        let until_dropped = Arc::new(Mutex::new(until_dropped));
        (Self { entered: Arc::default(), until_dropped }, switch)
    }

    fn enter(&self) {
        self.entered.fetch_add(1, Ordering::SeqCst);
        let _ = self.until_dropped.lock().map(|gone| gone.recv());
    }

    fn entered(&self) -> usize {
        self.entered.load(Ordering::SeqCst)
    }
}

impl Policy for Hang {
    fn rule(&self, call: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        (call.tool == "note").then(|| self.enter());
        None
    }
}

#[async_trait]
impl PrincipalDirectory for Hang {
    async fn lookup(&self, _: &CallContext) -> Result<PrincipalStatus, DirectoryError> {
        self.enter();
        Ok(PrincipalStatus::roles(["clerk"]))
    }
}

#[async_trait]
impl Scorer for Hang {
    fn name(&self) -> &'static str {
        "hangs"
    }

    async fn score(&self, _: &ScoredCall) -> Result<Opinion, ScoreError> {
        self.enter();
        Ok(Opinion::no_objection())
    }
}

#[tokio::test]
async fn invariant_5_a_signal_that_hangs_is_reviewed_in_full() {
    let (hang, _switch) = Hang::new();
    let signal = hang.clone();
    let slow = move |call: &CallView<'_>| -> Option<Factor> {
        (call.tool == "note").then(|| signal.enter());
        None
    };
    let b = bench_with(|g| g.signal(slow).evaluation_timeout(SHORT)).await;
    for _ in 0..10 {
        let preview = b.gate.assess(&note("a"), "ann").unwrap();
        assert_eq!(preview.verdict, Verdict::Ask(ApprovalLevel::Full));
        assert_eq!(preview.assessment.confidence, 0);
        let why = &preview.assessment.factors[0].reasoning;
        assert!(why.contains("did not answer in time"), "{why}");
    }
    assert!(hang.entered() <= 4, "it keeps a few threads and is not asked again meanwhile");
    let Submission::Pending(_) = b.gate.submit(note("a")).by("ann").await.unwrap() else {
        panic!("nobody vouches for it")
    };
    assert_eq!(b.world.ran(), 0);
}

#[tokio::test]
async fn invariant_5_a_policy_that_hangs_denies_and_others_go_on() {
    let (hang, switch) = Hang::new();
    let b = bench_with(|g| g.policy(hang.clone()).evaluation_timeout(SHORT)).await;
    let denied = b.gate.assess(&note("a"), "ann").unwrap().verdict;
    let Verdict::Deny(why) = denied else { panic!("{denied:?}") };
    assert!(why.contains("did not answer in time"), "{why}");
    assert!(b.gate.call(note("a")).by("ann").await.is_err());
    assert_eq!(b.world.ran(), 0);
    drop(switch);
    drop(b);

    let (answers, switch) = Hang::new();
    drop(switch);
    let b = bench_with(|g| g.policy(answers).evaluation_timeout(LONG)).await;
    b.gate.call(note("a")).by("ann").await.unwrap();
    assert_eq!(b.world.ran(), 1);
}

#[tokio::test]
async fn invariant_5_a_candidate_that_hangs_decides_nothing() {
    let (hang, _switch) = Hang::new();
    let b = bench_with(|g| g.shadow(hang).evaluation_timeout(SHORT)).await;
    b.gate.call(note("a")).by("ann").await.unwrap();
    assert_eq!((b.world.ran(), b.gate.shadow_report().failed), (1, 1));
}

/// Approves a call whose directory hangs, and checks that it stays approved.
async fn stays_approved(directory: impl PrincipalDirectory) {
    let b = bench_with(|g| g.principal_directory(directory, SHORT)).await;
    let Submission::Pending(ticket) =
        b.gate.submit(ask("x")).by("ann").key("run", 0).await.unwrap()
    else {
        panic!("it waits")
    };
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    // A waiter tries again after a while; each lookup ends at its deadline.
    for _ in 0..3 {
        assert!(tokio::time::timeout(SHORT * 5, ticket.wait()).await.is_err());
    }
    assert_eq!(b.world.ran(), 0);
}

#[tokio::test]
async fn invariant_5_a_function_that_hangs_as_a_directory_runs_nothing_on_one_thread() {
    let (hang, _switch) = Hang::new();
    stays_approved(move |_: &CallContext| -> Result<PrincipalStatus, DirectoryError> {
        hang.enter();
        Ok(PrincipalStatus::roles(["clerk"]))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn invariant_5_a_directory_that_holds_its_thread_runs_nothing() {
    let (hang, _switch) = Hang::new();
    stays_approved(hang).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn invariant_5_a_scorer_that_holds_its_thread_is_reviewed_in_full() {
    let (hang, _switch) = Hang::new();
    let b = bench_with(|g| g.scorer(hang.clone(), SHORT)).await;
    for position in 0..6 {
        let submitted = b.gate.submit(note("a")).by("ann").key("run", position).await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("nobody vouches for it") };
        assert_eq!(ticket.request().level, ApprovalLevel::Full);
    }
    assert!(hang.entered() <= 4);
    assert_eq!(b.world.ran(), 0);
}

/// A scorer whose name hangs, but not its opinion.
struct Nameless(Hang);

#[async_trait]
impl Scorer for Nameless {
    fn name(&self) -> &'static str {
        self.0.enter();
        "late"
    }

    async fn score(&self, _: &ScoredCall) -> Result<Opinion, ScoreError> {
        Ok(Opinion::no_objection())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn invariant_5_a_scorer_whose_name_hangs_is_reviewed_in_full() {
    let (hang, _switch) = Hang::new();
    let b = bench_with(|g| g.scorer(Nameless(hang.clone()), SHORT)).await;
    let submitting = b.gate.submit(note("a")).by("ann");
    let submitted = tokio::time::timeout(LONG, async { submitting.await }).await;
    let Submission::Pending(ticket) = submitted.expect("it hangs its caller").unwrap() else {
        panic!("nobody vouches for it")
    };
    assert_eq!(ticket.request().level, ApprovalLevel::Full);
    assert_eq!((hang.entered(), b.world.ran()), (1, 0));
}
