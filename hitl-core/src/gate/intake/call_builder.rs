//! Typed calls, from `gate.call(..)` to the end of the body.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tracing::Instrument as _;

use crate::arguments::{ArgumentError, parse_text, snapshot};
use crate::call::{CallContext, Failure, RunId, Tool};
use crate::gate::claiming::claim_check::ClaimedCall;
use crate::gate::core::GateCore;
use crate::gate::error::{CallError, GateError, NotRunReason};
use crate::gate::evaluation::evaluated_call::{EvaluatedCall, NewCall};
use crate::gate::execution::body_outcome::BodyOutcome;
use crate::gate::execution::execution::Execution;
use crate::gate::execution::executor::execute;
use crate::gate::gate::Gate;
use crate::gate::intake::incoming_call::{IncomingCall, RunPosition, evaluate_typed};
use crate::gate::intake::round_trip::check_round_trip;
use crate::gate::intake::submit::{call_span, leaves_no_record, start_unrecorded};
use crate::gate::stored_text::MAX_ON_THREAD;
use crate::gate::telemetry;
use crate::gate::waiting::attached::{AttachedOutcome, submit_attached};
use crate::gate::waiting::outcome::typed_result;
use crate::panic::catch;

/// A call whose requester is not named yet.
#[derive(Debug)]
#[must_use = "say who asks with `.by(..)`, then await it"]
pub struct CallBuilder<'g, T> {
    gate: &'g Gate,
    call: T,
}

impl<'g, T: Tool> CallBuilder<'g, T> {
    pub(in crate::gate) fn new(gate: &'g Gate, call: T) -> Self {
        Self { gate, call }
    }

    /// Names the requester: a principal, or a whole [`CallContext`]. The host vouches for it.
    pub fn by(self, context: impl Into<CallContext>) -> ReadyCall<'g, T> {
        ReadyCall {
            gate: self.gate,
            call: self.call,
            context: context.into(),
            at: None,
            max_wait: None,
        }
    }
}

/// A call, ready to be awaited.
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct ReadyCall<'g, T> {
    gate: &'g Gate,
    call: T,
    context: CallContext,
    at: Option<RunPosition>,
    max_wait: Option<Duration>,
}

impl<T: Tool> ReadyCall<'_, T> {
    /// Gives the call its key: the run and the position in it. A repeated key re-attaches.
    pub fn key(mut self, run: impl Into<RunId>, position: u64) -> Self {
        self.at = Some(RunPosition::new(run, position));
        self
    }

    /// States why the model makes the call, in its own words: see [`CallContext::because`].
    pub fn because(mut self, words: impl Into<String>) -> Self {
        self.context = self.context.because(words);
        self
    }

    /// Waits at most this long for a decision, from the moment when the call begins to wait.
    /// Without this, the call waits until it expires: for [`Full`](crate::ApprovalLevel::Full) that
    /// may be days.
    ///
    /// After it, the call is withdrawn, does not run, and the error is
    /// [`NotRunReason::TimedOut`] with the call's id. If a person decides in the same moment, the
    /// store says who was first: either the decision counts, or the withdrawal. Once the call has
    /// started the limit no longer counts; a tool's own `timeout` limits its body.
    ///
    /// To leave the call waiting instead, submit it and use
    /// [`Ticket::wait_for`](crate::Ticket::wait_for).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use hitl::{CallError, Gate, NotRunReason, Tool};
    /// # async fn pay<T: Tool>(gate: Gate, call: T) {
    /// match gate.call(call).by("ann").max_wait(Duration::from_secs(300)).await {
    ///     Err(CallError::NotRun(NotRunReason::TimedOut(timeout))) => {
    ///         // "call 01a2.. was not decided and started within 300s, so it was withdrawn ..".
    ///         println!("{timeout}");
    ///     }
    ///     other => drop(other),
    /// }
    /// # }
    /// ```
    pub fn max_wait(mut self, limit: Duration) -> Self {
        self.max_wait = Some(limit);
        self
    }
}

impl<'g, T: Tool> IntoFuture for ReadyCall<'g, T> {
    type Output = Result<T::Output, CallError<T::Error>>;
    type IntoFuture = BoxFuture<'g, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move {
            let (gate, max_wait) = (self.gate, self.max_wait);
            let IncomingCall { evaluated, call } = match self.evaluate_here()? {
                EvaluationStep::Done(incoming) => incoming,
                EvaluationStep::Elsewhere(evaluating) => evaluating.await?,
            };
            let span = call_span(&gate.core, &evaluated);
            let running = async {
                let result = run_typed(&gate.core, evaluated, call, max_wait).await;
                telemetry::record_call_result(&result);
                result
            };
            running.instrument(span).await
        }
        .boxed()
    }
}

