//! The store: each operation of the contract, handed to the module that does it.

use std::fmt;
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
    SealedPage, SealedPart, SealedText, StoreAddress, StoreError, SubmitResult, check_erasable,
};
use hitl_core::{
    CallKey, ContentDigest, GrantId, HoldId, HostKeys, KeyId, Principal, RequestId, RunId,
    SessionId, Store, Tenant, ToolFacts,
};

use super::database::Database;
use super::effects;
use super::error::Fault;
use super::executors;
use super::freeze;
use super::grants::{self, Revoke};
use super::holds;
use super::metadata;
use super::multi_call;
use super::operation;
use super::outbox;
use super::query;
use super::queue;
use super::retention;
use super::rotation;
use super::seal_check;
use super::session::{self};
use super::shared::Shared;

/// A store that keeps calls in PostgreSQL (14 or later), where several replicas share one queue.
/// Cheap to clone; clones share the connections.
///
/// `Ok` means durable: an acknowledged change survives a crash of this process and of the server,
/// and a failover only where replication is synchronous. When a replica dies, the calls that it was
/// running are declared lost once its [lease](crate::PostgresOptions::lease) has expired, by the
/// database's clock.
///
/// Connections over TCP use TLS where the server offers it, and then the server's certificate is
/// always checked; write `sslmode=require` into the URL to accept nothing less, `sslmode=disable`
/// to go without. Behind a pooler, set its [`listen_url`](crate::PostgresOptions::listen_url) and
/// [`unnamed_statements`](crate::PostgresOptions::unnamed_statements).
///
/// Every future of a store may be dropped: the operation then happens entirely or not at all. The
/// store lives on the runtime it was opened on. Dropping the last clone ends its sessions.
#[derive(Clone)]
pub struct PostgresStore {
    pub(super) shared: Arc<Shared>,
}

impl From<Shared> for PostgresStore {
    fn from(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }
}

impl PostgresStore {
    /// Returns how often the database was [restored](crate::PostgresOptions::restored), counted
    /// from 1.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub async fn epoch(&self) -> Result<u64, StoreError> {
        let text = metadata::get(&self.shared.database, "epoch").await;
        let text = text.map_err(|fault| self.shared.error(fault))?;
        let epoch = text.and_then(|text| text.parse().ok());
        epoch.ok_or_else(|| self.shared.error(Fault::Damaged("its epoch")))
    }

    /// Returns the access to the database.
    pub(super) fn database(&self) -> &Database {
        &self.shared.database
    }
}

impl PostgresStore {
    /// Refuses sealed texts if the key may have been retired. While the leases are valid, the
    /// process that retires a key waits for them.
    async fn check_key(&self) -> Result<(), StoreError> {
        if self.shared.sessions.is_fenced() {
            seal_check::check_may_seal(&self.shared.database, &self.shared.keys).await?;
        }
        Ok(())
    }
}

