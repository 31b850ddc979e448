//! Approvers built from other approvers: with a time limit, or with a fallback.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::approver::may_ask;
use super::{ApprovalRequest, Approver, MaskSupport, Review};
use crate::gate::ReviewAccess;
use crate::sync::timeout;

/// Combinators for every [`Approver`].
///
/// ```
/// use std::time::Duration;
/// use hitl::approval::{ApproverExt as _, ScriptedApprover};
///
/// let on_call = ScriptedApprover::approving("bob");
/// let approver = ScriptedApprover::silent().timeout(Duration::from_secs(20)).or(on_call);
/// # let _ = approver;
/// ```
pub trait ApproverExt: Approver + Sized {
    /// Gives up after `limit`: without an answer by then the result is [`Review::NoAnswer`], and
    /// the question is withdrawn.
    fn timeout(self, limit: Duration) -> Timeout<Self> {
        Timeout { inner: self, limit }
    }

    /// Asks `next` when this one gives no answer or fails. A decision, a rejection included, is
    /// final.
    fn or<B: Approver>(self, next: B) -> OrElse<Self, B> {
        OrElse { first: self, next }
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

    fn mask_support(&self) -> MaskSupport {
        self.inner.mask_support()
    }

    fn review_with<'a>(
        &'a self,
        request: &'a ApprovalRequest,
        access: &'a ReviewAccess,
    ) -> BoxFuture<'a, Review> {
        async move {
            timeout(self.limit, self.inner.review_with(request, access))
                .await
                .unwrap_or(Review::NoAnswer)
        }
        .boxed()
    }
}

/// An approver, and the next one to ask when it gives no answer.
#[derive(Clone, Debug)]
pub struct OrElse<A, B> {
    first: A,
    next: B,
}

impl<A: Approver, B: Approver> Approver for OrElse<A, B> {
    fn review<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Review> {
        async move {
            match ask(&self.first, request, None).await {
                decided @ Review::Decided(_) => decided,
                unanswered => {
                    note(&unanswered);
                    ask(&self.next, request, None).await
                }
            }
        }
        .boxed()
    }

    fn mask_support(&self) -> MaskSupport {
        match self.first.mask_support() {
            MaskSupport::Uncovers => MaskSupport::Uncovers,
            MaskSupport::Masks => self.next.mask_support(),
        }
    }

    fn review_with<'a>(
        &'a self,
        request: &'a ApprovalRequest,
        access: &'a ReviewAccess,
    ) -> BoxFuture<'a, Review> {
        async move {
            match ask(&self.first, request, Some(access)).await {
                decided @ Review::Decided(_) => decided,
                unanswered => {
                    note(&unanswered);
                    ask(&self.next, request, Some(access)).await
                }
            }
        }
        .boxed()
    }
}

/// Asks an approver, unless the request needs uncovering and it cannot uncover.
async fn ask<A: Approver>(
    approver: &A,
    request: &ApprovalRequest,
    access: Option<&ReviewAccess>,
) -> Review {
    match access {
        _ if !may_ask(approver, request) => Review::NoAnswer,
        Some(access) => approver.review_with(request, access).await,
        None => approver.review(request).await,
    }
}

fn note(unanswered: &Review) {
    if let Review::Failed(why) = unanswered {
        tracing::warn!(why, "an approver failed; asking the next");
    }
}
