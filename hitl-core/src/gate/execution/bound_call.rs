//! Arguments of any tool, ready to run.

use std::borrow::Cow;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hitl_base::redact::Taint;
use hitl_base::{JsonText, Redactor};

use super::execution::Execution;
use super::executor::{Executor, execute};
use super::runnable::Runnable;
use super::sanitize::{sanitize_failure, sanitize_output};
use crate::call::{Outcome, Reconciliation, RunContext};
use crate::gate::error::GateError;

/// Arguments that are ready to run, of a tool whose type is erased.
pub(in crate::gate) trait BoundCall: Send {
    /// Runs the body. On an error it was not started.
    fn execute(
        self: Box<Self>,
        executor: &Arc<Executor>,
        execution: Execution,
    ) -> BoxFuture<'static, Result<Outcome, GateError>>;

    /// Asks the tool how an attempt with these arguments ended. Returns the output that it found as
    /// text, or its error in words, both without secrets. May panic, as host code.
    fn reconcile(
        self: Box<Self>,
        asked: AskedAttempt,
    ) -> BoxFuture<'static, Result<Reconciliation<Option<JsonText>>, String>>;
}

/// The parts of a question to a tool, beside the arguments.
pub(in crate::gate) struct AskedAttempt {
    pub(in crate::gate) cx: RunContext,
    pub(in crate::gate) tool: Cow<'static, str>,
    /// The secrets among the arguments.
    pub(in crate::gate) taint: Taint,
    pub(in crate::gate) redactor: Redactor,
}

/// Arguments that are ready to run, with their type.
pub(in crate::gate) struct TypedCall<T>(pub(in crate::gate) T);

impl<T: Runnable> BoundCall for TypedCall<T> {
    fn execute(
        self: Box<Self>,
        executor: &Arc<Executor>,
        execution: Execution,
    ) -> BoxFuture<'static, Result<Outcome, GateError>> {
        let details = execution.details().clone();
        let ended = execute(executor, execution, self.0);
        ended.map(|ended| Ok(ended?.into_outcome(details))).boxed()
    }

    fn reconcile(
        self: Box<Self>,
        asked: AskedAttempt,
    ) -> BoxFuture<'static, Result<Reconciliation<Option<JsonText>>, String>> {
        let AskedAttempt { cx, tool, taint, redactor } = asked;
        async move {
            let Some(answer) = self.0.reconcile(cx) else { return Ok(Reconciliation::Unknown) };
            match answer.await {
                Ok(answer) => Ok(answer.map(|output| sanitize_output::<T>(&tool, &output, &taint))),
                Err(failure) => Err(sanitize_failure(&redactor, &failure, &taint)),
            }
        }
        .boxed()
    }
}
