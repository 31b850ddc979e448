//! A store whose operations take effect one poll before they answer, as those of a real one do: what
//! is dropped in between has happened, and nobody has heard of it.

#![expect(unreachable_pub, reason = "a module of a test file")]

use async_trait::async_trait;
use hitl_base::Timestamp;
use hitl_core::machine::{CallRecord, CallState, Entry, Event, NewCall};
use hitl_core::seal::Sealed;
use hitl_core::store::{
    Applied, ApplyError, Change, Enclosed, GrantPage, History, Submitted, Watch,
};
use hitl_core::{
    CallKey, ContentDigest, GrantId, GrantRecord, HostKeys, MemoryStore, PageRequest, Principal,
    RequestId, RunId, SessionId, Store, StoreError, Tenant,
};
use tokio::task::yield_now;

/// Takes effect, then yields, then answers. Loses payloads when it is told to.
#[derive(Clone)]
pub struct Slow {
    pub inner: MemoryStore,
    pub without_payloads: bool,
}

#[async_trait]
impl Store for Slow {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.inner.now().await
    }
    async fn open_session(&self) -> Result<SessionId, StoreError> {
        self.inner.open_session().await
    }
    async fn close_session(&self, session: SessionId) -> Result<(), StoreError> {
        self.inner.close_session(session).await
    }
    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<Submitted, StoreError> {
        let answer = self.inner.submit(call, payload).await;
        yield_now().await;
        answer
    }
    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: Enclosed,
    ) -> Result<CallRecord, ApplyError> {
        let answer = self.inner.apply(tenant, id, event, enclosed).await;
        yield_now().await;
        answer
    }
    async fn apply_all(
        &self,
        tenant: &Tenant,
        events: Vec<Applied>,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        let answer = self.inner.apply_all(tenant, events).await;
        yield_now().await;
        answer
    }
    async fn save_grant(&self, grant: GrantRecord) -> Result<GrantRecord, StoreError> {
        self.inner.save_grant(grant).await
    }
    async fn revoke_grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: &Principal,
        reason: Option<&str>,
    ) -> Result<Option<GrantRecord>, StoreError> {
        self.inner.revoke_grant(tenant, id, by, reason).await
    }
    async fn grant(&self, tenant: &Tenant, id: GrantId) -> Result<Option<GrantRecord>, StoreError> {
        self.inner.grant(tenant, id).await
    }
    async fn grants(
        &self,
        tenant: &Tenant,
        page: GrantPage,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        self.inner.grants(tenant, page).await
    }
    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError> {
        let answer = self.inner.get(tenant, id).await;
        yield_now().await;
        answer
    }
    async fn find(&self, key: &CallKey) -> Result<Option<CallRecord>, StoreError> {
        self.inner.find(key).await
    }
    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        if self.without_payloads { Ok(None) } else { self.inner.payload(tenant, id).await }
    }
    async fn result(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        self.inner.result(tenant, id).await
    }
    async fn page(
        &self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.inner.page(tenant, page).await
    }
    async fn rejected(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.inner.rejected(tenant, run, content, limit).await
    }
    async fn stale(&self, limit: usize) -> Result<Vec<(Tenant, RequestId, CallState)>, StoreError> {
        self.inner.stale(limit).await
    }
    async fn approved(
        &self,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<(Tenant, RequestId)>, StoreError> {
        self.inner.approved(after, limit).await
    }
    async fn history(&self, after: u64, limit: usize) -> Result<History, StoreError> {
        self.inner.history(after, limit).await
    }
    async fn outbox_take(&self, by: SessionId, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.outbox_take(by, limit).await
    }
    async fn outbox_of(&self, by: SessionId, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.outbox_of(by, limit).await
    }
    async fn outbox_ack(&self, audited: &[Change]) -> Result<(), StoreError> {
        self.inner.outbox_ack(audited).await
    }
    fn watch(&self, id: RequestId) -> Watch {
        self.inner.watch(id)
    }
    fn watch_all(&self) -> Watch {
        self.inner.watch_all()
    }
    fn host_keys(&self) -> Option<HostKeys> {
        self.inner.host_keys()
    }
}
