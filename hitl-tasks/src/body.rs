//! A step body is an asynchronous function from a context and an input to a result.

use std::fmt::Display;

use crate::{StepContext, StepFailure};

/// What can be the body of a [`TaskStep`](crate::TaskStep): an `async fn` or a closure of
/// `(StepContext, Input) -> Result<Output, E>`, or of the context alone where there is no input.
///
/// The error may be anything that can be displayed: anyhow's, a `String`, a thiserror enum, a
/// `Box<dyn Error + Send + Sync>`. Closures may capture; write the types of their arguments.
///
/// You never implement this: it holds for every such function. `Shape` only tells the two apart.
#[diagnostic::on_unimplemented(
    message = "this is not the body of a step that takes `{I}`",
    label = "not a step body",
    note = "write `async fn name(cx: StepContext, input: {I}) -> Result<Output, Error>`; \
            the first step may take the context alone",
    note = "the future must be `Send`, the error must be `Display`; \
            a closure needs the types of its arguments written out"
)]
pub trait StepBody<I, Shape>: Send + Sync + 'static {
    /// What the step hands to the next one.
    type Output: Send + 'static;

    /// One attempt.
    #[doc(hidden)]
    fn attempt(
        &self,
        cx: StepContext,
        input: I,
    ) -> impl Future<Output = Result<Self::Output, StepFailure>> + Send + 'static;
}

/// Shape of a body that takes the context alone.
#[derive(Debug)]
pub enum ContextAlone {}

/// Shape of a body that takes the context and an input.
#[derive(Debug)]
pub enum ContextAndInput {}

impl<F, Fut, O, E> StepBody<(), ContextAlone> for F
where
    F: Fn(StepContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, E>> + Send + 'static,
    O: Send + 'static,
    E: Display + Send + 'static,
{
    type Output = O;

    fn attempt(
        &self,
        cx: StepContext,
        (): (),
    ) -> impl Future<Output = Result<O, StepFailure>> + Send + 'static {
        told(self(cx))
    }
}

impl<F, Fut, I, O, E> StepBody<I, ContextAndInput> for F
where
    F: Fn(StepContext, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, E>> + Send + 'static,
    I: Send + 'static,
    O: Send + 'static,
    E: Display + Send + 'static,
{
    type Output = O;

    fn attempt(
        &self,
        cx: StepContext,
        input: I,
    ) -> impl Future<Output = Result<O, StepFailure>> + Send + 'static {
        told(self(cx, input))
    }
}

async fn told<O, E>(body: impl Future<Output = Result<O, E>> + Send) -> Result<O, StepFailure>
where
    E: Display + Send + 'static,
{
    body.await.map_err(StepFailure::returned)
}
