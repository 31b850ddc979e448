//! The entry points: typed calls from code, and textual ones from a model.

use futures::FutureExt as _;
use tracing::Instrument as _;

use crate::call::{CallContext, Outcome, RunId, Tool};
use crate::gate::error::GateError;
use crate::gate::execution::bound_call::BoundCall;
use crate::gate::freeze::thaw_wait::WhileFrozen;
use crate::gate::gate::Gate;
use crate::gate::intake::call_builder::CallBuilder;
use crate::gate::intake::incoming_call::{CallText, IncomingCall, RunPosition, read_text};
use crate::gate::intake::resubmit::{RefusedCall, explain_tool_change};
use crate::gate::intake::submit::{call_span, submit_call};
use crate::gate::intake::submit_builder::SubmitBuilder;
use crate::gate::telemetry;
use crate::gate::waiting::attached::run_attached;
use crate::gate::waiting::submission::Submission;

impl Gate {
    /// Calls a tool and waits for its typed result: submit, wait, run.
    ///
    /// ```text
    /// let signature = gate.call(sign_contract("C-7", 5000.0, pin)).by("ann").key(run, 3).await?;
    /// ```
    ///
    /// A call that needs a person waits until somebody decides or it expires, which may be days for
    /// [`Full`](crate::ApprovalLevel::Full). [`max_wait`](crate::gate::ReadyCall::max_wait) sets a
    /// limit; [`submit`](Self::submit) does not wait. The gate says what waits and how it is
    /// decided: see [`on_notice`](crate::GateBuilder::on_notice).
    ///
    /// The requester is required:
    ///
    /// ```compile_fail,E0277
    /// # async fn ask(gate: hitl::Gate, call: impl hitl::Tool) {
    /// gate.call(call).await; // `.by(..)` is missing
    /// # }
    /// ```
    ///
    /// Cancel safety: the future owns its call. Dropping it withdraws the call while it waits; once
    /// the body has started, it runs to its end and its result is stored.
    pub fn call<T: Tool>(&self, call: T) -> CallBuilder<'_, T> {
        CallBuilder::new(self, call)
    }

    /// Submits a call: the first of two phases.
    ///
    /// ```text
    /// match gate.submit(sign_contract("C-7", 5000.0, pin)).by("ann").key(run, 3).await? {
    ///     Submission::Done { outcome, .. } => ..,
    ///     Submission::Pending(ticket) => ..,
    /// }
    /// ```
    ///
    /// A call that needs Quick is asked about before this returns. Cancel safety: dropping the
    /// future leaves the call in the queue; submitting the same key again re-attaches to it.
    pub fn submit<T: Tool>(&self, call: T) -> SubmitBuilder<'_, T> {
        SubmitBuilder::new(self, call)
    }

    /// Calls a tool on a model's request, and waits for the outcome.
    ///
    /// The call's key is this position in this run, in the tenant of the context. A repeated key
    /// re-attaches.
    ///
    /// To wait for a limited time, [submit](Self::submit_json) the call and use
    /// [`Ticket::wait_for`](crate::Ticket::wait_for).
    ///
    /// Cancel safety: as for [`call`](Self::call).
    pub async fn call_json(
        &self,
        tool: &str,
        arguments: &str,
        context: impl Into<CallContext>,
        run: impl Into<RunId>,
        position: u64,
    ) -> Result<Outcome, GateError> {
        let (text, at) = (CallText { tool, arguments }, RunPosition::new(run, position));
        let IncomingCall { evaluated, call } = self.read_text(text, context.into(), at).await?;
        let span = call_span(&self.core, &evaluated);
        let calling = async {
            let result = run_attached(&self.core, evaluated, call).await;
            telemetry::record_wait_result(&result);
            result
        };
        // Boxed, like a typed call, so that the futures of callers that await it stay small.
        calling.instrument(span).boxed().await
    }

    /// Submits a call on a model's request: the first of two phases. See [`submit`](Self::submit),
    /// and [`call_json`](Self::call_json) about the key.
    pub async fn submit_json(
        &self,
        tool: &str,
        arguments: &str,
        context: impl Into<CallContext>,
        run: impl Into<RunId>,
        position: u64,
    ) -> Result<Submission, GateError> {
        let (text, at) = (CallText { tool, arguments }, RunPosition::new(run, position));
        let IncomingCall { evaluated, call } = self.read_text(text, context.into(), at).await?;
        let span = call_span(&self.core, &evaluated);
        let submitting = submit_call(&self.core, evaluated, call, None, WhileFrozen::Refuse);
        submitting.instrument(span).boxed().await
    }

    /// Reads a model's call. If its text is refused because the tool has changed since the call was
    /// first submitted, the error says so.
    async fn read_text(
        &self,
        text: CallText<'_>,
        context: CallContext,
        at: RunPosition,
    ) -> Result<IncomingCall<Box<dyn BoundCall>>, GateError> {
        let key = at.clone().key_in(&context.tenant);
        let principal = context.principal.clone();
        match read_text(&self.core, text, context, at).await {
            Ok(incoming) => Ok(incoming),
            Err(error) => {
                let call = RefusedCall { tool: text.tool, key: &key, principal: &principal };
                Err(explain_tool_change(&self.core, error, call).boxed().await)
            }
        }
    }
}
