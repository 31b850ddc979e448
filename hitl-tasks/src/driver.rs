//! Runs one task: the thin asynchronous part around the pure ones.
//!
//! One future per task polls the body of the current step itself. So a body that is given up is
//! gone when its slot is given back, and there is nothing to keep alive but this one future. It may
//! be dropped at any point (a runtime that shuts down does): [`Run`] then ends the task.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::Timestamp;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep, sleep_until};

use crate::attempt::Attempt;
use crate::clock::Need;
use crate::record::{End, Record};
use crate::retry::Delays;
use crate::scheduler::{Scheduler, Slot};
use crate::step::{Last, Node, Policy};
use crate::sync::drop_quietly;
use crate::{FailureKind, Retry, StepContext, StepFailure, TaskError};

/// A task that has a slot, or waits for one to come back with.
pub(crate) struct Run {
    record: Arc<Record>,
    nodes: Box<[Box<dyn Node>]>,
    pace: Pace,
    concluded: bool,
}

/// What a task spends: its slot and its time.
struct Pace {
    slot: Option<Slot>,
    /// How long it may take, and since when.
    limit: Option<(Duration, Instant)>,
    /// Time off the clock, in attempts that are over.
    off: Duration,
}

/// How an attempt was cut short.
enum Cut {
    Cancelled,
    Step(Duration),
    Task(Duration),
}

enum Attempted {
    Done,
    Failed(StepFailure),
    Ended(End),
}

/// Drives a task to its end.
#[expect(clippy::manual_async_fn, reason = "an async fn keeps its argument twice")]
pub(crate) fn drive(mut run: Run) -> impl Future<Output = ()> + Send {
    async move {
        // Otherwise it was cancelled before it started; dropping it tidies up.
        if let Some(at) = run.record.begin() {
            let (end, at) = run.steps(at).await;
            run.conclude(end, at);
        }
    }
}

impl Run {
    pub(crate) fn new(
        record: Arc<Record>,
        nodes: Box<[Box<dyn Node>]>,
        timeout: Option<Duration>,
        slot: Slot,
    ) -> Self {
        Self {
            record,
            nodes,
            pace: Pace {
                slot: Some(slot),
                limit: timeout.map(|limit| (limit, Instant::now())),
                off: Duration::ZERO,
            },
            concluded: false,
        }
    }

    /// Runs the steps from `at` on, until the time given back.
    async fn steps(&mut self, mut at: Timestamp) -> (End, Timestamp) {
        if let Some((_, since)) = &mut self.pace.limit {
            *since = Instant::now();
        }
        for (index, node) in self.nodes.iter().enumerate() {
            if let Err(end) = step(&self.record, &mut self.pace, index, &**node, at).await {
                return (end, self.record.now());
            }
            at = self.record.step_done(index);
            // Steps that never wait must not keep the thread from everybody else.
            tokio::task::consume_budget().await;
        }
        (End::Completed, at)
    }

    /// In this order: the state and its event; what the steps captured; the slot; the waiters.
    fn conclude(&mut self, end: End, at: Timestamp) {
        self.concluded = true;
        self.record.finish(end, at);
        drop_quietly(std::mem::take(&mut self.nodes));
        self.record.scheduler().forget(&self.record);
        self.pace.slot = None;
        self.record.announce();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.concluded {
            return;
        }
        if std::thread::panicking() {
            let error = TaskError::broken("the task's driver panicked");
            self.conclude(End::Failed(error), self.record.now());
        } else {
            // Either it never began, and has an end already; or its runtime went away.
            self.record.stop(Some("the runtime was shut down"));
            self.conclude(End::Cancelled, self.record.now());
        }
    }
}

