//! Runs one step: its attempts, the delays between them, and their interruption.
//!
//! The driver's future polls the body itself, so a body that is given up is dropped before its slot
//! is free. A body that blocks a thread cannot be dropped; the driver waits for it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use hitl_base::Timestamp;
use tokio::sync::Notify;
use tokio::task::unconstrained;
use tokio::time::Instant;

use crate::define::attempt_policy::AttemptPolicy;
use crate::define::erased_step::{ErasedStep, IsLast};
use crate::define::retry::{Delays, Retry};
use crate::error::TaskError;
use crate::journal::session::JournalSession;
use crate::panic::{catch, drop_quietly};
use crate::run::attempt::Attempt;
use crate::run::context::StepContext;
use crate::run::current_attempt::with_attempt;
use crate::run::off_clock::SlotNeed;
use crate::run::run_budget::RunBudget;
use crate::run::step_failure::{FailureKind, StepFailure};
use crate::state::record::Record;
use crate::state::termination::Termination;
use crate::sync::{AtomicBool, Ordering, sleep, sleep_until};

/// The surroundings of a step, which runs alone or in a group.
pub(crate) struct StepScope<'a> {
    pub(crate) record: &'a Arc<Record>,
    pub(crate) budget: &'a RunBudget,
    pub(crate) session: Option<&'a JournalSession>,
    /// Wakes the step: the task's waker, or one for each member of a group.
    pub(crate) waker: &'a Notify,
    /// True if a sibling failed.
    pub(crate) sibling_failed: &'a AtomicBool,
    /// True if the step counts as on the clock.
    pub(crate) on_clock: AtomicBool,
}

impl<'a> StepScope<'a> {
    pub(crate) fn new(
        record: &'a Arc<Record>,
        budget: &'a RunBudget,
        session: Option<&'a JournalSession>,
        waker: &'a Notify,
        sibling_failed: &'a AtomicBool,
    ) -> Self {
        Self { record, budget, session, waker, sibling_failed, on_clock: AtomicBool::new(true) }
    }

    fn is_stopping(&self) -> bool {
        self.record.is_stopping() || self.sibling_failed.load(Ordering::Acquire)
    }

    fn leave_clock(&self, attempt: &Attempt) {
        attempt.clock().park();
        self.on_clock.store(false, Ordering::Release);
        self.budget.leave_member(self.record, attempt.step, false);
    }

    async fn reacquire_slot(&self, attempt: &Attempt) -> bool {
        let back = self.budget.reacquire_slot(attempt, self.sibling_failed, self.waker).await;
        self.on_clock.store(back, Ordering::Release);
        back
    }
}

/// The reason why an attempt was interrupted.
enum Interrupt {
    Cancelled,
    Step(Duration),
    Task(Duration),
}

enum AttemptOutcome {
    Done,
    Failed(StepFailure),
    Ended(Termination),
}

/// Runs all attempts of one step.
pub(crate) async fn run_step(
    scope: &StepScope<'_>,
    index: usize,
    node: &dyn ErasedStep,
    at: Timestamp,
) -> Result<(), Termination> {
    // Boxed, here and below, because a step that waits should not make every task larger.
    match poll_fn(|cx| Poll::Ready(try_first_poll(cx, scope, index, node, at))).await {
        None => Ok(()),
        Some(others) => others.await,
    }
}

/// Polls the first attempt once. Returns `None` if that completed the step, which then needs no
/// supervision, and otherwise a future for the rest.
fn try_first_poll<'a>(
    cx: &mut Context<'_>,
    scope: &'a StepScope<'a>,
    index: usize,
    node: &'a dyn ErasedStep,
    at: Timestamp,
) -> Option<BoxFuture<'a, Result<(), Termination>>> {
    let mut counter = AttemptCounter::new(scope, index, node);
    let pending = if scope.session.is_none() {
        let last = counter.next();
        let attempt = Arc::new(Attempt::new(Arc::clone(scope.record), index, counter.number));
        let first = poll_first(cx, attempt, scope, node, last, at);
        if matches!(first, FirstPoll::Over(AttemptOutcome::Done)) && !node.has_undo() {
            return None;
        }
        Some(first)
    } else {
        None
    };
    Some(Box::pin(run_attempts(scope, index, node, at, counter, pending)))
}

/// Counts the attempts of a step.
struct AttemptCounter {
    /// The number of the latest attempt.
    number: u32,
    made: u32,
    retries: u32,
}

