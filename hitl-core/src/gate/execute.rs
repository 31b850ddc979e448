//! Intent, body, result, record: in this order, and on after the caller has gone.
//!
//! Why nothing runs twice: a body is started only here, with a [`Held`] that is consumed; a `Held`
//! is made only from a claim that the store has just granted, or for a read-only call that has no
//! record. Why nothing is cut off: the whole of it is one future, which is handed to the runtime
//! when the caller is dropped.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::redact::Taint;
use hitl_base::{JsonText, Timestamp};
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::error::GateError;
use super::handle::Inner;
use super::observe;
use super::prepare::Prepared;
use super::registry::Registered;
use super::said::{panic_text, scrubbed};
use crate::arguments::{Snapshot, encode};
use crate::audit::{AuditEvent, AuditRecord, Head};
use crate::call::{FailureRecord, Issued, Outcome, OutputText, Permit, RunContext, Tenant, Tool};
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState, Claim, Event};
use crate::policy::{PolicyVersion, Routed};
use crate::seal::{Bound, Purpose, Sealed};
use crate::store::{ApplyError, Enclosed};
use crate::sync::{Runtime, sleep, timeout};

/// How often, and how long apart, a result is offered to a store that fails.
const OFFERS: u32 = 6;
const BETWEEN_OFFERS: Duration = Duration::from_millis(50);
/// How long apart it is offered after that.
const MUCH_LATER: Duration = Duration::from_secs(30);

/// The right to run one body once.
pub(super) struct Held {
    record: CallRecord,
    /// None for a read-only call without a record.
    claim: Option<Claim>,
    snapshot: Arc<Snapshot>,
    timeout: Option<Duration>,
    /// The policies under which it runs.
    policies: Vec<PolicyVersion>,
    /// Where its intent stands, once there is one.
    intent: Option<Head>,
}

impl Held {
    /// For a read-only call that runs at once.
    pub(super) fn unrecorded(prepared: &Prepared) -> Self {
        Self {
            record: prepared.record.clone(),
            claim: None,
            snapshot: Arc::clone(&prepared.snapshot),
            timeout: prepared.tool.spec.config.timeout,
            policies: prepared.routed.policies.clone(),
            intent: None,
        }
    }

    /// For a claim that the store has granted.
    pub(super) fn recorded(
        record: &CallRecord,
        claim: Claim,
        snapshot: Arc<Snapshot>,
        tool: &Registered,
        routed: &Routed,
    ) -> Self {
        Self {
            record: record.clone(),
            claim: Some(claim),
            snapshot,
            timeout: tool.spec.config.timeout,
            policies: routed.policies.clone(),
            intent: None,
        }
    }

    /// The exact arguments that are to run.
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What is audited of what the store has just been told. Without an answer of the store there is
    /// no version: then the change stays in its outbox, if it was made.
    fn entry_of(
        &self,
        event: AuditEvent,
        at: Timestamp,
        stored: Option<&CallRecord>,
    ) -> AuditRecord {
        AuditRecord { version: stored.map(|record| record.version), ..self.entry(event, at) }
    }

    fn entry(&self, event: AuditEvent, at: Timestamp) -> AuditRecord {
        let mut entry = AuditRecord::of(event, &self.record, at);
        entry.claim = self.claim.map(|claim| claim.token);
        if self.claim.is_none() {
            entry.call = None;
        }
        entry
    }
}

/// Arguments that have a body: those of a typed tool, or of one that is known only at run time.
pub(super) trait Runnable: Send + 'static {
    type Output: Send + 'static;
    type Error: fmt::Display + fmt::Debug + Send + 'static;

    fn run(permit: Permit<Self>) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send
    where
        Self: Sized;

    /// The output as text. Nothing when it cannot be written.
    fn encode(output: &Self::Output) -> Option<JsonText>;
}

impl<T: Tool> Runnable for T {
    type Output = <T as Tool>::Output;
    type Error = <T as Tool>::Error;

    fn run(permit: Permit<Self>) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send {
        <T as Tool>::run(permit)
    }

    fn encode(output: &Self::Output) -> Option<JsonText> {
        encode(output)
    }
}

