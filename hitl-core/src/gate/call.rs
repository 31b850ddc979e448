//! The front doors: typed calls from code, textual ones from a model.

use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tracing::{Instrument as _, Span};

use super::call_builder::CallBuilder;
use super::carried::check_carried;
use super::error::{CallError, GateError, GateErrorKind, NotRun};
use super::handle::{Gate, Inner};
use super::held::Held;
use super::observe;
use super::ownership::Ownership;
use super::prepare::{Judged, Prepared};
use super::registry::{Arguments, Body, Understood};
use super::submission::Submission;
use super::submit::{Attachment, Entered};
use super::wait::Waited;
use crate::arguments::{Snapshot, snapshot};
use crate::call::{CallContext, CallKey, Outcome, RunId, Tool};
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::sync::off_thread;

impl Gate {
    /// Calls a tool and waits for its typed result: submit, wait, run.
    ///
    /// ```text
    /// let signature = gate.call(sign_contract("C-7", 5000.0, pin)).by("ann").key(run, 3).await?;
    /// ```
    ///
    /// Who asks is not optional:
    ///
    /// ```compile_fail,E0277
    /// # async fn ask(gate: hitl_core::Gate, call: impl hitl_core::Tool) {
    /// gate.call(call).await; // `.by(..)` is missing
    /// # }
    /// ```
    ///
    /// Cancel safety: the future owns its request. Dropping it withdraws the call while it waits;
    /// once the body has started, the body runs to its end and its result is kept.
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
        SubmitBuilder { gate: self, call }
    }

    /// Calls a tool as a model asked for it, and waits for the outcome.
    ///
    /// The call's tenant is that of the context. Cancel safety: as with [`call`](Self::call).
    pub async fn call_json(
        &self,
        tool: &str,
        arguments: &str,
        context: impl Into<CallContext>,
        key: CallKey,
    ) -> Result<Outcome, GateError> {
        let (judged, body) = self.read_again(tool, arguments, context.into(), key).await?;
        let span = self.inner.call_span(&judged);
        let calling = async {
            let result = self.inner.called(judged, body).await;
            observe::settled(&result);
            result
        };
        // Boxed, as a typed call is: whoever awaits it need not carry it.
        calling.instrument(span).boxed().await
    }

    /// Submits a call as a model asked for it: the first of two phases. See
    /// [`submit`](Self::submit).
    pub async fn submit_json(
        &self,
        tool: &str,
        arguments: &str,
        context: impl Into<CallContext>,
        key: CallKey,
    ) -> Result<Submission, GateError> {
        let (judged, body) = self.read_again(tool, arguments, context.into(), key).await?;
        let span = self.inner.call_span(&judged);
        self.inner.submit(judged, body, None).instrument(span).boxed().await
    }

    /// As [`read`](Self::read). Of a text that is refused because its tool has changed since it was
    /// submitted first, it says so.
    async fn read_again(
        &self,
        tool: &str,
        arguments: &str,
        context: CallContext,
        key: CallKey,
    ) -> Result<(Box<Judged>, Box<dyn Body>), GateError> {
        let key = keyed(&context, key.run, key.position);
        let by = context.principal.clone();
        match self.read(tool, arguments, context, key.clone()).await {
            Ok(read) => Ok(read),
            Err(error) => Err(self.inner.with_the_change(error, tool, (&key, &by)).boxed().await),
        }
    }

    /// Reads and judges a model's call. Cancel safe: nothing is stored.
    pub(super) async fn read(
        &self,
        tool: &str,
        arguments: &str,
        context: CallContext,
        key: CallKey,
    ) -> Result<(Box<Judged>, Box<dyn Body>), GateError> {
        if arguments.len() <= MAX_ON_THREAD {
            return self.read_here(tool, arguments, context, key);
        }
        let (gate, tool, arguments) = (self.clone(), tool.to_owned(), arguments.to_owned());
        judged_elsewhere(move || gate.read_here(&tool, &arguments, context, key)).await
    }

    fn read_here(
        &self,
        tool: &str,
        arguments: &str,
        context: CallContext,
        key: CallKey,
    ) -> Result<(Box<Judged>, Box<dyn Body>), GateError> {
        let tool = self.inner.tool(tool)?;
        let Understood { snapshot, tree, body } = tool.read(arguments, self.inner.limits)?;
        let key = Some(keyed(&context, key.run, key.position));
        Ok((self.inner.judged_with(tool, (snapshot, tree), context, key)?, body))
    }

    /// As [`read`](Self::read), for a typed call.
    pub(super) async fn read_typed<T: Tool>(
        &self,
        call: T,
        context: CallContext,
        key: CallKey,
    ) -> Result<(Box<Judged>, Box<dyn Body>), GateError> {
        let snapshot = self.snapshot_of(&call)?;
        let key = Some((key.run, key.position));
        let (judged, call) = self.typed((call, snapshot), context, key).await?;
        Ok((judged, Box::new(Arguments(call))))
    }

    fn snapshot_of<T: Tool>(&self, call: &T) -> Result<Snapshot, GateError> {
        Ok(snapshot(call, self.inner.tool_of::<T>()?.places.as_ref())?)
    }

    /// Judges the snapshot of a typed call, and gives the call back. Only the snapshot goes
    /// elsewhere, so that a call need not be shared between threads.
    pub(super) async fn typed<T: Tool>(
        &self,
        (call, snapshot): (T, Snapshot),
        context: CallContext,
        key: Option<(RunId, u64)>,
    ) -> Result<(Box<Judged>, T), GateError> {
        let tool = self.inner.tool_of::<T>()?;
        let key = key.map(|(run, position)| keyed(&context, run, position));
        let judged = if snapshot.text().len() <= MAX_ON_THREAD {
            self.inner.judged(tool, snapshot, context, key)?
        } else {
            let inner = Arc::clone(&self.inner);
            judged_elsewhere(move || inner.judged(tool, snapshot, context, key)).await?
        };
        if self.inner.may_ask(&judged.routed) {
            check_carried(&call, &judged.snapshot)?;
        }
        Ok((judged, call))
    }
}

