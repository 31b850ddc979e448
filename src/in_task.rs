//! What joins the gate and the tasks: a gated call inside a step.

use std::convert::Infallible;
use std::future::{IntoFuture, Pending, pending};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_core::gate::SaysWhoAsks;
use hitl_core::{CallContext, Gate, GateError, Outcome, Submission, Tool};
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
    /// Calls a tool from within a step: a human step, when the call needs a human.
    ///
    /// The call's key is that of the task, the step and the ordinal of the call in the step, so that a
    /// step which is tried again, or a task which is submitted again after a restart under the same
    /// [`TaskId`](hitl_tasks::TaskId), re-attaches: nobody is asked twice and nothing runs twice. For
    /// that, a step must make its calls in the same order each time.
    ///
    /// While it waits for a human the step is [off the clock](StepContext::off_clock): it counts
    /// against no budget and holds no slot. So is a body that runs at once or right after an inline
    /// answer: the tool's own `timeout` bounds it. When the task is cancelled while it waits, the call
    /// is withdrawn.
    fn call_in<T: Tool>(&self, cx: &StepContext, call: T) -> StepCall<T>;
}

impl GateInTask for Gate {
    fn call_in<T: Tool>(&self, cx: &StepContext, call: T) -> StepCall<T> {
        StepCall { gate: self.clone(), cx: cx.clone(), position: u64::from(cx.next_call()), call }
    }
}

/// A call from within a step that still needs to say who asks.
#[derive(Debug)]
#[must_use = "say who asks with `.by(..)`, then await it"]
pub struct StepCall<T> {
    gate: Gate,
    cx: StepContext,
    position: u64,
    call: T,
}

impl<T: Tool> StepCall<T> {
    /// Says who asks, and where. The host vouches for it.
    pub fn by(self, context: impl Into<CallContext>) -> AttributedStepCall<T> {
        AttributedStepCall { call: self, context: context.into() }
    }
}

/// Never. The compiler shows these lines to who awaits it.
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
pub struct AttributedStepCall<T> {
    call: StepCall<T>,
    context: CallContext,
}

impl<T: Tool> IntoFuture for AttributedStepCall<T> {
    type Output = Result<Outcome, GateError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { call: StepCall { gate, cx, position, call }, context } = self;
        async move {
            let run = format!("task/{}/step/{}", cx.task_id(), cx.step_index());
            // An inline question is asked in here too, so submitting is off the clock as well.
            let submitted =
                cx.off_clock(async { gate.submit(call).by(context).key(run, position).await });
            let ticket = match submitted.await? {
                Submission::Done { outcome, .. } => return Ok(outcome),
                Submission::Pending(ticket) => ticket,
            };
            let decided = cx.off_clock(async {
                tokio::select! {
                    decided = ticket.decided() => decided,
                    () = cx.cancelled() => ticket.cancel("the task was cancelled").await,
                }
            });
            decided.await?;
            ticket.wait().await
        }
        .boxed()
    }
}
