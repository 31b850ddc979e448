//! The return types of an annotated fn, distinguished by type and not by spelling.
//!
//! `#[hitl_tool]` sees tokens: it cannot know that `Ledgered<T>` is an alias of a `Result`. So it
//! projects a fallible return type through [`ToolReturn`], and makes the compiler prove that an
//! infallible one is not a `Result` under another name, whose `Err` would count as success.

use std::marker::PhantomData;

/// The two types inside a fallible return type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result`",
    label = "taken for a `Result`, by its name or because the tool is `fallible`",
    note = "when it is a plain value, say `infallible` in `#[hitl_tool(..)]`"
)]
pub trait ToolReturn {
    /// The type of the result on success.
    type Output;
    /// The type of the error.
    type Error;
    /// Converts the return value to a `Result`.
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
    /// `true`: the type is a `Result`.
    pub const IS_RESULT: bool = true;
}

/// The fallback for every other type.
pub trait IsResultFallback {
    /// `false`: the type is not a `Result`.
    const IS_RESULT: bool = false;
}

impl<T> IsResultFallback for IsResult<T> {}
