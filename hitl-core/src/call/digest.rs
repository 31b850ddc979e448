//! The basis of an approval: exact digests with domain separation.
//!
//! Every part is length-prefixed (8 bytes, big endian), so that no two different lists of parts
//! have the same bytes. A sensitive value enters as its HMAC under the host's key, so that a digest
//! cannot be used to guess a PIN.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::{CallContext, CallKey};
use crate::approval::Content;
use crate::arguments::Snapshot;
use crate::hex::hex;
use crate::ids::RequestId;
use crate::seal::DigestKey;

/// The current version of the rule for binding digests. An approval under an older one runs
/// nothing: the call is asked about again.
pub(crate) const BINDING_VERSION: u16 = 2;

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = NotADigest;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hex(text).map(Self).ok_or(NotADigest(()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

digest! {
    /// SHA-256 over tool, arguments, principal and tenant as submitted: for re-attaching.
    ContentDigest
}
digest! {
    /// SHA-256 over one revision of one call: its id, key, content, the tool's [`Fingerprint`] and
    /// the version of the tool's code. A decision names it.
    BindingDigest
}
digest! {
    /// SHA-256 over what a reviewer relies on about a tool: its name, schema and description.
    Fingerprint
}

digest! {
    /// HMAC-SHA-256 under the host's key over a content that an argument names, its location, and
    /// the request's id: it reveals nothing about the content, and is valid for one request only.
    ReferentDigest
}

digest! {
    /// HMAC-SHA-256 under the host's key over the preview of a call, and the request's id: it
    /// reveals nothing about the preview, and is valid for one request only.
    PreviewDigest
}

digest! {
    /// HMAC-SHA-256 under the host's key over the output of a body, and the request's id: it
    /// reveals nothing about the output, and is valid for one request only.
    OutputDigest
}

digest! {
    /// SHA-256 over the circumstances of a request: who asks, in which roles, for which tenant,
    /// what the host has verified, and the tool's [`Fingerprint`].
    CircumstancesDigest
}

digest! {
    /// SHA-256 over the text of an [effect](crate::call::ToolConfig::effect).
    EffectDigest
}

impl EffectDigest {
    /// Returns the digest of an effect's text.
    pub(crate) fn new(effect: &str) -> Self {
        let mut parts = Parts::new("hitl.effect.v1");
        parts.part(effect.as_bytes());
        Self(parts.finish())
    }
}

impl ContentDigest {
    /// The content of no call.
    pub(crate) const NONE: Self = Self([0; 32]);
}

impl BindingDigest {
    /// The placeholder for the digest of an erased call: it binds nothing.
    pub(crate) const ERASED: Self = Self([0; 32]);
}

/// The error for a text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a digest: it has 64 hexadecimal digits")]
pub struct NotADigest(());

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// A hash over length-prefixed parts.
struct Parts(Sha256);

impl Parts {
    fn new(domain: &str) -> Self {
        let mut parts = Self(Sha256::new());
        parts.part(domain.as_bytes());
        parts
    }

    fn part(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

pub(crate) fn content_digest(
    tool: &str,
    snapshot: &Snapshot,
    context: &CallContext,
    key: &DigestKey,
) -> ContentDigest {
    let mut parts = Parts::new("hitl.content.v1");
    parts
        .part(tool.as_bytes())
        .part(context.tenant.as_str().as_bytes())
        .part(context.principal.as_str().as_bytes());
    for piece in snapshot.pieces() {
        if piece.hidden {
            parts.part(b"hidden").part(&key.mac(piece.text.as_bytes()));
        } else {
            parts.part(b"clear").part(piece.text.as_bytes());
        }
    }
    ContentDigest(parts.finish())
}

/// The subject of a decision: one revision of one call, and the code that would run it.
pub(crate) struct Binding<'b> {
    pub(crate) id: RequestId,
    pub(crate) key: &'b CallKey,
    pub(crate) revision: u32,
    pub(crate) content: ContentDigest,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) build: Option<&'b str>,
    /// The contents that the arguments name, as they were found.
    pub(crate) contents: &'b [Content],
    /// The preview of the call, as it was rendered.
    pub(crate) preview: Option<PreviewDigest>,
}

impl Binding<'_> {
    /// Returns the digest by the current rule.
    pub(crate) fn digest(&self) -> BindingDigest {
        let key = self.key;
        let mut parts = Parts::new("hitl.binding.v2");
        parts
            .part(self.id.to_string().as_bytes())
            .part(key.tenant.as_str().as_bytes())
            .part(key.run.as_str().as_bytes())
            .part(&key.position.to_be_bytes())
            .part(&self.revision.to_be_bytes())
            .part(&self.content.0)
            .part(&self.fingerprint.0)
            .part(self.build.unwrap_or("").as_bytes());
        // The number of parts before is fixed, so these cannot be confused with them.
        for content in self.contents {
            parts.part(content.at.as_bytes()).part(&content.digest.0);
        }
        // The place of a content is empty or begins with a slash.
        if let Some(preview) = self.preview {
            parts.part(b"preview").part(&preview.0);
        }
        BindingDigest(parts.finish())
    }

    /// Returns the digest by the rule under which older versions of hitl asked.
    pub(crate) fn digest_v1(&self) -> BindingDigest {
        let mut parts = Parts::new("hitl.binding.v1");
        parts.part(&self.content.0).part(&self.fingerprint.0).part(&self.revision.to_be_bytes());
        BindingDigest(parts.finish())
    }
}

/// Returns the digest that the audit names for a call that runs at once and has no record. Nobody
/// decides about it, so the digest identifies what ran and not which call: its audit record has the
/// key.
pub(crate) fn unrecorded_digest(
    content: ContentDigest,
    tool: Fingerprint,
    build: Option<&str>,
) -> BindingDigest {
    let mut parts = Parts::new("hitl.run.v2");
    parts.part(&content.0).part(&tool.0).part(build.unwrap_or("").as_bytes());
    BindingDigest(parts.finish())
}

/// The referent of an argument, as it was found.
pub(crate) struct Referent<'r> {
    /// Its kind, or the reason why it was not read.
    pub(crate) kind: &'r str,
    /// Its path with all links resolved; empty if there is none.
    pub(crate) target: &'r [u8],
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// The SHA-256 of the whole content.
    pub(crate) sha256: &'r [u8],
}

