//! The link between the gate and the tasks: a gated call inside a step.

use std::convert::Infallible;
use std::future::{IntoFuture, Pending, pending};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_core::gate::SaysWhoAsks;
use hitl_core::{CallContext, CallKey, CallRecord, Gate, GateError, Outcome, Submission, Tool};
use hitl_tasks::StepContext;

/// Gated calls inside the steps of a task.
///
/// ```
/// use hitl::prelude::*;
/// use hitl::{Gate, GateInTask as _};
///
/// /// Wires money.
/// #[hitl_tool(risk = "high", base_confidence = 50)]
/// async fn wire(to: String, amount: f64) -> String {
///     format!("{amount} to {to}")
/// }
///
/// async fn settle(cx: StepContext, gate: Gate) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
///     match gate.call_in(&cx, wire("Initech", 120.0)).by("billing-agent").await? {
///         Outcome::Executed(output) => Ok(output.parse()?),
///         other => Err(format!("{other:?}").into()),
///     }
/// }
/// # let _ = settle;
/// ```
pub trait GateInTask {
    /// Calls a tool from within a step: a human step, if the call needs a human.
    ///
    /// The call's key consists of the task, the step and the ordinal of the call in the step, so
    /// that a step which is retried, or a task which is submitted again after a restart under the
    /// same [`TaskId`](hitl_tasks::TaskId), re-attaches: nobody is asked twice and nothing runs
    /// twice. For that, a step must make its calls in the same order each time.
    ///
    /// So a step's [`Retry`](hitl_tasks::Retry) does not run a failed call again: every attempt of
    /// the step gets that failure. [`retry_failed`](ReadyStepCall::retry_failed) changes this for
    /// an idempotent tool. The same holds when the task is
    /// [retried](hitl_tasks::TaskManager::retry), except for steps that were undone before: their
    /// calls are new ones.
    ///
    /// While it waits for a human the step is [off the clock](StepContext::off_clock): it counts
    /// against no budget and holds no slot. The same applies to a body that runs at once or right
    /// after an inline answer: the tool's own `timeout` bounds it. While the tenant is
    /// [frozen](Gate::freeze), the step waits in the same way, and nothing of the task is lost. If
    /// the task is cancelled while it waits, the call is withdrawn.
    fn call_in<T: Tool>(&self, cx: &StepContext, call: T) -> StepCall<T>;
}

impl GateInTask for Gate {
    fn call_in<T: Tool>(&self, cx: &StepContext, call: T) -> StepCall<T> {
        StepCall { gate: self.clone(), cx: cx.clone(), position: u64::from(cx.next_call()), call }
    }
}

/// A call from within a step that does not name its requester yet.
#[derive(Debug)]
#[must_use = "say who asks with `.by(..)`, then await it"]
pub struct StepCall<T> {
    gate: Gate,
    cx: StepContext,
    position: u64,
    call: T,
}

impl<T: Tool> StepCall<T> {
    /// Sets who asks, and where. The host vouches for it.
    pub fn by(self, context: impl Into<CallContext>) -> ReadyStepCall<T> {
        ReadyStepCall { call: self, context: context.into(), retry_failed: false }
    }
}

/// Never awaited. The compiler shows these lines to a caller who awaits the call without a
/// requester.
impl<T> IntoFuture for StepCall<T>
where
    // Nobody asks for this call yet: say who with `.by(..)`.
    Self: SaysWhoAsks,
{
    type Output = Infallible;
    type IntoFuture = Pending<Infallible>;

    fn into_future(self) -> Self::IntoFuture {
        pending()
    }
}

/// A call from within a step, ready to be awaited.
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct ReadyStepCall<T> {
    call: StepCall<T>,
    context: CallContext,
    retry_failed: bool,
}

