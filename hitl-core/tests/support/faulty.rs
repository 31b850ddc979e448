//! A store that fails at a chosen operation, before or after it took effect.

#![expect(unreachable_pub, reason = "a module of a test file")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use hitl_base::Timestamp;
use hitl_core::call::EffectDigest;
use hitl_core::machine::{CallRecord, Event, NewCall};
use hitl_core::seal::{KeyId, Sealed};
use hitl_core::store::{
    ApplyError, ApplyRequest, EffectHolder, Erasable, ErasedCount, EventPayload, FREEZES,
    GrantQuery, Hold, NotErased, SealedPage, SealedPart, SealedText, StoreWrapper, SubmitResult,
};
use hitl_core::{
    CallKey, ContentDigest, GrantId, GrantRecord, HoldId, MemoryStore, Principal, RequestId, RunId,
    Store, StoreError, StoreErrorKind, Tenant,
};

/// The way in which an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation did not happen.
    Before,
    /// The operation happened, but returns an error.
    After,
}

/// A store that fails operation number `at` (from 0), once or from then on.
#[derive(Clone)]
pub struct Faulty {
    pub inner: MemoryStore,
    pub fault: Fault,
    pub at: usize,
    pub for_ever: bool,
    pub count: Arc<AtomicUsize>,
}

impl Faulty {
    fn fails(&self) -> bool {
        let now = self.count.fetch_add(1, Ordering::SeqCst);
        now == self.at || (self.for_ever && now > self.at)
    }

    async fn with<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match (self.fails(), self.fault) {
            (false, _) => operation.await,
            (true, Fault::Before) => {
                Err(StoreError::new(StoreErrorKind::Unavailable, "the store is gone"))
            }
            (true, Fault::After) => {
                operation.await?;
                Err(StoreError::new(StoreErrorKind::Ambiguous, "the connection broke"))
            }
        }
    }
}

