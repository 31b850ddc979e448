//! Runs one step: its attempts, the time between them, and how each is cut short.
//!
//! The driver's future polls the body itself. So a body that is given up is gone when its slot is
//! given back. A body that blocks a thread cannot be given up, and is waited for.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::Timestamp;
use tokio::sync::Notify;
use tokio::task::unconstrained;
use tokio::time::Instant;

use crate::attempt::Attempt;
use crate::book::Book;
use crate::clock::Need;
use crate::deadlock::within;
use crate::pace::Pace;
use crate::record::{End, Record};
use crate::retry::Delays;
use crate::step::{Last, Node, Policy};
use crate::sync::{AtomicBool, Ordering, drop_quietly, sleep, sleep_until};
use crate::{FailureKind, Retry, StepContext, StepFailure, TaskError};

/// What a step runs in: alone, or beside others.
pub(crate) struct Lane<'a> {
    pub(crate) record: &'a Arc<Record>,
    pub(crate) pace: &'a Pace,
    pub(crate) book: Option<&'a Book>,
    /// What wakes it: the task's own, or one of each member's of a group.
    pub(crate) poke: &'a Notify,
    /// Whether a sibling failed.
    pub(crate) cut: &'a AtomicBool,
    /// Whether it counts as on the clock.
    pub(crate) on: AtomicBool,
}

impl<'a> Lane<'a> {
    pub(crate) fn new(
        record: &'a Arc<Record>,
        pace: &'a Pace,
        book: Option<&'a Book>,
        poke: &'a Notify,
        cut: &'a AtomicBool,
    ) -> Self {
        Self { record, pace, book, poke, cut, on: AtomicBool::new(true) }
    }

    fn is_stopping(&self) -> bool {
        self.record.is_stopping() || self.cut.load(Ordering::Acquire)
    }

    fn leave(&self, attempt: &Attempt) {
        attempt.clock().park();
        self.on.store(false, Ordering::Release);
        self.pace.leave(self.record, attempt.step, false);
    }

    async fn come_back(&self, attempt: &Attempt) -> bool {
        let back = self.pace.come_back(attempt, self.cut, self.poke).await;
        self.on.store(back, Ordering::Release);
        back
    }
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

/// All attempts of one step.
pub(crate) async fn run_step(
    lane: &Lane<'_>,
    index: usize,
    node: &dyn Node,
    at: Timestamp,
) -> Result<(), End> {
    // Boxed, here and below: what waits should not make every task larger.
    match poll_fn(|cx| Poll::Ready(at_once(cx, lane, index, node, at))).await {
        None => Ok(()),
        Some(others) => others.await,
    }
}

/// Does a step whose first attempt never waits, which needs nobody who watches it. Otherwise what
/// is left to do.
fn at_once<'a>(
    cx: &mut Context<'_>,
    lane: &'a Lane<'a>,
    index: usize,
    node: &'a dyn Node,
    at: Timestamp,
) -> Option<BoxFuture<'a, Result<(), End>>> {
    let mut tries = Tries::of(lane, index, node);
    let begun = if lane.book.is_none() {
        let last = tries.next();
        let attempt = Arc::new(Attempt::new(Arc::clone(lane.record), index, tries.number));
        let first = begin(cx, attempt, lane, node, last, at);
        if matches!(first, First::Over(Attempted::Done)) && !node.has_undo() {
            return None;
        }
        Some(first)
    } else {
        None
    };
    Some(Box::pin(attempts(lane, index, node, at, tries, begun)))
}

/// Counts the attempts of a step.
struct Tries {
    /// The number of the newest.
    number: u32,
    made: u32,
    retries: u32,
}

impl Tries {
    /// Attempts of an earlier life count, but one more is always made: a crash is not a failure.
    fn of(lane: &Lane<'_>, index: usize, node: &dyn Node) -> Self {
        let retries = node.policy().retry.as_ref().map_or(0, |policy| policy.retry.retries());
        let number = lane.book.map_or(0, |book| book.attempts(index));
        Self { number, made: number.min(retries), retries }
    }

    /// Counts one more.
    fn next(&mut self) -> Last {
        self.number = self.number.saturating_add(1);
        self.made += 1;
        if self.may_go_on() { Last::No } else { Last::Yes }
    }

    fn may_go_on(&self) -> bool {
        self.made <= self.retries
    }
}