/// Longer arguments are judged off the runtime's threads, in bytes: looking through them for
/// secrets takes long enough for others to notice.
pub(super) const MAX_ON_THREAD: usize = 64 * 1024;

/// Judges a call off the runtime's threads. What does not come to its end refuses the call: nothing
/// of it is stored, and nothing runs.
async fn judged_elsewhere<J: Send + 'static>(
    judge: impl FnOnce() -> Result<J, GateError> + Send + 'static,
) -> Result<J, GateError> {
    let span = Span::current();
    off_thread(move || span.in_scope(judge)).await.unwrap_or_else(|| {
        let why = "the call's arguments could not be looked through to the end; nothing ran";
        Err(GateError::new(GateErrorKind::Refused, why))
    })
}

/// A call's tenant is that of its context.
pub(super) fn keyed(context: &CallContext, run: RunId, position: u64) -> CallKey {
    CallKey { tenant: context.tenant.clone(), run, position }
}

/// A submission that still needs to say who asks.
#[derive(Debug)]
#[must_use = "say who asks with `.by(..)`, then await it"]
pub struct SubmitBuilder<'g, T> {
    gate: &'g Gate,
    call: T,
}

impl<'g, T: Tool> SubmitBuilder<'g, T> {
    /// Says who asks, and where: a principal, or a whole [`CallContext`]. The host vouches for it.
    pub fn by(self, context: impl Into<CallContext>) -> Submitting<'g, T> {
        let (gate, call, context) = (self.gate, self.call, context.into());
        Submitting { gate, call, context, key: None, retry_of: None }
    }
}

/// A submission, ready to be awaited.
#[derive(Debug)]
#[must_use = "a submission does nothing until it is awaited"]
pub struct Submitting<'g, T> {
    gate: &'g Gate,
    call: T,
    context: CallContext,
    key: Option<(RunId, u64)>,
    retry_of: Option<RequestId>,
}

impl<T: Tool> Submitting<'_, T> {
    /// Gives the call its key: the run and the position in it. The same key again re-attaches.
    pub fn key(mut self, run: impl Into<RunId>, position: u64) -> Self {
        self.key = Some((run.into(), position));
        self
    }

    /// Tries a call of an idempotent tool again that failed, under the [key that
    /// follows](CallRecord::retry_key). The body gets the idempotency key of the first try.
    ///
    /// The approval that a human gave the failed call covers the very same call (arguments,
    /// principal and tenant) until that approval would have expired, for as many attempts in all as
    /// the tool may have: then nobody is asked. Where it does not cover what the call needs now,
    /// where a grant stood behind it, and where the reviewer had changed the arguments, the call is
    /// routed like a new one. Refused when [`Gate::may_retry`] says no.
    pub fn retry_of(mut self, failed: &CallRecord) -> Self {
        let key = failed.retry_key();
        self.key = Some((key.run, key.position));
        self.retry_of = Some(failed.id());
        self
    }
}