impl AttemptCounter {
    /// Includes the attempts before a restart, but allows at least one more: a crash is not a
    /// failure.
    fn new(scope: &StepScope<'_>, index: usize, node: &dyn ErasedStep) -> Self {
        let retries = node.policy().retry.as_ref().map_or(0, |policy| policy.retry.retries());
        let number = scope.session.map_or(0, |session| session.attempts(index));
        Self { number, made: number.min(retries), retries }
    }

    /// Counts one more attempt.
    fn next(&mut self) -> IsLast {
        self.number = self.number.saturating_add(1);
        self.made += 1;
        if self.has_retries_left() { IsLast::No } else { IsLast::Yes }
    }

    fn has_retries_left(&self) -> bool {
        self.made <= self.retries
    }
}

/// Runs the attempts of a step, beginning with a pending one if there is one.
async fn run_attempts(
    scope: &StepScope<'_>,
    index: usize,
    node: &dyn ErasedStep,
    mut at: Timestamp,
    mut counter: AttemptCounter,
    mut pending: Option<FirstPoll>,
) -> Result<(), Termination> {
    let policy = node.policy();
    let mut delays: Option<Box<Delays>> = None;
    loop {
        let outcome = if let Some(first) = pending.take() {
            drive_attempt(first, scope, node).await
        } else {
            let last = counter.next();
            let attempt = Arc::new(Attempt::new(Arc::clone(scope.record), index, counter.number));
            run_attempt(attempt, scope, node, last, at).await
        };
        let failure = match outcome {
            AttemptOutcome::Done => return record_output(scope, index, node).await,
            AttemptOutcome::Ended(end) => return Err(end),
            AttemptOutcome::Failed(failure) => {
                failure.redacted(&scope.record.environment().redactor)
            }
        };
        let delay = if counter.has_retries_left() && may_retry(policy, &failure) {
            let retry = || policy.retry.as_ref().map_or_else(Retry::none, |p| p.retry.clone());
            delays.get_or_insert_with(|| Box::new(retry().delays())).next()
        } else {
            None
        };
        let Some(delay) = delay else {
            let error = step_error(scope.record, index, &failure);
            drop_quietly(failure);
            return Err(Termination::Failed(error));
        };
        scope.record.report_retry(index, counter.number, &failure, delay);
        drop_quietly(failure);
        wait_for_retry(scope, delay).await?;
        at = scope.record.now();
    }
}

fn step_error(record: &Record, index: usize, failure: &StepFailure) -> TaskError {
    TaskError::step_failed(index, record.info().step_name(index), failure.kind(), failure.text())
}

/// Records the output of a completed body. The step is complete once its output is safe.
async fn record_output(
    scope: &StepScope<'_>,
    index: usize,
    node: &dyn ErasedStep,
) -> Result<(), Termination> {
    let write = || scope.session.map(|_| node.write_output()).transpose();
    let written = catch(write);
    // Undo gets the value that it would get after a restart. An output that cannot be journaled is
    // passed to it directly, because the effects of the body are undone all the same.
    let kept = catch(|| node.has_undo().then(|| node.save_for_undo()));
    let failure = match (written, kept) {
        (Ok(Ok(None)), Ok(_)) => return Ok(()),
        (Ok(Ok(Some(output))), Ok(_)) => {
            if let Some(session) = scope.session {
                return session.record_step_done(index, output).await;
            }
            return Ok(());
        }
        (Ok(Err(why)), _) => StepFailure::not_durable(why),
        (Err(panic), _) | (_, Err(panic)) => StepFailure::panicked(panic),
    };
    if let Some(session) = scope.session {
        session.mark_unrecorded(index);
    }
    let failure = failure.redacted(&scope.record.environment().redactor);
    Err(Termination::Failed(step_error(scope.record, index, &failure)))
}

/// Returns whether a failure is followed by another attempt. A predicate that panics refuses.
fn may_retry(policy: &AttemptPolicy, failure: &StepFailure) -> bool {
    let Some(policy) = &policy.retry else { return false };
    if failure.kind() == FailureKind::Panicked || policy.retry.is_none() {
        return false;
    }
    let Some(only_if) = &policy.only_if else { return true };
    catch(|| only_if(failure)).unwrap_or(false)
}

