//! What was found where the arguments of a call lead.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{MAX_DIGESTED, MAX_KEPT};
use crate::approval::{Content, UnreadReason};
use crate::call::{Given, MAX_CONTENTS, ReferentDigest, referent_digest};
use crate::hex::{bytes_of, hex};
use crate::ids::RequestId;
use crate::seal::{DigestKey, KeyRing};

/// What the arguments of a call name, as it was just read. `Debug` does not write it.
#[derive(Clone, Default)]
pub(in crate::gate) struct Referents(Arc<[Referent]>);

/// What one of them names.
#[derive(Clone)]
pub(super) struct Referent {
    /// A JSON Pointer into the arguments.
    pub(super) at: String,
    /// Where the path leads, with all links followed. `None` of what is no file.
    pub(super) target: Option<PathBuf>,
    /// There is a link on the way.
    pub(super) linked: bool,
    pub(super) what: What,
}

/// What is there.
#[derive(Clone)]
pub(super) enum What {
    Kept {
        bytes: Arc<[u8]>,
        sha256: [u8; 32],
    },
    Large {
        bytes: u64,
        sha256: [u8; 32],
    },
    Unread {
        why: UnreadReason,
        said: Option<String>,
    },
    /// So many more contents, which are not named one by one. Nobody read them.
    Rest {
        count: u64,
    },
}

impl What {
    /// What a reader of the host gave.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        let sha256 = Sha256::digest(&bytes).into();
        Self::digested(bytes, length, sha256)
    }

    /// So many bytes, of which the first are at hand.
    pub(super) fn digested(first: Vec<u8>, bytes: u64, sha256: [u8; 32]) -> Self {
        if bytes > MAX_DIGESTED {
            Self::unread(UnreadReason::TooLarge)
        } else if first.len() as u64 == bytes && first.len() <= MAX_KEPT {
            Self::Kept { bytes: first.into(), sha256 }
        } else {
            Self::Large { bytes, sha256 }
        }
    }

    pub(super) const fn unread(why: UnreadReason) -> Self {
        Self::Unread { why, said: None }
    }

    pub(super) const fn unread_because(why: UnreadReason, said: String) -> Self {
        Self::Unread { why, said: Some(said) }
    }
}

impl Referent {
    pub(super) fn new(at: String, what: What) -> Self {
        Self { at, target: None, linked: false, what }
    }

    /// What a call names beyond the contents that are named one by one; nothing when there is none.
    pub(super) fn rest(count: usize) -> Option<Self> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        (count > 0).then(|| Self::new(String::new(), What::Rest { count }))
    }

    pub(super) fn at(at: String, target: PathBuf, linked: bool, what: What) -> Self {
        Self { at, target: Some(target), linked, what }
    }

    /// What a decision on this request is bound to.
    pub(super) fn digest(&self, key: &DigestKey, request: RequestId) -> ReferentDigest {
        let (kind, bytes, sha256): (_, _, &[u8]) = match &self.what {
            What::Kept { bytes, sha256 } => ("content", bytes.len() as u64, sha256),
            What::Large { bytes, sha256 } => ("content", *bytes, sha256),
            What::Unread { why, .. } => (why.name(), 0, &[]),
            What::Rest { count } => (UnreadReason::TooMany.name(), *count, &[]),
        };
        let target = self.target.as_deref().map(|target| target.as_os_str().as_encoded_bytes());
        let target = target.unwrap_or_default();
        referent_digest(key, request, &crate::call::Referent { kind, target, bytes, sha256 })
    }
}

impl Referents {
    /// These, of which no more bytes than `most` are kept in all.
    pub(super) fn within(mut all: Vec<Referent>, most: usize) -> Self {
        let mut left = most;
        for referent in &mut all {
            let What::Kept { bytes, sha256 } = &referent.what else { continue };
            if let Some(rest) = left.checked_sub(bytes.len()) {
                left = rest;
            } else {
                let (bytes, sha256) = (bytes.len() as u64, *sha256);
                referent.what = What::Large { bytes, sha256 };
            }
        }
        Self(all.into())
    }

