//! Intent, body, result, record: in this order, and on after the caller has gone.
//!
//! Why nothing runs twice: a body is started only here, with a [`Held`] that is consumed. Why
//! nothing is cut off: the whole of it is one future, which is handed to the runtime when the
//! caller is dropped.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::JsonText;
use hitl_base::redact::Taint;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::error::GateError;
use super::handle::Inner;
use super::held::{Claimed, Held, Holding};
use super::observe;
use super::said::{output_text, panic_text, warn_unless_read_back};
use crate::arguments::{ArgumentError, SnapshotError, check_round_trip, encode};
use crate::audit::AuditEvent;
use crate::call::{CallKey, FailureRecord, Outcome, OutputText, Permit, RunContext, Tenant, Tool};
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState, Event};
use crate::policy::ApprovalLevel;
use crate::seal::{Bound, Purpose, Sealed};
use crate::store::{ApplyError, EventPayload};
use crate::sync::{Runtime, sleep, timeout};

/// How often, and how long apart, a result is offered to a store that fails.
const OFFERS: u32 = 6;
const BETWEEN_OFFERS: Duration = Duration::from_millis(50);
/// How long apart it is offered after that.
const MUCH_LATER: Duration = Duration::from_secs(30);

/// Arguments that have a body: those of a typed tool, or of one that is known only at run time.
pub(super) trait Runnable: Send + 'static {
    type Output: Send + 'static;
    type Error: fmt::Display + fmt::Debug + Send + 'static;

    fn run(permit: Permit<Self>) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send
    where
        Self: Sized;

    /// Writes the output as text.
    fn encode(output: &Self::Output) -> Result<JsonText, SnapshotError>;

    /// Whether `text` reads back to this output, so that a caller who comes back can have it.
    fn check_output(output: &Self::Output, text: &JsonText) -> Result<(), ArgumentError>;
}

impl<T: Tool> Runnable for T {
    type Output = <T as Tool>::Output;
    type Error = <T as Tool>::Error;

    fn run(permit: Permit<Self>) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send {
        <T as Tool>::run(permit)
    }

    fn encode(output: &Self::Output) -> Result<JsonText, SnapshotError> {
        encode(output)
    }

    fn check_output(output: &Self::Output, text: &JsonText) -> Result<(), ArgumentError> {
        check_round_trip(output, text)
    }
}

/// How a body ended.
pub(super) enum Ended<T: Runnable> {
    /// It returned; its output as text, when the store has it.
    Returned(Result<T::Output, T::Error>, Kept),
    /// It panicked.
    Panicked(FailureRecord),
    /// It ran out of its time.
    Unknown(CallKey),
}

/// What was kept of a return value.
pub(super) enum Kept {
    /// Nothing yet: a read-only call without a record. Its secrets are still to be scrubbed.
    Not(Taint, Cow<'static, str>),
    /// The output's text, if it could be encoded.
    Output(Option<JsonText>),
    /// The failure's record.
    Failure(FailureRecord),
}

impl<T: Runnable> Ended<T> {
    fn state(&self) -> CallState {
        match self {
            Self::Returned(Ok(_), _) => CallState::Executed,
            Self::Returned(Err(_), _) | Self::Panicked(_) => CallState::Failed,
            Self::Unknown(_) => CallState::OutcomeUnknown,
        }
    }

