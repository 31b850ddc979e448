//! Sealing arguments and results at rest under the host's key.
//!
//! ChaCha20-Poly1305 with a random 96-bit nonce (RFC 8439). The call's id is the associated data, so
//! that a sealed text cannot be moved to another call. Each use has its own key, derived from the
//! host's by HMAC-SHA-256 over the use's name.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::hex::hex;

/// The host's secret key, 256 bits: seals what is at rest and keys the digests of sensitive values.
///
/// Keep it where the database's backups are not. Whoever loses it can no longer run what was
/// approved, and whoever steals it can read what was sealed.
#[derive(Clone)]
pub struct HostKey([u8; 32]);

/// No random bytes to be had from the operating system.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandomness(());

impl HostKey {
    /// A key that the host keeps itself.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new random key.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness(()))?;
        Ok(Self(bytes))
    }

    /// The bytes, to keep them. They are a secret.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// A short text by which a store recognises the key, and which tells nothing about it.
    pub fn check_value(&self) -> String {
        hex(&self.mac("hitl.check.v1", b"")[..16])
    }

    /// HMAC-SHA-256 under a key of its own for each `domain`.
    pub(crate) fn mac(&self, domain: &str, bytes: &[u8]) -> [u8; 32] {
        hmac(&hmac(&self.0, domain.as_bytes()), bytes)
    }

    /// Seals `plain` for the call or record named by `bound_to`.
    pub(crate) fn seal(&self, plain: &[u8], bound_to: &[u8]) -> Result<Sealed, SealError> {
        let mut nonce = Nonce::default();
        getrandom::fill(&mut nonce).map_err(|_| SealError(()))?;
        let payload = Payload { msg: plain, aad: bound_to };
        let sealed = self.cipher().encrypt(&nonce, payload).map_err(|_| SealError(()))?;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(Sealed(bytes))
    }

    /// Opens what was sealed under this key for `bound_to`.
    pub(crate) fn open(&self, sealed: &Sealed, bound_to: &[u8]) -> Result<Vec<u8>, SealError> {
        let [VERSION, rest @ ..] = sealed.0.as_slice() else { return Err(SealError(())) };
        let (nonce, text) = rest.split_at_checked(12).ok_or(SealError(()))?;
        let nonce = Nonce::try_from(nonce).map_err(|_| SealError(()))?;
        let payload = Payload { msg: text, aad: bound_to };
        self.cipher().decrypt(&nonce, payload).map_err(|_| SealError(()))
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&self.mac("hitl.seal.v1", b"").into())
    }
}

fn hmac(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key) else { return [0; 32] };
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostKey([redacted])")
    }
}

/// The first byte of what this version seals.
const VERSION: u8 = 1;

/// Sealed bytes: a version byte, the nonce, the text and its tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// From bytes that a store kept.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// It could not be sealed, or was not sealed under this key for this call.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("sealed under another key, or damaged")]
pub struct SealError(());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_under_its_key_and_for_its_call() {
        let key = HostKey::generate().unwrap();
        let sealed = key.seal(b"pin 1234", b"call 1").unwrap();
        assert_eq!(key.open(&sealed, b"call 1").unwrap(), b"pin 1234");
        assert!(key.open(&sealed, b"call 2").is_err());
        assert!(HostKey::generate().unwrap().open(&sealed, b"call 1").is_err());
        for at in 0..sealed.0.len() {
            let mut bent = sealed.clone();
            bent.0[at] ^= 1;
            assert!(key.open(&bent, b"call 1").is_err(), "byte {at}");
        }
        assert!(key.open(&Sealed(Vec::new()), b"").is_err());
        assert!(!sealed.0.windows(4).any(|w| w == b"1234"));
    }

    #[test]
    fn a_key_is_recognised_by_its_check_value() {
        let (one, other) = (HostKey::from_bytes([1; 32]), HostKey::from_bytes([2; 32]));
        assert_eq!(one.check_value(), HostKey::from_bytes([1; 32]).check_value());
        assert_ne!(one.check_value(), other.check_value());
        assert_eq!(one.check_value().len(), 32);
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        assert_eq!(format!("{:?}", HostKey::from_bytes([7; 32])), "HostKey([redacted])");
    }

    /// RFC 4231, test case 2, except for its short key: checked against Python's `hmac`.
    #[test]
    fn the_mac_is_hmac_sha_256() {
        let mac = hmac(&[0x0b; 32], b"Hi There");
        assert_eq!(hex(&mac), "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");
    }
}
