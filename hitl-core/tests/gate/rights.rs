//! The present rights of a principal: looked up in the host's directory before a call that waited
//! runs.

use crate::support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hitl_core::approval::ReviewerIdentity;
use hitl_core::machine::{CallState, Resolution};
use hitl_core::policy::{
    DirectoryError, PrincipalDirectory, PrincipalStatus, Rule, RuleConditions,
};
use hitl_core::{
    ApprovalLevel, CallContext, CallKey, CallRecord, Gate, GateBuilder, GrantTerms, MemoryStore,
    Outcome, ParameterSpec, Permit, Risk, RuleSet, SnapshotError, SnapshotWriter, StageSpec,
    StateRequirement, Submission, Tenant, Ticket, Tool, ToolConfig, ToolSpec,
};
use support::{Bench, World, ask, bench_with, tools, until};

/// The time limit of the directory.
const DEADLINE: Duration = Duration::from_secs(2);

/// A directory whose answers the test sets.
#[derive(Clone)]
struct Roster(Arc<Says>);

struct Says {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
    seen: Mutex<Vec<CallContext>>,
}

#[derive(Clone, Debug)]
enum Answer {
    Roles(&'static [&'static str]),
    Gone,
    Fails,
    Panics,
    Bomb,
    Hangs,
    HoldsTheThread,
}

/// An error that panics when it is displayed.
#[derive(Debug)]
struct Bomb;

impl std::fmt::Display for Bomb {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("an error that panics")
    }
}

impl std::error::Error for Bomb {}

impl Roster {
    fn new(answer: Answer) -> Self {
        let (answer, asked) = (Mutex::new(answer), AtomicUsize::new(0));
        Self(Arc::new(Says { answer, asked, seen: Mutex::default() }))
    }

