//! A store whose operations take effect one poll before they answer, as those of a real one do:
//! what is dropped in between has happened, and nobody has heard of it.

#![expect(unreachable_pub, reason = "a module of a test file")]

use std::path::PathBuf;

use async_trait::async_trait;
use hitl_base::Timestamp;
use hitl_core::audit::Head;
use hitl_core::machine::{CallRecord, CallState, Entry, Event, NewCall};
use hitl_core::queue::{Placed, QueueCounts, QueueScan};
use hitl_core::seal::{HostKey, KeyId, Sealed};
use hitl_core::store::{
    Applied, ApplyError, AuditWriter, Change, Enclosed, Erasable, Executors, GrantPage, History,
    Hold, NotErased, Retained, SealedPage, SealedPart, SealedText, Submitted, Watch,
};
use hitl_core::{
    CallKey, ContentDigest, GrantId, GrantRecord, HoldId, HostKeys, MemoryStore, PageRequest,
    Principal, RequestId, RunId, SessionId, Store, StoreError, StoreErrorKind, Tenant, ToolFacts,
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
    /// Like a store that was written before there was this.
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
    async fn queue(&self, scan: &QueueScan) -> Result<Vec<Placed>, StoreError> {
        self.inner.queue(scan).await
    }
    async fn queue_counts(&self, tenant: &Tenant) -> Result<QueueCounts, StoreError> {
        self.inner.queue_counts(tenant).await
    }
    async fn tenants(
        &self,
        after: Option<&Tenant>,
        limit: usize,
    ) -> Result<Vec<Tenant>, StoreError> {
        self.inner.tenants(after, limit).await
    }
    async fn history_end(&self) -> Result<u64, StoreError> {
        self.inner.history_end().await
    }
    async fn history_of(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Vec<(u64, Entry)>, StoreError> {
        self.inner.history_of(tenant, id).await
    }
    async fn retain(&self, before: Timestamp) -> Result<Retained, StoreError> {
        self.inner.retain(before).await
    }
    async fn erase(&self, calls: &[Erasable]) -> Result<Vec<Option<NotErased>>, StoreError> {
        self.inner.erase(calls).await
    }
    async fn calls_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.inner.calls_of(tenant, principal, after, limit).await
    }
    async fn forget_grants_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
    ) -> Result<u64, StoreError> {
        self.inner.forget_grants_of(tenant, principal).await
    }
    async fn hold(&self, hold: Hold) -> Result<Hold, StoreError> {
        self.inner.hold(hold).await
    }
    async fn release_hold(&self, tenant: &Tenant, id: HoldId) -> Result<Option<Hold>, StoreError> {
        self.inner.release_hold(tenant, id).await
    }
    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        self.inner.holds().await
    }
    async fn forget_runs(&self, watermark: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_runs(watermark).await
    }
    async fn runs_forgotten_before(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.runs_forgotten_before().await
    }
    async fn mark(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.inner.mark(name).await
    }
    async fn swap_mark(
        &self,
        name: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<bool, StoreError> {
        self.inner.swap_mark(name, from, to).await
    }
    async fn writer_register(&self, stream: &str) -> Result<(), StoreError> {
        self.inner.writer_register(stream).await
    }
    async fn writers(&self) -> Result<Vec<AuditWriter>, StoreError> {
        self.inner.writers().await
    }
    async fn writer_advance(&self, head: &Head) -> Result<(), StoreError> {
        self.inner.writer_advance(head).await
    }
    async fn writer_heads(&self) -> Result<Vec<Head>, StoreError> {
        self.inner.writer_heads().await
    }
    fn host_key(&self) -> Option<HostKey> {
        self.inner.host_key()
    }
    async fn sealed_texts(
        &self,
        part: SealedPart,
        not_under: KeyId,
        after: u64,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        self.inner.sealed_texts(part, not_under, after, limit).await
    }
    async fn reseal(&self, text: &SealedText, to: Sealed) -> Result<bool, StoreError> {
        self.inner.reseal(text, to).await
    }
    async fn sessions_under_other_keys(&self) -> Result<u64, StoreError> {
        self.inner.sessions_under_other_keys().await
    }
    async fn retire_keys(&self) -> Result<(), StoreError> {
        self.inner.retire_keys().await
    }
    fn files(&self) -> Vec<PathBuf> {
        self.inner.files()
    }
}