/// Waits for the delay between two attempts.
async fn wait_for_retry(scope: &StepScope<'_>, delay: Duration) -> Result<(), Termination> {
    let now = Instant::now();
    let wake = now.checked_add(delay);
    loop {
        if scope.is_stopping() {
            return Err(Termination::Cancelled);
        }
        if let Some(limit) = scope.budget.limit
            && scope.budget.is_exhausted()
        {
            return Err(Termination::TimedOut(limit));
        }
        if delay.is_zero() || wake.is_some_and(|wake| wake <= Instant::now()) {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = scope.waker.notified() => {}
            () = sleep_until_some(earliest(wake, scope.budget.deadline())) => {}
        }
    }
}

/// Runs one attempt of one step, until its body is gone.
async fn run_attempt(
    attempt: Arc<Attempt>,
    scope: &StepScope<'_>,
    node: &dyn ErasedStep,
    last: IsLast,
    at: Timestamp,
) -> AttemptOutcome {
    if let Some(session) = scope.session {
        if let Some(end) = early_end(scope) {
            return AttemptOutcome::Ended(end);
        }
        if let Err(end) = session.record_step_started(attempt.step, attempt.number).await {
            return AttemptOutcome::Ended(end);
        }
    }
    let first =
        poll_fn(|cx| Poll::Ready(poll_first(cx, Arc::clone(&attempt), scope, node, last, at)))
            .await;
    drive_attempt(first, scope, node).await
}

/// Returns how the task ends, if it has to end before the next attempt.
fn early_end(scope: &StepScope<'_>) -> Option<Termination> {
    if scope.is_stopping() {
        return Some(Termination::Cancelled);
    }
    scope.budget.limit.filter(|_| scope.budget.is_exhausted()).map(Termination::TimedOut)
}

/// An attempt after its first poll.
enum FirstPoll {
    Over(AttemptOutcome),
    Pending(PendingAttempt),
}

struct PendingAttempt {
    attempt: Arc<Attempt>,
    body: BodyFuture,
    limit: Option<StepLimit>,
}

/// The timeout of a step, and the start of the attempt that it limits.
#[derive(Clone, Copy)]
struct StepLimit {
    timeout: Duration,
    started: Instant,
}

/// Starts an attempt, and polls it once.
fn poll_first(
    cx: &mut Context<'_>,
    attempt: Arc<Attempt>,
    scope: &StepScope<'_>,
    node: &dyn ErasedStep,
    last: IsLast,
    at: Timestamp,
) -> FirstPoll {
    if let Some(end) = early_end(scope) {
        return FirstPoll::Over(AttemptOutcome::Ended(end));
    }
    scope.record.start_step(attempt.step, attempt.number, at);
    let limit = node.policy().timeout.map(|timeout| StepLimit { timeout, started: Instant::now() });
    // Cloning the input and calling the body are user code just as the body's future is.
    let given = StepContext::new(Arc::clone(&attempt));
    let start = || with_attempt(&attempt, || node.start(given, last));
    let mut body = match catch(start) {
        Ok(body) => body,
        Err(panic) => {
            return FirstPoll::Over(AttemptOutcome::Failed(StepFailure::panicked(panic)));
        }
    };
    let poll = || with_attempt(&attempt, || body.as_mut().poll(cx));
    let done = match catch(poll) {
        Ok(Poll::Pending) => return FirstPoll::Pending(PendingAttempt { attempt, body, limit }),
        Ok(Poll::Ready(done)) => done,
        Err(panic) => Err(StepFailure::panicked(panic)),
    };
    drop_quietly(body);
    FirstPoll::Over(done.map_or_else(AttemptOutcome::Failed, |()| AttemptOutcome::Done))
}

/// Drives a pending attempt until its body is gone and the task is back on the clock.
async fn drive_attempt(
    first: FirstPoll,
    scope: &StepScope<'_>,
    node: &dyn ErasedStep,
) -> AttemptOutcome {
    let PendingAttempt { attempt, mut body, limit } = match first {
        FirstPoll::Over(outcome) => return outcome,
        FirstPoll::Pending(pending) => pending,
    };
    let result = watch_body(&attempt, scope, &mut body, limit, node.is_blocking()).await;
    drop_quietly(body);
    let outcome = match result {
        BodyResult::Done(Ok(())) => AttemptOutcome::Done,
        BodyResult::Done(Err(failure)) => AttemptOutcome::Failed(failure),
        BodyResult::Interrupted(Interrupt::Step(limit)) => {
            AttemptOutcome::Failed(StepFailure::timed_out(limit))
        }
        BodyResult::Interrupted(Interrupt::Task(limit)) => {
            AttemptOutcome::Ended(Termination::TimedOut(limit))
        }
        BodyResult::Interrupted(Interrupt::Cancelled) => {
            AttemptOutcome::Ended(Termination::Cancelled)
        }
    };
    if matches!(outcome, AttemptOutcome::Done | AttemptOutcome::Failed(_))
        && !scope.on_clock.load(Ordering::Acquire)
        && !scope.reacquire_slot(&attempt).await
    {
        return AttemptOutcome::Ended(Termination::Cancelled);
    }
    outcome
}

