//! Arguments of any tool, ready to run.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::execution::Execution;
use super::executor::{Executor, execute};
use super::runnable::Runnable;
use crate::call::Outcome;
use crate::gate::error::GateError;

/// Arguments that are ready to run, of a tool whose type is erased.
pub(in crate::gate) trait BoundCall: Send {
    /// Runs the body. On an error it was not started.
    fn execute(
        self: Box<Self>,
        executor: &Arc<Executor>,
        execution: Execution,
    ) -> BoxFuture<'static, Result<Outcome, GateError>>;
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
}
