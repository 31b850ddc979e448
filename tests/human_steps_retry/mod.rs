//! A failed gated call is retried in a step, if the host enables that.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use hitl::clock::ManualClock;
use hitl::confidence::{Assessment, CallView};
use hitl::policy::{Effect, Policy, Ruling};
use hitl::tasks::{TaskError, TaskHandle};
use hitl::{GateBuilder, MemoryStore, RunContext, Timestamp};

use super::*;

/// Bodies that fail until they have been called often enough.
#[derive(Clone, Default)]
struct Flaky {
    fails: Arc<AtomicU32>,
    ran: Arc<Mutex<Vec<(u32, String)>>>,
    panics: Arc<AtomicBool>,
}

impl Flaky {
    fn run(&self, cx: &RunContext, what: &str) -> Result<String, String> {
        self.ran.lock().unwrap().push((cx.attempt(), cx.idempotency_key()));
        assert!(!self.panics.load(Ordering::SeqCst), "a panic");
        match self.fails.load(Ordering::SeqCst) {
            0 => Ok(what.to_owned()),
            fails => {
                self.fails.store(fails - 1, Ordering::SeqCst);
                Err("the bank is closed".to_owned())
            }
        }
    }

    fn ran(&self) -> usize {
        self.ran.lock().unwrap().len()
    }
}

/// Books, once for each idempotency key.
#[hitl_tool(
    risk = "high",
    base_confidence = 50,
    idempotent,
    attempts = 4,
    expires = "10m",
    decisions = ["approve", "edit", "reject"]
)]
async fn book(
    #[hitl(state)] flaky: Flaky,
    #[hitl(context)] cx: RunContext,
    flight: String,
) -> Result<String, String> {
    flaky.run(&cx, &flight)
}

/// Pays, each time.
#[hitl_tool(risk = "high", base_confidence = 50)]
async fn pay_out(
    #[hitl(state)] flaky: Flaky,
    #[hitl(context)] cx: RunContext,
    to: String,
) -> Result<String, String> {
    flaky.run(&cx, &to)
}

struct Bench {
    gate: Gate,
    flaky: Flaky,
    clock: ManualClock,
    manager: TaskManager,
}

async fn bench(fails: u32, more: impl FnOnce(GateBuilder) -> GateBuilder) -> Bench {
    let flaky = Flaky { fails: Arc::new(AtomicU32::new(fails)), ..Flaky::default() };
    let clock = ManualClock::at(Timestamp::now());
    let store = MemoryStore::with_clock(clock.clone());
    let gate = Gate::builder().store(store).tool::<Book>().tool::<PayOut>().state(flaky.clone());
    let manager = TaskManager::builder().build().unwrap();
    Bench { gate: more(gate).build().await.unwrap(), flaky, clock, manager }
}

impl Bench {
    fn task(&self, id: TaskId, retries: u32, again: bool) -> Task<String> {
        let gate = self.gate.clone();
        let body = move |cx: StepContext| {
            let gate = gate.clone();
            async move {
                let call = gate.call_in(&cx, book("KL 1")).by("agent");
                let booked = if again { call.retry_failed() } else { call };
                match booked.await.map_err(|error| error.to_string())? {
                    Outcome::Executed(output) => Ok(output.parse().unwrap()),
                    other => Err(format!("{other:?}")),
                }
            }
        };
        let retry = Retry::times(retries).delay(Duration::from_secs(60));
        Task::new("Trip").id(id).step(TaskStep::new("Book", body).retry(retry))
    }

    fn submit(&self, retries: u32) -> TaskHandle<String> {
        self.manager.submit(self.task(TaskId::new(), retries, true)).unwrap()
    }

    async fn approve_one(&self) -> CallRecord {
        let record = one(&self.gate, CallState::Pending).await;
        self.gate.decide(record.request().approve().by("dora")).await.unwrap()
    }

    /// Returns all calls, the oldest first.
    async fn calls(&self) -> Vec<CallRecord> {
        self.gate.unscoped().list(&Tenant::default(), PageRequest::all()).await.unwrap()
    }

    async fn states(&self) -> Vec<CallState> {
        let mut calls = self.calls().await;
        calls.sort_by_key(CallRecord::attempts_in_all);
        calls.iter().map(hitl::CallRecord::state).collect()
    }
}

