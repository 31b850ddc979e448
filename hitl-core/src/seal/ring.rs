//! The keys of a host during a rotation: the current one seals, all of them open.

use std::fmt;
use std::str::FromStr;

use super::{Bound, DIGEST_DOMAIN, HostKey, SealError, Sealed, VERSION, hmac};
use crate::hex::hex;

/// The id of a host key among others: 64 bits, derived from the key, that reveal nothing about it.
/// Its text is the first 16 digits of the key's [check value](HostKey::check_value).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; ID]);

/// The length of an id in bytes.
pub(super) const ID: usize = 8;

/// An error for text that is not 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a key: it has 16 hexadecimal digits")]
pub struct NotAKeyId(());

impl KeyId {
    pub(super) const fn from_bytes(bytes: [u8; ID]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; ID] {
        &self.0
    }

    /// Returns the nine bytes with which each text sealed under this key begins: a store uses them
    /// to find the others without opening them.
    pub fn prefix(&self) -> [u8; 1 + ID] {
        let mut prefix = [VERSION; 1 + ID];
        prefix[1..].copy_from_slice(&self.0);
        prefix
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = NotAKeyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        if text.len() != 2 * ID || !text.bytes().all(plain) {
            return Err(NotAKeyId(()));
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| NotAKeyId(()))?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// The host's keys: the current one, which seals, and previous ones, which only open texts that
/// were sealed under them.
///
/// A host that replaces its key provides both until everything is sealed under the new one
/// ([`Gate::reseal`](crate::Gate::reseal)), and then the new one alone. If several processes share
/// a store, each must know the new key, as a previous one, before the first of them seals under it.
///
/// ```
/// # use hitl::seal::{HostKey, HostKeys};
/// # fn f(old: HostKey, new: HostKey) {
/// let keys = HostKeys::new(new).with_previous(old);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HostKeys {
    current: HostKey,
    previous: Vec<HostKey>,
}

impl HostKeys {
    /// Returns a set of one key, which seals and opens.
    pub fn new(current: HostKey) -> Self {
        Self { current, previous: Vec::new() }
    }

    /// Adds a key that opens and does not seal. Adding a known key changes nothing.
    #[must_use]
    pub fn with_previous(mut self, key: HostKey) -> Self {
        if !self.knows(key.id()) {
            self.previous.push(key);
        }
        self
    }

    /// Returns the key that seals.
    pub fn current(&self) -> &HostKey {
        &self.current
    }

    /// Returns the keys that only open, in the order in which they were added.
    pub fn previous(&self) -> &[HostKey] {
        &self.previous
    }

    /// Returns all keys, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &HostKey> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// Returns whether a key is among them.
    pub fn knows(&self, id: KeyId) -> bool {
        self.all().any(|key| key.id() == id)
    }
}

impl From<HostKey> for HostKeys {
    fn from(key: HostKey) -> Self {
        Self::new(key)
    }
}

/// The key of the digests of sensitive values, derived from a host key: it opens nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct DigestKey([u8; 32]);

impl DigestKey {
    pub(crate) fn new(key: &HostKey) -> Self {
        Self(hmac(&key.0, DIGEST_DOMAIN.as_bytes()))
    }

    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the MAC of a sensitive value.
    pub(crate) fn mac(&self, bytes: &[u8]) -> [u8; 32] {
        hmac(&self.0, bytes)
    }

    /// Returns a MAC under a key of its own for each `domain`.
    pub(crate) fn mac_in(&self, domain: &str, bytes: &[u8]) -> [u8; 32] {
        hmac(&hmac(&self.0, domain.as_bytes()), bytes)
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey([redacted])")
    }
}

/// The keys that a gate derives once from the host's keys.
pub(crate) struct KeyRing {
    keys: HostKeys,
    /// In the order of `keys`.
    derived: Vec<Derived>,
    digest: DigestKey,
    /// The digest keys from before the current one, whose host keys the host may no longer have.
    older: Vec<DigestKey>,
}

struct Derived {
    id: KeyId,
    cipher: [u8; 32],
}

impl KeyRing {
    pub(crate) fn new(keys: HostKeys) -> Self {
        let derive = |key: &HostKey| Derived { id: key.id(), cipher: key.cipher_key() };
        Self {
            derived: keys.all().map(derive).collect(),
            digest: DigestKey::new(keys.current()),
            older: keys.previous().iter().map(DigestKey::new).collect(),
            keys,
        }
    }

    /// Adds digest keys of former host keys.
    pub(crate) fn learn(&mut self, older: impl IntoIterator<Item = DigestKey>) {
        for key in older {
            if key != self.digest && !self.older.contains(&key) {
                self.older.push(key);
            }
        }
    }

