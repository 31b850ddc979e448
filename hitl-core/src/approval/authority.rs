//! Who decides, and what the host lets them see and decide.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::call::{Principal, Tenant};

/// A person at the reviewing end, as the host has verified them: who, in which roles, for which
/// tenants. Never taken from a model, an argument or a request's body.
///
/// Built from a bare name it has no roles, and the host vouches that whoever was shown the request
/// may decide it. Name tenants, and nothing of any other tenant can be seen or decided:
///
/// ```
/// use hitl_core::approval::Authority;
/// use hitl_core::Tenant;
/// let alice = Authority::of("alice").role("legal").tenant("acme").sees("umbrella");
/// assert!(alice.may_decide(&Tenant::new("acme")));
/// assert!(alice.may_see(&Tenant::new("umbrella")) && !alice.may_decide(&Tenant::new("umbrella")));
/// assert!(!alice.may_see(&Tenant::new("initech")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Authority {
    /// Who it is.
    pub principal: Principal,
    /// The roles that the host has verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whose requests they may decide; none named: the host vouches for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decides: Option<BTreeSet<Tenant>>,
    /// Whose requests they may only look at.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sees: BTreeSet<Tenant>,
}

impl Authority {
    /// A person without roles, for whom the host vouches.
    pub fn of(principal: impl Into<Principal>) -> Self {
        Self {
            principal: principal.into(),
            roles: Vec::new(),
            decides: None,
            sees: BTreeSet::new(),
        }
    }

    /// Adds a role that the host has verified.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// May see and decide requests of this tenant, and of no other that is not named.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<Tenant>) -> Self {
        self.decides.get_or_insert_default().insert(tenant.into());
        self
    }

    /// May see requests of this tenant, without deciding them. Whoever only sees decides nothing.
    #[must_use]
    pub fn sees(mut self, tenant: impl Into<Tenant>) -> Self {
        self.decides.get_or_insert_default();
        self.sees.insert(tenant.into());
        self
    }

    /// Whether they may decide this tenant's requests.
    pub fn may_decide(&self, tenant: &Tenant) -> bool {
        self.decides.as_ref().is_none_or(|tenants| tenants.contains(tenant))
    }

    /// Whether they may look at this tenant's requests.
    pub fn may_see(&self, tenant: &Tenant) -> bool {
        self.may_decide(tenant) || self.sees.contains(tenant)
    }
}

impl From<Principal> for Authority {
    fn from(principal: Principal) -> Self {
        Self::of(principal)
    }
}

impl From<&str> for Authority {
    fn from(principal: &str) -> Self {
        Self::of(principal)
    }
}

impl From<String> for Authority {
    fn from(principal: String) -> Self {
        Self::of(principal)
    }
}
