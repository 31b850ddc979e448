//! A store that says where its caller is: before and after each step of a call's life.

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
    CallKey, ContentDigest, GrantId, GrantRecord, HoldId, HostKeys, PageRequest, Principal,
    RequestId, RunId, SessionId, Store, StoreError, Tenant, ToolFacts,
};
use hitl_store::SqliteStore;

use crate::worker::reach;

pub(crate) struct Watched(pub(crate) SqliteStore);

/// The names of the places around an event.
fn around(event: &Event) -> Option<(&'static str, &'static str)> {
    match event {
        Event::Decide(_) => Some(("before-decide", "after-decide")),
        Event::Claim { .. } => Some(("before-claim", "after-claim")),
        Event::Succeed { .. } => Some(("before-record", "after-record")),
        _ => None,
    }
}

#[async_trait]
impl Store for Watched {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.0.now().await
    }
    async fn open_session(&self) -> Result<SessionId, StoreError> {
        self.0.open_session().await
    }
    async fn close_session(&self, session: SessionId) -> Result<(), StoreError> {
        self.0.close_session(session).await
    }
    async fn record_tools(&self, by: SessionId, tools: &[ToolFacts]) -> Result<(), StoreError> {
        self.0.record_tools(by, tools).await
    }
    async fn executors(&self) -> Result<Executors, StoreError> {
        self.0.executors().await
    }
    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<Submitted, StoreError> {
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
        enclosed: Enclosed,
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
        events: Vec<Applied>,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        let Some((before, after)) = events.first().and_then(|first| around(&first.event)) else {
            return self.0.apply_all(tenant, events).await;
        };
        reach(before);
        let applied = self.0.apply_all(tenant, events).await;
        reach(after);
        applied
    }
    async fn save_grant(&self, grant: GrantRecord) -> Result<GrantRecord, StoreError> {
        self.0.save_grant(grant).await
    }
    async fn revoke_grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: &Principal,
        reason: Option<&str>,
    ) -> Result<Option<GrantRecord>, StoreError> {
        self.0.revoke_grant(tenant, id, by, reason).await
    }
    async fn grant(&self, tenant: &Tenant, id: GrantId) -> Result<Option<GrantRecord>, StoreError> {
        self.0.grant(tenant, id).await
    }
    async fn grants(
        &self,
        tenant: &Tenant,
        page: GrantPage,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        self.0.grants(tenant, page).await
    }
    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError> {
        self.0.get(tenant, id).await
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
    async fn rejected(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.0.rejected(tenant, run, content, limit).await
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
    async fn outbox_take(&self, by: SessionId, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.0.outbox_take(by, limit).await
    }
    async fn outbox_of(&self, by: SessionId, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.0.outbox_of(by, limit).await
    }
    async fn outbox_ack(&self, audited: &[Change]) -> Result<(), StoreError> {
        self.0.outbox_ack(audited).await
    }
    fn watch(&self, id: RequestId) -> Watch {
        self.0.watch(id)
    }
    fn watch_all(&self) -> Watch {
        self.0.watch_all()
    }
    fn host_keys(&self) -> Option<HostKeys> {
        self.0.host_keys()
    }
    async fn queue(&self, scan: &QueueScan) -> Result<Vec<Placed>, StoreError> {
        self.0.queue(scan).await
    }
    async fn queue_counts(&self, tenant: &Tenant) -> Result<QueueCounts, StoreError> {
        self.0.queue_counts(tenant).await
    }
    async fn tenants(
        &self,
        after: Option<&Tenant>,
        limit: usize,
    ) -> Result<Vec<Tenant>, StoreError> {
        self.0.tenants(after, limit).await
    }
    async fn history_end(&self) -> Result<u64, StoreError> {
        self.0.history_end().await
    }
    async fn history_of(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Vec<(u64, Entry)>, StoreError> {
        self.0.history_of(tenant, id).await
    }
    async fn retain(&self, before: Timestamp) -> Result<Retained, StoreError> {
        self.0.retain(before).await
    }
    async fn erase(&self, calls: &[Erasable]) -> Result<Vec<Option<NotErased>>, StoreError> {
        self.0.erase(calls).await
    }
    async fn calls_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.0.calls_of(tenant, principal, after, limit).await
    }
    async fn forget_grants_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
    ) -> Result<u64, StoreError> {
        self.0.forget_grants_of(tenant, principal).await
    }
    async fn hold(&self, hold: Hold) -> Result<Hold, StoreError> {
        self.0.hold(hold).await
    }
    async fn release_hold(&self, tenant: &Tenant, id: HoldId) -> Result<Option<Hold>, StoreError> {
        self.0.release_hold(tenant, id).await
    }
    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        self.0.holds().await
    }
    async fn forget_runs(&self, watermark: Timestamp) -> Result<u64, StoreError> {
        self.0.forget_runs(watermark).await
    }
    async fn runs_forgotten_before(&self) -> Result<Option<Timestamp>, StoreError> {
        self.0.runs_forgotten_before().await
    }
    async fn mark(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.0.mark(name).await
    }
    async fn swap_mark(
        &self,
        name: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<bool, StoreError> {
        self.0.swap_mark(name, from, to).await
    }
    async fn writer_register(&self, stream: &str) -> Result<(), StoreError> {
        self.0.writer_register(stream).await
    }
    async fn writers(&self) -> Result<Vec<AuditWriter>, StoreError> {
        self.0.writers().await
    }
    async fn writer_advance(&self, head: &Head) -> Result<(), StoreError> {
        self.0.writer_advance(head).await
    }
    async fn writer_heads(&self) -> Result<Vec<Head>, StoreError> {
        self.0.writer_heads().await
    }
    fn host_key(&self) -> Option<HostKey> {
        self.0.host_key()
    }
    async fn sealed_texts(
        &self,
        part: SealedPart,
        not_under: KeyId,
        after: u64,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        self.0.sealed_texts(part, not_under, after, limit).await
    }
    async fn reseal(&self, text: &SealedText, to: Sealed) -> Result<bool, StoreError> {
        self.0.reseal(text, to).await
    }
    async fn sessions_under_other_keys(&self) -> Result<u64, StoreError> {
        self.0.sessions_under_other_keys().await
    }
    async fn retire_keys(&self) -> Result<(), StoreError> {
        self.0.retire_keys().await
    }
    fn files(&self) -> Vec<PathBuf> {
        self.0.files()
    }
}

/// A method that it forgets has its default, and what is killed is another store.
#[test]
fn the_wrapper_forwards_every_method_of_a_store() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
    let (contract, own) =
        (read("../hitl-core/src/store/contract.rs"), read("tests/crash/watched.rs"));
    let (_, contract) = contract.split_once("pub trait Store").unwrap();
    let methods: Vec<&str> = contract
        .lines()
        .filter_map(|line| line.trim_start().trim_start_matches("async ").strip_prefix("fn "))
        .filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
        .collect();
    assert!(methods.len() > 50, "{methods:?}");
    for method in methods {
        assert!(own.contains(&format!("fn {method}(")), "it forgets {method}");
    }
}
