//! The preview of a call, as it was just rendered: digested, and sealed with the call.

use std::fmt;
use std::sync::Arc;

use crate::approval::{PreviewFailure, RequestPreview};
use crate::call::{CallPreview, KeptPreview, PreviewDigest, preview_digest};
use crate::ids::RequestId;
use crate::seal::{DigestKey, KeyRing};

/// The result of rendering a preview. `Debug` does not print its texts.
#[derive(Clone)]
pub(in crate::gate) enum RenderedPreview {
    /// It was rendered. The text is that of `kept`, as it is sealed and digested.
    Kept { kept: Arc<KeptPreview>, text: Arc<str> },
    /// It was not rendered.
    Failed { why: PreviewFailure, said: Option<String> },
}

impl RenderedPreview {
    /// Creates the result from the answer of the tool's author.
    pub(super) fn from_answer(answer: Result<CallPreview, String>) -> Self {
        match answer.map(CallPreview::kept) {
            Ok(kept) => match serde_json::to_string(&kept) {
                Ok(text) => Self::Kept { kept: Arc::new(kept), text: text.into() },
                Err(error) => {
                    Self::Failed { why: PreviewFailure::Error, said: Some(error.to_string()) }
                }
            },
            Err(said) => Self::Failed { why: PreviewFailure::Error, said: Some(said) },
        }
    }

    pub(in crate::gate) const fn failed(why: PreviewFailure) -> Self {
        Self::Failed { why, said: None }
    }

    /// Returns the digest that a decision on this request is bound to.
    pub(in crate::gate) fn digest(&self, key: &DigestKey, request: RequestId) -> PreviewDigest {
        match self {
            Self::Kept { text, .. } => rendered_digest(key, request, text),
            Self::Failed { why, .. } => preview_digest(key, request, why.name(), b""),
        }
    }

    /// Returns the digest under the key under which a request shows this preview; under the current
    /// one if it shows another one.
    pub(super) fn matching_digest(
        &self,
        keys: &KeyRing,
        request: RequestId,
        shown: Option<&RequestPreview>,
    ) -> PreviewDigest {
        let known = shown.filter(|shown| self.is_shown_by(shown, keys, request));
        known.map_or_else(|| self.digest(keys.digest(), request), |shown| shown.digest)
    }

    /// Returns whether this is the preview that a request shows. It was digested under the key of
    /// that time, which may have been replaced since.
    pub(in crate::gate) fn is_shown_by(
        &self,
        shown: &RequestPreview,
        keys: &KeyRing,
        request: RequestId,
    ) -> bool {
        keys.digests().any(|key| self.digest(key, request) == shown.digest)
    }

    /// Returns the text in the form in which it is sealed with the call's arguments. `None` if it
    /// was not rendered.
    pub(in crate::gate) fn to_sealed(&self) -> Option<String> {
        match self {
            Self::Kept { text, .. } => Some(text.to_string()),
            Self::Failed { .. } => None,
        }
    }
}

fn rendered_digest(key: &DigestKey, request: RequestId, text: &str) -> PreviewDigest {
    preview_digest(key, request, "rendered", text.as_bytes())
}

impl fmt::Debug for RenderedPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept { .. } => "RenderedPreview::Kept",
            Self::Failed { .. } => "RenderedPreview::Failed",
        })
    }
}

/// Returns a sealed preview, if it is the one that a request shows: an attacker with a former key
/// and write access to the store could have sealed a different one.
pub(in crate::gate) fn opened_preview(
    text: &str,
    shown: Option<&RequestPreview>,
    keys: &KeyRing,
    request: RequestId,
) -> Option<KeptPreview> {
    let shown = shown?;
    let is_shown = keys.digests().any(|key| rendered_digest(key, request, text) == shown.digest);
    if is_shown { serde_json::from_str(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::PreviewState;

    fn ring(byte: u8) -> KeyRing {
        KeyRing::new(crate::seal::HostKey::from_bytes([byte; 32]).into())
    }

    fn shown(rendered: &RenderedPreview, keys: &KeyRing, id: RequestId) -> RequestPreview {
        RequestPreview {
            digest: rendered.digest(keys.digest(), id),
            found: PreviewState::Rendered { left_out: 0 },
            items: Vec::new(),
            masks: Vec::new(),
            more_masks: 0,
            changes: None,
        }
    }

    #[test]
    fn invariant_2_a_sealed_preview_is_known_by_the_digest_that_was_shown() {
        let (keys, id) = (ring(7), RequestId::new());
        let all: Vec<_> = [
            CallPreview::new(),
            CallPreview::new().fact("a", "b"),
            CallPreview::new().fact("a", "c"),
            CallPreview::new().difference("a", "b", ""),
            CallPreview::new().text("b"),
            CallPreview::new().text("word ".repeat(9_000)),
            CallPreview::new().text("word ".repeat(9_001)),
        ]
        .map(|one| RenderedPreview::from_answer(Ok(one)))
        .into();
        for (index, one) in all.iter().enumerate() {
            let text = one.to_sealed().unwrap();
            for (other, shown) in all.iter().map(|one| shown(one, &keys, id)).enumerate() {
                let opened = opened_preview(&text, Some(&shown), &keys, id);
                assert_eq!(opened.is_some(), index == other, "{index} {other}");
                assert_eq!(one.is_shown_by(&shown, &keys, id), index == other);
                assert!(opened_preview(&text, Some(&shown), &ring(8), id).is_none());
                assert!(opened_preview(&text, Some(&shown), &keys, RequestId::new()).is_none());
            }
            assert!(opened_preview(&text, None, &keys, id).is_none());
        }
    }

    #[test]
    fn invariant_2_each_failure_is_another_preview_and_its_message_is_none() {
        let (keys, id) = (ring(7), RequestId::new());
        let why = [
            PreviewFailure::Error,
            PreviewFailure::Panicked,
            PreviewFailure::Late,
            PreviewFailure::Elsewhere,
        ];
        let mut digests: Vec<_> =
            why.map(|why| RenderedPreview::failed(why).digest(keys.digest(), id)).into();
        let said = RenderedPreview::from_answer(Err("no such order".to_owned()));
        assert_eq!(said.digest(keys.digest(), id), digests[0]);
        digests
            .push(RenderedPreview::from_answer(Ok(CallPreview::new())).digest(keys.digest(), id));
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 5);
    }
}
