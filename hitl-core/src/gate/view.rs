//! Who may see which tenant's calls.

use std::fmt;

use super::error::{GateError, GateErrorKind};
use super::handle::Gate;
use crate::approval::ReviewerIdentity;
use crate::call::Tenant;
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::store::PageRequest;

/// A gate as one person may see it: calls of tenants that the host has not named are refused.
pub struct View<'g> {
    gate: &'g Gate,
    who: ReviewerIdentity,
}

impl Gate {
    /// The gate as this person may see it. Hosts that show calls to people ask through this.
    pub fn seen_by(&self, who: impl Into<ReviewerIdentity>) -> View<'_> {
        View { gate: self, who: who.into() }
    }
}

impl View<'_> {
    /// A call's record.
    pub async fn get(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<CallRecord>, GateError> {
        self.check(tenant)?;
        self.gate.get(tenant, id).await
    }

    /// A page of a tenant's records.
    pub async fn page(
        &self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, GateError> {
        self.check(tenant)?;
        self.gate.page(tenant, page).await
    }

    fn check(&self, tenant: &Tenant) -> Result<(), GateError> {
        if self.who.may_see(tenant) {
            return Ok(());
        }
        let why = "they may not see this tenant's calls";
        Err(GateError::new(GateErrorKind::Forbidden, why))
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({})", self.who.principal)
    }
}
