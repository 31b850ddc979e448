//! Submissions: of typed calls from code, and of a model's calls as text.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tracing::Instrument as _;

use crate::approval::Approver;
use crate::call::{CallContext, RunId, Tool};
use crate::gate::error::GateError;
use crate::gate::execution::bound_call::TypedCall;
use crate::gate::freeze::thaw_wait::WhileFrozen;
use crate::gate::gate::Gate;
use crate::gate::intake::incoming_call::{
    CallText, IncomingCall, RunPosition, evaluate_typed, snapshot_of,
};
use crate::gate::intake::read_model_call::read_model_call;
use crate::gate::intake::repeat::Repeat;
use crate::gate::intake::submit::{call_span, submit_call};
use crate::gate::intake::submit_options::{InlineApprover, SubmitOptions};
use crate::gate::waiting::submission::Submission;
use crate::machine::CallRecord;

/// A submission whose requester is not named yet. `C` is a typed call, or a
/// [`ModelCall`].
#[derive(Debug)]
#[must_use = "say who asks with `.by(..)`, then await it"]
pub struct SubmitBuilder<'g, C> {
    gate: &'g Gate,
    call: C,
}

/// The submission of a model's call, whose requester is not named yet: see
/// [`Gate::submit_text`].
pub type TextSubmissionBuilder<'g> = SubmitBuilder<'g, ModelCall>;

/// A call as a model asks for it: the name of a tool, and the exact text of its arguments. `Debug`
/// does not print the arguments.
#[derive(Clone)]
pub struct ModelCall {
    tool: String,
    arguments: String,
}

impl ModelCall {
    pub(in crate::gate) fn new(tool: String, arguments: String) -> Self {
        Self { tool, arguments }
    }
}

impl fmt::Debug for ModelCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelCall({})", self.tool)
    }
}

impl<'g, C> SubmitBuilder<'g, C> {
    pub(in crate::gate) fn new(gate: &'g Gate, call: C) -> Self {
        Self { gate, call }
    }

    /// Names the requester: a principal, or a whole [`CallContext`]. The host vouches for it.
    pub fn by(self, context: impl Into<CallContext>) -> ReadySubmission<'g, C> {
        let (gate, call, context) = (self.gate, self.call, context.into());
        ReadySubmission { gate, call, context, at: None, options: SubmitOptions::default() }
    }
}

/// A submission, ready to be awaited.
#[derive(Debug)]
#[must_use = "a submission does nothing until it is awaited"]
pub struct ReadySubmission<'g, C> {
    gate: &'g Gate,
    call: C,
    context: CallContext,
    at: Option<RunPosition>,
    options: SubmitOptions,
}

impl<C> ReadySubmission<'_, C> {
    /// Gives the call its key: the run and the position in it. A repeated key re-attaches.
    pub fn key(mut self, run: impl Into<RunId>, position: u64) -> Self {
        self.at = Some(RunPosition::new(run, position));
        self
    }

    /// Names the run of the call, whose position the gate makes: for hosts that do not count. The
    /// call is then shown with the others of its run, but its key is not known beforehand: submit
    /// it with [`Repeat::Attach`] to find it again.
    pub fn run(mut self, run: impl Into<RunId>) -> Self {
        self.at = Some(RunPosition::generate(run.into()));
        self
    }

    /// Says whether this is the same call as an identical one of the run, or a new one (the
    /// default). [`Repeat::Attach`] needs a run: name it with [`run`](Self::run) or
    /// [`key`](Self::key), otherwise the submission is refused.
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.options.repeat = repeat;
        self
    }

    /// Asks nobody inline: a call that needs a human is [`Pending`](Submission::Pending) at once,
    /// also if the gate has an approver. For hosts that do the asking themselves.
    pub fn ask_later(mut self) -> Self {
        self.options.asked = InlineApprover::Nobody;
        self
    }

    /// Asks this approver inline, if the call needs [`Quick`](crate::ApprovalLevel::Quick), instead
    /// of the gate's: for a host that serves several people, each with a surface of their own.
    pub fn approver(mut self, approver: Arc<dyn Approver>) -> Self {
        self.options.asked = InlineApprover::Own(approver);
        self
    }

    /// States why the model makes the call, in its own words: see [`CallContext::because`].
    pub fn because(mut self, words: impl Into<String>) -> Self {
        self.context = self.context.because(words);
        self
    }

    /// Waits for the thaw while the tenant is [frozen](Gate::freeze), if the call would start at
    /// once. Without this it is then refused, with [`Frozen`](crate::GateErrorKind::Frozen).
    pub fn wait_while_frozen(mut self) -> Self {
        self.options.while_frozen = WhileFrozen::Wait;
        self
    }

    /// Retries a failed call of an idempotent tool, under the [key that
    /// follows](CallRecord::retry_key). The body gets the idempotency key of the first try.
    ///
    /// A human's approval of the failed call covers exactly the same call (arguments, principal and
    /// tenant) until that approval would have expired, for as many attempts in all as the tool may
    /// have: then nobody is asked. If the approval does not cover the call's present requirement,
    /// was based on a grant, or if the reviewer had changed the arguments, the call is routed like
    /// a new one. Refused if [`Gate::may_retry`] returns `false`, and with [`Repeat::Attach`].
    pub fn retry_of(mut self, failed: &CallRecord) -> Self {
        let key = failed.retry_key();
        self.at = Some(RunPosition::new(key.run, key.position));
        self.options.retry_of = Some(failed.id());
        self
    }
}

impl<'g, T: Tool> IntoFuture for ReadySubmission<'g, T> {
    type Output = Result<Submission, GateError>;
    type IntoFuture = BoxFuture<'g, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { gate, call, context, at, options } = self;
        async move {
            let core = &gate.core;
            let snapshot = snapshot_of(core, &call)?;
            let IncomingCall { evaluated, call } =
                evaluate_typed(core, call, snapshot, context, at).await?;
            let span = call_span(core, &evaluated);
            let call = Box::new(TypedCall(call));
            submit_call(core, evaluated, call, options).instrument(span).await
        }
        .boxed()
    }
}

impl<'g> IntoFuture for ReadySubmission<'g, ModelCall> {
    type Output = Result<Submission, GateError>;
    type IntoFuture = BoxFuture<'g, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { gate, call, context, at, options } = self;
        async move {
            let core = &gate.core;
            let text = CallText { tool: &call.tool, arguments: &call.arguments };
            let IncomingCall { evaluated, call } = read_model_call(core, text, context, at).await?;
            let span = call_span(core, &evaluated);
            submit_call(core, evaluated, call, options).instrument(span).await
        }
        .boxed()
    }
}
