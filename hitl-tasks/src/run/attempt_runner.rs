//! Runs one attempt of a step until its body is gone, and interrupts it.
//!
//! The driver's future polls the body itself, so a body that is given up is dropped before its slot
//! is free. A body that blocks a thread cannot be dropped; the driver waits for it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use hitl_base::Timestamp;
use tokio::task::unconstrained;
use tokio::time::Instant;

use crate::define::erased_step::{ErasedStep, IsLast};
use crate::panic::{catch, drop_quietly};
use crate::run::attempt::Attempt;
use crate::run::context::StepContext;
use crate::run::current_attempt::with_attempt;
use crate::run::off_clock::SlotNeed;
use crate::run::step_failure::StepFailure;
use crate::run::step_scope::StepScope;
use crate::state::termination::Termination;
use crate::sync::{Ordering, sleep, sleep_until};

/// The reason why an attempt was interrupted.
enum Interrupt {
    Cancelled,
    Step(Duration),
    Task(Duration),
}

pub(super) enum AttemptOutcome {
    Done,
    Failed(StepFailure),
    Ended(Termination),
}

/// Runs one attempt of one step, until its body is gone.
pub(super) async fn run_attempt(
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
pub(super) enum FirstPoll {
    Over(AttemptOutcome),
    Pending(PendingAttempt),
}

pub(super) struct PendingAttempt {
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
pub(super) fn poll_first(
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
pub(super) async fn drive_attempt(
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
pub(super) async fn sleep_until_some(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