    pub(crate) fn keys(&self) -> &HostKeys {
        &self.keys
    }

    /// Returns the id of the key that seals.
    pub(crate) fn id(&self) -> Option<KeyId> {
        self.derived.first().map(|derived| derived.id)
    }

    /// Returns the key for new digests.
    pub(crate) fn digest(&self) -> &DigestKey {
        &self.digest
    }

    /// Returns the keys with which older digests may have been made.
    pub(crate) fn older_digests(&self) -> &[DigestKey] {
        &self.older
    }

    /// Returns all digest keys, the current one first.
    pub(crate) fn digests(&self) -> impl Iterator<Item = &DigestKey> {
        std::iter::once(&self.digest).chain(&self.older)
    }

    /// Seals under the current key.
    pub(crate) fn seal(&self, plain: &[u8], bound: &Bound) -> Result<Sealed, SealError> {
        let current = self.derived.first().ok_or(SealError::NOT_SEALED)?;
        super::seal(current.id, &current.cipher, plain, bound)
    }

    /// Opens a text sealed under one of the keys for this purpose of this call.
    pub(crate) fn open(&self, sealed: &Sealed, bound: &Bound) -> Result<Vec<u8>, SealError> {
        let Some(id) = sealed.key_id() else {
            // Older texts do not contain the key's id.
            let mut opened = Err(SealError::DAMAGED);
            for derived in &self.derived {
                opened = super::open(&derived.cipher, sealed, bound);
                if opened.is_ok() {
                    break;
                }
            }
            return opened;
        };
        let known = self.derived.iter().find(|derived| derived.id == id);
        let known = known.ok_or(SealError::unknown_key(id))?;
        super::open(&known.cipher, sealed, bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RequestId;
    use crate::seal::Purpose;

    fn key(byte: u8) -> HostKey {
        HostKey::from_bytes([byte; 32])
    }

    #[test]
    fn an_id_is_the_beginning_of_the_check_value() {
        let id = key(1).id();
        assert!(key(1).check_value().starts_with(&id.to_string()));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_ne!(id, key(2).id());
        let text = id.to_string();
        for wrong in ["", &text[1..], "+123456789abcdef", &"G".repeat(16), &text.to_uppercase()] {
            assert!(wrong == text || wrong.parse::<KeyId>().is_err(), "{wrong}");
        }
    }

    /// Tests every set of three keys, and every key under which a text was sealed, in every
    /// version.
    #[test]
    fn invariant_8_a_text_opens_if_and_only_if_its_key_is_known() {
        let bound = Bound::new(RequestId::new(), Purpose::Payload, 1);
        for by in 1..=3 {
            let new = KeyRing::new(key(by).into()).seal(b"pin 1234", &bound).unwrap();
            let older = crate::seal::seal_as_version(2, &key(by), b"pin 1234", &bound);
            let oldest = crate::seal::seal_as_version(1, &key(by), b"pin 1234", &bound);
            for known in 1..8_u8 {
                let mut bytes = (1..=3).filter(|byte| known & (1 << (byte - 1)) != 0);
                let mut keys = HostKeys::new(key(bytes.next().unwrap()));
                keys = bytes.fold(keys, |keys, byte| keys.with_previous(key(byte)));
                let ring = KeyRing::new(keys);
                let is_known = known & (1 << (by - 1)) != 0;
                for text in [&new, &older, &oldest] {
                    assert_eq!(ring.open(text, &bound).is_ok(), is_known, "{by} of {known:b}");
                }
                if !is_known {
                    let missing = ring.open(&new, &bound).unwrap_err().missing_key();
                    assert_eq!(missing, Some(key(by).id()));
                }
            }
        }
    }

    #[test]
    fn the_current_key_seals_and_is_named_by_the_text() {
        let bound = Bound::new(RequestId::new(), Purpose::Result, 3);
        let ring = KeyRing::new(HostKeys::new(key(2)).with_previous(key(1)).with_previous(key(2)));
        assert_eq!(ring.keys().previous().len(), 1);
        let sealed = ring.seal(b"text", &bound).unwrap();
        assert_eq!(sealed.key_id(), Some(key(2).id()));
        assert!(sealed.as_bytes().starts_with(&key(2).id().prefix()));
        assert!(KeyRing::new(key(1).into()).open(&sealed, &bound).is_err());
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let keys = HostKeys::new(key(7)).with_previous(key(8));
        let shown = format!("{keys:?} {:?}", DigestKey::new(&key(7)));
        assert!(!shown.contains('7') && !shown.contains("07"), "{shown}");
    }
}
