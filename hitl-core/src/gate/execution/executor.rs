//! Intent, body, result, record: in this order, and to the end even if the caller is gone.
//!
//! Nothing runs twice, because a body is started only here, with an [`Execution`] that is consumed.
//! Nothing is cut off, because all of it is one future, which is passed to the runtime if the
//! caller is dropped.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use hitl_base::Redactor;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::body_outcome::{BodyOutcome, StoredResult};
use super::detached::{DetachOnDrop, detach_on_drop};
use super::execution::{ClaimRecord, Execution, ExecutionState};
use super::runnable::Runnable;
use super::sanitize::{
    sanitize_failed_output, sanitize_failure, sanitize_output, warn_unless_read_back,
};
use crate::audit::AuditEvent;
use crate::call::{FailureRecord, Permit, RunContext, Tenant};
use crate::gate::audit::ledger::AuditLedger;
use crate::gate::calls::call_store::CallStore;
use crate::gate::error::GateError;
use crate::gate::keys::vault::Vault;
use crate::gate::notices::notifier::Notifier;
use crate::gate::telemetry;
use crate::machine::{CallRecord, CallState, Event};
use crate::panic::{Panicked, catch_async};
use crate::policy::ApprovalLevel;
use crate::seal::Sealed;
use crate::store::{ApplyError, EventPayload};
use crate::sync::{Runtime, timeout};

/// Runs bodies, and records their outcomes. Every running body holds it.
pub(in crate::gate) struct Executor {
    calls: Arc<CallStore>,
    audit: Arc<AuditLedger>,
    vault: Arc<Vault>,
    redactor: Redactor,
    runtime: Runtime,
    notifier: Arc<Notifier>,
}

/// Runs the body of a claimed call. If this returns an error, the body was not started.
///
/// Dropping the future does not stop the body: it runs to its end in the background.
pub(in crate::gate) fn execute<T: Runnable>(
    executor: &Arc<Executor>,
    execution: Execution,
    arguments: T,
) -> DetachOnDrop<Result<BodyOutcome<T>, GateError>> {
    let state = execution.into_state();
    let span = telemetry::run_span(state.id(), state.tool(), state.attempt());
    let permit = Permit::issue(arguments, RunContext::new(Arc::clone(state.issued())));
    let running = run(Arc::clone(executor), state, permit).inspect(|result| match result {
        Ok(outcome) => telemetry::record_outcome(outcome.state().name()),
        Err(error) => telemetry::record_error(error),
    });
    detach_on_drop(&executor.runtime, running.instrument(span))
}

async fn run<T: Runnable>(
    executor: Arc<Executor>,
    mut call: Box<ExecutionState>,
    permit: Permit<T>,
) -> Result<BodyOutcome<T>, GateError> {
    // 1. The intent. Without it nothing runs: the permit is dropped.
    if let Err(error) = call.write_intent(&executor.audit).await {
        executor.release_claim(&mut call).boxed().await;
        return Err(error.into());
    }

    // 2. The body. The call of `run` itself is covered too: a hand-written tool may panic before
    //    its first await.
    let body = catch_async(async move { T::run(permit).await });
    let returned = match call.timeout() {
        None => body.await,
        Some(budget) => {
            let mut body = body.boxed();
            if let Ok(returned) = timeout(budget, &mut body).await {
                returned
            } else {
                // The body is not cut off half-way: it continues, even while the store is slow to
                // park the call, and its late result resolves the call.
                let (key, mut late) = (call.key().clone(), call.clone());
                let (parked, is_parked) = oneshot::channel::<()>();
                let background = Arc::clone(&executor);
                let finishing = async move {
                    let returned = body.await;
                    // Not before the call is parked, so that the two are recorded in order.
                    let _ = is_parked.await;
                    if unknown::<T>(&returned).is_some() {
                        return;
                    }
                    let outcome = background.finish::<T>(&mut late, returned).await;
                    telemetry::record_late_outcome(outcome.state().name());
                };
                executor.runtime.spawn(finishing.in_current_span());
                executor.park(&mut call, "the body ran out of its time".to_owned()).boxed().await;
                drop(parked);
                return Ok(BodyOutcome::Unknown(key));
            }
        }
    };

    if let Some(error) = unknown::<T>(&returned) {
        let why = sanitize_failure(&executor.redactor, error, &call.snapshot().taint());
        executor.park(&mut call, why).boxed().await;
        return Ok(BodyOutcome::Unknown(call.key().clone()));
    }

    // 3. The result, and the record of it.
    Ok(executor.finish(&mut call, returned).await)
}

/// Returns the error of a body that does not know how it ended.
fn unknown<T: Runnable>(
    returned: &Result<Result<T::Output, T::Error>, Panicked>,
) -> Option<&T::Error> {
    match returned {
        Ok(Err(error)) if T::is_unknown(error) => Some(error),
        _ => None,
    }
}

