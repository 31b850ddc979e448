//! The contents that the arguments of a call name, as they were read: digested, sealed with the
//! call, and passed to its body; and its preview.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::rendered::RenderedPreview;
use crate::approval::{Content, UnreadReason};
use crate::call::{Given, MAX_CONTENTS, ReferentDigest, referent_digest};
use crate::hex::{bytes_of, hex};
use crate::ids::RequestId;
use crate::seal::{DigestKey, KeyRing};

/// The most bytes of one content that are kept: shown, sealed, and passed to the body.
pub(super) const MAX_KEPT: usize = 256 * 1024;
/// The most bytes of one content that are digested. A longer one counts as not read.
pub(super) const MAX_DIGESTED: u64 = 16 * 1024 * 1024;

/// The contents that the arguments of a call name, as they were just read, and its preview, as it
/// was just rendered. `Debug` does not print them.
#[derive(Clone, Default)]
pub(in crate::gate) struct Referents {
    contents: Arc<[Referent]>,
    /// `None` if the tool renders none.
    preview: Option<RenderedPreview>,
}

/// The content that one argument names.
#[derive(Clone)]
pub(super) struct Referent {
    /// A JSON Pointer into the arguments.
    pub(super) at: String,
    /// The path with all links followed. `None` if it is not a file.
    pub(super) target: Option<PathBuf>,
    /// True if there is a link on the path.
    pub(super) linked: bool,
    pub(super) state: ReferentState,
}

/// The state of a content after it was read.
#[derive(Clone)]
pub(super) enum ReferentState {
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
    /// Further contents, which are not listed one by one. Nobody read them.
    Rest {
        count: u64,
    },
}

impl ReferentState {
    /// Creates the state from the bytes that a reader of the host returned.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        let sha256 = Sha256::digest(&bytes).into();
        Self::from_digest(bytes, length, sha256)
    }

    /// Creates the state of a content of this length, of which the first bytes are available.
    pub(super) fn from_digest(first: Vec<u8>, bytes: u64, sha256: [u8; 32]) -> Self {
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
    pub(super) fn new(at: String, state: ReferentState) -> Self {
        Self { at, target: None, linked: false, state }
    }

    /// Creates the entry for the contents beyond those that are listed one by one; `None` if there
    /// are none.
    pub(super) fn rest(count: usize) -> Option<Self> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        (count > 0).then(|| Self::new(String::new(), ReferentState::Rest { count }))
    }

    /// Creates the content of the file at this path, with all links followed.
    pub(super) fn file(at: String, target: PathBuf, linked: bool, state: ReferentState) -> Self {
        Self { at, target: Some(target), linked, state }
    }

    /// Returns the digest that a decision on this request is bound to.
    pub(super) fn digest(&self, key: &DigestKey, request: RequestId) -> ReferentDigest {
        let (kind, bytes, sha256): (_, _, &[u8]) = match &self.state {
            ReferentState::Kept { bytes, sha256 } => ("content", bytes.len() as u64, sha256),
            ReferentState::Large { bytes, sha256 } => ("content", *bytes, sha256),
            ReferentState::Unread { why, .. } => (why.name(), 0, &[]),
            ReferentState::Rest { count } => (UnreadReason::TooMany.name(), *count, &[]),
        };
        let target = self.target.as_deref().map(|target| target.as_os_str().as_encoded_bytes());
        let target = target.unwrap_or_default();
        referent_digest(key, request, &crate::call::Referent { kind, target, bytes, sha256 })
    }
}

impl Referents {
    /// Keeps at most `max_bytes` of these in all.
    pub(super) fn new(mut all: Vec<Referent>, max_bytes: usize) -> Self {
        let mut left = max_bytes;
        for referent in &mut all {
            let ReferentState::Kept { bytes, sha256 } = &referent.state else { continue };
            if let Some(rest) = left.checked_sub(bytes.len()) {
                left = rest;
            } else {
                let (bytes, sha256) = (bytes.len() as u64, *sha256);
                referent.state = ReferentState::Large { bytes, sha256 };
            }
        }
        Self { contents: all.into(), preview: None }
    }

    /// Adds the preview of the call.
    pub(in crate::gate) fn with_preview(self, preview: Option<RenderedPreview>) -> Self {
        Self { preview, ..self }
    }

    /// Returns the preview of the call. `None` if its tool renders none.
    pub(in crate::gate) fn preview(&self) -> Option<&RenderedPreview> {
        self.preview.as_ref()
    }

    /// Creates the entries for contents at these places that this gate cannot read, because it does
    /// not have the tool.
    pub(in crate::gate) fn unreadable_here(places: impl Iterator<Item = String>) -> Self {
        let mut places = places.fuse();
        let named = places.by_ref().take(2 * MAX_CONTENTS);
        let mut all: Vec<Referent> = named
            .map(|at| Referent::new(at, ReferentState::unread(UnreadReason::Elsewhere)))
            .collect();
        all.extend(Referent::rest(places.count()));
        Self { contents: all.into(), preview: None }
    }

    /// Returns the key under which most of these have the digests that a request shows; the current
    /// one if none has. Contents that are compared with those of a request are digested under it,
    /// because the key may have been replaced since.
    pub(super) fn matching_key<'k>(
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
        self.contents.is_empty() && self.preview.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Referent> {
        self.contents.iter()
    }

    /// Returns their places and digests, as a request lists them.
    pub(in crate::gate) fn digests(
        &self,
        key: &DigestKey,
        request: RequestId,
    ) -> Vec<(&str, ReferentDigest)> {
        let digest = |referent: &Referent| referent.digest(key, request);
        self.contents.iter().map(|referent| (referent.at.as_str(), digest(referent))).collect()
    }

