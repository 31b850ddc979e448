//! An approver is an async function from a request to an answer, or to no answer.

use futures::future::BoxFuture;

use super::{ApprovalRequest, Decision};
use crate::gate::ReviewAccess;

/// The outcome of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of each question, and it is taken apart at once"
)]
// Exhaustive: a gate that does not handle every variant must not compile.
pub enum Review {
    /// A person decided. A rejection is a decision: nobody else is asked.
    Decided(Decision),
    /// Nobody answered: a time-out, or nobody present. The next approver is asked; if there is
    /// none, the request stays in the queue.
    NoAnswer,
    /// The approver itself failed; the text is for a log. Treated like no answer: nothing runs.
    Failed(String),
}

/// The ability of an approver to handle masked places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaskSupport {
    /// The approver shows masks only: a chat, a message, a third party's form. It is not asked
    /// about a request that [needs uncovering](ApprovalRequest::needs_uncovering); such a request
    /// waits in the queue for a console, a terminal or the command line.
    #[default]
    Masks,
    /// The approver lets its reviewer [uncover](crate::ReviewAccess::places) masked places.
    Uncovers,
}

/// A reviewer that is asked inline, while the caller waits. It answers the requests of level Quick.
///
/// Dropping the returned future withdraws the question; the approver must then forget it, so that a
/// late answer is not taken as the answer to the next question.
pub trait Approver: Send + Sync + 'static {
    /// Asks for a decision on `request`.
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review>;

    /// Returns how this approver handles masked places. By default it cannot uncover them.
    fn mask_support(&self) -> MaskSupport {
        MaskSupport::Masks
    }

    /// Asks for a decision on `request`, with access to the gate: to uncover what is masked in it,
    /// and to check an edit. The gate calls this method; an approver that needs neither need not
    /// implement it. An approver that
    /// wraps another one forwards this method and [`mask_support`](Self::mask_support).
    fn review_with<'a>(
        &'a self,
        request: &'a ApprovalRequest,
        access: &'a ReviewAccess,
    ) -> BoxFuture<'a, Review> {
        let _ = access;
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
        access: &'a ReviewAccess,
    ) -> BoxFuture<'a, Review> {
        (**self).review_with(request, access)
    }
}

/// Returns whether an approver may be asked about a request. An approver must not decide what it
/// cannot show.
pub(crate) fn may_ask<A: Approver + ?Sized>(approver: &A, request: &ApprovalRequest) -> bool {
    approver.mask_support() == MaskSupport::Uncovers || !request.needs_uncovering()
}
