//! The body of a step: an asynchronous function from a context and an input to a result.

use std::fmt::Display;

use crate::run::context::StepContext;
use crate::run::step_failure::StepFailure;

/// The body of a [`TaskStep`](crate::TaskStep): an `async fn` or a closure of `(StepContext, Input)
/// -> Result<Output, E>`, or of only the context if there is no input.
///
/// The error may be any type that implements `Display`: anyhow's, a `String`, a thiserror enum, a
/// `Box<dyn Error + Send + Sync>`. Closures may capture; write the types of their arguments.
///
/// Every such function implements it; do not implement it yourself. `Shape` distinguishes the two
/// forms.
#[diagnostic::on_unimplemented(
    message = "this is not the body of a step that takes `{I}`",
    label = "not a step body",
    note = "write `async fn name(cx: StepContext, input: {I}) -> Result<Output, Error>`; \
            the first step may take the context alone",
    note = "the future must be `Send`, the error must be `Display`; \
            a closure needs the types of its arguments written out"
)]
pub trait StepBody<I, Shape>: Send + Sync + 'static {
    /// The input of the next step.
    type Output: Send + 'static;

    /// Starts one attempt.
    #[doc(hidden)]
    fn attempt(
        &self,
        cx: StepContext,
        input: I,
    ) -> impl Future<Output = Result<Self::Output, StepFailure>> + Send + 'static;
}

/// The shape of a body that takes only the context.
#[derive(Debug)]
// Exhaustive: there is no value of it.
pub enum ContextAlone {}

/// The shape of a body that takes the context and an input.
#[derive(Debug)]
// Exhaustive: there is no value of it.
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
        run_body(self(cx))
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
        run_body(self(cx, input))
    }
}

async fn run_body<O, E>(body: impl Future<Output = Result<O, E>> + Send) -> Result<O, StepFailure>
where
    E: Display + Send + 'static,
{
    body.await.map_err(StepFailure::returned)
}
