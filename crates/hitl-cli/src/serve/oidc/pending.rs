//! The secrets of a sign-in that is under way. Pure: time is an argument.
//!
//! Nothing is kept for a sign-in that has begun, so that beginning many costs the console no
//! memory: its secrets follow from a random id in the browser's cookie and from a key of this
//! process. What is kept is which ids were used.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use hitl_base::{RandomnessError, hex, random_bytes};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The time within which a sign-in must be completed.
pub(super) const PENDING_LIMIT: Duration = Duration::from_secs(600);
/// The most used ids that are kept.
const MAX_USED: usize = 10_000;

/// The key of a process, from which the secrets of its sign-ins follow.
pub(super) struct PendingKey([u8; 32]);

/// A sign-in that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    id: String,
    /// When it began, counted from when the process did.
    begun: Duration,
}

/// The secrets of one sign-in.
pub(super) struct PendingSecrets {
    /// Comes back with the provider's answer.
    pub(super) state: String,
    /// Is in the ID token.
    pub(super) nonce: String,
    /// Proves to the provider that the code was requested here (PKCE).
    pub(super) verifier: String,
}

/// The ids of sign-ins that were completed or are being completed.
#[derive(Debug, Default)]
pub(super) struct UsedSignIns(HashMap<String, Duration>);

/// The reason why a sign-in is not completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClaimRefusal {
    /// It was used before.
    Replayed,
    /// Too many are known.
    Full,
}

impl PendingKey {
    pub(super) fn generate() -> Result<Self, RandomnessError> {
        Ok(Self(random_bytes()?))
    }

    /// Returns the keyed digest of a text for one purpose, in hexadecimal digits.
    fn derive(&self, purpose: &str, text: &str) -> String {
        // HMAC takes keys of any length, so this branch is never taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        for part in [purpose, ":", text] {
            mac.update(part.as_bytes());
        }
        hex::encode(&mac.finalize().into_bytes())
    }

    /// Returns whether two secrets are the same. The time reveals nothing.
    pub(super) fn are_same(&self, one: &str, other: &str) -> bool {
        self.derive("same", one) == self.derive("same", other)
    }

    /// Returns the value of the cookie.
    pub(super) fn seal(&self, pending: &Pending) -> String {
        let content = format!("{}.{}", pending.begun.as_secs(), pending.id);
        let tag = self.derive("cookie", &content);
        format!("{content}.{tag}")
    }

    /// Reads a cookie; `None` if it is not this process's, or too old.
    pub(super) fn open(&self, cookie: &str, now: Duration) -> Option<Pending> {
        let (content, tag) = cookie.rsplit_once('.')?;
        if !self.are_same(tag, &self.derive("cookie", content)) {
            return None;
        }
        let (begun, id) = content.split_once('.')?;
        let begun = Duration::from_secs(begun.parse().ok()?);
        let pending = Pending { id: id.to_owned(), begun };
        (!pending.is_over(now)).then_some(pending)
    }

    /// Returns the secrets of a sign-in.
    pub(super) fn secrets(&self, pending: &Pending) -> PendingSecrets {
        PendingSecrets {
            state: self.derive("state", &pending.id),
            nonce: self.derive("nonce", &pending.id),
            verifier: self.derive("verifier", &pending.id),
        }
    }
}

impl Pending {
    pub(super) fn begin(now: Duration) -> Result<Self, RandomnessError> {
        let id: [u8; 32] = random_bytes()?;
        Ok(Self { id: hex::encode(&id), begun: Duration::from_secs(now.as_secs()) })
    }

    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.begun) >= PENDING_LIMIT
    }
}

impl UsedSignIns {
    /// Claims a sign-in for the one answer that completes it.
    pub(super) fn claim(&mut self, pending: &Pending, now: Duration) -> Result<(), ClaimRefusal> {
        self.0
            .retain(|_, begun| now.saturating_sub(*begun) < PENDING_LIMIT + Duration::from_secs(1));
        if self.0.contains_key(&pending.id) {
            return Err(ClaimRefusal::Replayed);
        }
        if self.0.len() >= MAX_USED {
            return Err(ClaimRefusal::Full);
        }
        self.0.insert(pending.id.clone(), pending.begun);
        Ok(())
    }

    /// Forgets a claim, because the provider took no code of it: so nobody without an account there
    /// can fill the list.
    pub(super) fn release(&mut self, pending: &Pending) {
        self.0.remove(&pending.id);
    }
}

impl fmt::Debug for PendingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);
    /// The last second of a sign-in.
    const LAST_SECOND: Duration = Duration::from_secs(PENDING_LIMIT.as_secs() - 1);

    #[test]
    fn invariant_8_no_secret_of_a_sign_in_is_in_its_cookie() {
        let key = PendingKey::generate().unwrap();
        let pending = Pending::begin(NOW).unwrap();
        let cookie = key.seal(&pending);
        assert_eq!(key.open(&cookie, NOW), Some(pending.clone()));
        let PendingSecrets { state, nonce, verifier } = key.secrets(&pending);
        for secret in [&state, &nonce, &verifier] {
            assert_eq!(secret.len(), 64);
            assert!(!cookie.contains(secret.as_str()));
        }
        assert!(state != nonce && nonce != verifier && state != verifier);
        let again = key.secrets(&pending);
        assert_eq!((again.state, again.nonce, again.verifier), (state, nonce, verifier));
    }

    #[test]
    fn invariant_7_a_cookie_is_of_this_process_unchanged_and_fresh() {
        let key = PendingKey::generate().unwrap();
        let cookie = key.seal(&Pending::begin(NOW).unwrap());
        assert!(key.open(&cookie, NOW + LAST_SECOND).is_some());
        assert_eq!(key.open(&cookie, NOW + PENDING_LIMIT), None);
        assert_eq!(PendingKey::generate().unwrap().open(&cookie, NOW), None);
        for at in 0..cookie.len() {
            let mut changed = cookie.clone().into_bytes();
            changed[at] = if changed[at] == b'7' { b'8' } else { b'7' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(key.open(&changed, NOW), None, "{at}");
            assert_eq!(key.open(&cookie[..at], NOW), None, "{at}");
        }
        for wrong in ["", ".", "..", "1.2.3"] {
            assert_eq!(key.open(wrong, NOW), None, "{wrong}");
        }
    }

    #[test]
    fn a_sign_in_is_completed_once_and_the_list_of_used_ones_is_bounded() {
        let mut used = UsedSignIns::default();
        let pending = Pending::begin(NOW).unwrap();
        assert_eq!(used.claim(&pending, NOW), Ok(()));
        let last = NOW + PENDING_LIMIT;
        assert_eq!(used.claim(&pending, last), Err(ClaimRefusal::Replayed));
        used.release(&pending);
        assert_eq!(used.claim(&pending, NOW), Ok(()));
        for _ in used.0.len()..MAX_USED {
            used.claim(&Pending::begin(NOW).unwrap(), NOW).unwrap();
        }
        let further = Pending::begin(NOW).unwrap();
        assert_eq!(used.claim(&further, NOW), Err(ClaimRefusal::Full));
        let later = NOW + PENDING_LIMIT + Duration::from_secs(1);
        assert_eq!(used.claim(&Pending::begin(later).unwrap(), later), Ok(()));
        assert_eq!(used.0.len(), 1);
    }
}