    /// Returns the contents in the form in which they are sealed with the call's arguments.
    pub(in crate::gate) fn to_sealed(&self) -> Vec<SealedContent> {
        self.contents.iter().filter_map(SealedContent::new).collect()
    }

    /// Returns the contents in the form in which the body receives them.
    pub(in crate::gate) fn to_given(&self) -> Given {
        let given = self.contents.iter().filter_map(|referent| match &referent.state {
            ReferentState::Kept { bytes, .. } => Some((referent.at.clone(), Arc::clone(bytes))),
            _ => None,
        });
        Given(given.collect())
    }
}

impl fmt::Debug for Referents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.contents.iter().map(|referent| &referent.at)).finish()
    }
}

/// A content in the form in which it is sealed with its call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::gate) struct SealedContent {
    pub(super) at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// In hexadecimal, if it is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    /// The path with all links followed, in hexadecimal. `None` if it is not a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl SealedContent {
    fn new(referent: &Referent) -> Option<Self> {
        let ReferentState::Kept { bytes, .. } = &referent.state else { return None };
        let (text, bytes) = match std::str::from_utf8(bytes) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(hex(bytes))),
        };
        let target = referent.target.as_deref();
        let target = target.map(|target| hex(target.as_os_str().as_encoded_bytes()));
        Some(Self { at: referent.at.clone(), text, bytes, target })
    }

    /// Returns whether it is the content that a request shows at its place: an attacker with a
    /// former key and write access to the store could have sealed a different one.
    pub(in crate::gate) fn is_of(
        &self,
        shown: &[Content],
        keys: &KeyRing,
        request: RequestId,
    ) -> bool {
        let Some(content) = shown.iter().find(|content| content.at == self.at) else {
            return false;
        };
        let bytes = self.bytes();
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

    /// Returns its bytes. `None` if they cannot be read.
    fn bytes(&self) -> Option<Vec<u8>> {
        match (&self.text, &self.bytes) {
            (Some(text), None) => Some(text.as_bytes().to_vec()),
            (None, Some(bytes)) => bytes_of(bytes),
            _ => None,
        }
    }

    /// Returns contents in the form in which the body received them.
    pub(in crate::gate) fn to_given(contents: &[Self]) -> Given {
        let given = contents.iter().filter_map(|content| {
            content.bytes().map(|bytes| (content.at.clone(), Arc::from(bytes)))
        });
        Given(given.collect())
    }

    /// Returns its text, if it is one.
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
        Referent::new("/path".to_owned(), ReferentState::from_bytes(bytes.to_vec()))
    }

    #[test]
    fn invariant_2_the_digest_names_what_was_found_and_where() {
        let (key, id) = (DigestKey::from_bytes([7; 32]), RequestId::new());
        let moved = |to: &str, state| Referent::file("/path".to_owned(), to.into(), false, state);
        let all = [
            referent(b"one"),
            referent(b"two"),
            referent(b""),
            Referent::new("/path".to_owned(), ReferentState::unread(UnreadReason::Missing)),
            Referent::new("/path".to_owned(), ReferentState::unread(UnreadReason::Late)),
            moved("/a", ReferentState::from_bytes(b"one".to_vec())),
            moved("/b", ReferentState::from_bytes(b"one".to_vec())),
            moved("/a", ReferentState::unread(UnreadReason::Missing)),
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
            let kept = SealedContent::new(&referent(bytes)).unwrap();
            let read: SealedContent =
                serde_json::from_slice(&serde_json::to_vec(&kept).unwrap()).unwrap();
            assert!(read == kept);
            assert_eq!((read.text(), read.bytes.as_deref()), (text, hex));
        }
    }

    #[test]
    fn invariant_2_what_is_sealed_is_known_by_the_digest_that_was_shown() {
        let ring = |byte| KeyRing::new(crate::seal::HostKey::from_bytes([byte; 32]).into());
        let (keys, id) = (ring(7), RequestId::new());
        let at = |to: &str, bytes: &[u8]| {
            Referent::file(
                "/path".to_owned(),
                to.into(),
                false,
                ReferentState::from_bytes(bytes.to_vec()),
            )
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
                let kept = SealedContent::new(one).unwrap();
                assert_eq!(kept.is_of(&shown, &keys, id), index == other, "{index} {other}");
                assert!(!kept.is_of(&shown, &ring(8), id));
                assert!(!kept.is_of(&shown, &keys, RequestId::new()));
                let moved = SealedContent { at: "/other".to_owned(), ..kept.clone() };
                assert!(!moved.is_of(&shown, &keys, id));
                let both = SealedContent {
                    bytes: Some("00".to_owned()),
                    text: Some("x".to_owned()),
                    ..kept
                };
                assert!(!both.is_of(&shown, &keys, id));
            }
        }
        // A content from a version that did not store the target of a path can be read, but proves
        // nothing.
        let old: SealedContent = serde_json::from_str(r#"{"at":"/path","text":"one"}"#).unwrap();
        assert!(!old.is_of(&shown(&all[0]), &keys, id) && old.is_of(&shown(&all[4]), &keys, id));
    }

    #[test]
    fn what_is_too_much_in_all_is_digested_only() {
        let all = Referents::new(vec![referent(b"abc"), referent(b"de"), referent(b"f")], 4);
        let kept: Vec<_> =
            all.iter().map(|one| matches!(one.state, ReferentState::Kept { .. })).collect();
        assert_eq!(kept, [true, false, true]);
        let alone = Referents::new(vec![referent(b"de")], 4);
        let key = DigestKey::from_bytes([7; 32]);
        let id = RequestId::new();
        assert_eq!(all.digests(&key, id)[1].1, alone.digests(&key, id)[0].1);
    }
}
