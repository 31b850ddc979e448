//! Approvers made of approvers: with a time limit, and with somebody to ask next.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{ApprovalRequest, Approver, Review};
use crate::sync::timeout;

/// Combinators for every [`Approver`].
///
/// ```
/// use std::time::Duration;
/// use hitl_core::approval::{ApproverExt as _, ScriptedApprover};
///
/// let on_call = ScriptedApprover::approving("bob");
/// let approver = ScriptedApprover::silent().timeout(Duration::from_secs(20)).or(on_call);
/// # let _ = approver;
/// ```
pub trait ApproverExt: Approver + Sized {
    /// Gives up after `limit`: no answer by then is [`Review::NoAnswer`], and the question is
    /// withdrawn.
    fn timeout(self, limit: Duration) -> Timeout<Self> {
        Timeout { inner: self, limit }
    }

    /// Asks `next` when this one gives no answer or fails. A decision, a rejection included, is
    /// final.
    fn or<B: Approver>(self, next: B) -> Or<Self, B> {
        Or { first: self, next }
    }
}

impl<A: Approver> ApproverExt for A {}

/// An approver with a time limit.
#[derive(Clone, Debug)]
pub struct Timeout<A> {
    inner: A,
    limit: Duration,
}

impl<A: Approver> Approver for Timeout<A> {
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        async move {
            timeout(self.limit, self.inner.review(request))
                .await
                .unwrap_or(Review::NoAnswer)
        }
        .boxed()
    }
}

/// An approver, and who is asked when it gives no answer.
#[derive(Clone, Debug)]
pub struct Or<A, B> {
    first: A,
    next: B,
}

impl<A: Approver, B: Approver> Approver for Or<A, B> {
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        async move {
            match self.first.review(request).await {
                decided @ Review::Decided(_) => decided,
                Review::NoAnswer => self.next.review(request).await,
                Review::Failed(why) => {
                    tracing::warn!(why, "an approver failed; asking the next");
                    self.next.review(request).await
                }
            }
        }
        .boxed()
    }
}
