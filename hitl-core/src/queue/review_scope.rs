//! The scope of a reviewer: the tenants whose calls they may see and decide.

use serde::Serialize;

use crate::approval::ReviewerIdentity;
use crate::call::Tenant;

/// The tenants whose calls somebody may see and decide. The host makes it from data that it has
/// verified itself; it must not come from the model or from a request's body.
///
/// Tenants are strictly separate: access to several must be listed here, and omitting them never
/// means all.
///
/// ```
/// use hitl::queue::ReviewScope;
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

impl From<&ReviewerIdentity> for ReviewScope {
    /// Covers what they may see. If no tenant is named, the host vouches for every request, and the
    /// scope covers all.
    fn from(reviewer: &ReviewerIdentity) -> Self {
        match &reviewer.decides {
            Some(decides) => Self::tenants(decides.union(&reviewer.sees).cloned()),
            None => Self::all_tenants(),
        }
    }
}

impl From<ReviewerIdentity> for ReviewScope {
    fn from(reviewer: ReviewerIdentity) -> Self {
        Self::from(&reviewer)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reviewer_sees_what_they_decide_and_what_they_only_see() {
        let bob = ReviewerIdentity::new("bob").tenant("acme").sees("umbrella");
        for reviewer in [bob, ReviewerIdentity::new("eve").sees("x"), ReviewerIdentity::new("ann")]
        {
            let scope = ReviewScope::from(&reviewer);
            for tenant in ["acme", "umbrella", "x", "initech"].map(Tenant::new) {
                assert_eq!(scope.sees(&tenant), reviewer.may_see(&tenant), "{reviewer:?} {tenant}");
            }
        }
    }
}
