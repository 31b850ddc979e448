//! Submissions of typed calls.

use std::future::IntoFuture;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tracing::Instrument as _;

use crate::call::{CallContext, RunId, Tool};
use crate::gate::error::GateError;
use crate::gate::execution::bound_call::TypedCall;
use crate::gate::freeze::thaw_wait::WhileFrozen;
use crate::gate::gate::Gate;
use crate::gate::intake::incoming_call::{IncomingCall, RunPosition, evaluate_typed, snapshot_of};
use crate::gate::intake::submit::{call_span, submit_call};
use crate::gate::waiting::submission::Submission;
use crate::ids::RequestId;
use crate::machine::CallRecord;

/// A submission whose requester is not named yet.
#[derive(Debug)]
#[must_use = "say who asks with `.by(..)`, then await it"]
pub struct SubmitBuilder<'g, T> {
    gate: &'g Gate,
    call: T,
}

impl<'g, T: Tool> SubmitBuilder<'g, T> {
    pub(in crate::gate) fn new(gate: &'g Gate, call: T) -> Self {
        Self { gate, call }
    }

    /// Names the requester: a principal, or a whole [`CallContext`]. The host vouches for it.
    pub fn by(self, context: impl Into<CallContext>) -> ReadySubmission<'g, T> {
        let (gate, call, context) = (self.gate, self.call, context.into());
        let (at, retry_of, while_frozen) = (None, None, WhileFrozen::default());
        ReadySubmission { gate, call, context, at, retry_of, while_frozen }
    }
}

/// A submission, ready to be awaited.
#[derive(Debug)]
#[must_use = "a submission does nothing until it is awaited"]
pub struct ReadySubmission<'g, T> {
    gate: &'g Gate,
    call: T,
    context: CallContext,
    at: Option<RunPosition>,
    retry_of: Option<RequestId>,
    while_frozen: WhileFrozen,
}

impl<T: Tool> ReadySubmission<'_, T> {
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

    /// Waits for the thaw while the tenant is [frozen](Gate::freeze), if the call would start at
    /// once. Without this it is then refused, with [`Frozen`](crate::GateErrorKind::Frozen).
    pub fn wait_while_frozen(mut self) -> Self {
        self.while_frozen = WhileFrozen::Wait;
        self
    }

    /// Retries a failed call of an idempotent tool, under the [key that
    /// follows](CallRecord::retry_key). The body gets the idempotency key of the first try.
    ///
    /// A human's approval of the failed call covers exactly the same call (arguments, principal and
    /// tenant) until that approval would have expired, for as many attempts in all as the tool may
    /// have: then nobody is asked. If the approval does not cover the call's present requirement,
    /// was based on a grant, or if the reviewer had changed the arguments, the call is routed like
    /// a new one. Refused if [`Gate::may_retry`] returns `false`.
    pub fn retry_of(mut self, failed: &CallRecord) -> Self {
        let key = failed.retry_key();
        self.at = Some(RunPosition::new(key.run, key.position));
        self.retry_of = Some(failed.id());
        self
    }
}

impl<'g, T: Tool> IntoFuture for ReadySubmission<'g, T> {
    type Output = Result<Submission, GateError>;
    type IntoFuture = BoxFuture<'g, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { gate, call, context, at, retry_of, while_frozen } = self;
        async move {
            let core = &gate.core;
            let snapshot = snapshot_of(core, &call)?;
            let IncomingCall { evaluated, call } =
                evaluate_typed(core, call, snapshot, context, at).await?;
            let span = call_span(core, &evaluated);
            let call = Box::new(TypedCall(call));
            submit_call(core, evaluated, call, retry_of, while_frozen).instrument(span).await
        }
        .boxed()
    }
}
