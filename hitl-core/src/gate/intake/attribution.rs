//! The compiler's errors for a call without a requester.

use std::convert::Infallible;
use std::future::{IntoFuture, Pending, pending};
use std::time::Duration;

use super::batch::BatchBuilder;
use super::call_builder::CallBuilder;
use super::submit_builder::SubmitBuilder;
use crate::call::RunId;
use crate::machine::CallRecord;

/// A call that names its requester. No unattributed call implements it, and no other crate can make
/// one do so: the bound makes the compiler report a missing `.by(..)` as such.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "nobody asks for this call: say who with `.by(..)`",
    label = "`.by(..)` is missing",
    note = "a call is attributed before it is awaited or given a key: `.by(\"ann\")`, or `.by(context)` with a `CallContext`"
)]
pub trait SaysWhoAsks {}

/// Never applies. The compiler shows these lines to a caller that awaits it.
impl<T> IntoFuture for CallBuilder<'_, T>
where
    // Nobody asks for this call yet: say who with `.by(..)`.
    Self: SaysWhoAsks,
{
    type Output = Infallible;
    type IntoFuture = Pending<Infallible>;

    fn into_future(self) -> Self::IntoFuture {
        pending()
    }
}

/// Never applies. The compiler shows these lines to a caller that awaits it.
impl<T> IntoFuture for SubmitBuilder<'_, T>
where
    // Nobody asks for this call yet: say who with `.by(..)`.
    Self: SaysWhoAsks,
{
    type Output = Infallible;
    type IntoFuture = Pending<Infallible>;

    fn into_future(self) -> Self::IntoFuture {
        pending()
    }
}

/// Never applies. The compiler shows these lines to a caller that awaits it.
impl IntoFuture for BatchBuilder<'_>
where
    // Nobody asks for this call yet: say who with `.by(..)`.
    Self: SaysWhoAsks,
{
    type Output = Infallible;
    type IntoFuture = Pending<Infallible>;

    fn into_future(self) -> Self::IntoFuture {
        pending()
    }
}

impl<T> CallBuilder<'_, T> {
    /// Available after `.by(..)`.
    #[doc(hidden)]
    pub fn key(self, _run: impl Into<RunId>, _position: u64) -> Pending<Infallible>
    where
        Self: SaysWhoAsks,
    {
        pending()
    }

    /// Available after `.by(..)`.
    #[doc(hidden)]
    pub fn max_wait(self, _limit: Duration) -> Pending<Infallible>
    where
        Self: SaysWhoAsks,
    {
        pending()
    }
}

impl<T> SubmitBuilder<'_, T> {
    /// Available after `.by(..)`.
    #[doc(hidden)]
    pub fn key(self, _run: impl Into<RunId>, _position: u64) -> Pending<Infallible>
    where
        Self: SaysWhoAsks,
    {
        pending()
    }

    /// Available after `.by(..)`.
    #[doc(hidden)]
    pub fn run(self, _run: impl Into<RunId>) -> Pending<Infallible>
    where
        Self: SaysWhoAsks,
    {
        pending()
    }

    /// Available after `.by(..)`.
    #[doc(hidden)]
    pub fn retry_of(self, _failed: &CallRecord) -> Pending<Infallible>
    where
        Self: SaysWhoAsks,
    {
        pending()
    }
}
