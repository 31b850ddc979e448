//! Who and where: set by the host, never by the model.

use hitl_base::text_id;
use serde::{Deserialize, Serialize};

text_id! {
    /// A person or a service that may ask or decide, under the name the host knows it by.
    Principal
}
text_id! {
    /// Whose data it is. Calls of one tenant are never seen by another.
    Tenant
}
text_id! {
    /// One run of an agent.
    RunId
}

impl Default for Tenant {
    /// The only tenant of a host that has no others.
    fn default() -> Self {
        Self::new("default")
    }
}

/// Who asks and where. The host builds it from what it has verified itself; arguments, model output
/// and request bodies have no way in.
///
/// Plain data that can be stored. Live things (pools, clients) are host state and belong to the
/// gate: see `GateBuilder::state`.
///
/// ```
/// # use hitl_core::CallContext;
/// let cx = CallContext::of("alice").role("admin").tenant("acme").workspace_verified();
/// assert!(cx.has_role("admin"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallContext {
    /// On whose behalf the agent acts.
    pub principal: Principal,
    /// The roles that the host has verified for the principal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whose data it is.
    #[serde(default)]
    pub tenant: Tenant,
    /// The run that called the agent, when one agent delegates to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunId>,
    /// The host has verified the workspace.
    #[serde(default)]
    pub workspace_verified: bool,
    /// The principal said that it is urgent.
    #[serde(default)]
    pub time_sensitive: bool,
}

impl CallContext {
    /// The context of a principal: no roles, the default tenant, nothing verified.
    pub fn of(principal: impl Into<Principal>) -> Self {
        Self {
            principal: principal.into(),
            roles: Vec::new(),
            tenant: Tenant::default(),
            parent: None,
            workspace_verified: false,
            time_sensitive: false,
        }
    }

    /// Adds a role that the host has verified.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Sets the tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<Tenant>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Names the run that called this agent.
    #[must_use]
    pub fn parent(mut self, run: impl Into<RunId>) -> Self {
        self.parent = Some(run.into());
        self
    }

    /// Says that the host has verified the workspace.
    #[must_use]
    pub fn workspace_verified(mut self) -> Self {
        self.workspace_verified = true;
        self
    }

    /// Says that the principal is in a hurry.
    #[must_use]
    pub fn time_sensitive(mut self) -> Self {
        self.time_sensitive = true;
        self
    }

    /// Whether the host verified this role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }
}

impl From<Principal> for CallContext {
    fn from(principal: Principal) -> Self {
        Self::of(principal)
    }
}

impl From<&str> for CallContext {
    fn from(principal: &str) -> Self {
        Self::of(principal)
    }
}