/// All attempts of a step, from the one that has begun, if one has.
async fn attempts(
    lane: &Lane<'_>,
    index: usize,
    node: &dyn Node,
    mut at: Timestamp,
    mut tries: Tries,
    mut begun: Option<First>,
) -> Result<(), End> {
    let policy = node.policy();
    let mut delays: Option<Box<Delays>> = None;
    loop {
        let attempted = if let Some(first) = begun.take() {
            see_through(first, lane, node).await
        } else {
            let last = tries.next();
            let attempt = Arc::new(Attempt::new(Arc::clone(lane.record), index, tries.number));
            attempt_once(attempt, lane, node, last, at).await
        };
        let failure = match attempted {
            Attempted::Done => return finished(lane, index, node).await,
            Attempted::Ended(end) => return Err(end),
            Attempted::Failed(failure) => {
                failure.cleaned(&lane.record.scheduler().settings.redactor)
            }
        };
        let delay = if tries.may_go_on() && may_retry(policy, &failure) {
            let retry = || policy.retry.as_ref().map_or_else(Retry::none, |p| p.retry.clone());
            delays.get_or_insert_with(|| Box::new(retry().delays())).next()
        } else {
            None
        };
        let Some(delay) = delay else {
            let error = failed(lane.record, index, &failure);
            drop_quietly(failure);
            return Err(End::Failed(error));
        };
        lane.record.step_retrying(index, tries.number, &failure, delay);
        drop_quietly(failure);
        pause(lane, delay).await?;
        at = lane.record.now();
    }
}

fn failed(record: &Record, index: usize, failure: &StepFailure) -> TaskError {
    let name = record.info().steps().get(index).map_or("", crate::StepInfo::name);
    TaskError::step(index, name, failure.kind(), failure.text())
}

/// The body is done; so is the step once its output is safe.
async fn finished(lane: &Lane<'_>, index: usize, node: &dyn Node) -> Result<(), End> {
    let write = || lane.book.map(|_| node.write_output()).transpose();
    let written = catch_unwind(AssertUnwindSafe(write));
    // What undoing takes is what a later life would undo; of an output that cannot be journaled it
    // is the output itself, because what the body did is to be undone all the same.
    let kept = catch_unwind(AssertUnwindSafe(|| node.has_undo().then(|| node.keep())));
    let failure = match (written, kept) {
        (Ok(Ok(None)), Ok(_)) => return Ok(()),
        (Ok(Ok(Some(output))), Ok(_)) => {
            if let Some(book) = lane.book {
                return book.step_done(index, output).await;
            }
            return Ok(());
        }
        (Ok(Err(why)), _) => StepFailure::not_durable(why),
        (Err(panic), _) | (_, Err(panic)) => StepFailure::panicked(&*panic),
    };
    if let Some(book) = lane.book {
        book.step_not_recorded(index);
    }
    let failure = failure.cleaned(&lane.record.scheduler().settings.redactor);
    Err(End::Failed(failed(lane.record, index, &failure)))
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
async fn pause(lane: &Lane<'_>, delay: Duration) -> Result<(), End> {
    let now = Instant::now();
    let wake = now.checked_add(delay);
    loop {
        if lane.is_stopping() {
            return Err(End::Cancelled);
        }
        if let Some(limit) = lane.pace.limit
            && lane.pace.is_spent()
        {
            return Err(End::TimedOut(limit));
        }
        if delay.is_zero() || wake.is_some_and(|wake| wake <= Instant::now()) {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = lane.poke.notified() => {}
            () = until(earlier(wake, lane.pace.deadline())) => {}
        }
    }
}

/// One attempt of one step, from its start until its body is gone.
async fn attempt_once(
    attempt: Arc<Attempt>,
    lane: &Lane<'_>,
    node: &dyn Node,
    last: Last,
    at: Timestamp,
) -> Attempted {
    if let Some(book) = lane.book {
        if let Some(end) = over_already(lane) {
            return Attempted::Ended(end);
        }
        if let Err(end) = book.step_started(attempt.step, attempt.number).await {
            return Attempted::Ended(end);
        }
    }
    let first =
        poll_fn(|cx| Poll::Ready(begin(cx, Arc::clone(&attempt), lane, node, last, at))).await;
    see_through(first, lane, node).await
}

/// Whether the task is to end before an attempt begins, and how.
fn over_already(lane: &Lane<'_>) -> Option<End> {
    if lane.is_stopping() {
        return Some(End::Cancelled);
    }
    lane.pace.limit.filter(|_| lane.pace.is_spent()).map(End::TimedOut)
}

/// An attempt that has been polled once.
enum First {
    Over(Attempted),
    Waits(Begun),
}

struct Begun {
    attempt: Arc<Attempt>,
    body: Body,
    /// What the step may take, and since when.
    limit: Option<(Duration, Instant)>,
}

/// Begins an attempt, and goes as far as it gets without waiting.
fn begin(
    cx: &mut Context<'_>,
    attempt: Arc<Attempt>,
    lane: &Lane<'_>,
    node: &dyn Node,
    last: Last,
    at: Timestamp,
) -> First {
    if let Some(end) = over_already(lane) {
        return First::Over(Attempted::Ended(end));
    }
    lane.record.step_started(attempt.step, attempt.number, at);
    let limit = node.policy().timeout.map(|limit| (limit, Instant::now()));
    // Copying the input and calling the body are user code as much as the body's future is.
    let given = StepContext::new(Arc::clone(&attempt));
    let start = || within(&attempt, || node.start(given, last));
    let mut body = match catch_unwind(AssertUnwindSafe(start)) {
        Ok(body) => body,
        Err(panic) => return First::Over(Attempted::Failed(StepFailure::panicked(&*panic))),
    };
    let poll = || within(&attempt, || body.as_mut().poll(cx));
    let done = match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(Poll::Pending) => return First::Waits(Begun { attempt, body, limit }),
        Ok(Poll::Ready(done)) => done,
        Err(panic) => Err(StepFailure::panicked(&*panic)),
    };
    drop_quietly(body);
    First::Over(done.map_or_else(Attempted::Failed, |()| Attempted::Done))
}