    /// Contents at these places that this gate cannot read, as it does not have the tool.
    pub(in crate::gate) fn elsewhere(places: impl Iterator<Item = String>) -> Self {
        let mut places = places.fuse();
        let named = places.by_ref().take(2 * MAX_CONTENTS);
        let mut all: Vec<Referent> =
            named.map(|at| Referent::new(at, What::unread(UnreadReason::Elsewhere))).collect();
        all.extend(Referent::rest(places.count()));
        Self(all.into())
    }

    /// The key under which most of these have the digests that a request shows; the current one
    /// when none has. Contents that are compared with those of a request are digested under it, as
    /// the key may have been replaced since.
    pub(super) fn key_of<'k>(
        &self,
        keys: &'k KeyRing,
        request: RequestId,
        shown: &[Content],
    ) -> &'k DigestKey {
        let same = |key: &DigestKey| {
            let digests = self.digests(key, request);
            let is_shown = |(at, digest): &&(&str, ReferentDigest)| {
                shown.iter().any(|content| content.at == *at && content.digest == *digest)
            };
            digests.iter().filter(is_shown).count()
        };
        let mut best = (keys.digest(), 0);
        if !shown.is_empty() {
            for key in keys.digests() {
                let found = same(key);
                if found > best.1 {
                    best = (key, found);
                }
            }
        }
        best.0
    }

    pub(in crate::gate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Referent> {
        self.0.iter()
    }

    /// Their places and digests, as they stand on a request.
    pub(super) fn digests(
        &self,
        key: &DigestKey,
        request: RequestId,
    ) -> Vec<(&str, ReferentDigest)> {
        let digest = |referent: &Referent| referent.digest(key, request);
        self.0.iter().map(|referent| (referent.at.as_str(), digest(referent))).collect()
    }

    /// What is sealed with the call's arguments.
    pub(in crate::gate) fn kept(&self) -> Vec<Kept> {
        self.0.iter().filter_map(Kept::of).collect()
    }

    /// What the body is given.
    pub(in crate::gate) fn given(&self) -> Given {
        let given = self.0.iter().filter_map(|referent| match &referent.what {
            What::Kept { bytes, .. } => Some((referent.at.clone(), Arc::clone(bytes))),
            _ => None,
        });
        Given(given.collect())
    }
}

impl fmt::Debug for Referents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|referent| &referent.at)).finish()
    }
}

