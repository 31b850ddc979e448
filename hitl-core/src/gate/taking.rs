//! A claim on its way: between the moment when the store is asked for it and the moment when
//! somebody holds it. Whoever goes away in between must not leave a claim that nobody holds.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::handle::Inner;
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::Tenant;
use crate::ids::{ClaimToken, OwnerToken, RequestId};
use crate::machine::{Event, Withdrawal};
use crate::store::{ApplyError, EventPayload};

/// Whose claim it would be: of a call, or of one of several that are claimed together.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) tenant: Tenant,
    pub(super) id: RequestId,
    pub(super) token: ClaimToken,
    /// The caller that owns the call: when it goes away, the call is withdrawn too.
    pub(super) owner: Option<OwnerToken>,
}

/// A claim, or a submission, that the store was asked for. Dropped before [`end`](Self::end), it
/// lets the store finish, and gives back what the store may have granted.
pub(super) struct Taking<O: Send + 'static> {
    gate: Arc<Inner>,
    wanted: Vec<Wanted>,
    asking: Option<BoxFuture<'static, O>>,
}

impl<O: Send + 'static> Taking<O> {
    pub(super) fn new(
        gate: &Arc<Inner>,
        wanted: impl IntoIterator<Item = Wanted>,
        asking: impl Future<Output = O> + Send + 'static,
    ) -> Self {
        let wanted = wanted.into_iter().collect();
        Self { gate: Arc::clone(gate), wanted, asking: Some(asking.boxed()) }
    }

    /// What the store says. Asked once.
    pub(super) async fn answer(&mut self) -> O {
        let answer = poll_fn(|cx| match &mut self.asking {
            Some(asking) => asking.as_mut().poll(cx),
            None => Poll::Pending,
        });
        let answer = answer.await;
        self.asking = None;
        answer
    }

    /// Somebody holds it now, or it was certainly not granted.
    pub(super) fn end(mut self) {
        self.wanted.clear();
    }
}

impl<O: Send + 'static> Drop for Taking<O> {
    fn drop(&mut self) {
        let (wanted, asking) = (std::mem::take(&mut self.wanted), self.asking.take());
        if wanted.is_empty() && asking.is_none() {
            return;
        }
        let gate = Arc::clone(&self.gate);
        self.gate.runtime.spawn(async move {
            if let Some(asking) = asking {
                asking.await;
            }
            for wanted in wanted {
                gate.give_back(wanted).await;
            }
        });
    }
}

impl Inner {
    /// Gives back a claim that may have been granted and that nobody holds. Nothing has started.
    async fn give_back(&self, wanted: Wanted) {
        let Wanted { tenant, id, token, owner } = wanted;
        match self.offer(&tenant, id, Event::Release { token }, EventPayload::none()).await {
            Ok(record) => {
                self.note(&AuditRecord::new(AuditEvent::Released, &record, record.updated_at));
            }
            // It was not granted after all.
            Err(ApplyError::Rejected { .. } | ApplyError::NotFound(_)) => {}
            Err(error) => {
                tracing::error!(call = %id, %error, "a claim that nobody holds could not be given back");
            }
        }
        let Some(owner) = owner else { return };
        let reason = "the caller went away".to_owned();
        let event = Event::Cancel { by: Withdrawal::Owner(owner), reason };
        if let Err(error) = self.withdraw(&tenant, id, event).await {
            tracing::debug!(%id, %error, "a call whose caller went away was not withdrawn");
        }
    }
}
