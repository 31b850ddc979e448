//! An approver is an async function from a request to an answer, or to nothing.

use futures::future::BoxFuture;

use super::{ApprovalRequest, Decision};
use crate::gate::Uncoverer;

/// What came of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of each question, and it is taken apart at once"
)]
// Exhaustive: a gate that does not handle one must not compile.
pub enum Review {
    /// Somebody decided. A rejection is a decision: nobody else is asked.
    Decided(Decision),
    /// Nobody answered: a time-out, or nobody there. The next approver is asked; without one the
    /// request stays in the queue.
    NoAnswer,
    /// The approver itself failed, in words for a log. Treated like no answer: nothing runs.
    Failed(String),
}

/// What an approver can do about places that are masked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaskSupport {
    /// It shows masks only: a chat, a message, a form of somebody else's. It is not asked about a
    /// request that [needs uncovering](ApprovalRequest::needs_uncovering); that waits in the queue,
    /// for a console, a terminal or the command line.
    #[default]
    Masks,
    /// It lets its reviewer [uncover](crate::Uncoverer) them.
    Uncovers,
}

/// Reviews a request now, inline: who answers Quick.
///
/// Dropping the returned future withdraws the question; an approver must then forget it, so that a
/// late answer is not taken for the next one's.
pub trait Approver: Send + Sync + 'static {
    /// Asks for a decision on `request`.
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review>;

    /// What it can do about places that are masked. Unless said, it cannot uncover them.
    fn mask_support(&self) -> MaskSupport {
        MaskSupport::Masks
    }

    /// Asks for a decision on `request`, and can uncover what is masked in it. This is what the
    /// gate calls; an approver that uncovers nothing need not write it. One that wraps another
    /// forwards it, and [`mask_support`](Self::mask_support).
    fn review_with<'a>(
        &'a self,
        request: &'a ApprovalRequest,
        uncover: &'a Uncoverer,
    ) -> BoxFuture<'a, Review> {
        let _ = uncover;
        self.review(request)
    }
}

impl<A: Approver + ?Sized> Approver for std::sync::Arc<A> {
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        (**self).review(request)
    }

    fn mask_support(&self) -> MaskSupport {
        (**self).mask_support()
    }

    fn review_with<'a>(
        &'a self,
        request: &'a ApprovalRequest,
        uncover: &'a Uncoverer,
    ) -> BoxFuture<'a, Review> {
        (**self).review_with(request, uncover)
    }
}

/// Whether an approver may be asked about a request: what it cannot show is not decided there.
pub(crate) fn may_ask<A: Approver + ?Sized>(approver: &A, request: &ApprovalRequest) -> bool {
    approver.mask_support() == MaskSupport::Uncovers || !request.needs_uncovering()
}