/// How a body ended.
pub(super) enum Ended<T: Runnable> {
    /// It returned; its output as text, when the store has it.
    Returned(Result<T::Output, T::Error>, Kept),
    /// It panicked.
    Panicked(FailureRecord),
    /// It ran out of its time.
    Unknown,
}

/// What was kept of a return value.
pub(super) enum Kept {
    /// Nothing yet: a read-only call without a record. Its secrets are still to be scrubbed.
    Not(Taint),
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
            Self::Unknown => CallState::OutcomeUnknown,
        }
    }

    pub(super) fn into_outcome(self) -> Outcome {
        match self {
            Self::Returned(_, Kept::Output(text)) => Outcome::Executed(OutputText(text)),
            Self::Returned(_, Kept::Failure(failure)) | Self::Panicked(failure) => {
                Outcome::Failed(failure)
            }
            Self::Returned(Ok(output), Kept::Not(taint)) => {
                let text =
                    catch_unwind(AssertUnwindSafe(|| T::encode(&output))).unwrap_or_default();
                Outcome::Executed(OutputText(text.and_then(|text| scrubbed(text, &taint))))
            }
            // A failure is always kept.
            Self::Returned(Err(_), Kept::Not(_)) => {
                let message = "the tool failed".to_owned();
                Outcome::Failed(FailureRecord { message, panicked: false })
            }
            Self::Unknown => Outcome::OutcomeUnknown,
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
) -> impl Future<Output = Result<Ended<T>, GateError>> + Send {
    let runtime = gate.runtime.clone();
    let span = observe::run_span(&held.record);
    let running = async {
        let result = run(gate, held, arguments).await;
        match &result {
            Ok(ended) => observe::outcome(ended.state().name()),
            Err(error) => observe::failed(error),
        }
        result
    };
    Detached { running: Some(running.instrument(span).boxed()), runtime }
}

async fn run<T: Runnable>(
    gate: Arc<Inner>,
    mut held: Held,
    arguments: T,
) -> Result<Ended<T>, GateError> {
    // 1. The intent. Without it nothing runs.
    let started_at = Timestamp::now();
    let mut intent = held.entry(AuditEvent::Claimed, started_at);
    intent.attempt = Some(held.record.attempts.max(1));
    intent.assessment = Some(held.record.request.assessment.clone());
    intent.arguments = Some(held.record.request.arguments.clone());
    intent.policies.clone_from(&held.policies);
    match gate.trail.intent(&intent) {
        Ok(place) => held.intent = place,
        Err(error) => {
            gate.release(&held).await;
            return Err(error.into());
        }
    }

    // 2. The body.
    let issued = Issued {
        context: held.record.context.clone(),
        key: held.record.key().clone(),
        attempt: held.record.attempts.max(1),
        states: Arc::clone(&gate.states),
    };
    let permit = Permit::issue(arguments, RunContext::new(issued));
    // The call of `run` itself is inside too: a hand-written tool may panic before its first await.
    let mut body = AssertUnwindSafe(async move { T::run(permit).await }).catch_unwind().boxed();
    let returned = match held.timeout {
        None => body.await,
        Some(budget) => {
            if let Ok(returned) = timeout(budget, &mut body).await {
                returned
            } else {
                // It is not cut off half-way: it goes on, also while the store is slow to park it,
                // and its late result settles the call.
                let held = Arc::new(held);
                let (parked, is_parked) = oneshot::channel::<()>();
                let (background, late) = (Arc::clone(&gate), Arc::clone(&held));
                let finishing = async move {
                    let returned = body.await;
                    // Not before it is parked, so that the two are recorded in their order.
                    let _ = is_parked.await;
                    let ended = background.finish::<T>(&late, returned).await;
                    observe::late(ended.state().name());
                };
                gate.runtime.spawn(finishing.in_current_span());
                gate.park(&held).await;
                drop(parked);
                return Ok(Ended::Unknown);
            }
        }
    };

    // 3. The result, and the record of it.
    Ok(gate.finish(&held, returned).await)
}

impl Inner {
    /// Gives a claim back whose body was not started.
    pub(super) async fn release(&self, held: &Held) {
        let Some(claim) = held.claim else { return };
        let event = Event::Release { token: claim.token };
        match self.record(held, event, None).await {
            Ok(record) => {
                self.note(held.entry_of(AuditEvent::Released, Timestamp::now(), Some(&record)));
            }
            Err(error) => {
                tracing::error!(call = %held.record.id(), %error, "a claim could not be released");
            }
        }
    }

    /// Parks a call whose body ran out of its time.
    async fn park(&self, held: &Held) {
        let mut stored = None;
        if let Some(claim) = held.claim {
            match self.record(held, Event::TimeOut { token: claim.token }, None).await {
                Ok(record) => stored = Some(record),
                Err(error) => {
                    tracing::error!(call = %held.record.id(), %error, "a time-out could not be recorded");
                }
            }
        }
        let mut entry = held.entry_of(AuditEvent::Unknown, Timestamp::now(), stored.as_ref());
        entry.note = Some("the body ran out of its time".to_owned());
        self.note(entry);
        observe::ended(&held.record, CallState::OutcomeUnknown);
    }

    /// Stores how a body ended, and audits it. Nothing that fails here changes how it ended.
    async fn finish<T: Runnable>(
        &self,
        held: &Held,
        returned: std::thread::Result<Result<T::Output, T::Error>>,
    ) -> Ended<T> {
        let taint = held.snapshot.taint();
        let failed = |said: &dyn fmt::Display, panicked| FailureRecord {
            message: self.message(said, &taint),
            panicked,
        };
        let (ended, event, output) = match returned {
            Ok(Ok(output)) if held.claim.is_none() => {
                (Ended::Returned(Ok(output), Kept::Not(taint)), None, None)
            }
            Ok(Ok(output)) => {
                let text =
                    catch_unwind(AssertUnwindSafe(|| T::encode(&output))).unwrap_or_default();
                let text = text.and_then(|text| scrubbed(text, &taint));
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
        if let Some(claim) = held.claim {
            let id = held.record.id();
            let bound = Bound::new(id, Purpose::Result, held.record.sealed_revision());
            let sealed =
                output.and_then(|text| self.key.seal(text.as_str().as_bytes(), &bound).ok());
            let event = match &event {
                None => Event::Succeed { token: claim.token },
                Some(failure) => Event::Fail { token: claim.token, failure: failure.clone() },
            };
            match self.record(held, event, sealed).await {
                Ok(record) => stored = Some(record),
                Err(error) => {
                    tracing::error!(call = %id, %error, "a result could not be stored; the call will read as unknown");
                }
            }
        }
        let kind = if event.is_some() { AuditEvent::Failed } else { AuditEvent::Executed };
        let mut entry = held.entry_of(kind, Timestamp::now(), stored.as_ref());
        entry.note = event.map(|failure| failure.message);
        self.note(entry);
        observe::ended(&held.record, ended.state());
        ended
    }

    async fn record(
        &self,
        held: &Held,
        event: Event,
        result: Option<Sealed>,
    ) -> Result<CallRecord, ApplyError> {
        let enclosed = Enclosed::result(result).intent(held.intent.clone());
        self.offer(&held.record.key().tenant, held.record.id(), event, enclosed).await
    }

    /// Offers an event about a claim to the store until it takes it, a few times; after that in the
    /// background, for as long as the store is in use: the claim's session is alive, so nobody else may
    /// say what became of the claim. No more than one for each body that was running when the store
    /// began to fail, because without the store none is started.
    pub(super) async fn offer(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: Enclosed,
    ) -> Result<CallRecord, ApplyError> {
        let enclosed = enclosed.audited_by(self.session);
        let mut pause = BETWEEN_OFFERS;
        for _ in 1..OFFERS {
            match self.store.apply(tenant, id, event.clone(), enclosed.clone()).await {
                Ok(record) => return Ok(record),
                Err(lost @ (ApplyError::Lost { .. } | ApplyError::NotFound(_))) => {
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
struct Detached<O: Send + 'static> {
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
