//! A tool's own way to find out how an attempt ended whose outcome is unknown.

use std::convert::Infallible;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::RunContext;

/// The answer of a tool's own reconcile: how the attempt of a call ended.
///
/// A wrong answer is worse than none. Return `Unknown` while the provider may still be working on
/// the attempt; the gate asks again later, and a human can settle the call at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
// Exhaustive: a further answer would be a further outcome.
pub enum Reconciliation<O> {
    /// The call has taken effect as a whole. Contains what its body would have returned.
    Executed(O),
    /// The call has taken no effect, and no attempt of it that has started ever will. The gate may
    /// start it again without asking a human.
    NotExecuted,
    /// It is not known, or not yet.
    Unknown,
}

impl<O> Reconciliation<O> {
    /// Converts the output.
    pub(crate) fn map<P>(self, convert: impl FnOnce(O) -> P) -> Reconciliation<P> {
        match self {
            Self::Executed(output) => Reconciliation::Executed(convert(output)),
            Self::NotExecuted => Reconciliation::NotExecuted,
            Self::Unknown => Reconciliation::Unknown,
        }
    }
}

/// An attempt of a call whose outcome is unknown: the arguments that were approved, and the context
/// in which the body ran. It runs nothing.
#[derive(Debug)]
pub struct Attempt<A> {
    arguments: A,
    cx: RunContext,
}

impl<A> Attempt<A> {
    pub(crate) fn new(arguments: A, cx: RunContext) -> Self {
        Self { arguments, cx }
    }

    /// Returns the arguments: those of the last edit, if the call was edited.
    pub fn arguments(&self) -> &A {
        &self.arguments
    }

    /// Returns the context in which the body ran, with the host's state.
    pub fn cx(&self) -> &RunContext {
        &self.cx
    }

    /// Returns the text by which the body could name this call to the provider; see
    /// [`RunContext::idempotency_key`].
    pub fn idempotency_key(&self) -> String {
        self.cx.idempotency_key()
    }

    /// Returns how long the executor of the attempt has been dead; see [`RunContext::over_for`].
    pub fn over_for(&self) -> Option<Duration> {
        self.cx.over_for()
    }

    /// Returns the arguments and the context.
    pub fn open(self) -> (A, RunContext) {
        (self.arguments, self.cx)
    }
}

/// A question to a tool, in flight.
pub(crate) type AskedReconcile<O> = BoxFuture<'static, Result<Reconciliation<O>, ReconcileFailure>>;

/// A tool's own way to find out how an attempt ended: an async function that asks the provider by
/// the idempotency key which the body passed, and changes nothing.
///
/// The gate asks it about a call whose outcome is unknown, because its process died or its body
/// timed out: when a gate is built, when the call is submitted again, and from time to time in
/// [`Gate::serve`](crate::Gate::serve). Each question has a deadline. An error, a panic and no
/// answer settle nothing.
///
/// `#[hitl_tool(reconcile = some_fn)]` generates one. By hand:
///
/// ```
/// use hitl::call::{Attempt, Permit, Reconciler, Reconciliation, ToolSpec};
/// use hitl::arguments::{SnapshotError, SnapshotWriter};
/// use hitl::Tool;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Refund { payment: String }
///
/// impl Tool for Refund {
///     type Output = String;
///     type Error = std::io::Error;
///     const SPEC: ToolSpec = ToolSpec::new("refund", "Refunds a payment.");
///
///     fn snapshot(&self, to: &mut SnapshotWriter) -> Result<(), SnapshotError> {
///         to.object(|fields| fields.field("payment", &self.payment))
///     }
///
///     async fn run(permit: Permit<Self>) -> Result<String, Self::Error> {
///         let (call, cx) = permit.open();
///         refund_at_the_bank(&call.payment, &cx.idempotency_key()).await
///     }
///
///     fn reconciler() -> Option<Reconciler<Self, String>> {
///         Some(Reconciler::new(|attempt: Attempt<Self>| async move {
///             Ok::<_, std::io::Error>(match find_refund(&attempt.idempotency_key()).await? {
///                 Some(receipt) => Reconciliation::Executed(receipt),
///                 None => Reconciliation::NotExecuted,
///             })
///         }))
///     }
/// }
/// # async fn refund_at_the_bank(_: &str, _: &str) -> std::io::Result<String> { Ok(String::new()) }
/// # async fn find_refund(_: &str) -> std::io::Result<Option<String>> { Ok(None) }
/// ```
pub struct Reconciler<A, O>(Arc<dyn Fn(Attempt<A>) -> AskedReconcile<O> + Send + Sync>);

impl<A: 'static, O: 'static> Reconciler<A, O> {
    /// Creates it from an async function.
    pub fn new<F, R, E>(ask: F) -> Self
    where
        F: Fn(Attempt<A>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reconciliation<O>, E>> + Send + 'static,
        E: Display + Debug + Send + 'static,
    {
        Self(Arc::new(move |attempt| {
            let asking = ask(attempt);
            async move { asking.await.map_err(ReconcileFailure::new) }.boxed()
        }))
    }

    /// Asks about an attempt. May panic, as host code.
    pub(crate) fn ask(&self, attempt: Attempt<A>) -> AskedReconcile<O> {
        (self.0)(attempt)
    }
}

impl<A, O> Clone for Reconciler<A, O> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A, O> Debug for Reconciler<A, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reconciler")
    }
}

/// An error of a reconcile, of any type.
pub(crate) struct ReconcileFailure(Box<dyn Display + Send>);

impl ReconcileFailure {
    fn new(error: impl Display + Send + 'static) -> Self {
        Self(Box::new(error))
    }
}

impl Display for ReconcileFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

/// The types that the fn named in `reconcile = ..` may return for a tool whose output is `O`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a `reconcile` of this tool cannot return `{Self}`",
    label = "it returns a `Reconciliation<{O}>`, or a `Result` of one",
    note = "`O` in `Reconciliation<O>` is the tool's output, without the `Result` around it"
)]
pub trait IntoReconciliation<O> {
    /// The type of the error.
    type Error: Display + Debug + Send + 'static;
    /// Converts the return value to a `Result`.
    fn into_result(self) -> Result<Reconciliation<O>, Self::Error>;
}

impl<O> IntoReconciliation<O> for Reconciliation<O> {
    type Error = Infallible;
    fn into_result(self) -> Result<Reconciliation<O>, Infallible> {
        Ok(self)
    }
}

impl<O, E: Display + Debug + Send + 'static> IntoReconciliation<O>
    for Result<Reconciliation<O>, E>
{
    type Error = E;
    fn into_result(self) -> Self {
        self
    }
}
