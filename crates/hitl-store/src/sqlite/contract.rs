//! Each operation of the store's contract, handed to the thread that does it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use hitl_base::Timestamp;
use hitl_core::call::EffectDigest;
use hitl_core::grant::GrantRecord;
use hitl_core::machine::{CallRecord, CallState, Event, HistoryEntry, NewCall};
use hitl_core::queue::{QueueCounts, QueueEntry, QueueScan};
use hitl_core::seal::Sealed;
use hitl_core::store::{
    ApplyError, ApplyRequest, ChangeId, ChangeWatch, EffectHolder, Erasable, ErasedCount,
    EventPayload, Executors, FREEZES, GrantQuery, History, Hold, NotErased, PageRequest,
    SealedPage, SealedPart, SealedText, StoreAddress, StoreError, SubmitResult, tools_text,
};
use hitl_core::{
    CallKey, ContentDigest, GrantId, HoldId, HostKeys, KeyId, Principal, RequestId, RunId,
    SessionId, Store, Tenant, ToolFacts,
};
use tokio::sync::oneshot;

use super::apply::Apply;
use super::effects;
use super::error::{ambiguous, file_error};
use super::executors;
use super::grants;
use super::holds;
use super::metadata;
use super::multi_call::ApplyAll;
use super::outbox;
use super::query::{self, StoredCall};
use super::queue;
use super::retention;
use super::rotation;
use super::store::SqliteStore;
use super::submit::Submit;