    fn say(&self, answer: Answer) {
        *self.0.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl PrincipalDirectory for Roster {
    async fn lookup(&self, who: &CallContext) -> Result<PrincipalStatus, DirectoryError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.0.seen.lock().unwrap().push(who.clone());
        let answer = self.0.answer.lock().unwrap().clone();
        match answer {
            Answer::Roles(roles) => Ok(PrincipalStatus::roles(roles.iter().copied())),
            Answer::Gone => Ok(PrincipalStatus::refused("left on Friday")),
            Answer::Fails => Err("the directory is down".into()),
            Answer::Panics => panic!("the directory panics"),
            Answer::Bomb => Err(Box::new(Bomb)),
            Answer::Hangs => std::future::pending().await,
            Answer::HoldsTheThread => {
                // Real time: no other task can run meanwhile.
                std::thread::sleep(Duration::from_millis(30));
                Ok(PrincipalStatus::roles(["clerk"]))
            }
        }
    }
}

/// Returns a policy that requires a full review for everyone but clerks, and denies the suspended.
fn house_rules() -> RuleSet {
    RuleSet::builder("house", "1")
        .rule(Rule::deny("suspended").when(RuleConditions::always().role("suspended")))
        .rule(Rule::full("strangers").unless(RuleConditions::always().role("clerk")))
        .build()
        .unwrap()
}

async fn bench(roster: &Roster) -> Bench {
    bench_for(roster, DEADLINE).await
}

async fn bench_for(roster: &Roster, deadline: Duration) -> Bench {
    bench_with(|g| g.policy(house_rules()).principal_directory(roster.clone(), deadline)).await
}

fn clerk() -> CallContext {
    CallContext::new("ann").role("clerk")
}

fn key(position: u64) -> CallKey {
    CallKey::new("run", position)
}

async fn waiting(gate: &Gate, by: CallContext) -> Ticket {
    match gate.submit(ask("well?")).by(by).key("run", 0).await.unwrap() {
        Submission::Pending(ticket) => ticket,
        done @ Submission::Done { .. } => panic!("{done:?}"),
    }
}

/// Waits, while time passes.
async fn in_time(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    until(what, async || {
        tokio::time::advance(Duration::from_millis(500)).await;
        holds().await
    })
    .await;
}

async fn record(gate: &Gate) -> CallRecord {
    gate.unscoped().get_by_key(&key(0)).await.unwrap().unwrap()
}

async fn approve(gate: &Gate) -> CallRecord {
    let record = record(gate).await;
    gate.decide(record.request().approve().by("bob")).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn invariant_2_a_role_that_was_lost_is_asked_about_again_and_the_reviewer_reads_why() {
    let roster = Roster::new(Answer::Roles(&[]));
    let bench = bench(&roster).await;
    let gate = &bench.gate;
    let ticket = waiting(gate, clerk()).await;
    assert_eq!(ticket.request().level, ApprovalLevel::Quick);
    assert_eq!(roster.asked(), 0, "what has just been submitted is the host's word");
    let earlier = ticket.request().approve().by("bob");
    gate.decide(earlier.clone()).await.unwrap();
    let waiter = tokio::spawn(async move { ticket.wait().await });
    until("it is asked again", async || record(gate).await.request().revision == 2).await;
    let again = record(gate).await;
    assert_eq!((again.state(), again.request().level), (CallState::Pending, ApprovalLevel::Full));
    let why = again.request().reasons.last().unwrap();
    assert!(why.contains("needs full") && why.contains("ann is not clerk any more"), "{why}");
    assert!(gate.decide(earlier).await.is_err(), "the earlier answer is to another question");
    assert_eq!(bench.world.ran(), 0);
    approve(gate).await;
    assert!(matches!(waiter.await.unwrap().unwrap(), Outcome::Executed(_)));
    assert_eq!((bench.world.ran(), record(gate).await.request().revision), (1, 2));
    // The lookup was for the call's own context.
    assert!(roster.0.seen.lock().unwrap().iter().all(|who| *who == clerk()));
}

#[tokio::test(start_paused = true)]
async fn invariant_2_nothing_is_done_for_whoever_has_left_or_gained_a_role_that_is_denied() {
    for (answer, says) in [
        (Answer::Gone, "ann may not have this done any more: left on Friday"),
        (Answer::Roles(&["clerk", "suspended"]), "rule `suspended`"),
    ] {
        let roster = Roster::new(answer);
        let bench = bench(&roster).await;
        let ticket = waiting(&bench.gate, clerk()).await;
        approve(&bench.gate).await;
        let outcome = ticket.wait().await.unwrap();
        let Outcome::Denied { reason } = &outcome else { panic!("{outcome:?}") };
        assert!(reason.contains(says), "{reason}");
        assert_eq!((bench.world.ran(), record(&bench.gate).await.state()), (0, CallState::Denied));
        let denied = bench.audit.records().into_iter().filter(|r| r.event.to_string() == "denied");
        assert_eq!(denied.filter(|r| r.note.as_ref().is_some_and(|n| n.contains(says))).count(), 1);
        // A caller who comes back for it gets the same answer.
        let again = bench.gate.submit(ask("well?")).by(clerk()).key("run", 0).await.unwrap();
        assert!(matches!(again, Submission::Done { outcome: Outcome::Denied { .. }, .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_2_a_role_that_was_gained_lowers_nothing() {
    let roster = Roster::new(Answer::Roles(&["clerk", "admin"]));
    let bench = bench(&roster).await;
    let ticket = waiting(&bench.gate, CallContext::new("ann")).await;
    assert_eq!(ticket.request().level, ApprovalLevel::Full);
    let record = approve(&bench.gate).await;
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    let after = bench.gate.unscoped().get_by_key(&key(0)).await.unwrap().unwrap();
    assert_eq!(after.request(), record.request(), "what was asked stays what was asked");
    assert_eq!(after.context(), record.context(), "and who asked, as they were then");
}

#[tokio::test(start_paused = true)]
async fn invariant_5_without_an_answer_nothing_runs_and_no_approval_is_lost() {
    for silence in [Answer::Fails, Answer::Panics, Answer::Bomb, Answer::Hangs] {
        let roster = Roster::new(silence.clone());
        let bench = bench(&roster).await;
        let ticket = waiting(&bench.gate, clerk()).await;
        approve(&bench.gate).await;
        let waiter = tokio::spawn(async move { ticket.wait().await });
        in_time("it is asked three times", async || roster.asked() >= 3).await;
        assert_eq!(record(&bench.gate).await.state(), CallState::Approved, "{silence:?}");
        assert_eq!(bench.world.ran(), 0, "{silence:?}");
        roster.say(Answer::Roles(&["clerk"]));
        assert!(matches!(waiter.await.unwrap().unwrap(), Outcome::Executed(_)), "{silence:?}");
        assert_eq!(bench.world.ran(), 1);
    }
}

#[tokio::test]
async fn invariant_5_an_answer_that_held_the_thread_beyond_its_time_is_none() {
    let roster = Roster::new(Answer::HoldsTheThread);
    let bench = bench_for(&roster, Duration::from_millis(1)).await;
    let ticket = waiting(&bench.gate, clerk()).await;
    approve(&bench.gate).await;
    let waiter = tokio::spawn(async move { ticket.wait().await });
    until("it was asked", async || roster.asked() >= 1).await;
    assert_eq!((bench.world.ran(), record(&bench.gate).await.state()), (0, CallState::Approved));
    waiter.abort();
}

#[tokio::test(start_paused = true)]
async fn invariant_5_an_outage_lasts_no_longer_than_the_approval() {
    let roster = Roster::new(Answer::Fails);
    let clock = hitl_base::clock::ManualClock::at(hitl_base::Timestamp::EPOCH);
    let (world, store) = (World::default(), MemoryStore::with_clock(clock.clone()));
    let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
    let gate = builder.principal_directory(roster.clone(), DEADLINE).build().await.unwrap();
    let ticket = waiting(&gate, clerk()).await;
    approve(&gate).await;
    let waiter = tokio::spawn(async move { ticket.wait().await });
    until("it was asked", async || roster.asked() >= 1).await;
    clock.advance(Duration::from_secs(72 * 3600));
    assert_eq!(waiter.await.unwrap().unwrap(), Outcome::Expired);
    assert_eq!(world.ran(), 0);
}

#[tokio::test(start_paused = true)]
async fn invariant_2_whoever_serves_asks_too_and_does_not_ask_at_every_hint() {
    let roster = Roster::new(Answer::Fails);
    let bench = bench(&roster).await;
    drop(waiting(&bench.gate, clerk()).await);
    approve(&bench.gate).await;
    let server = bench.gate.clone();
    let serving = tokio::spawn(async move { server.serve().await });
    until("it was asked", async || roster.asked() >= 1).await;
    // Regardless of what else happens in the store.
    for position in 1..50 {
        drop(bench.gate.submit(ask("other")).by(clerk()).key("run", position).await.unwrap());
        tokio::task::yield_now().await;
    }
    assert_eq!(roster.asked(), 1);
    roster.say(Answer::Gone);
    in_time("it is denied", async || record(&bench.gate).await.state() == CallState::Denied).await;
    assert_eq!(bench.world.ran(), 0);
    serving.abort();
}

#[tokio::test(start_paused = true)]
async fn invariant_2_an_attached_call_and_one_that_is_adopted_are_asked_about() {
    let roster = Roster::new(Answer::Gone);
    let bench = bench(&roster).await;
    let gate = bench.gate.clone();
    let called =
        tokio::spawn(async move { gate.call(ask("well?")).by(clerk()).key("run", 0).await });
    until("it waits", async || bench.gate.unscoped().get_by_key(&key(0)).await.unwrap().is_some())
        .await;
    approve(&bench.gate).await;
    called.await.unwrap().unwrap_err();
    assert_eq!((bench.world.ran(), record(&bench.gate).await.state()), (0, CallState::Denied));

    let Submission::Pending(ticket) =
        bench.gate.submit(ask("again?")).by(clerk()).key("run", 1).await.unwrap()
    else {
        panic!("it waits")
    };
    let request = ticket.request().clone();
    drop(ticket);
    bench.gate.decide(request.approve().by("bob")).await.unwrap();
    let outcome = bench.gate.adopt(&Tenant::default(), request.id).await.unwrap();
    assert!(matches!(outcome, Outcome::Denied { .. }), "{outcome:?}");
    assert_eq!(bench.world.ran(), 0);
}

#[tokio::test(start_paused = true)]
async fn invariant_2_of_calls_that_run_together_all_are_asked_about_or_none_runs() {
    for (answer, expected) in [
        (Answer::Gone, CallState::Denied),
        (Answer::Roles(&["clerk"]), CallState::Executed),
        (Answer::Roles(&[]), CallState::Pending),
    ] {
        let roster = Roster::new(Answer::Fails);
        let bench = bench(&roster).await;
        let batch = bench.gate.submit_all("run").call(0, ask("one")).call(1, support::note("two"));
        let batch = batch.all_or_none().by(clerk()).await;
        approve(&bench.gate).await;
        let waiter = tokio::spawn(async move { batch.wait().await });
        in_time("they were asked about", async || roster.asked() >= 2).await;
        assert_eq!(bench.world.ran(), 0);
        roster.say(answer);
        let first = async || record(&bench.gate).await;
        in_time("they go on", async || {
            let record = first().await;
            record.state() == expected || record.request().revision > 1
        })
        .await;
        match expected {
            CallState::Executed => {
                let answers = waiter.await.unwrap();
                assert!(answers.iter().all(|answer| matches!(answer, Ok(Outcome::Executed(_)))));
                assert_eq!(bench.world.ran(), 2);
            }
            CallState::Denied => {
                waiter.await.unwrap();
                assert_eq!(bench.world.ran(), 0);
                let other = bench.gate.unscoped().get_by_key(&key(1)).await.unwrap().unwrap();
                assert_eq!(other.state(), CallState::Cancelled);
            }
            _ => {
                assert_eq!((bench.world.ran(), first().await.state()), (0, CallState::Pending));
                waiter.abort();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_2_a_grant_answers_for_the_rights_of_now() {
    let roster = Roster::new(Answer::Roles(&["clerk"]));
    let bench = bench(&roster).await;
    let gate = &bench.gate;
    let ticket = waiting(gate, clerk()).await;
    let draft = ticket.request().grant(GrantTerms::exactly()).by("alice");
    let preview = gate.preview_grant(draft).await.unwrap();
    gate.save_grant(preview).await.unwrap();
    assert_eq!(record(gate).await.state(), CallState::Approved);
    roster.say(Answer::Roles(&[]));
    let waiter = tokio::spawn(async move { ticket.wait().await });
    until("it is asked about", async || record(gate).await.state() == CallState::Pending).await;
    let asked = record(gate).await;
    assert!(asked.grant_use().is_none() && bench.world.ran() == 0);
    let why = asked.request().reasons.last().unwrap();
    assert!(why.contains("ann is not clerk any more"), "{why}");
    waiter.abort();
}

/// Says no, now and then, to a tool that may be tried again.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Twice {
    text: String,
}

impl Tool for Twice {
    type Output = String;
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("twice", "A tool for tests.")
        .parameters(&[ParameterSpec::new("text")])
        .states(&[StateRequirement::new::<World>()])
        .config(
            ToolConfig::DEFAULT
                .base_confidence(70)
                .risk(Risk::Low)
                .idempotent()
                .timeout(Duration::from_secs(30)),
        );
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|o| o.field("text", &self.text))
    }
    async fn run(permit: Permit<Self>) -> Result<String, String> {
        let (call, cx) = permit.open();
        let roles = cx.context().roles.join(",");
        cx.state::<World>().clone().run(format!("{} as {roles}", call.text)).await;
        let delegated = cx.delegate().roles.join(",");
        Ok(format!("{roles}; {delegated}"))
    }
}

/// Needs somebody of the lawyers and somebody else.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sign {
    text: String,
}

impl Tool for Sign {
    type Output = ();
    type Error = String;
    const SPEC: ToolSpec = ToolSpec::new("sign", "A tool for tests.")
        .parameters(&[ParameterSpec::new("text")])
        .config(ToolConfig::DEFAULT.base_confidence(10).stages(&[
            StageSpec { role: Some("legal"), people: 1 },
            StageSpec { role: None, people: 1 },
        ]));
    fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
        to.object(|o| o.field("text", &self.text))
    }
    async fn run(_: Permit<Self>) -> Result<(), String> {
        Ok(())
    }
}

fn with_more_tools(roster: &Roster) -> impl FnOnce(GateBuilder) -> GateBuilder {
    let roster = roster.clone();
    |g| g.tool::<Twice>().tool::<Sign>().policy(house_rules()).principal_directory(roster, DEADLINE)
}

#[tokio::test(start_paused = true)]
async fn invariant_2_another_attempt_is_asked_about_too() {
    let roster = Roster::new(Answer::Roles(&["clerk"]));
    let bench = bench_with(with_more_tools(&roster)).await;
    let gate = &bench.gate;
    let call = Twice { text: "x".to_owned() };
    let Submission::Pending(ticket) = gate.submit(call).by(clerk()).key("run", 0).await.unwrap()
    else {
        panic!("it waits")
    };
    approve(gate).await;
    let held = bench.world.hold();
    // The body times out: its outcome is unknown.
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::OutcomeUnknown(_)));
    roster.say(Answer::Gone);
    let parked = record(gate).await;
    assert_eq!((parked.state(), roster.asked()), (CallState::OutcomeUnknown, 1));
    gate.resolve(&parked, Resolution::Retry { attested: true }, "olga").await.unwrap();
    let outcome = gate.adopt(&Tenant::default(), parked.id()).await.unwrap();
    // A call that was tried is not reported as not run.
    assert!(matches!(outcome, Outcome::OutcomeUnknown(_)) && bench.world.ran() == 1);
    let settled = record(gate).await;
    let why = format!("{:?}", settled.end_reason());
    assert!(why.contains("may not have this done any more"), "{why}");
    held.add_permits(1);
}

#[tokio::test(start_paused = true)]
async fn invariant_7_the_body_and_what_it_delegates_have_the_rights_of_now() {
    let roster = Roster::new(Answer::Roles(&["clerk", "night"]));
    let bench = bench_with(with_more_tools(&roster)).await;
    let call = Twice { text: "x".to_owned() };
    let by = clerk().role("admin");
    let Submission::Pending(ticket) = bench.gate.submit(call).by(by).key("run", 0).await.unwrap()
    else {
        panic!("it waits")
    };
    approve(&bench.gate).await;
    let Outcome::Executed(output) = ticket.wait().await.unwrap() else { panic!("it runs") };
    assert_eq!(output.parse::<String>().unwrap(), "clerk,night; clerk,night");
}

#[tokio::test(start_paused = true)]
async fn invariant_2_replicas_whose_directories_disagree_do_not_ask_in_turns() {
    let (world, store) = (World::default(), MemoryStore::new());
    let build = async |answer| {
        let builder = tools(Gate::builder()).state(world.clone()).store(store.clone());
        let builder = builder.policy(house_rules());
        builder.principal_directory(Roster::new(answer), DEADLINE).build().await.unwrap()
    };
    let believes = build(Answer::Roles(&["clerk"])).await;
    let doubts = build(Answer::Roles(&[])).await;
    let blind = build(Answer::Fails).await;
    drop(waiting(&believes, clerk()).await);
    let mut revisions = Vec::new();
    // Any number of times, in every order.
    for round in 0..12 {
        let now = record(&believes).await;
        revisions.push(now.request().revision);
        if now.state() == CallState::Pending {
            approve(&believes).await;
        }
        let gate = [&doubts, &blind, &doubts, &blind][round % 4];
        let id = record(gate).await.id();
        let tenant = Tenant::default();
        let adopting = gate.adopt(&tenant, id);
        if tokio::time::timeout(Duration::from_secs(1), adopting).await.is_ok() {
            break;
        }
    }
    assert_eq!(revisions.iter().max(), Some(&2), "asked again once: {revisions:?}");
    assert_eq!((world.ran(), record(&believes).await.state()), (1, CallState::Executed));
}

#[tokio::test(start_paused = true)]
async fn invariant_2_a_vote_counts_as_it_was_cast() {
    // The directory is about the requester, not the approver: an approval is a signature. Bob's
    // role is gone before the claim, and so is Bob; his vote still counts, even while other votes
    // are missing.
    let roster = Roster::new(Answer::Roles(&["clerk"]));
    let bench = bench_with(with_more_tools(&roster)).await;
    let call = Sign { text: "x".to_owned() };
    let Submission::Pending(ticket) =
        bench.gate.submit(call).by(clerk()).key("run", 0).await.unwrap()
    else {
        panic!("it waits")
    };
    let vote = async |by: ReviewerIdentity| {
        bench.gate.decide(record(&bench.gate).await.request().approve().by(by)).await.unwrap()
    };
    let first = vote(ReviewerIdentity::new("bob").role("legal")).await;
    assert_eq!(
        (first.state(), first.votes()[0].roles.clone()),
        (CallState::Pending, vec!["legal".to_owned()])
    );
    assert_eq!(vote(ReviewerIdentity::new("mia")).await.state(), CallState::Approved);
    assert!(matches!(ticket.wait().await.unwrap(), Outcome::Executed(_)));
    let asked = roster.0.seen.lock().unwrap().clone();
    assert!(asked.iter().all(|who| who.principal.as_str() == "ann"), "{asked:?}");

    // To void it, withdraw the call.
    let Submission::Pending(ticket) =
        bench.gate.submit(ask("again?")).by(clerk()).key("run", 1).await.unwrap()
    else {
        panic!("it waits")
    };
    let approved = bench.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    bench.gate.cancel(&approved, "olga", "bob had left").await.unwrap();
    let outcome = ticket.wait().await.unwrap();
    assert_eq!(outcome, Outcome::Cancelled { reason: "bob had left".to_owned() });
    assert_eq!(bench.world.ran(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_runs_at_once_is_not_asked_about() {
    let roster = Roster::new(Answer::Gone);
    let bench = bench(&roster).await;
    bench.gate.call(support::note("a")).by(clerk()).key("run", 0).await.unwrap();
    bench.gate.call(support::look("a")).by(clerk()).await.unwrap();
    assert_eq!((roster.asked(), bench.world.ran()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_function_is_a_directory() {
    let only_ann = |who: &CallContext| -> Result<PrincipalStatus, DirectoryError> {
        match who.principal.as_str() {
            "ann" => Ok(PrincipalStatus::roles(&who.roles)),
            other => Ok(PrincipalStatus::refused(format!("{other} is nobody"))),
        }
    };
    let bench = bench_with(|g| g.principal_directory(only_ann, DEADLINE)).await;
    for (by, runs) in [("ann", 1), ("eve", 1)] {
        let position = u64::from(by == "eve");
        let Submission::Pending(ticket) =
            bench.gate.submit(ask("x")).by(by).key("run", position).await.unwrap()
        else {
            panic!("it waits")
        };
        bench.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
        ticket.wait().await.unwrap();
        assert_eq!(bench.world.ran(), runs, "{by}");
    }
}
