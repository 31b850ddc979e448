//! Bodies that block a thread.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::deadlock::within;
use crate::record::Record;
use crate::step::Body;
use crate::sync::Runtime;
use crate::wire::Wire;
use crate::{StepContext, StepFailure};

/// A blocking function as a body.
pub(crate) struct Blocks<F>(Arc<F>);

impl<F> Blocks<F> {
    pub(crate) fn new(body: F) -> Self {
        Self(Arc::new(body))
    }
}

impl<F, I, O, E> Body<I, O> for Blocks<F>
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
        output: Wire<O>,
    ) -> BoxFuture<'static, Result<(), StepFailure>> {
        let body = Arc::clone(&self.0);
        Box::pin(async move {
            let Some(runtime) = Runtime::current() else {
                return Err(StepFailure::returned("there is no runtime with a blocking pool"));
            };
            let (tell, told) = oneshot::channel();
            let attempt = Arc::clone(cx.attempt_of());
            let busy = Busy::new(Arc::clone(&attempt.record));
            runtime.spawn_blocking(move || {
                // Until here it could be stopped.
                let result = if attempt.is_stopped() {
                    Err(StepFailure::returned("stopped before it began"))
                } else {
                    let run = || within(&attempt, || body(cx, input)).map(|made| output.put(made));
                    let run = AssertUnwindSafe(run);
                    match catch_unwind(run) {
                        Ok(result) => result.map_err(StepFailure::returned),
                        Err(panic) => Err(StepFailure::panicked(&*panic)),
                    }
                };
                drop((attempt, body));
                let _ = tell.send(result);
                drop(busy);
            });
            match told.await {
                Ok(result) => result,
                Err(_) => Err(StepFailure::returned("the runtime is shutting down")),
            }
        })
    }
}

/// A body that blocks a thread, for as long as it does.
struct Busy(Arc<Record>);

impl Busy {
    fn new(record: Arc<Record>) -> Self {
        record.enter_blocking();
        Self(record)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.leave_blocking();
    }
}
