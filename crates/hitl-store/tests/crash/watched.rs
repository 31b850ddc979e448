//! A store that reports its caller's position: before and after each step of a call's life.

use async_trait::async_trait;
use hitl_core::machine::{CallRecord, Event, NewCall};
use hitl_core::seal::Sealed;
use hitl_core::store::{ApplyError, ApplyRequest, EventPayload, StoreWrapper, SubmitResult};
use hitl_core::{RequestId, Store, StoreError, Tenant};
use hitl_store::SqliteStore;

use crate::worker::reach;

pub(crate) struct Watched(pub(crate) SqliteStore);

/// Returns the names of the places around an event.
fn around(event: &Event) -> Option<(&'static str, &'static str)> {
    match event {
        Event::Decide(_) => Some(("before-decide", "after-decide")),
        Event::Claim { .. } => Some(("before-claim", "after-claim")),
        Event::Succeed { .. } => Some(("before-record", "after-record")),
        _ => None,
    }
}

#[async_trait]
impl StoreWrapper for Watched {
    type Inner = SqliteStore;

    fn inner(&self) -> &SqliteStore {
        &self.0
    }

    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<SubmitResult, StoreError> {
        reach("before-submit");
        let submitted = self.0.submit(call, payload).await;
        reach("after-submit");
        submitted
    }

    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        let Some((before, after)) = around(&event) else {
            return self.0.apply(tenant, id, event, enclosed).await;
        };
        reach(before);
        let applied = self.0.apply(tenant, id, event, enclosed).await;
        reach(after);
        applied
    }

    async fn apply_all(
        &self,
        tenant: &Tenant,
        events: Vec<ApplyRequest>,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        let Some((before, after)) = events.first().and_then(|first| around(&first.event)) else {
            return self.0.apply_all(tenant, events).await;
        };
        reach(before);
        let applied = self.0.apply_all(tenant, events).await;
        reach(after);
        applied
    }
}
