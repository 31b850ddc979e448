//! A function from a request to the person behind it.

use std::sync::Arc;

use axum::http::request::Parts;
use futures::future::BoxFuture;
use hitl_core::approval::{KnownBy, ReviewerIdentity};
use hitl_core::{Principal, Tenant};

/// A person who may look at calls and decide them: of one tenant, or of several, of which each
/// request names one. The host vouches that it is a person: an agent or a service that has a token
/// is named as what it is ([`Principal::agent`](hitl_core::Principal::agent)), and then answers
/// only what the host lets it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reviewer {
    /// The name under which their decisions are kept.
    pub principal: Principal,
    /// The tenant whose calls they see, unless the request names another of theirs.
    pub tenant: Tenant,
    /// Their other tenants. A request names one of them in the header `Hitl-Tenant`.
    pub other_tenants: Vec<Tenant>,
    /// The roles that the host has verified, which stages and quorums require.
    pub roles: Vec<String>,
    /// The proof of their identity; the audit records it. [`Tokens`](super::Tokens) sets it itself.
    pub known_by: KnownBy,
}

impl Reviewer {
    /// Creates a reviewer of the default tenant.
    pub fn new(principal: impl Into<Principal>) -> Self {
        Self {
            principal: principal.into(),
            tenant: Tenant::default(),
            other_tenants: Vec::new(),
            roles: Vec::new(),
            known_by: KnownBy::Host,
        }
    }

    /// Sets the tenant.
    #[must_use]
    pub fn of_tenant(mut self, tenant: impl Into<Tenant>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Adds a tenant whose calls they may see too. The page then lets them choose; their roles are
    /// the same in each.
    #[must_use]
    pub fn also_of_tenant(mut self, tenant: impl Into<Tenant>) -> Self {
        self.other_tenants.push(tenant.into());
        self
    }

    /// Adds a role that the host has verified.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Sets the proof of their identity.
    #[must_use]
    pub fn known_by(mut self, how: KnownBy) -> Self {
        self.known_by = how;
        self
    }

    /// Returns them as the reviewer of one of their tenants; `None` if it is not theirs.
    pub(crate) fn in_tenant(mut self, tenant: Tenant) -> Option<Self> {
        if tenant != self.tenant {
            let other = self.other_tenants.iter_mut().find(|other| **other == tenant)?;
            std::mem::swap(other, &mut self.tenant);
        }
        Some(self)
    }

    /// Returns the authority that the gate checks a decision against.
    pub(crate) fn authority(&self) -> ReviewerIdentity {
        let who = ReviewerIdentity::new(self.principal.clone()).tenant(self.tenant.clone());
        let who = who.known_by(self.known_by);
        self.roles.iter().fold(who, |who, role| who.role(role.as_str()))
    }
}

/// The reason why a request could not be authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request has no credentials.
    #[error("sign in first")]
    Nobody,
    /// The credentials are wrong, or no longer valid. Counts as a failed login.
    #[error("the token is not valid; ask for a new one")]
    Wrong,
    /// The credentials cannot be checked now.
    #[error("it cannot be found out who you are; try again later")]
    Unavailable,
}

/// The way for a person to sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignIn {
    /// The page asks for a token and sends it as `Authorization: Bearer`.
    #[default]
    Token,
    /// The host's own page does it; the console only links to it.
    Page(String),
}

/// Authenticates requests: the console's [`Tokens`](super::Tokens), or the host's own sign-in.
///
/// Called for every request, and every two seconds for each open event stream; so it should be
/// quick. It uses headers, and extensions that the host's own middleware has set; there is no body.
///
/// ```
/// use axum::http::request::Parts;
/// use futures::future::{BoxFuture, FutureExt as _, ready};
/// use hitl_console::{Auth, AuthError, Reviewer};
///
/// /// The proxy in front has verified the user, and is the only way in.
/// struct BehindProxy;
///
/// impl Auth for BehindProxy {
///     fn authenticate<'a>(
///         &'a self,
///         request: &'a Parts,
///     ) -> BoxFuture<'a, Result<Reviewer, AuthError>> {
///         let user = request.headers.get("x-verified-user").and_then(|user| user.to_str().ok());
///         ready(user.map(Reviewer::new).ok_or(AuthError::Nobody)).boxed()
///     }
/// }
/// ```
pub trait Auth: Send + Sync + 'static {
    /// Returns the reviewer behind a request. Cancel safety: may be dropped at any time.
    fn authenticate<'a>(&'a self, request: &'a Parts)
    -> BoxFuture<'a, Result<Reviewer, AuthError>>;

    /// Returns the way for a person to sign in.
    fn sign_in(&self) -> SignIn {
        SignIn::Token
    }

    /// Returns the path to which the page posts when somebody signs out; by default there is none,
    /// and signing out only makes the page forget its token. A cookie of the host's needs one:
    /// [`Console::sign_in_routes`](crate::Console::sign_in_routes) takes its route.
    fn sign_out(&self) -> Option<String> {
        None
    }
}

impl<T: Auth + ?Sized> Auth for Arc<T> {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Reviewer, AuthError>> {
        (**self).authenticate(request)
    }

    fn sign_in(&self) -> SignIn {
        (**self).sign_in()
    }

    fn sign_out(&self) -> Option<String> {
        (**self).sign_out()
    }
}
