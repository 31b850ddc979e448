//! Reviewers who are known by a token.

use std::fmt;
use std::sync::{Arc, RwLock};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use futures::future::{BoxFuture, FutureExt as _, ready};
use hitl_base::sync::{read, write};
use hitl_core::Principal;
use hitl_core::approval::KnownBy;

use super::{Auth, AuthError, Reviewer, Token, TokenHash};

/// Reviewers who are known by a bearer token. Only hashes are kept. Clones are the same list, so
/// that a token can be added or revoked while the console runs.
///
/// ```
/// use hitl_console::{Reviewer, Token, Tokens};
///
/// let token = Token::generate()?;
/// let tokens = Tokens::new().with(Reviewer::new("ann").of_tenant("acme"), &token);
/// // Ann reviews, until:
/// assert_eq!(tokens.revoke("ann"), 1);
/// # Ok::<(), hitl_console::RandomnessError>(())
/// ```
#[derive(Clone, Default)]
pub struct Tokens(Arc<RwLock<Vec<(TokenHash, Reviewer)>>>);

impl Tokens {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reviewer, like [`insert`](Self::insert).
    #[must_use]
    pub fn with(self, reviewer: impl Into<Reviewer>, token: &Token) -> Self {
        self.insert(reviewer, token);
        self
    }

    /// Adds a reviewer. One person may have several tokens; a token that is there already belongs
    /// to its new owner from now on.
    pub fn insert(&self, reviewer: impl Into<Reviewer>, token: &Token) {
        let (hash, mut list) = (token.hash(), self.write());
        list.retain(|(there, _)| !there.is(&hash));
        list.push((hash, reviewer.into()));
    }

    /// Replaces the whole list, for hosts that keep hashes of tokens elsewhere. Event streams of
    /// tokens that are gone end within five seconds. Of two entries with one hash the last counts.
    pub fn replace_all(&self, tokens: impl IntoIterator<Item = (TokenHash, Reviewer)>) {
        let tokens = tokens.into_iter().collect();
        *self.write() = tokens;
    }

    /// Revokes every token of a reviewer; returns their number. Their open event streams end within
    /// five seconds.
    pub fn revoke(&self, principal: impl Into<Principal>) -> usize {
        let (principal, mut list) = (principal.into(), self.write());
        let before = list.len();
        list.retain(|(_, reviewer)| reviewer.principal != principal);
        before - list.len()
    }

    /// Returns the owner of a secret. Every entry is compared, so that the time reveals nothing.
    fn owner(&self, secret: &str) -> Option<Reviewer> {
        let hash = TokenHash::new(secret);
        let list = read(&self.0);
        let mut owner = None;
        for (there, reviewer) in list.iter() {
            if there.is(&hash) {
                owner = Some(reviewer);
            }
        }
        owner.cloned()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Vec<(TokenHash, Reviewer)>> {
        // Each critical section leaves the list valid, so a panic elsewhere does no harm.
        write(&self.0)
    }
}

impl Auth for Tokens {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
    ) -> BoxFuture<'a, Result<Reviewer, AuthError>> {
        let found = match request.headers.get(AUTHORIZATION) {
            None => Err(AuthError::Nobody),
            Some(value) => value
                .to_str()
                .ok()
                .and_then(bearer)
                .and_then(|secret| self.owner(secret))
                .map(|reviewer| reviewer.known_by(KnownBy::Token))
                .ok_or(AuthError::Wrong),
        };
        ready(found).boxed()
    }
}

/// Returns the secret in `Bearer SECRET`; the scheme is case-insensitive.
pub(crate) fn bearer(header: &str) -> Option<&str> {
    let (scheme, secret) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim()).filter(|secret| !secret.is_empty())
}

impl From<&str> for Reviewer {
    fn from(principal: &str) -> Self {
        Self::new(principal)
    }
}

impl From<Principal> for Reviewer {
    fn from(principal: Principal) -> Self {
        Self::new(principal)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = read(&self.0);
        f.debug_list().entries(list.iter().map(|(_, reviewer)| reviewer)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_owner_until_it_is_revoked() {
        let (first, second) = (Token::from_secret("one"), Token::from_secret("two"));
        let tokens = Tokens::new().with("ann", &first).with("ann", &second).with("bob", &second);
        let owner = |secret: &str| tokens.owner(secret).map(|r| r.principal.to_string());
        assert_eq!(owner("one").as_deref(), Some("ann"));
        assert_eq!(owner("two").as_deref(), Some("bob"));
        assert_eq!((owner("").as_deref(), owner("on").as_deref()), (None, None));
        assert_eq!(tokens.revoke("ann"), 1);
        assert_eq!((owner("one"), owner("two").as_deref()), (None, Some("bob")));
        assert!(!format!("{tokens:?}").contains("two"));
    }

    #[test]
    fn a_header_is_read_as_the_standard_says() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for other in ["abc", "Basic abc", "Bearer", "Bearer "] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }
}