/// Returns the digest of the referent of an argument of this request.
pub(crate) fn referent_digest(
    key: &DigestKey,
    request: RequestId,
    referent: &Referent<'_>,
) -> ReferentDigest {
    let mut parts = Parts::new("hitl.referent.v1");
    parts
        .part(request.to_string().as_bytes())
        .part(referent.kind.as_bytes())
        .part(referent.target)
        .part(&referent.bytes.to_be_bytes())
        .part(referent.sha256);
    ReferentDigest(key.mac_in("hitl.referent.v1", &parts.finish()))
}

/// Returns the digest of the preview of this request: its kind (rendered, or the reason why not)
/// and its bytes.
pub(crate) fn preview_digest(
    key: &DigestKey,
    request: RequestId,
    kind: &str,
    bytes: &[u8],
) -> PreviewDigest {
    let mut parts = Parts::new("hitl.preview.v1");
    parts.part(request.to_string().as_bytes()).part(kind.as_bytes()).part(bytes);
    PreviewDigest(key.mac_in("hitl.preview.v1", &parts.finish()))
}

/// Returns the digest of the output of the body of this request.
pub(crate) fn output_digest(key: &DigestKey, request: RequestId, output: &str) -> OutputDigest {
    let mut parts = Parts::new("hitl.output.v1");
    parts.part(request.to_string().as_bytes()).part(output.as_bytes());
    OutputDigest(key.mac_in("hitl.output.v1", &parts.finish()))
}

/// Leaves out the key, and whatever only orders the queue: the same question has the same digest.
pub(crate) fn circumstances_digest(
    context: &CallContext,
    tool: Fingerprint,
) -> CircumstancesDigest {
    let mut roles: Vec<&str> = context.roles.iter().map(String::as_str).collect();
    roles.sort_unstable();
    roles.dedup();
    let mut parts = Parts::new("hitl.circumstances.v1");
    parts
        .part(&tool.0)
        .part(context.tenant.as_str().as_bytes())
        .part(context.principal.as_str().as_bytes())
        .part(&[u8::from(context.workspace_verified), u8::from(context.time_sensitive)]);
    for role in roles {
        parts.part(role.as_bytes());
    }
    CircumstancesDigest(parts.finish())
}

