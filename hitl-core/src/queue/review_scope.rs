//! Whose calls somebody may see and decide.

use serde::Serialize;

use crate::call::Tenant;

/// Whose calls somebody may see and decide. The host makes it from what it has verified itself; it
/// must not come from the model or from a request's body.
///
/// Tenants are strictly apart: who may see several says so here, and nobody sees all of them by
/// leaving something out.
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
    /// Somebody who sees one tenant's calls.
    pub fn tenant(tenant: impl Into<Tenant>) -> Self {
        Self(Scope::Of(vec![tenant.into()]))
    }

    /// Somebody who sees the calls of several tenants, and of no others.
    pub fn tenants(tenants: impl IntoIterator<Item = Tenant>) -> Self {
        let mut tenants: Vec<Tenant> = tenants.into_iter().collect();
        tenants.sort_unstable();
        tenants.dedup();
        Self(Scope::Of(tenants))
    }

    /// An operator who sees every tenant's calls.
    pub const fn all_tenants() -> Self {
        Self(Scope::All)
    }

    /// Whether they see this tenant's calls.
    pub fn sees(&self, tenant: &Tenant) -> bool {
        match &self.0 {
            Scope::Of(tenants) => tenants.contains(tenant),
            Scope::All => true,
        }
    }

    /// The tenants, unless it is all there are.
    pub(crate) fn tenant_list(&self) -> Option<&[Tenant]> {
        match &self.0 {
            Scope::Of(tenants) => Some(tenants),
            Scope::All => None,
        }
    }
}