impl Executor {
    pub(in crate::gate) fn new(
        calls: Arc<CallStore>,
        audit: Arc<AuditLedger>,
        vault: Arc<Vault>,
        redactor: Redactor,
        runtime: Runtime,
        notifier: Arc<Notifier>,
    ) -> Self {
        Self { calls, audit, vault, redactor, runtime, notifier }
    }

    /// Releases a claim whose body was not started.
    pub(in crate::gate) async fn release(&self, execution: Execution) {
        self.release_claim(&mut execution.into_state()).await;
    }

    async fn release_claim(&self, call: &mut ExecutionState) {
        let Some(claim) = call.claim() else { return };
        let event = Event::Release { token: claim.token() };
        match self.store_event(&call.key().tenant, claim, event, None).await {
            Ok(record) => {
                let event = AuditEvent::Released;
                self.audit.record(call.final_audit_record(event, Some(record.version), None, None));
            }
            Err(error) => {
                tracing::error!(call = %claim.id(), %error, "a claim could not be released");
            }
        }
    }

    /// Parks a call whose body timed out, or does not know how it ended.
    async fn park(&self, call: &mut ExecutionState, why: String) {
        let mut stored = None;
        if let Some(claim) = call.claim() {
            let event = Event::TimeOut { token: claim.token() };
            match self.store_event(&call.key().tenant, claim, event, None).await {
                Ok(record) => {
                    stored = Some(record.version);
                    self.notifier.say_parked(&record);
                }
                Err(error) => {
                    tracing::error!(call = %claim.id(), %error, "an unknown outcome could not be recorded");
                }
            }
        }
        self.audit.record(call.final_audit_record(AuditEvent::Unknown, stored, Some(why), None));
        telemetry::count_end_of(call.tool(), call.level(), CallState::OutcomeUnknown);
    }

    /// Stores and audits the outcome of a body. A failure here does not change the outcome.
    async fn finish<T: Runnable>(
        &self,
        call: &mut ExecutionState,
        returned: Result<Result<T::Output, T::Error>, Panicked>,
    ) -> BodyOutcome<T> {
        let taint = call.snapshot().taint();
        let failed = |said: &dyn fmt::Display, panicked| {
            FailureRecord::new(sanitize_failure(&self.redactor, said, &taint), panicked)
        };
        let (outcome, failure, output) = match returned {
            Ok(Ok(output)) if call.claim().is_none() => {
                let stored = StoredResult::Unsanitized { taint, tool: call.tool().clone() };
                (BodyOutcome::Returned(Ok(output), stored), None, None)
            }
            Ok(Ok(output)) => {
                let text = sanitize_output::<T>(call.tool(), &output, &taint);
                if let Some(text) = &text
                    && taint.is_empty()
                    && call.level() > ApprovalLevel::Auto
                {
                    warn_unless_read_back::<T>(call.tool(), &output, text);
                }
                let stored = StoredResult::Output(text.clone());
                (BodyOutcome::Returned(Ok(output), stored), None, text)
            }
            Ok(Err(error)) => {
                let mut failure = failed(&error, false);
                let output = sanitize_failed_output::<T>(call.tool(), &error, &taint);
                if let (Some(claim), Some(output)) = (call.claim(), &output) {
                    failure.output = Some(self.vault.output_digest(claim.id(), output));
                }
                let stored = StoredResult::Failure(failure.clone(), output.clone());
                (BodyOutcome::Returned(Err(error), stored), Some(failure), output)
            }
            Err(panicked) => {
                let failure = failed(&format_args!("the tool panicked: {panicked}"), true);
                (BodyOutcome::Panicked(failure.clone()), Some(failure), None)
            }
        };
        let mut version = None;
        if let Some(claim) = call.claim() {
            let (id, token) = (claim.id(), claim.token());
            let sealed =
                output.and_then(|text| self.vault.seal_result(id, claim.revision(), &text));
            let event = match &failure {
                None => Event::Succeed { token },
                Some(failure) => Event::Fail { token, failure: failure.clone() },
            };
            match self.store_event(&call.key().tenant, claim, event, sealed).boxed().await {
                Ok(record) => version = Some(record.version),
                Err(error) => {
                    tracing::error!(call = %id, %error, "a result could not be stored; the call will read as unknown");
                }
            }
        }
        let event = if failure.is_some() { AuditEvent::Failed } else { AuditEvent::Executed };
        let digest = failure.as_ref().and_then(|failure| failure.output);
        let why = failure.map(|failure| failure.message);
        self.audit.record(call.final_audit_record(event, version, why, digest));
        telemetry::count_end_of(call.tool(), call.level(), outcome.state());
        outcome
    }

    /// Stores an event about a claim. Returns the resulting record.
    async fn store_event(
        &self,
        tenant: &Tenant,
        claim: &ClaimRecord,
        event: Event,
        result: Option<Sealed>,
    ) -> Result<CallRecord, ApplyError> {
        let enclosed = EventPayload::result(result).intent(claim.intent_place().cloned());
        // Boxed, so that the future of a call without a record stays small.
        self.calls.apply_with_retry(tenant, claim.id(), event, enclosed).boxed().await
    }
}
