//! What an annotated fn may return, sorted out by types and not by spelling.
//!
//! `#[hitl_tool]` sees tokens: it cannot know that `Ledgered<T>` is an alias of a `Result`. So it
//! projects a fallible return type through [`ToolReturn`], and has the compiler prove that a plain
//! one is not a `Result` in disguise, whose `Err` would pass as success.

use std::marker::PhantomData;

/// The two types inside a fallible return type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result`",
    label = "taken for a `Result`, by its name or because the tool is `fallible`",
    note = "when it is a plain value, say `infallible` in `#[hitl_tool(..)]`"
)]
pub trait ToolReturn {
    /// What the tool gives when it succeeds.
    type Output;
    /// What it gives when it fails.
    type Error;
    /// The return value as a `Result`.
    fn into_result(self) -> Result<Self::Output, Self::Error>;
}

impl<T, E> ToolReturn for Result<T, E> {
    type Output = T;
    type Error = E;
    fn into_result(self) -> Result<T, E> {
        self
    }
}

/// Asks the compiler whether `T` is a `Result`: `IsResult::<T>::IS_RESULT`, with
/// [`IsResultFallback`] in scope. The inherent constant, which exists only for results, is found
/// before the trait's.
#[derive(Debug)]
pub struct IsResult<T>(PhantomData<T>);

impl<T, E> IsResult<Result<T, E>> {
    /// It is a `Result`.
    pub const IS_RESULT: bool = true;
}

/// The answer for every other type.
pub trait IsResultFallback {
    /// It is no `Result`.
    const IS_RESULT: bool = false;
}

impl<T> IsResultFallback for IsResult<T> {}
