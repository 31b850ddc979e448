//! A step's body with its types erased.

use std::marker::PhantomData;

use futures::future::BoxFuture;

use crate::define::step_body::StepBody;
use crate::run::context::StepContext;
use crate::run::step_failure::StepFailure;
use crate::run::value_cell::ValueCell;

/// A [`StepBody`] with its own type and the type of its future erased.
pub(crate) trait ErasedBody<I, O>: Send + Sync {
    fn is_blocking(&self) -> bool {
        false
    }

    fn run(
        &self,
        cx: StepContext,
        input: I,
        output: ValueCell<O>,
    ) -> BoxFuture<'static, Result<(), StepFailure>>;
}

/// An asynchronous function as a body.
pub(crate) struct AsyncBody<B, Shape>(B, PhantomData<fn() -> Shape>);

impl<B, Shape> AsyncBody<B, Shape> {
    pub(crate) fn new(body: B) -> Self {
        Self(body, PhantomData)
    }
}

impl<B, Shape, I, O> ErasedBody<I, O> for AsyncBody<B, Shape>
where
    B: StepBody<I, Shape, Output = O>,
    O: Send + 'static,
{
    fn run(
        &self,
        cx: StepContext,
        input: I,
        output: ValueCell<O>,
    ) -> BoxFuture<'static, Result<(), StepFailure>> {
        let attempt = self.0.attempt(cx, input);
        Box::pin(async move {
            output.put(attempt.await?);
            Ok(())
        })
    }
}