/// Returns whether the payload of an event has a sealed text.
fn is_sealing(enclosed: &EventPayload) -> bool {
    enclosed.payload.is_some() || enclosed.result.is_some()
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("at", &self.shared.database.place)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        match &self.shared.clock {
            Some(clock) => Ok(clock.now()),
            None => query::now(&self.shared.database).await.map_err(|f| self.shared.error(f)),
        }
    }

    async fn open_session(&self) -> Result<SessionId, StoreError> {
        let opened = self.shared.sessions.open(&self.shared.database).await;
        let session = opened.map_err(|fault| self.shared.error(fault))?;
        // The session's row names its key by now, so either the process that retires keys sees it,
        // or this one sees that the key is retired.
        if let Err(error) =
            seal_check::check_may_seal(&self.shared.database, &self.shared.keys).await
        {
            self.close_session(session).await?;
            return Err(error);
        }
        Ok(session)
    }

    async fn close_session(&self, session: SessionId) -> Result<(), StoreError> {
        let closed = self.shared.sessions.close(&self.shared.database, session).await;
        closed.map_err(|fault| self.shared.error(fault))
    }

    async fn record_tools(
        &self,
        session: SessionId,
        tools: &[ToolFacts],
    ) -> Result<(), StoreError> {
        executors::record(&self.shared, session, tools).await
    }

    async fn executors(&self) -> Result<Executors, StoreError> {
        let executors = executors::all(&self.shared.database).await;
        executors.map_err(|fault| self.shared.error(fault))
    }

    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<SubmitResult, StoreError> {
        self.check_key().await?;
        operation::submit(&self.shared, &call, &payload).await
    }

    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        if is_sealing(&enclosed) {
            self.check_key().await?;
        }
        operation::apply(&self.shared, tenant, id, &event, &enclosed).await
    }

    async fn apply_all(
        &self,
        tenant: &Tenant,
        events: Vec<ApplyRequest>,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        if events.iter().any(|applied| is_sealing(&applied.enclosed)) {
            self.check_key().await?;
        }
        multi_call::apply_all(&self.shared, tenant, &events).await
    }

    async fn save_grant(&self, grant: GrantRecord) -> Result<GrantRecord, StoreError> {
        let saved = grants::save(&self.shared, grant).await;
        saved.map_err(|fault| self.shared.error(fault))
    }

    async fn revoke_grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: &Principal,
        reason: Option<&str>,
    ) -> Result<Option<GrantRecord>, StoreError> {
        Revoke { on: &self.shared, tenant, id, by, reason }.run_until_known().await
    }

    async fn grant(&self, tenant: &Tenant, id: GrantId) -> Result<Option<GrantRecord>, StoreError> {
        let grant = grants::get(&self.shared.database, tenant, id).await;
        grant.map_err(|fault| self.shared.error(fault))
    }

    async fn grants(
        &self,
        tenant: &Tenant,
        page: GrantQuery,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let grants = grants::page(&self.shared, tenant, &page).await;
        grants.map_err(|fault| self.shared.error(fault))
    }

    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError> {
        let stored = self.shared.read_and_cache(tenant, id).await;
        Ok(stored.map_err(|fault| self.shared.error(fault))?.map(|stored| stored.record))
    }

    async fn get_by_key(&self, key: &CallKey) -> Result<Option<CallRecord>, StoreError> {
        let found = query::find(&self.shared.database, key).await;
        Ok(found.map_err(|fault| self.shared.error(fault))?.stored.map(|stored| stored.record))
    }

    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        let sealed = query::sealed(&self.shared.database, tenant, id, SealedPart::Payload).await;
        sealed.map_err(|fault| self.shared.error(fault))
    }

    async fn result(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        let sealed = query::sealed(&self.shared.database, tenant, id, SealedPart::Result).await;
        sealed.map_err(|fault| self.shared.error(fault))
    }

    async fn list(
        &self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let records = query::page(&self.shared.database, tenant, &page).await;
        records.map_err(|fault| self.shared.error(fault))
    }

    async fn rejected(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let rejected = query::rejected(&self.shared.database, tenant, run, content, limit).await;
        rejected.map_err(|fault| self.shared.error(fault))
    }

    async fn attachable(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
    ) -> Result<Option<CallRecord>, StoreError> {
        let found = query::attachable(&self.shared.database, tenant, run, content).await;
        found.map_err(|fault| self.shared.error(fault))
    }

    async fn stale(&self, limit: usize) -> Result<Vec<(Tenant, RequestId, CallState)>, StoreError> {
        let now = self.shared.clock.as_ref().map(|clock| clock.now());
        let stale = query::stale(&self.shared.database, now, limit).await;
        stale.map_err(|fault| self.shared.error(fault))
    }

    async fn approved(
        &self,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<(Tenant, RequestId)>, StoreError> {
        let approved = query::approved(&self.shared.database, after, limit).await;
        approved.map_err(|fault| self.shared.error(fault))
    }

    async fn queue(&self, scan: &QueueScan) -> Result<Vec<QueueEntry>, StoreError> {
        let found = queue::scan(&self.shared.database, scan).await;
        found.map_err(|fault| self.shared.error(fault))
    }

    async fn queue_counts(&self, tenant: &Tenant) -> Result<QueueCounts, StoreError> {
        let counts = queue::counts(&self.shared.database, tenant).await;
        counts.map_err(|fault| self.shared.error(fault))
    }

    async fn tenants(
        &self,
        after: Option<&Tenant>,
        limit: usize,
    ) -> Result<Vec<Tenant>, StoreError> {
        let tenants = queue::tenants(&self.shared.database, after, limit).await;
        tenants.map_err(|fault| self.shared.error(fault))
    }

    async fn history(&self, after: u64, limit: usize) -> Result<History, StoreError> {
        let history = query::history(&self.shared.database, after, limit).await;
        history.map_err(|fault| self.shared.error(fault))
    }

    async fn effect_holder(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
    ) -> Result<Option<EffectHolder>, StoreError> {
        let holder = effects::holder(&self.shared.database, tenant, effect).await;
        holder.map_err(|fault| self.shared.error(fault))
    }

    async fn reserve_effect(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
        from: Option<RequestId>,
        to: EffectHolder,
    ) -> Result<bool, StoreError> {
        effects::reserve(&self.shared.database, (tenant, effect), from, to).await
    }

    async fn metadata(&self, name: &str) -> Result<Option<String>, StoreError> {
        let metadata = metadata::get(&self.shared.database, &format!("mark.{name}")).await;
        metadata.map_err(|fault| self.shared.error(fault))
    }

    async fn compare_and_set_metadata(
        &self,
        name: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<bool, StoreError> {
        if name == FREEZES {
            let set = freeze::exchange(&self.shared.database, from, to).await?;
            if set {
                self.shared.all_changed();
            }
            return Ok(set);
        }
        metadata::compare_and_set(&self.shared.database, &format!("mark.{name}"), from, to).await
    }

    async fn last_history_seq(&self) -> Result<u64, StoreError> {
        let last = query::last_change(&self.shared.database).await;
        last.map_err(|fault| self.shared.error(fault))
    }

    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn address(&self) -> StoreAddress {
        self.shared.address.clone()
    }

    async fn call_history(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Vec<(u64, HistoryEntry)>, StoreError> {
        let entries = query::history_of(&self.shared.database, tenant, id).await;
        entries.map_err(|fault| self.shared.error(fault))
    }

    async fn erase_ended_before(&self, before: Timestamp) -> Result<ErasedCount, StoreError> {
        let erased = retention::erase_ended(&self.shared.database, before).await;
        erased.map(ErasedCount::new).map_err(|fault| self.shared.error(fault))
    }

    async fn erase(&self, calls: &[Erasable]) -> Result<Vec<Option<NotErased>>, StoreError> {
        check_erasable(calls)?;
        let said = retention::erase(&self.shared.database, calls).await;
        said.map_err(|fault| self.shared.error(fault))
    }

    async fn calls_by_principal(
        &self,
        tenant: &Tenant,
        principal: &Principal,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let database = &self.shared.database;
        let records = retention::calls_of(database, (tenant, principal), after, limit).await;
        records.map_err(|fault| self.shared.error(fault))
    }

    async fn forget_grants_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
    ) -> Result<u64, StoreError> {
        let forgotten = grants::forget_of(&self.shared, tenant, principal).await;
        forgotten.map_err(|fault| self.shared.error(fault))
    }

    async fn hold(&self, hold: Hold) -> Result<Hold, StoreError> {
        holds::place(&self.shared, hold).await
    }

    async fn release_hold(&self, tenant: &Tenant, id: HoldId) -> Result<Option<Hold>, StoreError> {
        holds::release(&self.shared, tenant, id).await
    }

    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        holds::all(&self.shared.database).await.map_err(|fault| self.shared.error(fault))
    }

    async fn forget_runs(&self, watermark: Timestamp) -> Result<u64, StoreError> {
        let forgotten = retention::forget(&self.shared.database, watermark).await;
        forgotten.map_err(|fault| self.shared.error(fault))
    }

    async fn runs_forgotten_before(&self) -> Result<Option<Timestamp>, StoreError> {
        let before = retention::forgotten_before(&self.shared.database).await;
        before.map_err(|fault| self.shared.error(fault))
    }

    async fn outbox_take(
        &self,
        session: SessionId,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let taken = outbox::take(&self.shared.database, session, limit).await;
        taken.map_err(|fault| self.shared.error(fault))
    }

    async fn pending_outbox(
        &self,
        session: SessionId,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let own = outbox::own(&self.shared.database, session, limit).await;
        own.map_err(|fault| self.shared.error(fault))
    }

    async fn outbox_ack(&self, audited: &[ChangeId]) -> Result<(), StoreError> {
        let acknowledged = outbox::acknowledge(&self.shared.database, audited).await;
        acknowledged.map_err(|fault| self.shared.error(fault))
    }

    fn watch(&self, id: RequestId) -> ChangeWatch {
        self.shared.hub.watch(id)
    }

    fn watch_all(&self) -> ChangeWatch {
        self.shared.hub.watch_all()
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
        let texts = rotation::texts(&self.shared.database, part, not_under, after, limit).await;
        texts.map_err(|fault| self.shared.error(fault))
    }

    async fn reseal(&self, text: &SealedText, to: Sealed) -> Result<bool, StoreError> {
        rotation::reseal(&self.shared.database, text, &to).await
    }

    async fn sessions_under_other_keys(&self) -> Result<u64, StoreError> {
        let own = self.shared.keys.current().id();
        let others = session::under_other_keys(&self.shared.database, own).await;
        others.map_err(|fault| self.shared.error(fault))
    }

    async fn retire_keys(&self) -> Result<(), StoreError> {
        rotation::retire(&self.shared).await
    }
}
