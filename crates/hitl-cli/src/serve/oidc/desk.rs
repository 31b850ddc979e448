//! Begins and completes sign-ins, and keeps the sessions.

use std::sync::Mutex;
use std::time::Instant;

use axum::http::{HeaderMap, HeaderValue};
use hitl_base::sync::lock;
use hitl_console::Reviewer;
use serde::Deserialize;

use super::claims::{ClaimError, ClaimRules};
use super::error::SignInError;
use super::paths::CALLBACK;
use super::pending::{ClaimRefusal, PENDING_LIMIT, Pending, PendingKey, UsedSignIns};
use super::provider::{OidcPlan, Provider};
use crate::exit::{Exit, Failure};
use crate::serve::cookies::{CookieKind, CookieName};
use crate::serve::sessions::{Activity, SessionId, Sessions};

/// Where people sign in.
pub(in crate::serve) struct SignInDesk {
    provider: Provider,
    rules: ClaimRules,
    cookies: CookieKind,
    session_seconds: u64,
    key: PendingKey,
    used: Mutex<UsedSignIns>,
    sessions: Mutex<Sessions>,
    opened: Instant,
}

/// The provider's answer, as the browser brings it.
#[derive(Deserialize)]
pub(super) struct ProviderAnswer {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// A sign-in that has begun.
pub(super) struct Begun {
    /// The provider's page.
    pub(super) url: String,
    pub(super) cookie: HeaderValue,
}

impl SignInDesk {
    pub(in crate::serve) fn open(plan: &OidcPlan) -> Result<Self, Failure> {
        let key = PendingKey::generate()
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        Ok(Self {
            provider: Provider::new(plan, CALLBACK)?,
            rules: plan.claims.clone(),
            cookies: plan.cookies,
            session_seconds: plan.sessions.absolute.as_secs(),
            key,
            used: Mutex::default(),
            sessions: Mutex::new(Sessions::new(plan.sessions)),
            opened: Instant::now(),
        })
    }

    /// Begins a sign-in.
    pub(super) async fn begin(&self) -> Result<Begun, SignInError> {
        let pending = Pending::begin(self.opened.elapsed()).map_err(|_| SignInError::Busy)?;
        let url = self.provider.sign_in_url(&self.key.secrets(&pending)).await?;
        let cookie = self.key.seal(&pending);
        let cookie = self.cookies.set(CookieName::SignIn, &cookie, PENDING_LIMIT.as_secs());
        Ok(Begun { url, cookie: cookie.ok_or(SignInError::Busy)? })
    }

    /// Completes a sign-in; returns the session's cookie. The answer must be that of the browser's
    /// own sign-in, and counts once.
    pub(super) async fn complete(
        &self,
        headers: &HeaderMap,
        answer: ProviderAnswer,
    ) -> Result<HeaderValue, SignInError> {
        let now = self.opened.elapsed();
        let cookie = self.cookies.find(CookieName::SignIn, headers);
        let pending = cookie.and_then(|cookie| self.key.open(cookie, now));
        let pending = pending.ok_or(SignInError::NoSignIn)?;
        let secrets = self.key.secrets(&pending);
        let state = answer.state.as_deref().ok_or(SignInError::WrongState)?;
        if !self.key.are_same(state, &secrets.state)
            || !self.provider.is_issuer(answer.iss.as_deref())
        {
            return Err(SignInError::WrongState);
        }
        let (Some(code), None) = (answer.code, answer.error) else {
            return Err(SignInError::Declined);
        };
        lock(&self.used).claim(&pending, now).map_err(|refusal| match refusal {
            ClaimRefusal::Replayed => SignInError::Replayed,
            ClaimRefusal::Full => SignInError::Busy,
        })?;
        let claims = self.provider.claims(code, secrets).await.inspect_err(|error| {
            if matches!(
                error,
                SignInError::ProviderDown | SignInError::Busy | SignInError::CodeRefused
            ) {
                lock(&self.used).release(&pending);
            }
        })?;
        let reviewer = self.rules.reviewer(&claims).map_err(|why| {
            tracing::warn!(why = explain(why), "somebody may not review here");
            SignInError::NotEntitled
        })?;
        self.open_session(reviewer)
    }

    fn open_session(&self, reviewer: Reviewer) -> Result<HeaderValue, SignInError> {
        let id = SessionId::generate().map_err(|_| SignInError::Busy)?;
        let cookie = self.cookies.set(CookieName::Session, id.reveal(), self.session_seconds);
        let cookie = cookie.ok_or(SignInError::Busy)?;
        tracing::info!(reviewer = %reviewer.principal, "signed in");
        let mut sessions = lock(&self.sessions);
        sessions.begin(&id, reviewer, Instant::now()).map_err(|_| SignInError::Busy)?;
        Ok(cookie)
    }

    /// Ends the session of a request.
    pub(super) fn end(&self, headers: &HeaderMap) {
        if let Some(cookie) = self.cookies.find(CookieName::Session, headers) {
            lock(&self.sessions).end(&SessionId::from_cookie(cookie));
        }
    }

    /// Returns the owner of a request's session.
    pub(in crate::serve) fn reviewer(
        &self,
        headers: &HeaderMap,
        activity: Activity,
    ) -> Option<Reviewer> {
        let cookie = self.cookies.find(CookieName::Session, headers)?;
        lock(&self.sessions).find(&SessionId::from_cookie(cookie), activity, Instant::now())
    }

    /// Returns the header that removes a cookie.
    pub(super) fn clear(&self, name: CookieName) -> Option<HeaderValue> {
        self.cookies.clear(name)
    }
}

/// Returns what those who run the console read. It names no claim's value.
fn explain(why: ClaimError) -> &'static str {
    match why {
        ClaimError::NoName => {
            "the claim with the name (--oidc-principal-claim) is missing or is no name"
        }
        ClaimError::EmailNotVerified => "the address is not verified (`email_verified`)",
        ClaimError::NotHuman => "the name is that of an agent or a service",
        ClaimError::NoRole => "no group of --oidc-role-claim is named in --oidc-roles",
        ClaimError::NoTenant => "no group of --oidc-tenant-claim is named in --oidc-tenants",
        ClaimError::SeveralTenants => "groups of --oidc-tenant-claim name several tenants",
    }
}
