//! The identity of the person who decides, how it was verified, and what the host lets them see and
//! decide.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::call::{Identity, Principal, Tenant};

/// The means by which a person's identity was verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum KnownBy {
    /// The host vouches for it: its own sign-in, or its own code.
    #[default]
    Host,
    /// A secret token, as used by a console.
    Token,
    /// A time-based one-time code (TOTP), from a device that the person enrolled.
    Totp,
    /// A printed one-time code, of which the store keeps only a digest.
    Code,
    /// A signature with a key of that person.
    Key,
    /// An answer at a terminal with no agent among its parent processes. Weak evidence: a program
    /// that hides its parents defeats it.
    Terminal,
    /// A script that named what it had looked at, with no agent among its parent processes.
    Script,
    /// Only the name that was given.
    Name,
    /// A means that a later version knows.
    #[serde(other)]
    Other,
}

impl KnownBy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_host(&self) -> bool {
        *self == Self::Host
    }

    /// Returns the name of the means, as in JSON.
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

/// A person who reviews, as the host has verified them: their name, roles and tenants. Never taken
/// from a model, an argument or a request's body.
///
/// Built from a bare name, the identity has no roles, and the host vouches that it belongs to a
/// human and that anyone who is shown the request may decide it. An agent or a service must be
/// named as one ([`Principal::agent`], [`Principal::service`]), also behind your own approver. If
/// tenants are named, nothing of any other tenant can be seen or decided:
///
/// ```
/// use hitl::approval::ReviewerIdentity;
/// use hitl::Tenant;
/// let alice = ReviewerIdentity::new("alice").role("legal").tenant("acme").sees("umbrella");
/// assert!(alice.may_decide(&Tenant::new("acme")));
/// assert!(alice.may_see(&Tenant::new("umbrella")) && !alice.may_decide(&Tenant::new("umbrella")));
/// assert!(!alice.may_see(&Tenant::new("initech")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReviewerIdentity {
    /// The person's name.
    pub principal: Principal,
    /// The roles that the host has verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The tenants whose requests they may decide. `None` means that the host vouches for each
    /// request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decides: Option<BTreeSet<Tenant>>,
    /// The tenants whose requests they may only see.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sees: BTreeSet<Tenant>,
    /// The means by which their identity was verified.
    #[serde(default, skip_serializing_if = "KnownBy::is_host")]
    pub known_by: KnownBy,
    /// The name that the gate's directory gives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) canonical: Option<Principal>,
    /// Further names of theirs, among the people of the call that is decided: the directory now
    /// maps both to one name, whatever was stored with the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) also: Vec<Principal>,
}

impl ReviewerIdentity {
    /// Creates a person without roles, for whom the host vouches.
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

    /// Allows them to see and decide requests of this tenant, and of no other that is not named.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<Tenant>) -> Self {
        self.decides.get_or_insert_default().insert(tenant.into());
        self
    }

    /// Allows them to see requests of this tenant without deciding them. Someone with only this
    /// permission decides nothing.
    #[must_use]
    pub fn sees(mut self, tenant: impl Into<Tenant>) -> Self {
        self.decides.get_or_insert_default();
        self.sees.insert(tenant.into());
        self
    }

    /// Sets the means by which their identity was verified. The audit records it.
    #[must_use]
    pub fn known_by(mut self, how: KnownBy) -> Self {
        self.known_by = how;
        self
    }

    /// Returns the identity by which they are compared with other people.
    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity::new(&self.principal, self.canonical.as_ref()).also(&self.also)
    }

    /// Returns whether they may decide this tenant's requests.
    pub fn may_decide(&self, tenant: &Tenant) -> bool {
        self.decides.as_ref().is_none_or(|tenants| tenants.contains(tenant))
    }

    /// Returns whether they may see this tenant's requests.
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
