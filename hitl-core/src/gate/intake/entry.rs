//! The entry points: typed calls from code, and textual ones from a model.

use futures::FutureExt as _;
use tracing::Instrument as _;

use crate::call::{CallContext, Outcome, RunId, Tool};
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::gate::intake::call_builder::CallBuilder;
use crate::gate::intake::incoming_call::{CallText, IncomingCall, RunPosition};
use crate::gate::intake::read_model_call::read_model_call;
use crate::gate::intake::submit::call_span;
use crate::gate::intake::submit_builder::{ModelCall, SubmitBuilder, TextSubmissionBuilder};
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
        let core = &self.core;
        let IncomingCall { evaluated, call } =
            read_model_call(core, text, context.into(), Some(at)).await?;
        let span = call_span(core, &evaluated);
        let calling = async {
            let result = run_attached(core, evaluated, call).await;
            telemetry::record_wait_result(&result);
            result
        };
        // Boxed, like a typed call, so that the futures of callers that await it stay small.
        calling.instrument(span).boxed().await
    }

    /// Submits a call on a model's request: the first of two phases. See [`submit`](Self::submit).
    ///
    /// ```
    /// # use hitl::{Gate, GateError, Submission, gate::Repeat};
    /// # async fn request(gate: Gate, arguments: &str) -> Result<(), GateError> {
    /// let submitting = gate.submit_text("sign_contract", arguments).by("ann").run("session-7");
    /// match submitting.repeat(Repeat::Attach).ask_later().await? {
    ///     Submission::Done { outcome, receipt } => {
    ///         // Answer the client, and then:
    ///         if let Some(id) = receipt.id {
    ///             gate.mark_delivered(&receipt.key.tenant, id).await?;
    ///         }
    ///     }
    ///     // "waits for a human; call again with the same arguments"
    ///     Submission::Pending(ticket) => println!("{}", ticket.request().id),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Without a key the gate makes one. Cancel safety: as for [`submit`](Self::submit).
    pub fn submit_text(
        &self,
        tool: impl Into<String>,
        arguments: impl Into<String>,
    ) -> TextSubmissionBuilder<'_> {
        SubmitBuilder::new(self, ModelCall::new(tool.into(), arguments.into()))
    }

    /// Submits a call on a model's request at this position in this run: short for
    /// [`submit_text`](Self::submit_text) with a key. See [`call_json`](Self::call_json) about the
    /// key.
    pub async fn submit_json(
        &self,
        tool: &str,
        arguments: &str,
        context: impl Into<CallContext>,
        run: impl Into<RunId>,
        position: u64,
    ) -> Result<Submission, GateError> {
        self.submit_text(tool, arguments).by(context).key(run, position).await
    }
}