/// All attempts of one step.
async fn step(
    record: &Arc<Record>,
    pace: &mut Pace,
    index: usize,
    node: &dyn Node,
    mut at: Timestamp,
) -> Result<(), End> {
    let policy = node.policy();
    let retries = policy.retry.as_ref().map_or(0, |policy| policy.retry.retries());
    let mut delays: Option<Box<Delays>> = None;
    let mut number = 1;
    loop {
        let last = if number > retries { Last::Yes } else { Last::No };
        let attempt = Arc::new(Attempt::new(Arc::clone(record), index, number));
        let failure = match attempt_once(&attempt, pace, node, last, at).await {
            Attempted::Done => return Ok(()),
            Attempted::Ended(end) => return Err(end),
            Attempted::Failed(failure) => failure.cleaned(&record.scheduler().settings.redactor),
        };
        let delay = if may_retry(policy, &failure) {
            let retry = || policy.retry.as_ref().map_or_else(Retry::none, |p| p.retry.clone());
            delays.get_or_insert_with(|| Box::new(retry().delays())).next()
        } else {
            None
        };
        let Some(delay) = delay else {
            let name = record.info().steps().get(index).map_or("", crate::StepInfo::name);
            let error = TaskError::step(index, name, failure.kind(), failure.text());
            drop_quietly(failure);
            return Err(End::Failed(error));
        };
        record.step_retrying(index, number, &failure, delay);
        drop_quietly(failure);
        // Boxed, here and below: what is rare should not make every task larger.
        Box::pin(pause(record, pace, delay)).await?;
        number += 1;
        at = record.now();
    }
}

/// Whether this failure is one to try again after. A predicate that panics says no.
fn may_retry(policy: &Policy, failure: &StepFailure) -> bool {
    let Some(policy) = &policy.retry else { return false };
    if failure.kind() == FailureKind::Panicked || policy.retry.is_none() {
        return false;
    }
    let Some(only_if) = &policy.only_if else { return true };
    catch_unwind(AssertUnwindSafe(|| only_if(failure))).unwrap_or(false)
}

/// The delay between two attempts.
async fn pause(record: &Record, pace: &Pace, delay: Duration) -> Result<(), End> {
    let now = Instant::now();
    let wake = now.checked_add(delay);
    let out_of_time = pace.deadline_on_clock();
    loop {
        if record.is_stopping() {
            return Err(End::Cancelled);
        }
        if let (Some(deadline), Some((limit, _))) = (out_of_time, pace.limit)
            && deadline <= Instant::now()
        {
            return Err(End::TimedOut(limit));
        }
        if delay.is_zero() || wake.is_some_and(|wake| wake <= Instant::now()) {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = record.poked() => {}
            () = until(earlier(wake, out_of_time)) => {}
        }
    }
}

/// One attempt of one step, from its start until its body is gone.
async fn attempt_once(
    attempt: &Arc<Attempt>,
    pace: &mut Pace,
    node: &dyn Node,
    last: Last,
    at: Timestamp,
) -> Attempted {
    let record = &attempt.record;
    if let Some(end) = pace.end_before_attempt(record) {
        return Attempted::Ended(end);
    }
    record.step_started(attempt.step, attempt.number, at);
    // Copying the input and calling the body are user code as much as the body's future is.
    let cx = StepContext::new(Arc::clone(attempt));
    let limit = node.policy().timeout.map(|limit| (limit, Instant::now()));
    let mut body = match catch_unwind(AssertUnwindSafe(|| node.start(cx, last))) {
        Ok(body) => body,
        Err(panic) => return Attempted::Failed(StepFailure::panicked(&*panic)),
    };
    // A body that never waits needs nobody who watches it.
    let first = poll_fn(|cx| Poll::Ready(pin!(guarded(&mut body)).poll(cx))).await;
    let watched = match first {
        Poll::Ready(done) => Watched::Done(done),
        Poll::Pending => Box::pin(watch(attempt, pace, &mut body, limit)).await,
    };
    drop_quietly(body);
    let attempted = match watched {
        Watched::Done(Ok(())) => Attempted::Done,
        Watched::Done(Err(failure)) => Attempted::Failed(failure),
        Watched::Cut(Cut::Step(limit)) => Attempted::Failed(StepFailure::timed_out(limit)),
        Watched::Cut(Cut::Task(limit)) => Attempted::Ended(End::TimedOut(limit)),
        Watched::Cut(Cut::Cancelled) => Attempted::Ended(End::Cancelled),
    };
    if matches!(attempted, Attempted::Done | Attempted::Failed(_))
        && pace.slot.is_none()
        && !Box::pin(pace.come_back(attempt)).await
    {
        return Attempted::Ended(End::Cancelled);
    }
    pace.off += attempt.off_clock_time();
    attempted
}