pub(crate) type BodyFuture = BoxFuture<'static, Result<(), StepFailure>>;

enum BodyResult {
    Done(Result<(), StepFailure>),
    Interrupted(Interrupt),
}

/// Polls a body until it is done or is interrupted. An interrupted body is asked to stop, and has
/// some time to clean up if it listens. The caller drops it.
async fn watch_body(
    attempt: &Arc<Attempt>,
    scope: &StepScope<'_>,
    body: &mut BodyFuture,
    step_limit: Option<StepLimit>,
    blocking: bool,
) -> BodyResult {
    let interrupt = loop {
        if scope.is_stopping() {
            break Interrupt::Cancelled;
        }
        if attempt.has_waited() {
            scope.budget.scheduler().break_deadlock();
        }
        let need = attempt.clock().need();
        match need {
            SlotNeed::Nothing => {}
            SlotNeed::Park => scope.leave_clock(attempt),
            // The body is not polled meanwhile, because the code after an off-clock section needs a
            // slot.
            SlotNeed::Resume => {
                scope.reacquire_slot(attempt).await;
                continue;
            }
        }
        let deadline = next_deadline(attempt, scope, step_limit);
        let at = deadline.as_ref().map(|deadline| deadline.at);
        // Unconstrained: a body that uses up tokio's cooperative budget in every poll must not hide
        // its own timeout or cancellation.
        tokio::select! {
            biased;
            done = poll_guarded(attempt, body) => return BodyResult::Done(done),
            () = unconstrained(scope.waker.notified()) => {}
            () = unconstrained(sleep_until_some(at)) => {
                if let Some(deadline) = deadline {
                    break deadline.interrupt;
                }
            }
        }
    };
    attempt.stop();
    let grace = scope.record.environment().cancel_grace_period;
    if blocking || (attempt.is_listening() && !grace.is_zero()) {
        // The result no longer counts: the attempt has been interrupted.
        tokio::select! {
            biased;
            _ = poll_guarded(attempt, body) => return BodyResult::Interrupted(interrupt),
            () = unconstrained(sleep(grace)) => {}
        }
    }
    if blocking {
        scope.record.report_still_running(attempt.step);
        let _ = poll_guarded(attempt, body).await;
    }
    BodyResult::Interrupted(interrupt)
}

/// Polls a body to its end, and turns a panic into a failure.
pub(crate) async fn poll_guarded(
    attempt: &Arc<Attempt>,
    body: &mut BodyFuture,
) -> Result<(), StepFailure> {
    poll_fn(|cx| {
        let poll = || with_attempt(attempt, || body.as_mut().poll(cx));
        catch(poll).unwrap_or_else(|panic| Poll::Ready(Err(StepFailure::panicked(panic))))
    })
    .await
}

/// The time of an interruption.
struct Deadline {
    at: Instant,
    interrupt: Interrupt,
}

/// Returns the earliest limit. The task's limit wins a tie, because it is the stricter end.
fn next_deadline(
    attempt: &Attempt,
    scope: &StepScope<'_>,
    step_limit: Option<StepLimit>,
) -> Option<Deadline> {
    let budget = scope.budget;
    // A step off the clock does not watch the task's limit: the clock is stopped, or a sibling
    // watches it.
    let limit = budget.limit.filter(|_| scope.on_clock.load(Ordering::Acquire));
    let task = limit.and_then(|limit| {
        Some(Deadline { at: budget.deadline()?, interrupt: Interrupt::Task(limit) })
    });
    let step = step_limit.and_then(|limit| {
        let at = attempt.clock().deadline(limit.started, limit.timeout)?;
        Some(Deadline { at, interrupt: Interrupt::Step(limit.timeout) })
    });
    match (task, step) {
        (Some(task), Some(step)) if step.at < task.at => Some(step),
        (Some(task), _) => Some(task),
        (None, step) => step,
    }
}

/// Sleeps until the deadline; forever without one.
async fn sleep_until_some(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
