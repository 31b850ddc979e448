//! The store of a gate, with the session and the limits that this gate writes under.

use std::sync::Arc;
use std::time::Duration;

use crate::call::Tenant;
use crate::gate::error::GateError;
use crate::ids::{RequestId, SessionId};
use crate::machine::{CallRecord, Event};
use crate::queue::Caps;
use crate::store::{ApplyError, EventPayload, Executors, Store, StoreErrorKind};
use crate::sync::{Runtime, sleep};

/// The number of attempts to apply a change before the caller gets the error.
const MAX_APPLY_ATTEMPTS: u32 = 6;
/// The pause after the first failed attempt; each further pause is three times as long.
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(50);
/// The interval of the attempts in the background after that.
const BACKGROUND_RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// The number of tenants read at a time.
const TENANT_PAGE: usize = 1000;

/// The store of a gate, and the session in which the gate writes to it.
pub(in crate::gate) struct CallStore {
    store: Arc<dyn Store>,
    session: SessionId,
    caps: Caps,
    runtime: Runtime,
}

impl CallStore {
    pub(in crate::gate) fn new(
        store: Arc<dyn Store>,
        session: SessionId,
        caps: Caps,
        runtime: Runtime,
    ) -> Self {
        Self { store, session, caps, runtime }
    }

    /// Returns the store, for operations to which a gate adds nothing.
    pub(in crate::gate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Returns the session of this gate.
    pub(in crate::gate) fn session(&self) -> SessionId {
        self.session
    }

    /// Runs a future in the background.
    pub(in crate::gate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }

    /// Returns the limits on the number of waiting calls.
    pub(in crate::gate) fn caps(&self) -> Caps {
        self.caps
    }

    /// Returns a call's record, or an error if the tenant has no such call.
    pub(in crate::gate) async fn current(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<CallRecord, GateError> {
        self.store.get(tenant, id).await?.ok_or_else(|| GateError::not_found(id))
    }

    /// Returns all tenants that have calls.
    pub(in crate::gate) async fn tenants(&self) -> Result<Vec<Tenant>, GateError> {
        let mut all: Vec<Tenant> = Vec::new();
        loop {
            let some = self.store.tenants(all.last(), TENANT_PAGE).await?;
            let last = some.len() < TENANT_PAGE;
            all.extend(some);
            if last {
                return Ok(all);
            }
        }
    }

    /// Returns the executors and their tools. `None` if the store does not record them.
    pub(in crate::gate) async fn executors(&self) -> Result<Option<Executors>, GateError> {
        match self.store.executors().await {
            Ok(executors) => Ok(Some(executors)),
            Err(error) if error.kind() == StoreErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Applies an event that this gate audits.
    pub(in crate::gate) async fn apply(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        self.store.apply(tenant, id, event, enclosed.audited_by(self.session)).await
    }

    /// Applies an event about a claim, and retries while the store fails: a few times before this
    /// returns, then in the background for as long as the store is in use. The claim's session
    /// stays alive meanwhile, so no other process may record the outcome of the claim.
    ///
    /// There are no more background retries than bodies that ran when the store began to fail,
    /// because no body starts without the store.
    pub(in crate::gate) async fn apply_with_retry(
        &self,
        tenant: &Tenant,
        id: RequestId,
        event: Event,
        enclosed: EventPayload,
    ) -> Result<CallRecord, ApplyError> {
        let enclosed = enclosed.audited_by(self.session);
        let mut pause = FIRST_RETRY_PAUSE;
        for _ in 1..MAX_APPLY_ATTEMPTS {
            match self.store.apply(tenant, id, event.clone(), enclosed.clone()).await {
                Ok(record) => return Ok(record),
                Err(lost @ (ApplyError::Rejected { .. } | ApplyError::NotFound(_))) => {
                    return Err(lost);
                }
                Err(ApplyError::Store(error)) => {
                    tracing::warn!(call = %id, %error, event = event.name(), "the store failed; trying again");
                    sleep(pause).await;
                    pause *= 3;
                }
            }
        }
        let last = self.store.apply(tenant, id, event.clone(), enclosed.clone()).await;
        if let Err(ApplyError::Store(_)) = &last {
            let (store, tenant) = (Arc::downgrade(&self.store), tenant.clone());
            self.runtime.spawn(async move {
                loop {
                    sleep(BACKGROUND_RETRY_INTERVAL).await;
                    let Some(store) = store.upgrade() else { return };
                    let applied = store.apply(&tenant, id, event.clone(), enclosed.clone()).await;
                    if !matches!(applied, Err(ApplyError::Store(_))) {
                        return;
                    }
                }
            });
        }
        last
    }
}
