//! Bodies that block a thread.

use std::fmt::Display;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::define::erased_body::ErasedBody;
use crate::panic::catch;
use crate::run::context::StepContext;
use crate::run::current_attempt::with_attempt;
use crate::run::step_failure::StepFailure;
use crate::run::value_cell::ValueCell;
use crate::state::record::Record;
use crate::sync::Runtime;

/// A blocking function as a body.
pub(crate) struct BlockingBody<F>(Arc<F>);

impl<F> BlockingBody<F> {
    pub(crate) fn new(body: F) -> Self {
        Self(Arc::new(body))
    }
}

impl<F, I, O, E> ErasedBody<I, O> for BlockingBody<F>
where
    F: Fn(StepContext, I) -> Result<O, E> + Send + Sync + 'static,
    I: Send + 'static,
    O: Send + 'static,
    E: Display + Send + 'static,
{
    fn is_blocking(&self) -> bool {
        true
    }

    fn run(
        &self,
        cx: StepContext,
        input: I,
        output: ValueCell<O>,
    ) -> BoxFuture<'static, Result<(), StepFailure>> {
        let body = Arc::clone(&self.0);
        Box::pin(async move {
            let Some(runtime) = Runtime::current() else {
                return Err(StepFailure::returned("there is no runtime with a blocking pool"));
            };
            let (sender, result_of) = oneshot::channel();
            let attempt = Arc::clone(cx.attempt_handle());
            let guard = BlockingGuard::new(Arc::clone(&attempt.record));
            runtime.spawn_blocking(move || {
                // The pool may have started it late: a stop requested before this point takes
                // effect.
                let result = if attempt.is_stopped() {
                    Err(StepFailure::returned("stopped before it began"))
                } else {
                    let run =
                        || with_attempt(&attempt, || body(cx, input)).map(|made| output.put(made));
                    match catch(run) {
                        Ok(result) => result.map_err(StepFailure::returned),
                        Err(panic) => Err(StepFailure::panicked(panic)),
                    }
                };
                drop((attempt, body));
                let _ = sender.send(result);
                drop(guard);
            });
            match result_of.await {
                Ok(result) => result,
                Err(_) => Err(StepFailure::returned("the runtime is shutting down")),
            }
        })
    }
}

/// Counts a body that blocks a thread, until it returns.
struct BlockingGuard(Arc<Record>);

impl BlockingGuard {
    fn new(record: Arc<Record>) -> Self {
        record.enter_blocking();
        Self(record)
    }
}

impl Drop for BlockingGuard {
    fn drop(&mut self) {
        self.0.leave_blocking();
    }
}
