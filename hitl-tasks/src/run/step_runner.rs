//! Runs one step: its attempts, and the delays between them.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use hitl_base::Timestamp;
use tokio::time::Instant;

use crate::define::attempt_policy::AttemptPolicy;
use crate::define::erased_step::{ErasedStep, IsLast};
use crate::define::retry::{Delays, Retry};
use crate::error::TaskError;
use crate::panic::{catch, drop_quietly};
use crate::run::attempt::Attempt;
use crate::run::attempt_runner::{
    AttemptOutcome, FirstPoll, drive_attempt, poll_first, run_attempt, sleep_until_some,
};
use crate::run::step_failure::{FailureKind, StepFailure};
use crate::run::step_scope::StepScope;
use crate::state::record::Record;
use crate::state::termination::Termination;

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
    /// failure. A retry of the task allows them all again.
    fn new(scope: &StepScope<'_>, index: usize, node: &dyn ErasedStep) -> Self {
        let retries = node.policy().retry.as_ref().map_or(0, |policy| policy.retry.retries());
        let number = scope.session.map_or(0, |session| session.attempts(index));
        let made = scope.session.map_or(0, |session| session.recent_attempts(index));
        Self { number, made: made.min(retries), retries }
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
            let round = scope.session.map_or(0, |session| session.round(index));
            let attempt = Attempt::new(Arc::clone(scope.record), index, counter.number);
            let attempt = Arc::new(attempt.in_round(round));
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

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