    pub(super) fn into_outcome(self) -> Outcome {
        match self {
            Self::Returned(_, Kept::Output(text)) => Outcome::Executed(OutputText(text)),
            Self::Returned(_, Kept::Failure(failure)) | Self::Panicked(failure) => {
                Outcome::Failed(failure)
            }
            Self::Returned(Ok(output), Kept::Not(taint, tool)) => {
                Outcome::Executed(OutputText(output_text::<T>(&tool, &output, &taint)))
            }
            // A failure is always kept.
            Self::Returned(Err(_), Kept::Not(..)) => {
                let message = "the tool failed".to_owned();
                Outcome::Failed(FailureRecord { message, panicked: false })
            }
            Self::Unknown(_) => Outcome::OutcomeUnknown,
        }
    }
}

/// Runs what is held. When this fails, the body was not started.
///
/// Dropping the future does not stop it: it goes on in the background to its end.
pub(super) fn execute<T: Runnable>(
    gate: Arc<Inner>,
    held: Held,
    arguments: T,
) -> Detached<Result<Ended<T>, GateError>> {
    let runtime = gate.runtime.clone();
    let Held(call) = held;
    let id = call.claimed.as_ref().map(|claimed| claimed.id);
    let span = observe::run_span(id, &call.tool, call.issued.attempt);
    let permit = Permit::issue(arguments, RunContext::new(Arc::clone(&call.issued)));
    let running = run(gate, call, permit).inspect(|result| match result {
        Ok(ended) => observe::outcome(ended.state().name()),
        Err(error) => observe::failed(error),
    });
    Detached { running: Some(running.instrument(span).boxed()), runtime }
}

async fn run<T: Runnable>(
    gate: Arc<Inner>,
    mut call: Box<Holding>,
    permit: Permit<T>,
) -> Result<Ended<T>, GateError> {
    // 1. The intent. Without it nothing runs: the permit is dropped.
    if let Err(error) = call.intend(&gate.trail).await {
        gate.unclaim(&mut call).boxed().await;
        return Err(error.into());
    }

    // 2. The body.
    // The call of `run` itself is inside too: a hand-written tool may panic before its first await.
    let body = AssertUnwindSafe(async move { T::run(permit).await }).catch_unwind();
    let returned = match call.timeout {
        None => body.await,
        Some(budget) => {
            let mut body = body.boxed();
            if let Ok(returned) = timeout(budget, &mut body).await {
                returned
            } else {
                // It is not cut off half-way: it goes on, also while the store is slow to park it,
                // and its late result settles the call.
                let (key, mut late) = (call.key().clone(), call.clone());
                let (parked, is_parked) = oneshot::channel::<()>();
                let background = Arc::clone(&gate);
                let finishing = async move {
                    let returned = body.await;
                    // Not before it is parked, so that the two are recorded in their order.
                    let _ = is_parked.await;
                    let ended = background.finish::<T>(&mut late, returned).await;
                    observe::late(ended.state().name());
                };
                gate.runtime.spawn(finishing.in_current_span());
                gate.park(&mut call).boxed().await;
                drop(parked);
                return Ok(Ended::Unknown(key));
            }
        }
    };

    // 3. The result, and the record of it.
    Ok(gate.finish(&mut call, returned).await)
}

impl Inner {
    /// Gives a claim back whose body was not started.
    pub(super) async fn release(&self, mut held: Held) {
        self.unclaim(&mut held.0).await;
    }

    async fn unclaim(&self, call: &mut Holding) {
        let Some(claimed) = &call.claimed else { return };
        let event = Event::Release { token: claimed.claim.token };
        match self.record(&call.key().tenant, claimed, event, None).await {
            Ok(version) => self.note(call.last_entry(AuditEvent::Released, Some(version), None)),
            Err(error) => {
                tracing::error!(call = %claimed.id, %error, "a claim could not be released");
            }
        }
    }

    /// Parks a call whose body ran out of its time.
    async fn park(&self, call: &mut Holding) {
        let mut stored = None;
        if let Some(claimed) = &call.claimed {
            let event = Event::TimeOut { token: claimed.claim.token };
            match self.record(&call.key().tenant, claimed, event, None).await {
                Ok(version) => stored = Some(version),
                Err(error) => {
                    tracing::error!(call = %claimed.id, %error, "a time-out could not be recorded");
                }
            }
        }
        let why = "the body ran out of its time".to_owned();
        self.note(call.last_entry(AuditEvent::Unknown, stored, Some(why)));
        observe::ended_as(&call.tool, call.level, CallState::OutcomeUnknown);
    }

