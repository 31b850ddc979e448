//! Sealing of arguments and results at rest under the host's key.
//!
//! ChaCha20-Poly1305 with a random 96-bit nonce (RFC 8439). The call's id, the purpose and the
//! revision are the associated data, so that a sealed text cannot be moved to another call, a
//! result cannot pass for arguments, and the arguments of one revision cannot pass for those of
//! another. Each use has its own key, derived from the host's by HMAC-SHA-256 over the use's name.

mod ring;

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::hex::hex;
use crate::ids::RequestId;

pub use hitl_base::RandomnessError;
pub(crate) use ring::{DigestKey, KeyRing};
pub use ring::{HostKeys, KeyId, NotAKeyId};

/// The domain of the digests of sensitive values.
const DIGEST_DOMAIN: &str = "hitl.sensitive.v1";

/// The host's secret key, 256 bits: seals data at rest and keys the digests of sensitive values.
///
/// Keep it apart from the database's backups. If it is lost, approved calls can no longer run; if
/// it is stolen, sealed data can be read. [`HostKeys`] replaces it with another one.
#[derive(Clone)]
pub struct HostKey([u8; 32]);

impl HostKey {
    /// Returns a key from bytes that the host keeps itself.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns a new random key.
    pub fn generate() -> Result<Self, RandomnessError> {
        Ok(Self(hitl_base::random_bytes()?))
    }

    /// Returns the bytes, for safekeeping. They are a secret.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns a short text by which a store recognises the key, and which reveals nothing about
    /// it.
    pub fn check_value(&self) -> String {
        hex(&self.mac("hitl.check.v1", b"")[..16])
    }

    /// Returns the HMAC-SHA-256 under a key of its own for each `domain`.
    pub(crate) fn mac(&self, domain: &str, bytes: &[u8]) -> [u8; 32] {
        hmac(&hmac(&self.0, domain.as_bytes()), bytes)
    }

    /// Returns the id that distinguishes it from other keys.
    pub fn id(&self) -> KeyId {
        let mac = self.mac("hitl.check.v1", b"");
        let mut id = [0; ring::ID];
        id.copy_from_slice(&mac[..ring::ID]);
        KeyId::from_bytes(id)
    }

    fn cipher_key(&self) -> [u8; 32] {
        self.mac("hitl.seal.v1", b"")
    }
}

/// Seals `plain` for one purpose of one call.
fn seal(id: KeyId, key: &[u8; 32], plain: &[u8], bound: &Bound) -> Result<Sealed, SealError> {
    let mut nonce = Nonce::default();
    getrandom::fill(&mut nonce).map_err(|_| SealError::NOT_SEALED)?;
    let aad = bound.bytes(VERSION);
    let payload = Payload { msg: plain, aad: &aad };
    let cipher = ChaCha20Poly1305::new(&(*key).into());
    let sealed = cipher.encrypt(&nonce, payload).map_err(|_| SealError::NOT_SEALED)?;
    let mut bytes = Vec::with_capacity(1 + ring::ID + nonce.len() + sealed.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(id.as_bytes());
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&sealed);
    Ok(Sealed(bytes))
}

/// Opens a text sealed under this key for this purpose of this call.
fn open(key: &[u8; 32], sealed: &Sealed, bound: &Bound) -> Result<Vec<u8>, SealError> {
    let (aad, rest) = match sealed.0.as_slice() {
        [VERSION, rest @ ..] => {
            let (_id, rest) = rest.split_at_checked(ring::ID).ok_or(SealError::DAMAGED)?;
            (bound.bytes(VERSION), rest)
        }
        // The second version did not contain the key's id.
        [2, rest @ ..] => (bound.bytes(2), rest),
        // The first version bound a text to its call alone. It had no edits, so it never opens as a
        // later revision.
        [1, rest @ ..] if bound.revision == 1 => (bound.call.as_bytes().to_vec(), rest),
        _ => return Err(SealError::DAMAGED),
    };
    let (nonce, text) = rest.split_at_checked(12).ok_or(SealError::DAMAGED)?;
    let nonce = Nonce::try_from(nonce).map_err(|_| SealError::DAMAGED)?;
    let payload = Payload { msg: text, aad: &aad };
    let cipher = ChaCha20Poly1305::new(&(*key).into());
    cipher.decrypt(&nonce, payload).map_err(|_| SealError::DAMAGED)
}

fn hmac(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key) else { return [0; 32] };
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostKey([redacted])")
    }
}

/// The first byte of texts that this version seals.
const VERSION: u8 = 3;

/// The purpose of a sealed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The arguments that will run.
    Payload,
    /// The result of the body.
    Result,
    /// The digest keys of former host keys, which belong to no call.
    DigestKeys,
}