/// The facts about a tool that a reviewer relies on.
pub(crate) struct Shown<'s> {
    pub(crate) name: &'s str,
    pub(crate) description: &'s str,
    pub(crate) describe: Option<&'s str>,
    /// Its name for people, if it has one.
    pub(crate) title: Option<&'s str>,
    pub(crate) schema: &'s str,
}

pub(crate) fn fingerprint<'s>(
    shown: &Shown<'s>,
    secrets: impl IntoIterator<Item = &'s str>,
    contents: &[String],
    previews: bool,
) -> Fingerprint {
    let reads = !contents.is_empty();
    // A tool without a title keeps the fingerprint that it had before there were titles.
    let mut parts = Parts::new(match (shown.title, previews, reads) {
        (Some(_), ..) => "hitl.tool.v4",
        (None, true, _) => "hitl.tool.v3",
        (None, false, true) => "hitl.tool.v2",
        (None, false, false) => "hitl.tool.v1",
    });
    parts
        .part(shown.name.as_bytes())
        .part(shown.description.as_bytes())
        .part(shown.describe.unwrap_or("").as_bytes())
        .part(shown.schema.as_bytes());
    if let Some(title) = shown.title {
        parts.part(title.as_bytes()).part(&[u8::from(previews)]);
    }
    if reads || previews || shown.title.is_some() {
        parts.part(&(contents.len() as u64).to_be_bytes());
        for content in contents {
            parts.part(content.as_bytes());
        }
    }
    for secret in secrets {
        parts.part(secret.as_bytes());
    }
    Fingerprint(parts.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest<T: FromStr<Err = NotADigest>>(digit: &str) -> T {
        digit.repeat(64).parse().unwrap()
    }

    #[test]
    fn invariant_2_the_binding_names_the_call_its_revision_and_its_code() {
        let (id, other) = (RequestId::new(), RequestId::new());
        let key = CallKey::new("run", 1);
        let keys = [
            CallKey::new("run", 2),
            CallKey::new("rum", 1),
            CallKey { tenant: super::super::Tenant::new("acme"), ..key.clone() },
        ];
        let base = || Binding {
            id,
            key: &key,
            revision: 1,
            content: digest("1"),
            fingerprint: digest("2"),
            build: Some("1.0"),
            contents: &[],
            preview: None,
        };
        let mut seen = vec![base().digest()];
        seen.push(Binding { id: other, ..base() }.digest());
        seen.extend(keys.iter().map(|key| Binding { key, ..base() }.digest()));
        seen.push(Binding { revision: 2, ..base() }.digest());
        seen.push(Binding { content: digest("3"), ..base() }.digest());
        seen.push(Binding { fingerprint: digest("1"), ..base() }.digest());
        seen.push(Binding { build: Some("1.1"), ..base() }.digest());
        seen.push(Binding { build: None, ..base() }.digest());
        seen.push(Binding { preview: Some(digest("1")), ..base() }.digest());
        seen.push(Binding { preview: Some(digest("2")), ..base() }.digest());
        seen.push(base().digest_v1());
        seen.push(unrecorded_digest(digest("1"), digest("2"), Some("1.0")));
        let mut unique = seen.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), seen.len());
        assert_eq!(base().digest(), base().digest());
    }

    #[test]
    fn invariant_2_the_digest_of_a_preview_names_its_request_its_kind_and_its_bytes() {
        let (key, id) = (DigestKey::from_bytes([7; 32]), RequestId::new());
        let mut all = vec![
            preview_digest(&key, id, "rendered", b"one"),
            preview_digest(&key, id, "rendered", b"two"),
            preview_digest(&key, id, "rendered", b""),
            preview_digest(&key, id, "error", b""),
            preview_digest(&key, RequestId::new(), "rendered", b"one"),
            preview_digest(&DigestKey::from_bytes([8; 32]), id, "rendered", b"one"),
        ];
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_tool_that_renders_previews_is_another_one_than_without() {
        let shown =
            Shown { name: "a", description: "b", describe: None, title: None, schema: "{}" };
        let read = ["c".to_owned()];
        let mut all = Vec::new();
        for previews in [false, true] {
            for contents in [&[][..], &read] {
                for secrets in [&[][..], &["c"]] {
                    all.push(fingerprint(&shown, secrets.iter().copied(), contents, previews));
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 8);
    }
}
