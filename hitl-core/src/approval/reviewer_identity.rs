//! Who decides, how they are known, and what the host lets them see and decide.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::call::{Identity, Principal, Tenant};

/// How it is known who somebody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum KnownBy {
    /// The host vouches: its own sign-in, or its own code.
    #[default]
    Host,
    /// A secret token, as a console's.
    Token,
    /// A one-time code by time (TOTP), of a device that the person enrolled.
    Totp,
    /// A printed one-time code, of which the store keeps a digest only.
    Code,
    /// A signature by a key that is the person's.
    Key,
    /// They answered at a terminal with no agent among its processes. The weaker form: a program
    /// that hides its parents gets around it.
    Terminal,
    /// A script named what it had looked at, with no agent among its processes.
    Script,
    /// By nothing but the name that was given.
    Name,
    /// By something that a later version knows.
    #[serde(other)]
    Other,
}

impl KnownBy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_host(&self) -> bool {
        *self == Self::Host
    }

    /// Its name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Token => "token",
            Self::Totp => "totp",
            Self::Code => "code",
            Self::Key => "key",
            Self::Terminal => "terminal",
            Self::Script => "script",
            Self::Name => "name",
            Self::Other => "other",
        }
    }
}

/// A person at the reviewing end, as the host has verified them: who, in which roles, for which
/// tenants. Never taken from a model, an argument or a request's body.
///
/// Built from a bare name it has no roles, and the host vouches that it is a human's, and that who
/// was shown the request may decide it. An agent or a service is named as one
/// ([`Principal::agent`], [`Principal::service`]), also behind an approver of one's own. Name
/// tenants, and nothing of any other tenant can be seen or decided:
///
/// ```
/// use hitl_core::approval::ReviewerIdentity;
/// use hitl_core::Tenant;
/// let alice = ReviewerIdentity::new("alice").role("legal").tenant("acme").sees("umbrella");
/// assert!(alice.may_decide(&Tenant::new("acme")));
/// assert!(alice.may_see(&Tenant::new("umbrella")) && !alice.may_decide(&Tenant::new("umbrella")));
/// assert!(!alice.may_see(&Tenant::new("initech")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReviewerIdentity {
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
    /// How it is known who they are.
    #[serde(default, skip_serializing_if = "KnownBy::is_host")]
    pub known_by: KnownBy,
    /// The name that the gate's directory gives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) canonical: Option<Principal>,
    /// More names of theirs, of people of the call that is decided: the directory gives both one
    /// name now, no matter what was kept with the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) also: Vec<Principal>,
}

impl ReviewerIdentity {
    /// A person without roles, for whom the host vouches.
    pub fn new(principal: impl Into<Principal>) -> Self {
        Self {
            principal: principal.into(),
            roles: Vec::new(),
            decides: None,
            sees: BTreeSet::new(),
            known_by: KnownBy::Host,
            canonical: None,
            also: Vec::new(),
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

    /// Says how it is known who they are. The audit keeps it.
    #[must_use]
    pub fn known_by(mut self, how: KnownBy) -> Self {
        self.known_by = how;
        self
    }

    /// They as they are compared with others.
    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity::new(&self.principal, self.canonical.as_ref()).also(&self.also)
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

impl From<Principal> for ReviewerIdentity {
    fn from(principal: Principal) -> Self {
        Self::new(principal)
    }
}

impl From<&str> for ReviewerIdentity {
    fn from(principal: &str) -> Self {
        Self::new(principal)
    }
}

impl From<String> for ReviewerIdentity {
    fn from(principal: String) -> Self {
        Self::new(principal)
    }
}
