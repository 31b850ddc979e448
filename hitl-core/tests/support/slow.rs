//! A store whose operations take effect one poll before they return, like those of a real one: a
//! dropped operation may have happened without its caller learning of it.

#![expect(unreachable_pub, reason = "a module of a test file")]

use async_trait::async_trait;
use hitl_core::machine::{CallRecord, Event, NewCall};
use hitl_core::seal::Sealed;
use hitl_core::store::{
    ApplyError, ApplyRequest, EventPayload, Executors, StoreWrapper, SubmitResult,
};
use hitl_core::{
    MemoryStore, RequestId, SessionId, Store, StoreError, StoreErrorKind, Tenant, ToolFacts,
};
use tokio::task::yield_now;

/// A store that takes effect, then yields, then returns. It can be made to lose payloads.
#[derive(Clone)]
pub struct Slow {
    pub inner: MemoryStore,
    pub without_payloads: bool,
}

#[async_trait]
impl StoreWrapper for Slow {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<SubmitResult, StoreError> {
        let answer = self.inner.submit(call, payload).await;
        yield_now().await;
        answer
    }

    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        let answer = self.inner.apply(tenant, id, event, enclosed).await;
        yield_now().await;
        answer
    }

    async fn apply_all(
        &self,
        tenant: &Tenant,
        events: Vec<ApplyRequest>,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        let answer = self.inner.apply_all(tenant, events).await;
        yield_now().await;
        answer
    }

    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError> {
        let answer = self.inner.get(tenant, id).await;
        yield_now().await;
        answer
    }

    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        if self.without_payloads { Ok(None) } else { self.inner.payload(tenant, id).await }
    }

    async fn record_tools(
        &self,
        _session: SessionId,
        _tools: &[ToolFacts],
    ) -> Result<(), StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported, "it records no tools"))
    }

    async fn executors(&self) -> Result<Executors, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unsupported, "it records no tools"))
    }
}
