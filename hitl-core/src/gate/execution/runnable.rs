//! Bodies of tools.

use std::any::Any;
use std::fmt;

use hitl_base::JsonText;

use crate::arguments::{ArgumentError, SnapshotError, check_round_trip, encode};
use crate::call::{
    AskedReconcile, Attempt, Permit, RunContext, Tool, is_unknown_outcome, output_of,
};

/// Arguments that have a body: those of a typed tool, or of one that is known only at run time.
pub(in crate::gate) trait Runnable: Send + 'static {
    type Output: Send + 'static;
    type Error: fmt::Display + fmt::Debug + Send + 'static;

    fn run(permit: Permit<Self>) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send
    where
        Self: Sized;

    /// Asks the tool how an attempt with these arguments ended. `None` if it has no reconcile.
    fn reconcile(self, cx: RunContext) -> Option<AskedReconcile<Self::Output>>
    where
        Self: Sized;

    /// Writes the output as text.
    fn encode(output: &Self::Output) -> Result<JsonText, SnapshotError>;

    /// Returns the output of a failed body, if its error has one.
    fn failed_output(error: &Self::Error) -> Option<&JsonText> {
        output_of(error as &dyn Any)
    }

    /// Returns whether a body's error says that its outcome is not known.
    fn is_unknown(error: &Self::Error) -> bool {
        is_unknown_outcome(error as &dyn Any)
    }

    /// Checks that `text` reads back to this output, so that a caller that re-attaches can get it.
    fn check_output(output: &Self::Output, text: &JsonText) -> Result<(), ArgumentError>;
}

impl<T: Tool> Runnable for T {
    type Output = <T as Tool>::Output;
    type Error = <T as Tool>::Error;

    fn run(permit: Permit<Self>) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send {
        <T as Tool>::run(permit)
    }

    fn reconcile(self, cx: RunContext) -> Option<AskedReconcile<Self::Output>> {
        T::reconciler().map(|reconciler| reconciler.ask(Attempt::new(self, cx)))
    }

    fn encode(output: &Self::Output) -> Result<JsonText, SnapshotError> {
        encode(output)
    }

    fn check_output(output: &Self::Output, text: &JsonText) -> Result<(), ArgumentError> {
        check_round_trip(output, text)
    }
}