fn failed(result: Result<String, TaskError>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test(start_paused = true)]
async fn invariant_3_an_idempotent_call_that_failed_is_tried_again_and_nobody_is_asked() {
    let bench = bench(2, |gate| gate).await;
    let handle = bench.submit(5);
    let first = bench.approve_one().await;
    assert_eq!(handle.wait().await.unwrap(), "KL 1");
    assert_eq!(
        bench.states().await,
        [CallState::Failed, CallState::Failed, CallState::Executed],
        "each try has its own record"
    );
    // One effect outside: the key is the same each time, and the attempts continue to count.
    let key = first.key().to_string();
    let ran = bench.flaky.ran.lock().unwrap().clone();
    assert_eq!(ran, [(1, key.clone()), (2, key.clone()), (3, key)]);
    for call in bench.calls().await.iter().filter(|call| call.id() != first.id()) {
        assert_eq!(call.attempts(), 1, "each was claimed once");
        let because = call.request().reasons.last().unwrap();
        assert!(because.contains("under the approval of dora"), "{because}");
        assert!(call.request().expires_at <= first.request().expires_at);
    }
}

#[tokio::test(start_paused = true)]
async fn without_it_every_attempt_of_the_step_gets_the_same_failure() {
    let bench = bench(1, |gate| gate).await;
    let handle = bench.manager.submit(bench.task(TaskId::new(), 3, false)).unwrap();
    bench.approve_one().await;
    assert!(failed(handle.wait().await).contains("the bank is closed"));
    assert_eq!((bench.flaky.ran(), bench.calls().await.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn invariant_3_there_are_no_more_attempts_than_the_tool_may_have() {
    let bench = bench(99, |gate| gate).await;
    let (id, retries) = (TaskId::new(), 9);
    let handle = bench.manager.submit(bench.task(id, retries, true)).unwrap();
    bench.approve_one().await;
    assert!(failed(handle.wait().await).contains("the bank is closed"));
    assert_eq!(bench.flaky.ran(), 4);
    // Submitting the task again finds the same tries, and starts none.
    let handle = bench.manager.submit(bench.task(id, retries, true)).unwrap();
    assert!(failed(handle.wait().await).contains("the bank is closed"));
    assert_eq!(bench.flaky.ran(), 4);
    let last = bench.calls().await.into_iter().max_by_key(CallRecord::attempts_in_all).unwrap();
    assert!(!bench.gate.may_retry(&last));
    let again = bench.gate.submit(book("KL 1")).by("agent").retry_of(&last).await;
    assert!(again.is_err());
    assert_eq!(bench.flaky.ran(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_submitted_again_goes_on_with_the_tries() {
    let bench = bench(1, |gate| gate).await;
    let id = TaskId::new();
    let handle = bench.manager.submit(bench.task(id, 0, true)).unwrap();
    bench.approve_one().await;
    assert!(handle.wait().await.is_err());
    let handle = bench.manager.submit(bench.task(id, 0, true)).unwrap();
    assert_eq!(handle.wait().await.unwrap(), "KL 1");
    assert_eq!((bench.flaky.ran(), bench.calls().await.len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_is_over_covers_no_further_try() {
    let bench = bench(1, |gate| gate).await;
    let handle = bench.submit(1);
    let first = bench.approve_one().await;
    one(&bench.gate, CallState::Failed).await;
    bench.clock.advance(Duration::from_secs(601));
    tokio::time::advance(Duration::from_secs(61)).await;
    let second = one(&bench.gate, CallState::Pending).await;
    assert_eq!(bench.flaky.ran(), 1, "somebody is asked");
    assert!(second.request().reasons.last().unwrap().contains("failed"));
    assert_ne!(second.id(), first.id());
    bench.gate.decide(second.request().approve().by("dora")).await.unwrap();
    assert_eq!(handle.wait().await.unwrap(), "KL 1");
    let ran = bench.flaky.ran.lock().unwrap().clone();
    assert_eq!(ran[1], (2, first.key().to_string()));
}

#[tokio::test(start_paused = true)]
async fn invariant_3_other_arguments_do_not_run_under_the_key_of_an_edited_call() {
    let bench = bench(1, |gate| gate).await;
    let handle = bench.submit(1);
    let record = one(&bench.gate, CallState::Pending).await;
    bench.gate.decide(record.request().edit(r#"{"flight":"KL 2"}"#).by("dora")).await.unwrap();
    let failed = one(&bench.gate, CallState::Failed).await;
    assert!(!bench.gate.may_retry(&failed), "KL 2 ran, and KL 1 was submitted");
    assert!(handle.wait().await.is_err());
    assert_eq!(bench.flaky.ran(), 1);
    assert_eq!(bench.gate.unscoped().get_by_key(&failed.retry_key()).await.unwrap(), None);
}

/// A policy that denies once the flag is set.
#[derive(Clone, Default)]
struct Stricter(Arc<AtomicBool>);

impl Policy for Stricter {
    fn rule(&self, _: &CallView<'_>, _: &Assessment) -> Option<Ruling> {
        let denies = self.0.load(Ordering::SeqCst);
        denies.then(|| Ruling { effect: Effect::Deny, reason: "not on sundays".to_owned() })
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_5_a_policy_that_denies_by_now_denies_the_further_try() {
    let stricter = Stricter::default();
    let on = Arc::clone(&stricter.0);
    let bench = bench(1, |gate| gate.policy(stricter)).await;
    let handle = bench.submit(1);
    bench.approve_one().await;
    one(&bench.gate, CallState::Failed).await;
    on.store(true, Ordering::SeqCst);
    assert!(failed(handle.wait().await).contains("not on sundays"));
    assert_eq!(bench.flaky.ran(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_tool_that_is_not_idempotent_are_not_tried_again() {
    let bench = bench(0, |gate| gate).await;
    bench.flaky.panics.store(true, Ordering::SeqCst);
    let handle = bench.submit(3);
    bench.approve_one().await;
    assert!(handle.wait().await.is_err());
    assert_eq!(bench.flaky.ran(), 1);

    let other = self::bench(9, |gate| gate).await;
    let gate = other.gate.clone();
    let body = move |cx: StepContext| {
        let gate = gate.clone();
        async move {
            let paid = gate.call_in(&cx, pay_out("ann")).by("agent").retry_failed().await;
            match paid.map_err(|error| error.to_string())? {
                Outcome::Executed(_) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        }
    };
    let task = Task::new("t").step(TaskStep::new("s", body).retry(Retry::times(3)));
    let handle = other.manager.submit(task).unwrap();
    other.approve_one().await;
    assert!(handle.wait().await.unwrap_err().to_string().contains("the bank is closed"));
    assert_eq!(other.flaky.ran(), 1);
}

#[tokio::test(start_paused = true)]
async fn invariant_7_an_approval_covers_no_call_of_somebody_else() {
    let bench = bench(1, |gate| gate).await;
    let handle = bench.submit(0);
    bench.approve_one().await;
    assert!(handle.wait().await.is_err());
    let first = one(&bench.gate, CallState::Failed).await;
    let retry =
        |call: Book, by: &str| bench.gate.submit(call).by(by).retry_of(&first).into_future();
    assert!(retry(book("KL 1"), "mallory").await.is_err());
    assert!(retry(book("KL 2"), "agent").await.is_err());
    let elsewhere = CallContext::new("agent").tenant("other");
    let elsewhere = bench.gate.submit(book("KL 1")).by(elsewhere).retry_of(&first);
    assert!(elsewhere.await.is_err());
    // Nor does it start the same call twice: there is only one next try.
    let twice = bench.gate.submit(book("KL 1")).by("agent").retry_of(&first).key("other", 1);
    assert!(twice.await.is_err());
    assert_eq!((bench.flaky.ran(), bench.calls().await.len()), (1, 1), "nothing entered");
    let done = retry(book("KL 1"), "agent").await.unwrap();
    assert!(matches!(done, Submission::Done { outcome: Outcome::Executed(_), .. }), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn of_two_who_try_again_at_once_one_does() {
    let bench = bench(1, |gate| gate).await;
    let handle = bench.submit(0);
    bench.approve_one().await;
    assert!(handle.wait().await.is_err());
    let first = one(&bench.gate, CallState::Failed).await;
    let again = || bench.gate.submit(book("KL 1")).by("agent").retry_of(&first).into_future();
    let (one, other, third) = tokio::join!(again(), again(), again());
    for done in [one, other, third] {
        let outcome = match done.unwrap() {
            Submission::Done { outcome, .. } => outcome,
            Submission::Pending(ticket) => ticket.wait().await.unwrap(),
        };
        assert!(matches!(outcome, Outcome::Executed(_)), "{outcome:?}");
    }
    assert_eq!(bench.flaky.ran(), 2);
}