/// The context to which a sealed text is bound, and for which it opens.
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

    /// Returns the context of the store as a whole.
    pub(crate) fn of_store(purpose: Purpose) -> Self {
        Self { call: String::new(), purpose, revision: 0 }
    }

    fn bytes(&self, version: u8) -> Vec<u8> {
        let purpose: &[u8] = match self.purpose {
            Purpose::Payload => b"payload",
            Purpose::Result => b"result",
            Purpose::DigestKeys => b"digest keys",
        };
        // The id has a fixed length, or is absent, so no two different contexts have the same
        // bytes.
        let mut bytes = format!("hitl.bound.v{version}").into_bytes();
        bytes.extend_from_slice(self.call.as_bytes());
        bytes.extend_from_slice(&self.revision.to_be_bytes());
        bytes.extend_from_slice(purpose);
        bytes
    }
}

/// Sealed bytes: a version byte, the id of the key, the nonce, the text and its tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Wraps bytes that a store kept.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the id of the key under which it claims to be sealed. `None` for texts of versions
    /// of hitl whose keys could not be replaced.
    pub fn key_id(&self) -> Option<KeyId> {
        match self.0.split_first() {
            Some((&VERSION, rest)) => rest.first_chunk().copied().map(KeyId::from_bytes),
            _ => None,
        }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// An error of sealing, or of opening a text that does not open under these keys for this call.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}")]
pub struct SealError(SealFault);

#[derive(Clone, Copy, Debug, thiserror::Error)]
enum SealFault {
    #[error("no random bytes to seal it with")]
    NotSealed,
    #[error("sealed under another key, or damaged")]
    Damaged,
    #[error("sealed under the host key {0}, which this process does not have")]
    UnknownKey(KeyId),
}

impl SealError {
    const NOT_SEALED: Self = Self(SealFault::NotSealed);
    const DAMAGED: Self = Self(SealFault::Damaged);

    const fn unknown_key(id: KeyId) -> Self {
        Self(SealFault::UnknownKey(id))
    }

    /// Returns the key that is needed to open it, if the key is missing.
    pub fn missing_key(&self) -> Option<KeyId> {
        match self.0 {
            SealFault::UnknownKey(id) => Some(id),
            SealFault::NotSealed | SealFault::Damaged => None,
        }
    }
}

/// Seals like older versions of hitl.
#[cfg(test)]
pub(crate) fn seal_as_version(version: u8, key: &HostKey, plain: &[u8], bound: &Bound) -> Sealed {
    let aad = match version {
        1 => bound.call.as_bytes().to_vec(),
        version => bound.bytes(version),
    };
    let nonce = Nonce::default();
    let cipher = ChaCha20Poly1305::new(&key.cipher_key().into());
    let text = cipher.encrypt(&nonce, Payload { msg: plain, aad: &aad }).unwrap();
    let mut bytes = vec![version];
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&text);
    Sealed(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(key: &HostKey) -> KeyRing {
        KeyRing::new(key.clone().into())
    }

    #[test]
    fn opens_only_under_its_key_and_for_its_call() {
        let key = ring(&HostKey::generate().unwrap());
        let id = RequestId::new();
        let bound = Bound::new(id, Purpose::Payload, 1);
        let sealed = key.seal(b"pin 1234", &bound).unwrap();
        assert_eq!(key.open(&sealed, &bound).unwrap(), b"pin 1234");
        for other in [
            Bound::new(RequestId::new(), Purpose::Payload, 1),
            Bound::new(id, Purpose::Result, 1),
            Bound::new(id, Purpose::Payload, 2),
            Bound::of_store(Purpose::Payload),
        ] {
            assert!(key.open(&sealed, &other).is_err());
        }
        assert!(ring(&HostKey::generate().unwrap()).open(&sealed, &bound).is_err());
        for at in 0..sealed.0.len() {
            let mut bent = sealed.clone();
            bent.0[at] ^= 1;
            assert!(key.open(&bent, &bound).is_err(), "byte {at}");
        }
        for length in 0..sealed.0.len() {
            assert!(key.open(&Sealed(sealed.0[..length].to_vec()), &bound).is_err(), "{length}");
        }
        assert!(!sealed.0.windows(4).any(|w| w == b"1234"));
    }

    /// Texts sealed by the versions before purposes were bound, and before keys had ids.
    #[test]
    fn what_older_versions_sealed_stays_readable() {
        let key = HostKey::from_bytes([7; 32]);
        let id: RequestId = "0197a8f0-0000-7000-8000-000000000001".parse().unwrap();
        let first = Bound::new(id, Purpose::Payload, 1);
        let old = seal_as_version(1, &key, b"arguments", &first);
        assert_eq!(ring(&key).open(&old, &first).unwrap(), b"arguments");
        assert!(ring(&key).open(&old, &Bound::new(id, Purpose::Payload, 2)).is_err());
        assert!(ring(&key).open(&old, &Bound::new(RequestId::new(), Purpose::Payload, 1)).is_err());
        // Written by the second version, with this key, id and a nonce of zeros.
        let second = Bound::new(id, Purpose::Payload, 4);
        let old = seal_as_version(2, &key, b"arguments", &second);
        assert_eq!(ring(&key).open(&old, &second).unwrap(), b"arguments");
        assert!(ring(&key).open(&old, &first).is_err());
        assert_eq!(old.key_id(), None);
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