    /// Stores how a body ended, and audits it. Nothing that fails here changes how it ended.
    async fn finish<T: Runnable>(
        &self,
        call: &mut Holding,
        returned: std::thread::Result<Result<T::Output, T::Error>>,
    ) -> Ended<T> {
        let taint = call.snapshot.taint();
        let failed = |said: &dyn fmt::Display, panicked| FailureRecord {
            message: self.message(said, &taint),
            panicked,
        };
        let (ended, event, output) = match returned {
            Ok(Ok(output)) if call.claimed.is_none() => {
                (Ended::Returned(Ok(output), Kept::Not(taint, call.tool.clone())), None, None)
            }
            Ok(Ok(output)) => {
                let text = output_text::<T>(&call.tool, &output, &taint);
                if let Some(text) = &text
                    && taint.is_empty()
                    && call.level > ApprovalLevel::Auto
                {
                    warn_unless_read_back::<T>(&call.tool, &output, text);
                }
                (Ended::Returned(Ok(output), Kept::Output(text.clone())), None, text)
            }
            Ok(Err(error)) => {
                let failure = failed(&error, false);
                (Ended::Returned(Err(error), Kept::Failure(failure.clone())), Some(failure), None)
            }
            Err(panic) => {
                let said = panic_text(&*panic);
                let failure = failed(&format_args!("the tool panicked: {said}"), true);
                // A panic's own value may panic when it is dropped.
                std::mem::forget(panic);
                (Ended::Panicked(failure.clone()), Some(failure), None)
            }
        };
        let mut stored = None;
        if let Some(claimed) = &call.claimed {
            let (id, token) = (claimed.id, claimed.claim.token);
            let bound = Bound::new(id, Purpose::Result, claimed.revision);
            let sealed =
                output.and_then(|text| self.keys.seal(text.as_str().as_bytes(), &bound).ok());
            let event = match &event {
                None => Event::Succeed { token },
                Some(failure) => Event::Fail { token, failure: failure.clone() },
            };
            match self.record(&call.key().tenant, claimed, event, sealed).boxed().await {
                Ok(version) => stored = Some(version),
                Err(error) => {
                    tracing::error!(call = %id, %error, "a result could not be stored; the call will read as unknown");
                }
            }
        }
        let kind = if event.is_some() { AuditEvent::Failed } else { AuditEvent::Executed };
        let why = event.map(|failure| failure.message);
        self.note(call.last_entry(kind, stored, why));
        observe::ended_as(&call.tool, call.level, ended.state());
        ended
    }

    /// Tells the store, and gives the version that the record has then.
    async fn record(
        &self,
        tenant: &Tenant,
        claimed: &Claimed,
        event: Event,
        result: Option<Sealed>,
    ) -> Result<u64, ApplyError> {
        let enclosed = EventPayload::result(result).intent(claimed.place.clone());
        // Boxed, so that a call without a record does not carry it around.
        let record = self.offer(tenant, claimed.id, event, enclosed).boxed().await?;
        Ok(record.version)
    }

    /// Offers an event about a claim to the store until it takes it, a few times; after that in the
    /// background, for as long as the store is in use: the claim's session is alive, so nobody else
    /// may say what became of the claim. No more than one for each body that was running when the
    /// store began to fail, because without the store none is started.
    pub(super) async fn offer(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        let enclosed = enclosed.audited_by(self.session);
        let mut pause = BETWEEN_OFFERS;
        for _ in 1..OFFERS {
            match self.store.apply(tenant, id, event.clone(), enclosed.clone()).await {
                Ok(record) => return Ok(record),
                Err(lost @ (ApplyError::Rejected { .. } | ApplyError::NotFound(_))) => {
                    return Err(lost);
                }
                Err(ApplyError::Store(error)) => {
                    tracing::warn!(call = %id, %error, event = event.name(), "the store failed; trying again");
                    sleep(pause).await;
                    pause *= 3;
                }
            }
        }
        let last = self.store.apply(tenant, id, event.clone(), enclosed.clone()).await;
        if let Err(ApplyError::Store(_)) = &last {
            let (store, tenant) = (Arc::downgrade(&self.store), tenant.clone());
            self.runtime.spawn(async move {
                loop {
                    sleep(MUCH_LATER).await;
                    let Some(store) = store.upgrade() else { return };
                    let taken = store.apply(&tenant, id, event.clone(), enclosed.clone()).await;
                    if !matches!(taken, Err(ApplyError::Store(_))) {
                        return;
                    }
                }
            });
        }
        last
    }
}

/// Runs `work` to its end, also when whoever waits for it is dropped.
pub(super) fn to_the_end<O: Send + 'static>(
    runtime: &Runtime,
    work: impl Future<Output = O> + Send + 'static,
) -> impl Future<Output = O> + Send {
    Detached { running: Some(work.boxed()), runtime: runtime.clone() }
}

/// A future that runs to its end: dropped, it goes on in the background.
pub(super) struct Detached<O: Send + 'static> {
    running: Option<BoxFuture<'static, O>>,
    runtime: Runtime,
}

impl<O: Send + 'static> Future for Detached<O> {
    type Output = O;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let Some(running) = &mut self.running else { return Poll::Pending };
        let polled = running.as_mut().poll(cx);
        if polled.is_ready() {
            self.running = None;
        }
        polled
    }
}

impl<O: Send + 'static> Drop for Detached<O> {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.spawn(async move {
                running.await;
            });
        }
    }
}