#[async_trait]
impl Store for SqliteStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.shared.clock.now()?)
    }

    async fn open_session(&self) -> Result<SessionId, StoreError> {
        rotation::open_session(&self.shared).await
    }

    async fn close_session(&self, session: SessionId) -> Result<(), StoreError> {
        let (sessions, path) = (self.shared.sessions.clone(), Arc::clone(&self.shared.path));
        let closed = self.shared.read(move |_| Ok(sessions.close(session))).await?;
        closed.map_err(|error| file_error(&path, error))
    }

    async fn record_tools(
        &self,
        session: SessionId,
        tools: &[ToolFacts],
    ) -> Result<(), StoreError> {
        let (text, digest) = tools_text(tools)?;
        self.shared
            .write(move |on, context| executors::record(on, context, session, (&text, &digest)))
            .await
    }

    async fn executors(&self) -> Result<Executors, StoreError> {
        let sessions = self.shared.sessions.clone();
        self.shared.read(move |on| executors::all(on, |session| sessions.is_dead(session))).await
    }

    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<SubmitResult, StoreError> {
        let (operation, answer) = Submit::new(call, payload, self.shared.clock.now()?);
        self.shared.writer.send(operation).await?;
        let (submitted, new) = answer.await.map_err(|_| ambiguous(&self.shared.path))??;
        if let (SubmitResult::Created(record), Some(n)) = (&submitted, new) {
            self.shared.record_cache.put(record, n);
        }
        Ok(submitted)
    }

    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        let now = self.shared.clock.now().map_err(StoreError::from)?;
        let record_cache = &self.shared.record_cache;
        let mut applied = ApplyRequest::new(id, event);
        applied.enclosed = enclosed;
        let (operation, answer) = Apply::new(tenant, applied, record_cache, now);
        self.shared.writer.send(operation).await?;
        let StoredCall { n, record } = answer.await.map_err(|_| ambiguous(&self.shared.path))??;
        record_cache.put(&record, n);
        Ok(*record)
    }

    async fn apply_all(
        &self,
        tenant: &Tenant,
        events: Vec<ApplyRequest>,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        let (reply, answer) = oneshot::channel();
        let operation = ApplyAll { tenant: tenant.clone(), events, answer: None, reply };
        self.shared.writer.send(operation).await?;
        answer.await.map_err(|_| ambiguous(&self.shared.path))?
    }

    async fn save_grant(&self, grant: GrantRecord) -> Result<GrantRecord, StoreError> {
        self.shared.write(move |on, context| grants::save(on, &grant, context.clock.now()?)).await
    }

    async fn revoke_grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: &Principal,
        reason: Option<&str>,
    ) -> Result<Option<GrantRecord>, StoreError> {
        let (tenant, by, reason) = (tenant.clone(), by.clone(), reason.map(str::to_owned));
        self.shared
            .write(move |on, context| {
                grants::revoke(on, &tenant, id, &by, reason.as_deref(), context.clock.now()?)
            })
            .await
    }

    async fn grant(&self, tenant: &Tenant, id: GrantId) -> Result<Option<GrantRecord>, StoreError> {
        let tenant = tenant.clone();
        self.shared.read(move |on| grants::get(on, &tenant, id)).await
    }

    async fn grants(
        &self,
        tenant: &Tenant,
        page: GrantQuery,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let (tenant, now) = (tenant.clone(), self.shared.clock.now()?);
        self.shared.read(move |on| grants::page(on, &tenant, &page, now)).await
    }

    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError> {
        let tenant = tenant.clone();
        self.shared.read(move |on| Ok(query::get(on, &tenant, id)?.map(|kept| *kept.record))).await
    }

    async fn get_by_key(&self, key: &CallKey) -> Result<Option<CallRecord>, StoreError> {
        let key = key.clone();
        self.shared.read(move |on| Ok(query::find(on, &key)?.map(|kept| *kept.record))).await
    }

    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        let tenant = tenant.clone();
        self.shared.read(move |on| query::sealed(on, &tenant, id, SealedPart::Payload)).await
    }

    async fn result(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        let tenant = tenant.clone();
        self.shared.read(move |on| query::sealed(on, &tenant, id, SealedPart::Result)).await
    }

    async fn list(
        &self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let tenant = tenant.clone();
        self.shared.read(move |on| query::page(on, &tenant, &page)).await
    }

    async fn rejected(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let (tenant, run) = (tenant.clone(), run.clone());
        let read = move |on: &_| query::rejected(on, &tenant, &run, content, limit);
        self.shared.read(read).await
    }

    async fn attachable(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
    ) -> Result<Option<CallRecord>, StoreError> {
        let (tenant, run) = (tenant.clone(), run.clone());
        let read = move |on: &_| query::attachable(on, &tenant, &run, content);
        Ok(self.shared.read(read).await?.map(|record| *record))
    }

    async fn stale(&self, limit: usize) -> Result<Vec<(Tenant, RequestId, CallState)>, StoreError> {
        let (sessions, now) = (self.shared.sessions.clone(), self.shared.clock.now()?);
        self.shared.read(move |on| query::stale(on, &sessions, now, limit)).await
    }

    async fn approved(
        &self,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<(Tenant, RequestId)>, StoreError> {
        self.shared.read(move |on| query::approved(on, after, limit)).await
    }

    async fn queue(&self, scan: &QueueScan) -> Result<Vec<QueueEntry>, StoreError> {
        let scan = scan.clone();
        self.shared.read(move |on| queue::scan(on, &scan)).await
    }

    async fn queue_counts(&self, tenant: &Tenant) -> Result<QueueCounts, StoreError> {
        let tenant = tenant.clone();
        self.shared.read(move |on| queue::counts(on, &tenant)).await
    }

    async fn tenants(
        &self,
        after: Option<&Tenant>,
        limit: usize,
    ) -> Result<Vec<Tenant>, StoreError> {
        let after = after.cloned();
        self.shared.read(move |on| queue::tenants(on, after.as_ref(), limit)).await
    }

    async fn history(&self, after: u64, limit: usize) -> Result<History, StoreError> {
        self.shared.read(move |on| query::history(on, after, limit)).await
    }

    async fn last_history_seq(&self) -> Result<u64, StoreError> {
        let last = self.shared.read(query::last_change).await?;
        Ok(last.cast_unsigned())
    }

    async fn call_history(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Vec<(u64, HistoryEntry)>, StoreError> {
        let tenant = tenant.clone();
        self.shared.read(move |on| query::history_of(on, &tenant, id)).await
    }

    async fn erase_ended_before(&self, before: Timestamp) -> Result<ErasedCount, StoreError> {
        self.shared.erase_ended(before).await
    }

    async fn erase(&self, calls: &[Erasable]) -> Result<Vec<Option<NotErased>>, StoreError> {
        self.shared.erase_named(calls).await
    }

    async fn calls_by_principal(
        &self,
        tenant: &Tenant,
        principal: &Principal,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let (tenant, principal) = (tenant.clone(), principal.clone());
        self.shared
            .read(move |on| retention::calls_of(on, (&tenant, &principal), after, limit))
            .await
    }

    async fn forget_grants_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
    ) -> Result<u64, StoreError> {
        self.shared.erase_grants_of(tenant, principal).await
    }

    async fn hold(&self, hold: Hold) -> Result<Hold, StoreError> {
        self.shared.place_hold(hold).await
    }

    async fn release_hold(&self, tenant: &Tenant, id: HoldId) -> Result<Option<Hold>, StoreError> {
        self.shared.take_hold(tenant, id).await
    }

    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        Ok(self.shared.read(holds::all).await?.iter().cloned().collect())
    }

    async fn forget_runs(&self, watermark: Timestamp) -> Result<u64, StoreError> {
        self.shared.forget_begun(watermark).await
    }

    async fn runs_forgotten_before(&self) -> Result<Option<Timestamp>, StoreError> {
        self.shared.read(retention::forgotten_before).await
    }

    async fn outbox_take(
        &self,
        session: SessionId,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let sessions = self.shared.sessions.clone();
        // Nearly always there is nothing to take, and nothing needs to be written.
        if limit == 0 || !self.shared.read(move |on| outbox::has_orphans(on, &sessions)).await? {
            return Ok(Vec::new());
        }
        self.shared
            .write(move |on, context| outbox::take(on, &context.sessions, session, limit))
            .await
    }

    async fn pending_outbox(
        &self,
        session: SessionId,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        self.shared.read(move |on| outbox::own(on, session, limit)).await
    }

    async fn outbox_ack(&self, audited: &[ChangeId]) -> Result<(), StoreError> {
        let audited = audited.to_vec();
        self.shared.write(move |on, _| outbox::acknowledge(on, &audited)).await
    }

    async fn effect_holder(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
    ) -> Result<Option<EffectHolder>, StoreError> {
        let tenant = tenant.clone();
        self.shared.read(move |on| effects::holder(on, &tenant, effect)).await
    }

    async fn reserve_effect(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
        from: Option<RequestId>,
        to: EffectHolder,
    ) -> Result<bool, StoreError> {
        let tenant = tenant.clone();
        self.shared.write(move |on, _| effects::reserve(on, (&tenant, effect), from, to)).await
    }

    async fn metadata(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = format!("mark.{name}");
        self.shared.read(move |on| metadata::get(on, &name)).await
    }

    async fn compare_and_set_metadata(
        &self,
        name: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<bool, StoreError> {
        let wakes = name == FREEZES;
        let (name, from, to) = (format!("mark.{name}"), from.map(str::to_owned), to.to_owned());
        let set = self
            .shared
            .write(move |on, _| {
                let kept = metadata::get(on, &name)?;
                // The existing value may be this operation's own, from a lost commit that is
                // repeated.
                let may = kept == from || kept.as_ref() == Some(&to);
                if may {
                    metadata::set(on, &name, &to)?;
                }
                Ok(may)
            })
            .await?;
        if set && wakes {
            self.shared.hub.notify_all();
        }
        Ok(set)
    }

    fn watch(&self, id: RequestId) -> ChangeWatch {
        let watch = self.shared.hub.watch(id);
        self.shared.watcher.wake();
        watch
    }

    fn watch_all(&self) -> ChangeWatch {
        let watch = self.shared.hub.watch_all();
        self.shared.watcher.wake();
        watch
    }

    fn host_keys(&self) -> Option<HostKeys> {
        Some(self.shared.keys.clone())
    }

    async fn sealed_texts(
        &self,
        part: SealedPart,
        not_under: KeyId,
        after: u64,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        self.shared.read(move |on| rotation::texts(on, part, not_under, after, limit)).await
    }

    async fn reseal(&self, text: &SealedText, to: Sealed) -> Result<bool, StoreError> {
        let text = text.clone();
        self.shared.write(move |on, _| rotation::reseal(on, &text, &to)).await
    }

    async fn sessions_under_other_keys(&self) -> Result<u64, StoreError> {
        self.shared.sessions_under_other_keys().await
    }

    async fn retire_keys(&self) -> Result<(), StoreError> {
        rotation::retire(&self.shared, self.shared.keys.current()).await
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.shared.path.to_path_buf()]
    }

    fn address(&self) -> StoreAddress {
        self.shared.address.clone()
    }
}