/// The evaluation of a typed call.
enum EvaluationStep<'g, T> {
    Done(IncomingCall<T>),
    /// The arguments are long: another thread looks through them.
    Elsewhere(BoxFuture<'g, Result<IncomingCall<T>, GateError>>),
}

impl<'g, T: Tool> ReadyCall<'g, T> {
    /// Evaluates a call with short arguments. Not async, so that its temporary data is on the stack
    /// and not in the future, which is allocated for every call.
    fn evaluate_here(self) -> Result<EvaluationStep<'g, T>, GateError> {
        let Self { gate, call, context, at, .. } = self;
        let core = &gate.core;
        let tool = core.tools.require_typed::<T>()?;
        let snapshot = snapshot(&call, tool.places())?;
        if snapshot.text().len() > MAX_ON_THREAD {
            let evaluating = evaluate_typed(core, call, snapshot, context, at).boxed();
            return Ok(EvaluationStep::Elsewhere(evaluating));
        }
        let key = at.map(|at| at.key_in(&context.tenant));
        let new = NewCall { tool, snapshot, tree: None, context, key };
        let evaluated = Box::new(core.evaluator.evaluate_new(new)?);
        Ok(EvaluationStep::Done(IncomingCall { evaluated, call }))
    }
}

/// Runs the body of a typed call.
async fn run_body<T: Tool>(
    core: &GateCore,
    execution: Execution,
    call: T,
) -> Result<T::Output, CallError<T::Error>> {
    let details = execution.details().clone();
    match execute(&core.executor, execution, call).await? {
        BodyOutcome::Returned(Ok(output), _) => Ok(output),
        BodyOutcome::Returned(Err(error), stored) => {
            let details = details.with_failed_output(stored.into_failed_output());
            Err(CallError::Tool { error, details })
        }
        BodyOutcome::Panicked(failure) => {
            Err(CallError::ToolFailed(Failure::new(failure, details)))
        }
        BodyOutcome::Unknown(key) => Err(CallError::Unknown { key, details }),
    }
}

/// Runs a typed call to its end.
async fn run_typed<T: Tool>(
    core: &Arc<GateCore>,
    evaluated: Box<EvaluatedCall>,
    call: T,
    max_wait: Option<Duration>,
) -> Result<T::Output, CallError<T::Error>> {
    let is_clear = core.freezes.is_known_clear();
    if evaluated.key_source.is_run_given() || !is_clear || !leaves_no_record(core, &evaluated) {
        return run_stored(core, evaluated, call, max_wait).boxed().await;
    }
    let execution = start_unrecorded(core, *evaluated);
    run_body(core, execution, call).await
}

/// Runs a typed call that the store may know, or that may have to wait, to its end.
async fn run_stored<T: Tool>(
    core: &Arc<GateCore>,
    evaluated: Box<EvaluatedCall>,
    call: T,
    max_wait: Option<Duration>,
) -> Result<T::Output, CallError<T::Error>> {
    if core.evaluator.may_ask(&evaluated.evaluation.routed) {
        check_round_trip(&call, &evaluated.snapshot).map_err(GateError::from)?;
    }
    let (execution, call) = match submit_attached(core, evaluated, max_wait).await? {
        AttachedOutcome::Run(execution) => (execution, call),
        AttachedOutcome::RunFromSnapshot(ClaimedCall { execution, .. }) => {
            read_shown(core, execution).await?
        }
        AttachedOutcome::Ended(record) => return typed_result::<T>(core, &record).boxed().await,
        AttachedOutcome::TimedOut(timeout) => {
            return Err(CallError::NotRun(NotRunReason::TimedOut(timeout)));
        }
    };
    run_body(core, execution, call).await
}

/// Reads the arguments of a call that waited for a human: the call runs with the arguments that
/// were shown, not with those that the caller still holds. If they cannot be read, the claim is
/// released.
async fn read_shown<T: Tool>(
    core: &GateCore,
    execution: Execution,
) -> Result<(Execution, T), GateError> {
    let read = || parse_text::<T>(execution.snapshot().text());
    let error = match catch(read) {
        Ok(Ok(call)) => return Ok((execution, call)),
        Ok(Err(error)) => error,
        Err(_panicked) => ArgumentError::panicked(),
    };
    // Nothing has started, so no other caller need wait for it.
    core.executor.release(execution).await;
    Err(error.into())
}
