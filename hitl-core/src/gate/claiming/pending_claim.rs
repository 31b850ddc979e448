//! A claim in flight: from the request to the store until somebody holds the claim. A caller that
//! is dropped in between must not leave a claim that nobody holds.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::gate::calls::lifecycle::{ClaimRef, Lifecycle};

/// A claim, or a submission, that was requested from the store. Dropped before it is
/// [disarmed](Self::disarm), it lets the store finish, and releases any claim that the store
/// granted.
pub(in crate::gate) struct PendingClaim<O: Send + 'static> {
    lifecycle: Arc<Lifecycle>,
    claims: Vec<ClaimRef>,
    asking: Option<BoxFuture<'static, O>>,
}

impl<O: Send + 'static> PendingClaim<O> {
    pub(in crate::gate) fn new(
        lifecycle: &Arc<Lifecycle>,
        claims: impl IntoIterator<Item = ClaimRef>,
        asking: impl Future<Output = O> + Send + 'static,
    ) -> Self {
        Self {
            lifecycle: Arc::clone(lifecycle),
            claims: claims.into_iter().collect(),
            asking: Some(asking.boxed()),
        }
    }

    /// Returns the store's answer. Call it once.
    pub(in crate::gate) async fn resolve(&mut self) -> O {
        let answer = poll_fn(|cx| match &mut self.asking {
            Some(asking) => asking.as_mut().poll(cx),
            None => Poll::Pending,
        });
        let answer = answer.await;
        self.asking = None;
        answer
    }

    /// Disarms the guard: somebody holds the claim now, or it was certainly not granted.
    pub(in crate::gate) fn disarm(mut self) {
        self.claims.clear();
    }
}

impl<O: Send + 'static> Drop for PendingClaim<O> {
    fn drop(&mut self) {
        let (claims, asking) = (std::mem::take(&mut self.claims), self.asking.take());
        if claims.is_empty() && asking.is_none() {
            return;
        }
        let lifecycle = Arc::clone(&self.lifecycle);
        self.lifecycle.spawn(async move {
            if let Some(asking) = asking {
                asking.await;
            }
            for claim in claims {
                lifecycle.release_unheld(claim).await;
            }
        });
    }
}
