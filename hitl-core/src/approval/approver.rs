//! An approver is an async function from a request to an answer, or to nothing.

use futures::future::BoxFuture;

use super::{ApprovalRequest, Decision};

/// What came of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of each question, and it is taken apart at once"
)]
pub enum Review {
    /// Somebody decided. A rejection is a decision: nobody else is asked.
    Decided(Decision),
    /// Nobody answered: a time-out, or nobody there. The next approver is asked; without one the
    /// request stays in the queue.
    NoAnswer,
    /// The approver itself failed, in words for a log. Treated like no answer: nothing runs.
    Failed(String),
}

/// Reviews a request now, inline: who answers Quick.
///
/// Dropping the returned future withdraws the question; an approver must then forget it, so that a
/// late answer is not taken for the next one's.
pub trait Approver: Send + Sync + 'static {
    /// Asks for a decision on `request`.
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review>;
}

impl<A: Approver + ?Sized> Approver for std::sync::Arc<A> {
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        (**self).review(request)
    }
}