/// Watches an attempt until its body is gone, and the task is back on the clock.
async fn see_through(first: First, lane: &Lane<'_>, node: &dyn Node) -> Attempted {
    let Begun { attempt, mut body, limit } = match first {
        First::Over(attempted) => return attempted,
        First::Waits(begun) => begun,
    };
    let watched = watch(&attempt, lane, &mut body, limit, node.is_blocking()).await;
    drop_quietly(body);
    let attempted = match watched {
        Watched::Done(Ok(())) => Attempted::Done,
        Watched::Done(Err(failure)) => Attempted::Failed(failure),
        Watched::Cut(Cut::Step(limit)) => Attempted::Failed(StepFailure::timed_out(limit)),
        Watched::Cut(Cut::Task(limit)) => Attempted::Ended(End::TimedOut(limit)),
        Watched::Cut(Cut::Cancelled) => Attempted::Ended(End::Cancelled),
    };
    if matches!(attempted, Attempted::Done | Attempted::Failed(_))
        && !lane.on.load(Ordering::Acquire)
        && !lane.come_back(&attempt).await
    {
        return Attempted::Ended(End::Cancelled);
    }
    attempted
}

pub(crate) type Body = BoxFuture<'static, Result<(), StepFailure>>;

enum Watched {
    Done(Result<(), StepFailure>),
    Cut(Cut),
}

/// Polls a body until it is done or has to be cut short. One that is cut short is told so, and has
/// some time to tidy up if it listens; the caller drops it.
async fn watch(
    attempt: &Arc<Attempt>,
    lane: &Lane<'_>,
    body: &mut Body,
    step_limit: Option<(Duration, Instant)>,
    blocking: bool,
) -> Watched {
    let cut = loop {
        if lane.is_stopping() {
            break Cut::Cancelled;
        }
        if attempt.has_waited() {
            lane.record.scheduler().refuse_endless_wait();
        }
        let need = attempt.clock().need();
        match need {
            Need::Nothing => {}
            Need::Park => lane.leave(attempt),
            // The body is not polled meanwhile: what comes after an off-clock future needs a slot.
            Need::Resume => {
                lane.come_back(attempt).await;
                continue;
            }
        }
        let (deadline, cut) = next_cut(attempt, lane, step_limit);
        // Unconstrained: a body that uses up tokio's cooperative budget in every poll must not hide
        // its own time-out or cancellation.
        tokio::select! {
            biased;
            done = guarded(attempt, body) => return Watched::Done(done),
            () = unconstrained(lane.poke.notified()) => {}
            () = unconstrained(until(deadline)) => {
                if let Some(cut) = cut {
                    break cut;
                }
            }
        }
    };
    attempt.stop();
    let grace = lane.record.scheduler().settings.grace;
    if blocking || (attempt.listens() && !grace.is_zero()) {
        // Whatever it says now, the attempt has been cut.
        tokio::select! {
            biased;
            _ = guarded(attempt, body) => return Watched::Cut(cut),
            () = unconstrained(sleep(grace)) => {}
        }
    }
    if blocking {
        lane.record.still_running(attempt.step);
        let _ = guarded(attempt, body).await;
    }
    Watched::Cut(cut)
}

/// What it says, or how it panicked.
pub(crate) async fn guarded(attempt: &Arc<Attempt>, body: &mut Body) -> Result<(), StepFailure> {
    let polled = poll_fn(|cx| within(attempt, || body.as_mut().poll(cx)));
    match AssertUnwindSafe(polled).catch_unwind().await {
        Ok(done) => done,
        Err(panic) => Err(StepFailure::panicked(&*panic)),
    }
}

/// Which limit comes first, and when. The task's wins a tie: it is the stricter end.
fn next_cut(
    attempt: &Attempt,
    lane: &Lane<'_>,
    step_limit: Option<(Duration, Instant)>,
) -> (Option<Instant>, Option<Cut>) {
    let pace = lane.pace;
    // Who is off the clock does not watch the task's: it stands, or a sibling watches it.
    let watches = lane.on.load(Ordering::Acquire);
    let limit = pace.limit.filter(|_| watches);
    let task = limit.and_then(|limit| Some((pace.deadline()?, Cut::Task(limit))));
    let clock = attempt.clock();
    let step = step_limit
        .and_then(|(limit, since)| Some((clock.deadline(since, limit)?, Cut::Step(limit))));
    let first = match (task, step) {
        (Some(task), Some(step)) if step.0 < task.0 => Some(step),
        (Some(task), _) => Some(task),
        (None, step) => step,
    };
    first.map_or((None, None), |(at, cut)| (Some(at), Some(cut)))
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