type Body = BoxFuture<'static, Result<(), StepFailure>>;

enum Watched {
    Done(Result<(), StepFailure>),
    Cut(Cut),
}

/// Polls a body until it is done or has to be cut short. One that is cut short is told so, and has
/// some time to tidy up if it listens; the caller drops it.
async fn watch(
    attempt: &Attempt,
    pace: &mut Pace,
    body: &mut Body,
    step_limit: Option<(Duration, Instant)>,
) -> Watched {
    let record = &attempt.record;
    let cut = loop {
        if record.is_stopping() {
            break Cut::Cancelled;
        }
        let need = attempt.clock().need();
        match need {
            Need::Nothing => {}
            Need::Park => pace.leave(attempt),
            // The body is not polled meanwhile: what comes after an off-clock future needs a slot.
            Need::Resume => {
                pace.come_back(attempt).await;
                continue;
            }
        }
        let (deadline, cut) = pace.next_cut(attempt, step_limit);
        // Unconstrained: a body that uses up tokio's cooperative budget in every poll must not hide
        // its own time-out or cancellation.
        tokio::select! {
            biased;
            done = guarded(body) => return Watched::Done(done),
            () = unconstrained(record.poked()) => {}
            () = unconstrained(until(deadline)) => {
                if let Some(cut) = cut {
                    break cut;
                }
            }
        }
    };
    attempt.stop();
    let grace = record.scheduler().settings.grace;
    if attempt.listens() && !grace.is_zero() {
        // Whatever it says now, the attempt has been cut.
        tokio::select! {
            biased;
            _ = guarded(body) => {}
            () = unconstrained(sleep(grace)) => {}
        }
    }
    Watched::Cut(cut)
}

/// What it says, or how it panicked.
async fn guarded(body: &mut Body) -> Result<(), StepFailure> {
    match AssertUnwindSafe(body).catch_unwind().await {
        Ok(done) => done,
        Err(panic) => Err(StepFailure::panicked(&*panic)),
    }
}

impl Pace {
    /// Gives the slot back while the attempt is off the clock.
    fn leave(&mut self, attempt: &Attempt) {
        attempt.clock().park();
        attempt.record.park(attempt.step);
        self.slot = None;
    }

    /// Waits for a slot. `false`: the task was stopped first.
    async fn come_back(&mut self, attempt: &Attempt) -> bool {
        let record = &attempt.record;
        let mut granted = pin!(Scheduler::slot(record.scheduler()));
        while self.slot.is_none() {
            if record.is_stopping() {
                return false;
            }
            tokio::select! {
                biased;
                slot = &mut granted => self.slot = Some(slot),
                () = record.poked() => {}
            }
        }
        record.resume(attempt.step);
        attempt.resume(Instant::now());
        true
    }

    /// When the task runs out of time, while it is on the clock.
    fn deadline_on_clock(&self) -> Option<Instant> {
        let (limit, since) = self.limit?;
        since.checked_add(limit)?.checked_add(self.off)
    }

    fn end_before_attempt(&self, record: &Record) -> Option<End> {
        if record.is_stopping() {
            return Some(End::Cancelled);
        }
        let (limit, _) = self.limit?;
        (self.deadline_on_clock()? <= Instant::now()).then_some(End::TimedOut(limit))
    }

    /// Which limit comes first, and when. The task's wins a tie: it is the stricter end.
    fn next_cut(
        &self,
        attempt: &Attempt,
        step_limit: Option<(Duration, Instant)>,
    ) -> (Option<Instant>, Option<Cut>) {
        let clock = attempt.clock();
        let task = self.limit.and_then(|(limit, since)| {
            Some((clock.deadline(since, limit, self.off)?, Cut::Task(limit)))
        });
        let step = step_limit.and_then(|(limit, since)| {
            Some((clock.deadline(since, limit, Duration::ZERO)?, Cut::Step(limit)))
        });
        let first = match (task, step) {
            (Some(task), Some(step)) if step.0 < task.0 => Some(step),
            (Some(task), _) => Some(task),
            (None, step) => step,
        };
        first.map_or((None, None), |(at, cut)| (Some(at), Some(cut)))
    }
}

/// Sleeps until then; for ever without a then.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
