//! Sealing arguments and results at rest under the host's key.
//!
//! ChaCha20-Poly1305 with a random 96-bit nonce (RFC 8439). The call's id, the purpose and the revision
//! are the associated data, so that a sealed text cannot be moved to another call, nor a result be
//! taken for arguments, nor the arguments of one revision for those of another. Each use has its own key, derived from the
//! host's by HMAC-SHA-256 over the use's name.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::hex::hex;
use crate::ids::RequestId;

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

    /// Seals `plain` for one purpose of one call.
    pub(crate) fn seal(&self, plain: &[u8], bound: &Bound) -> Result<Sealed, SealError> {
        let mut nonce = Nonce::default();
        getrandom::fill(&mut nonce).map_err(|_| SealError(()))?;
        let aad = bound.bytes();
        let payload = Payload { msg: plain, aad: &aad };
        let sealed = self.cipher().encrypt(&nonce, payload).map_err(|_| SealError(()))?;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(Sealed(bytes))
    }

    /// Opens what was sealed under this key for this purpose of this call.
    pub(crate) fn open(&self, sealed: &Sealed, bound: &Bound) -> Result<Vec<u8>, SealError> {
        let (aad, rest) = match sealed.0.as_slice() {
            [VERSION, rest @ ..] => (bound.bytes(), rest),
            // What the first version sealed was bound to its call alone. It knew no edits, so it is
            // never what a later revision says.
            [1, rest @ ..] if bound.revision == 1 => (bound.call.as_bytes().to_vec(), rest),
            _ => return Err(SealError(())),
        };
        let (nonce, text) = rest.split_at_checked(12).ok_or(SealError(()))?;
        let nonce = Nonce::try_from(nonce).map_err(|_| SealError(()))?;
        let payload = Payload { msg: text, aad: &aad };
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
const VERSION: u8 = 2;

/// What a sealed text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The arguments that will run.
    Payload,
    /// What the body gave.
    Result,
}

/// What a sealed text belongs to, and opens for.
pub(crate) struct Bound {
    call: String,
    purpose: Purpose,
    /// The revision whose arguments these are, or that ran.
    revision: u32,
}

impl Bound {
    pub(crate) fn new(call: RequestId, purpose: Purpose, revision: u32) -> Self {
        Self { call: call.to_string(), purpose, revision }
    }

    fn bytes(&self) -> Vec<u8> {
        let purpose: &[u8] = match self.purpose {
            Purpose::Payload => b"payload",
            Purpose::Result => b"result",
        };
        // The id has one length, so no two different ones have the same bytes.
        let mut bytes = b"hitl.bound.v2".to_vec();
        bytes.extend_from_slice(self.call.as_bytes());
        bytes.extend_from_slice(&self.revision.to_be_bytes());
        bytes.extend_from_slice(purpose);
        bytes
    }
}

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
        let id = RequestId::new();
        let bound = Bound::new(id, Purpose::Payload, 1);
        let sealed = key.seal(b"pin 1234", &bound).unwrap();
        assert_eq!(key.open(&sealed, &bound).unwrap(), b"pin 1234");
        for other in [
            Bound::new(RequestId::new(), Purpose::Payload, 1),
            Bound::new(id, Purpose::Result, 1),
            Bound::new(id, Purpose::Payload, 2),
        ] {
            assert!(key.open(&sealed, &other).is_err());
        }
        assert!(HostKey::generate().unwrap().open(&sealed, &bound).is_err());
        for at in 0..sealed.0.len() {
            let mut bent = sealed.clone();
            bent.0[at] ^= 1;
            assert!(key.open(&bent, &bound).is_err(), "byte {at}");
        }
        assert!(key.open(&Sealed(Vec::new()), &bound).is_err());
        assert!(!sealed.0.windows(4).any(|w| w == b"1234"));
    }

    /// Sealed by the version before purposes were bound: only a first revision opens it.
    #[test]
    fn what_the_first_version_sealed_stays_readable() {
        let key = HostKey::from_bytes([7; 32]);
        let id: RequestId = "0197a8f0-0000-7000-8000-000000000001".parse().unwrap();
        let call = id.to_string();
        let nonce = Nonce::default();
        let text = key
            .cipher()
            .encrypt(&nonce, Payload { msg: b"arguments", aad: call.as_bytes() })
            .unwrap();
        let mut bytes = vec![1];
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&text);
        let old = Sealed(bytes);
        let opened = key.open(&old, &Bound::new(id, Purpose::Payload, 1)).unwrap();
        assert_eq!(opened, b"arguments");
        assert!(key.open(&old, &Bound::new(id, Purpose::Payload, 2)).is_err());
        assert!(key.open(&old, &Bound::new(RequestId::new(), Purpose::Payload, 1)).is_err());
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
