//! The scope of a reviewer: the tenants whose calls they may see and decide.

use serde::Serialize;

use crate::call::Tenant;

/// The tenants whose calls somebody may see and decide. The host makes it from data that it has
/// verified itself; it must not come from the model or from a request's body.
///
/// Tenants are strictly separate: access to several must be listed here, and omitting them never
/// means all.
///
/// ```
/// use hitl_core::ReviewScope;
/// let reviewer = ReviewScope::tenant("acme");
/// assert!(reviewer.sees(&"acme".into()) && !reviewer.sees(&"acme2".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReviewScope(Scope);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
enum Scope {
    Of(Vec<Tenant>),
    All,
}

impl ReviewScope {
    /// Returns a scope of one tenant's calls.
    pub fn tenant(tenant: impl Into<Tenant>) -> Self {
        Self(Scope::Of(vec![tenant.into()]))
    }

    /// Returns a scope of the calls of several tenants, and of no others.
    pub fn tenants(tenants: impl IntoIterator<Item = Tenant>) -> Self {
        let mut tenants: Vec<Tenant> = tenants.into_iter().collect();
        tenants.sort_unstable();
        tenants.dedup();
        Self(Scope::Of(tenants))
    }

    /// Returns an operator's scope of every tenant's calls.
    pub const fn all_tenants() -> Self {
        Self(Scope::All)
    }

    /// Returns whether this tenant's calls are in the scope.
    pub fn sees(&self, tenant: &Tenant) -> bool {
        match &self.0 {
            Scope::Of(tenants) => tenants.contains(tenant),
            Scope::All => true,
        }
    }

    /// Returns the tenants, unless the scope covers all.
    pub(crate) fn tenant_list(&self) -> Option<&[Tenant]> {
        match &self.0 {
            Scope::Of(tenants) => Some(tenants),
            Scope::All => None,
        }
    }
}
