//! A gate as one person may see it: the door through which calls are read for people.

use std::fmt;
use std::sync::Arc;

use crate::call::Tenant;
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::gate::Gate;
use crate::gate::read::events::Events;
use crate::gate::read::queue::Queue;
use crate::ids::RequestId;
use crate::machine::{CallRecord, HistoryEntry};
use crate::queue::ReviewScope;
use crate::store::PageRequest;

/// A gate as one person may see it: calls of tenants that the host has not named are refused or
/// left out. Cheap to clone.
#[derive(Clone)]
pub struct ScopedGate {
    core: Arc<GateCore>,
    scope: ReviewScope,
}

impl Gate {
    /// Returns the gate as this person may see it: a
    /// [`ReviewerIdentity`](crate::ReviewerIdentity), or a [`ReviewScope`] where only the tenants
    /// are known. Hosts that show calls to people read them through this.
    ///
    /// ```
    /// # use hitl::{queue::{QueueQuery, ReviewScope}, Gate, GateError};
    /// # async fn list(gate: Gate) -> Result<(), GateError> {
    /// let acme = gate.scoped_to(ReviewScope::tenant("acme"));
    /// for record in acme.queue().page(QueueQuery::pending()).await?.entries {
    ///     println!("{}", record.request().title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn scoped_to(&self, reviewer: impl Into<ReviewScope>) -> ScopedGate {
        ScopedGate { core: Arc::clone(&self.core), scope: reviewer.into() }
    }
}

impl ScopedGate {
    /// Returns a call's record. `None` if the tenant has no such call;
    /// [`GateErrorKind::Forbidden`] if the person may not see the tenant's calls.
    pub async fn get(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<CallRecord>, GateError> {
        self.check(tenant)?;
        let mut found = self.core.calls.store().get(tenant, id).await?;
        if let Some(record) = &mut found {
            self.core.effects.show_earlier(record).await?;
        }
        Ok(found)
    }

    /// Returns a page of a tenant's records, in the order of their keys. Fails like
    /// [`get`](Self::get).
    pub async fn list(
        &self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, GateError> {
        self.check(tenant)?;
        Ok(self.core.calls.store().list(tenant, page).await?)
    }

    /// Returns the history of a call from its beginning, within retention. Fails like
    /// [`get`](Self::get).
    pub async fn history_of(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Vec<(u64, HistoryEntry)>, GateError> {
        self.check(tenant)?;
        Ok(self.core.calls.store().call_history(tenant, id).await?)
    }

    /// Returns the calls that wait, in the reviewers' order.
    pub fn queue(&self) -> Queue {
        Queue::new(Arc::clone(&self.core), self.scope.clone())
    }

    /// Returns the changes of calls after the one numbered `after`: see [`Events`].
    pub fn events(&self, after: u64) -> Events {
        Events::new(Arc::clone(&self.core), self.scope.clone(), after)
    }

    /// Returns the tenants whose calls it shows.
    pub fn scope(&self) -> &ReviewScope {
        &self.scope
    }

    pub(super) fn core(&self) -> &GateCore {
        &self.core
    }

    pub(super) fn check(&self, tenant: &Tenant) -> Result<(), GateError> {
        if self.scope.sees(tenant) {
            return Ok(());
        }
        let why = "they may not see this tenant's calls";
        Err(GateError::new(GateErrorKind::Forbidden, why))
    }
}

impl fmt::Debug for ScopedGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedGate").field("scope", &self.scope).finish_non_exhaustive()
    }
}