impl<T: Tool> ReadyStepCall<T> {
    /// Runs a call that failed in an earlier attempt of the step again in the next one, for a tool
    /// that is declared [idempotent](hitl_core::ToolConfig::idempotent()).
    ///
    /// Nobody is asked again while the approval of the first try lasts and covers the call; the
    /// body gets the same idempotency key; there are as many attempts in total as the tool's
    /// [`attempts`](hitl_core::ToolConfig::attempts()), and then the step gets the last failure. A
    /// tool that is not idempotent, and a body that panicked, is not retried: the step gets the
    /// failure. The step's [`Retry`](hitl_tasks::Retry) sets the delays and the number of retries.
    ///
    /// ```
    /// use hitl::prelude::*;
    /// use hitl::{Gate, GateInTask as _};
    ///
    /// /// Books a flight, once for each idempotency key.
    /// #[hitl_tool(risk = "high", idempotent, attempts = 4)]
    /// async fn book(flight: String) -> Result<String, std::io::Error> {
    ///     Ok(format!("booked {flight}"))
    /// }
    ///
    /// fn step(gate: Gate) -> TaskStep<(), String> {
    ///     let body = move |cx: StepContext| {
    ///         let gate = gate.clone();
    ///         async move {
    ///             let booked = gate.call_in(&cx, book("KL 1")).by("agent").retry_failed().await;
    ///             match booked.map_err(|error| error.to_string())? {
    ///                 Outcome::Executed(output) => output.parse().map_err(|_| "gone".to_owned()),
    ///                 other => Err(format!("{other:?}")),
    ///             }
    ///         }
    ///     };
    ///     TaskStep::new("Book", body).retry(Retry::exponential(3))
    /// }
    /// # let _ = step;
    /// ```
    pub fn retry_failed(mut self) -> Self {
        self.retry_failed = true;
        self
    }
}

impl<T: Tool> IntoFuture for ReadyStepCall<T> {
    type Output = Result<Outcome, GateError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { call: StepCall { gate, cx, position, call }, context, retry_failed } = self;
        async move {
            let round = match cx.times_undone() {
                0 => String::new(),
                round => format!("/r{round}"),
            };
            let run = format!("task/{}/step/{}{round}", cx.task_id(), cx.step_index());
            // An inline question is asked during the submission, so that is off the clock as well.
            let submitted = cx.off_clock(async {
                let key = CallKey { tenant: context.tenant.clone(), run: run.into(), position };
                let next =
                    if retry_failed { next_try(&gate, &key).await? } else { NextTry::Key(key) };
                let submitting = gate.submit(call).by(context).wait_while_frozen();
                match next {
                    NextTry::Of(failed) => submitting.retry_of(&failed).await,
                    NextTry::Key(key) => submitting.key(key.run, key.position).await,
                }
            });
            let ticket = match submitted.await? {
                Submission::Done { outcome, .. } => return Ok(outcome),
                Submission::Pending(ticket) => ticket,
            };
            let decided = cx.off_clock(async {
                tokio::select! {
                    decided = ticket.wait_until_startable() => decided,
                    () = cx.cancelled() => ticket.cancel("the task was cancelled").await,
                }
            });
            decided.await?;
            ticket.wait().await
        }
        .boxed()
    }
}

/// The next submission of a step, given the existing tries.
enum NextTry {
    /// The call under this key: it is new, or it is the newest try and cannot be retried.
    Key(CallKey),
    /// Another try of this call.
    Of(Box<CallRecord>),
}

/// Finds the newest try of a call. Every attempt of the step finds the same tries, after a restart
/// too, because each key follows from the first.
///
/// Ends, because a tool has a bounded number of attempts.
async fn next_try(gate: &Gate, first: &CallKey) -> Result<NextTry, GateError> {
    let Some(mut newest) = gate.unscoped().get_by_key(first).await? else {
        return Ok(NextTry::Key(first.clone()));
    };
    while let Some(later) = gate.unscoped().get_by_key(&newest.retry_key()).await? {
        newest = later;
    }
    Ok(if gate.may_retry(&newest) {
        NextTry::Of(Box::new(newest))
    } else {
        NextTry::Key(newest.key().clone())
    })
}