impl<'g, T: Tool> IntoFuture for Submitting<'g, T> {
    type Output = Result<Submission, GateError>;
    type IntoFuture = BoxFuture<'g, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { gate, call, context, key, retry_of } = self;
        async move {
            let snapshot = gate.snapshot_of(&call)?;
            let (judged, call) = gate.typed((call, snapshot), context, key).await?;
            let span = gate.inner.call_span(&judged);
            let body = Box::new(Arguments(call));
            gate.inner.submit(judged, body, retry_of).instrument(span).await
        }
        .boxed()
    }
}

/// An attached call whose wait is over.
pub(super) enum Ready {
    /// It runs now. A body that waited for a human was read back from its snapshot.
    Run(Held, Option<Box<dyn Body>>),
    /// It is over, or parked.
    Settled(Box<CallRecord>),
}

impl Inner {
    /// A model's call to its end.
    async fn called(
        self: &Arc<Self>,
        judged: Box<Judged>,
        body: Box<dyn Body>,
    ) -> Result<Outcome, GateError> {
        match self.attached(judged).await? {
            Ready::Run(held, read_back) => {
                read_back.unwrap_or(body).execute(Arc::clone(self), held).await
            }
            Ready::Settled(record) => self.settled(&record).boxed().await,
        }
    }

    /// Enters a call and waits until it may run or is over. Dropping this withdraws it.
    pub(super) async fn attached(
        self: &Arc<Self>,
        judged: Box<Judged>,
    ) -> Result<Ready, GateError> {
        let at_once = judged.quiet && self.runs_at_once(&judged.tool, &judged.routed);
        if at_once && !self.knows(&judged).await? {
            return Ok(Ready::Run(self.started(*judged), None));
        }
        // Boxed, so that calls that nobody waits for do not carry it around.
        self.owned(Box::new(self.prepared(*judged))).boxed().await
    }

    async fn owned(self: &Arc<Self>, mut prepared: Box<Prepared>) -> Result<Ready, GateError> {
        let mut ownership = Ownership::of(self, &prepared);
        let (entered, _) = self.enter(&mut prepared, Attachment::Attached).await?;
        let waiting = match entered {
            Entered::Run(held) => {
                ownership.end();
                return Ok(Ready::Run(held, None));
            }
            Entered::Settled(record) => {
                ownership.end();
                return Ok(Ready::Settled(record));
            }
            Entered::Waiting(waiting) => waiting,
        };
        self.review(&waiting.record).await?;
        let waited = self.wait_for(&waiting.tenant, waiting.id, Some(waiting.owner)).await?;
        ownership.end();
        Ok(match waited {
            Waited::Claimed(held, body) => Ready::Run(held, Some(body)),
            Waited::Settled(record) => Ready::Settled(record),
        })
    }

    /// The typed result of a call that was over before, or that somebody else ran.
    pub(super) async fn earlier<T: Tool>(
        &self,
        record: &CallRecord,
    ) -> Result<T::Output, CallError<T::Error>> {
        let not_run = match self.settled(record).await? {
            Outcome::Executed(output) => {
                let lost = || CallError::OutputUnavailable(record.key().clone());
                output.json().ok_or_else(lost)?;
                let tool = &record.request.tool;
                // Reading it is the host's code, which may panic.
                return match catch_unwind(AssertUnwindSafe(|| output.parse())) {
                    Ok(Ok(output)) => Ok(output),
                    Ok(Err(error)) => {
                        tracing::warn!(%tool, %error, "what the tool gave cannot be read back");
                        Err(lost())
                    }
                    Err(panic) => {
                        // A panic's own value may panic when it is dropped.
                        std::mem::forget(panic);
                        tracing::warn!(%tool, "reading back what the tool gave panicked");
                        Err(lost())
                    }
                };
            }
            Outcome::Failed(failure) => return Err(CallError::ToolFailed(failure)),
            Outcome::OutcomeUnknown => return Err(CallError::Unknown(record.key().clone())),
            Outcome::Rejected { reason } => NotRun::Rejected { reason },
            Outcome::Responded { message } => NotRun::Responded { message },
            Outcome::Expired => NotRun::Expired,
            Outcome::Cancelled { reason } => NotRun::Cancelled { reason },
            Outcome::Aborted { reason } => NotRun::Aborted { reason },
            Outcome::Denied { reason } => NotRun::Denied { reason },
        };
        Err(CallError::NotRun(not_run))
    }
}
