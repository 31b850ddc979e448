//! A store whose operations take effect one poll before they answer, as those of a real one do: what
//! is dropped in between has happened, and nobody has heard of it.

#![expect(unreachable_pub, reason = "a module of a test file")]

use async_trait::async_trait;
use hitl_base::Timestamp;
use hitl_core::machine::{CallRecord, CallState, Event, NewCall};
use hitl_core::seal::Sealed;
use hitl_core::store::{ApplyError, History, Submitted, Watch};
use hitl_core::{
    CallKey, HostKey, MemoryStore, PageRequest, RequestId, SessionId, Store, StoreError, Tenant,
};
use tokio::task::yield_now;

/// Takes effect, then yields, then answers.
#[derive(Clone)]
pub struct Slow(pub MemoryStore);

#[async_trait]
impl Store for Slow {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.0.now().await
    }
    async fn open_session(&self) -> Result<SessionId, StoreError> {
        self.0.open_session().await
    }
    async fn close_session(&self, session: SessionId) -> Result<(), StoreError> {
        self.0.close_session(session).await
    }
    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<Submitted, StoreError> {
        let answer = self.0.submit(call, payload).await;
        yield_now().await;
        answer
    }
    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        result: Option<Sealed>,
    ) -> Result<CallRecord, ApplyError> {
        let answer = self.0.apply(tenant, id, event, result).await;
        yield_now().await;
        answer
    }
    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError> {
        let answer = self.0.get(tenant, id).await;
        yield_now().await;
        answer
    }
    async fn find(&self, key: &CallKey) -> Result<Option<CallRecord>, StoreError> {
        self.0.find(key).await
    }
    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        self.0.payload(tenant, id).await
    }
    async fn result(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        self.0.result(tenant, id).await
    }
    async fn page(
        &self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.0.page(tenant, page).await
    }
    async fn stale(&self, limit: usize) -> Result<Vec<(Tenant, RequestId, CallState)>, StoreError> {
        self.0.stale(limit).await
    }
    async fn approved(
        &self,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<(Tenant, RequestId)>, StoreError> {
        self.0.approved(after, limit).await
    }
    async fn history(&self, after: u64, limit: usize) -> Result<History, StoreError> {
        self.0.history(after, limit).await
    }
    fn watch(&self, id: RequestId) -> Watch {
        self.0.watch(id)
    }
    fn watch_all(&self) -> Watch {
        self.0.watch_all()
    }
    fn host_key(&self) -> Option<HostKey> {
        self.0.host_key()
    }
}
