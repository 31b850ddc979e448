//! A gate as one person may see it.

use std::fmt;

use crate::approval::ReviewerIdentity;
use crate::call::Tenant;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::gate::Gate;
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::store::PageRequest;

/// A gate as one person may see it: calls of tenants that the host has not named are refused.
pub struct ScopedGate<'g> {
    gate: &'g Gate,
    who: ReviewerIdentity,
}

impl Gate {
    /// Returns the gate as this person may see it. Hosts that show calls to people read them
    /// through this.
    pub fn scoped_to(&self, who: impl Into<ReviewerIdentity>) -> ScopedGate<'_> {
        ScopedGate { gate: self, who: who.into() }
    }
}

impl ScopedGate<'_> {
    /// Returns a call's record. `None` if the tenant has no such call.
    pub async fn get(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<CallRecord>, GateError> {
        self.check(tenant)?;
        self.gate.get(tenant, id).await
    }

    /// Returns a page of a tenant's records.
    pub async fn list(
        &self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, GateError> {
        self.check(tenant)?;
        self.gate.list(tenant, page).await
    }

    fn check(&self, tenant: &Tenant) -> Result<(), GateError> {
        if self.who.may_see(tenant) {
            return Ok(());
        }
        let why = "they may not see this tenant's calls";
        Err(GateError::new(GateErrorKind::Forbidden, why))
    }
}

impl fmt::Debug for ScopedGate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopedGate({})", self.who.principal)
    }
}