#[async_trait]
impl StoreWrapper for Faulty {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.with(self.inner.now()).await
    }

    async fn submit(&self, call: NewCall, payload: Sealed) -> Result<SubmitResult, StoreError> {
        self.with(self.inner.submit(call, payload)).await
    }

    async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        match (self.fails(), self.fault) {
            (false, _) => self.inner.apply(tenant, id, event, enclosed).await,
            (true, Fault::Before) => {
                Err(StoreError::new(StoreErrorKind::Unavailable, "the store is gone").into())
            }
            (true, Fault::After) => {
                self.inner.apply(tenant, id, event, enclosed).await?;
                Err(StoreError::new(StoreErrorKind::Ambiguous, "the connection broke").into())
            }
        }
    }

    async fn apply_all(
        &self,
        tenant: &Tenant,
        events: Vec<ApplyRequest>,
    ) -> Result<Vec<CallRecord>, ApplyError> {
        match (self.fails(), self.fault) {
            (false, _) => self.inner.apply_all(tenant, events).await,
            (true, Fault::Before) => {
                Err(StoreError::new(StoreErrorKind::Unavailable, "the store is gone").into())
            }
            (true, Fault::After) => {
                self.inner.apply_all(tenant, events).await?;
                Err(StoreError::new(StoreErrorKind::Ambiguous, "the connection broke").into())
            }
        }
    }

    async fn metadata(&self, name: &str) -> Result<Option<String>, StoreError> {
        if name == FREEZES {
            return self.with(self.inner.metadata(name)).await;
        }
        self.inner.metadata(name).await
    }

    async fn compare_and_set_metadata(
        &self,
        name: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<bool, StoreError> {
        let setting = self.inner.compare_and_set_metadata(name, from, to);
        if name == FREEZES { self.with(setting).await } else { setting.await }
    }

    async fn effect_holder(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
    ) -> Result<Option<EffectHolder>, StoreError> {
        self.with(self.inner.effect_holder(tenant, effect)).await
    }

    async fn reserve_effect(
        &self,
        tenant: &Tenant,
        effect: EffectDigest,
        from: Option<RequestId>,
        to: EffectHolder,
    ) -> Result<bool, StoreError> {
        self.with(self.inner.reserve_effect(tenant, effect, from, to)).await
    }

    async fn save_grant(&self, grant: GrantRecord) -> Result<GrantRecord, StoreError> {
        self.with(self.inner.save_grant(grant)).await
    }

    async fn revoke_grant(
        &self,
        tenant: &Tenant,
        id: GrantId,
        by: &Principal,
        reason: Option<&str>,
    ) -> Result<Option<GrantRecord>, StoreError> {
        self.with(self.inner.revoke_grant(tenant, id, by, reason)).await
    }

    async fn grant(&self, tenant: &Tenant, id: GrantId) -> Result<Option<GrantRecord>, StoreError> {
        self.with(self.inner.grant(tenant, id)).await
    }

    async fn grants(
        &self,
        tenant: &Tenant,
        page: GrantQuery,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        self.with(self.inner.grants(tenant, page)).await
    }

    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError> {
        self.with(self.inner.get(tenant, id)).await
    }

    async fn get_by_key(&self, key: &CallKey) -> Result<Option<CallRecord>, StoreError> {
        self.with(self.inner.get_by_key(key)).await
    }

    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        self.with(self.inner.payload(tenant, id)).await
    }

    async fn result(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        self.with(self.inner.result(tenant, id)).await
    }

    async fn rejected(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.with(self.inner.rejected(tenant, run, content, limit)).await
    }

    async fn attachable(
        &self,
        tenant: &Tenant,
        run: &RunId,
        content: ContentDigest,
    ) -> Result<Option<CallRecord>, StoreError> {
        self.with(self.inner.attachable(tenant, run, content)).await
    }

    async fn erase_ended_before(&self, before: Timestamp) -> Result<ErasedCount, StoreError> {
        self.with(self.inner.erase_ended_before(before)).await
    }

    async fn erase(&self, calls: &[Erasable]) -> Result<Vec<Option<NotErased>>, StoreError> {
        self.with(self.inner.erase(calls)).await
    }

    async fn calls_by_principal(
        &self,
        tenant: &Tenant,
        principal: &Principal,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.with(self.inner.calls_by_principal(tenant, principal, after, limit)).await
    }

    async fn forget_grants_of(
        &self,
        tenant: &Tenant,
        principal: &Principal,
    ) -> Result<u64, StoreError> {
        self.with(self.inner.forget_grants_of(tenant, principal)).await
    }

    async fn hold(&self, hold: Hold) -> Result<Hold, StoreError> {
        self.with(self.inner.hold(hold)).await
    }

    async fn release_hold(&self, tenant: &Tenant, id: HoldId) -> Result<Option<Hold>, StoreError> {
        self.with(self.inner.release_hold(tenant, id)).await
    }

    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        self.with(self.inner.holds()).await
    }

    async fn forget_runs(&self, watermark: Timestamp) -> Result<u64, StoreError> {
        self.with(self.inner.forget_runs(watermark)).await
    }

    async fn runs_forgotten_before(&self) -> Result<Option<Timestamp>, StoreError> {
        self.with(self.inner.runs_forgotten_before()).await
    }

    async fn sealed_texts(
        &self,
        part: SealedPart,
        not_under: KeyId,
        after: u64,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        self.with(self.inner.sealed_texts(part, not_under, after, limit)).await
    }

    async fn reseal(&self, text: &SealedText, to: Sealed) -> Result<bool, StoreError> {
        self.with(self.inner.reseal(text, to)).await
    }

    async fn sessions_under_other_keys(&self) -> Result<u64, StoreError> {
        self.with(self.inner.sessions_under_other_keys()).await
    }

    async fn retire_keys(&self) -> Result<(), StoreError> {
        self.with(self.inner.retire_keys()).await
    }
}