/// A content as it is sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::gate) struct Kept {
    pub(super) at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// In hexadecimal, of what is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    /// Where the path led, in hexadecimal. `None` of what is no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl Kept {
    fn of(referent: &Referent) -> Option<Self> {
        let What::Kept { bytes, .. } = &referent.what else { return None };
        let (text, bytes) = match std::str::from_utf8(bytes) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(hex(bytes))),
        };
        let target = referent.target.as_deref();
        let target = target.map(|target| hex(target.as_os_str().as_encoded_bytes()));
        Some(Self { at: referent.at.clone(), text, bytes, target })
    }

    /// Whether it is the content that a request shows at its place: who can write to the store, and
    /// has a former key, could have sealed another.
    pub(super) fn is_of(&self, shown: &[Content], keys: &KeyRing, request: RequestId) -> bool {
        let Some(content) = shown.iter().find(|content| content.at == self.at) else {
            return false;
        };
        let bytes = match (&self.text, &self.bytes) {
            (Some(text), None) => Some(text.as_bytes().to_vec()),
            (None, Some(bytes)) => bytes_of(bytes),
            _ => None,
        };
        let target = self.target.as_deref().map_or(Some(Vec::new()), bytes_of);
        let (Some(bytes), Some(target)) = (bytes, target) else { return false };
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let length = bytes.len() as u64;
        let referent = crate::call::Referent {
            kind: "content",
            target: &target,
            bytes: length,
            sha256: &sha256,
        };
        keys.digests().any(|key| referent_digest(key, request, &referent) == content.digest)
    }

    /// The text of it.
    pub(in crate::gate) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub(in crate::gate) fn is_at(&self, at: &str) -> bool {
        self.at == at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn referent(bytes: &[u8]) -> Referent {
        Referent::new("/path".to_owned(), What::of(bytes.to_vec()))
    }

    #[test]
    fn invariant_2_the_digest_names_what_was_found_and_where() {
        let (key, id) = (DigestKey::from_bytes([7; 32]), RequestId::new());
        let moved = |to: &str, what| Referent::at("/path".to_owned(), to.into(), false, what);
        let all = [
            referent(b"one"),
            referent(b"two"),
            referent(b""),
            Referent::new("/path".to_owned(), What::unread(UnreadReason::Missing)),
            Referent::new("/path".to_owned(), What::unread(UnreadReason::Late)),
            moved("/a", What::of(b"one".to_vec())),
            moved("/b", What::of(b"one".to_vec())),
            moved("/a", What::unread(UnreadReason::Missing)),
        ];
        let mut digests: Vec<_> = all.iter().map(|one| one.digest(&key, id)).collect();
        digests.push(all[0].digest(&key, RequestId::new()));
        digests.push(all[0].digest(&DigestKey::from_bytes([8; 32]), id));
        let count = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), count);
        assert_eq!(all[0].digest(&key, id), referent(b"one").digest(&key, id));
    }

    #[test]
    fn what_is_sealed_reads_back() {
        for (bytes, text, hex) in [
            (&b"text"[..], Some("text"), None),
            (b"", Some(""), None),
            (&[0, 159, 255], None, Some("009fff")),
        ] {
            let kept = Kept::of(&referent(bytes)).unwrap();
            let read: Kept = serde_json::from_slice(&serde_json::to_vec(&kept).unwrap()).unwrap();
            assert!(read == kept);
            assert_eq!((read.text(), read.bytes.as_deref()), (text, hex));
        }
    }

    #[test]
    fn invariant_2_what_is_sealed_is_known_by_the_digest_that_was_shown() {
        let ring = |byte| KeyRing::new(crate::seal::HostKey::from_bytes([byte; 32]).into());
        let (keys, id) = (ring(7), RequestId::new());
        let at = |to: &str, bytes: &[u8]| {
            Referent::at("/path".to_owned(), to.into(), false, What::of(bytes.to_vec()))
        };
        let shown = |referent: &Referent| {
            vec![Content {
                at: referent.at.clone(),
                digest: referent.digest(keys.digest(), id),
                found: crate::approval::ContentState::Text { bytes: 0 },
                leads_to: None,
                text: None,
                masks: Vec::new(),
                more_masks: 0,
            }]
        };
        let all = [
            at("/a", b"one"),
            at("/b", b"one"),
            at("/a", b"two"),
            at("/a", &[0, 159]),
            referent(b"one"),
            referent(b""),
        ];
        for (index, one) in all.iter().enumerate() {
            for (other, shown) in all.iter().map(shown).enumerate() {
                let kept = Kept::of(one).unwrap();
                assert_eq!(kept.is_of(&shown, &keys, id), index == other, "{index} {other}");
                assert!(!kept.is_of(&shown, &ring(8), id));
                assert!(!kept.is_of(&shown, &keys, RequestId::new()));
                let moved = Kept { at: "/other".to_owned(), ..kept.clone() };
                assert!(!moved.is_of(&shown, &keys, id));
                let both =
                    Kept { bytes: Some("00".to_owned()), text: Some("x".to_owned()), ..kept };
                assert!(!both.is_of(&shown, &keys, id));
            }
        }
        // Of versions that did not keep where a path led, it is read and vouches for nothing.
        let old: Kept = serde_json::from_str(r#"{"at":"/path","text":"one"}"#).unwrap();
        assert!(!old.is_of(&shown(&all[0]), &keys, id) && old.is_of(&shown(&all[4]), &keys, id));
    }

    #[test]
    fn what_is_too_much_in_all_is_digested_only() {
        let all = Referents::within(vec![referent(b"abc"), referent(b"de"), referent(b"f")], 4);
        let kept: Vec<_> = all.iter().map(|one| matches!(one.what, What::Kept { .. })).collect();
        assert_eq!(kept, [true, false, true]);
        let alone = Referents::within(vec![referent(b"de")], 4);
        let key = DigestKey::from_bytes([7; 32]);
        let id = RequestId::new();
        assert_eq!(all.digests(&key, id)[1].1, alone.digests(&key, id)[0].1);
    }
}
