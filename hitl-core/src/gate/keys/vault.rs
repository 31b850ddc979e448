//! The host keys of a gate: sealing and opening the stored data of a call, and the digests that
//! depend on a key.

use hitl_base::JsonText;
use serde::{Deserialize, Serialize};

use crate::arguments::Snapshot;
use crate::call::{
    CallContext, ContentDigest, KeptPreview, OutputDigest, content_digest, output_digest,
};
use crate::gate::contents::referent::{Referents, SealedContent};
use crate::gate::contents::rendered::{RenderedPreview, opened_preview};
use crate::gate::error::{GateError, GateErrorKind};
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::seal::{Bound, KeyRing, Purpose, SealError, Sealed};
use crate::store::{SealedPart, SealedText, StoreError, StoreErrorKind};

/// Seals and opens payloads and results, and computes the digests of calls.
pub(in crate::gate) struct Vault {
    ring: KeyRing,
}

/// The data that the content digest of a call covers.
#[derive(Clone, Copy)]
pub(in crate::gate) struct CallContent<'c> {
    pub(in crate::gate) tool: &'c str,
    pub(in crate::gate) snapshot: &'c Snapshot,
    pub(in crate::gate) context: &'c CallContext,
}

/// An opened payload, of exactly the call that was approved.
pub(in crate::gate) struct OpenedPayload {
    pub(in crate::gate) snapshot: Snapshot,
    /// The opened bytes: the snapshot, the contents that its arguments name, and its preview.
    pub(in crate::gate) plain: Vec<u8>,
}

/// The contents and the preview that an opened payload holds besides the arguments.
pub(in crate::gate) struct OpenedReferents {
    pub(in crate::gate) contents: Vec<SealedContent>,
    /// `None` if the request shows none, or one that failed.
    pub(in crate::gate) preview: Option<KeptPreview>,
}

impl Vault {
    pub(in crate::gate) fn new(ring: KeyRing) -> Self {
        Self { ring }
    }

    /// Returns the host keys, and the digest keys of former ones.
    pub(in crate::gate) fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Returns the digest of a call's content under the current key.
    pub(in crate::gate) fn content_digest(&self, content: CallContent<'_>) -> ContentDigest {
        let CallContent { tool, snapshot, context } = content;
        content_digest(tool, snapshot, context, self.ring.digest())
    }

    /// Returns `known`, if one of the host's current or former keys produces it for this content,
    /// and otherwise the digest under the current key.
    ///
    /// A digest that was recorded under a former key is recognized by it. A digest that no key
    /// produces belongs to other content.
    pub(in crate::gate) fn recognize_digest(
        &self,
        known: ContentDigest,
        content: CallContent<'_>,
    ) -> ContentDigest {
        self.recognize_digest_from(self.content_digest(content), known, content)
    }

    /// Does what [`recognize_digest`](Self::recognize_digest) does, for a call whose digest under
    /// the current key is `current`.
    pub(in crate::gate) fn recognize_digest_from(
        &self,
        current: ContentDigest,
        known: ContentDigest,
        content: CallContent<'_>,
    ) -> ContentDigest {
        let is_known = current != known && self.former_digests(content).any(|it| it == known);
        if is_known { known } else { current }
    }

    /// Returns the digests of a call's content under former keys: none if no argument is secret,
    /// because then the digest depends on no key.
    pub(in crate::gate) fn former_digests<'c>(
        &'c self,
        content: CallContent<'c>,
    ) -> impl Iterator<Item = ContentDigest> + 'c {
        let CallContent { tool, snapshot, context } = content;
        let older = self.ring.older_digests();
        let has_secrets = !older.is_empty() && snapshot.pieces().any(|piece| piece.hidden);
        let older = if has_secrets { older } else { &[] };
        older.iter().map(move |key| content_digest(tool, snapshot, context, key))
    }

    /// Seals the arguments of a revision, the contents that they name, and its preview.
    pub(in crate::gate) fn seal_payload(
        &self,
        id: RequestId,
        revision: u32,
        snapshot: &Snapshot,
        referents: &Referents,
    ) -> Result<Sealed, GateError> {
        let plain = write_payload(snapshot, referents)?;
        let sealed = self.ring.seal(&plain, &Bound::new(id, Purpose::Payload, revision));
        Ok(sealed.map_err(|error| {
            StoreError::new(StoreErrorKind::Key, "the call's payload could not be sealed")
                .with_source(error)
        })?)
    }

    /// Opens a sealed payload, if it is exactly that of the call that was approved.
    pub(in crate::gate) fn open_payload(
        &self,
        record: &CallRecord,
        sealed: &Sealed,
    ) -> Result<OpenedPayload, GateError> {
        let damaged = |what: &str| {
            GateError::new(GateErrorKind::Payload, format!("the call's payload {what}"))
        };
        let bound = Bound::new(record.id(), Purpose::Payload, record.sealed_revision());
        let plain = self
            .ring
            .open(sealed, &bound)
            .map_err(|error| unopened_error(error, "the call's payload"))?;
        let snapshot: Snapshot = serde_json::from_slice(&plain)
            .map_err(|_| damaged("cannot be read; cancel the call"))?;
        let request = &record.request;
        let content =
            CallContent { tool: &request.tool, snapshot: &snapshot, context: &record.context };
        if !request.is_bound_to(self.content_digest(content))
            && !self.former_digests(content).any(|content| request.is_bound_to(content))
        {
            return Err(damaged("is not what was approved; cancel the call"));
        }
        Ok(OpenedPayload { snapshot, plain })
    }

    /// Reads the contents and the preview that an opened payload holds besides the arguments.
    /// Returns `None` if one of them is not the one that the request shows.
    pub(in crate::gate) fn sealed_referents(
        &self,
        record: &CallRecord,
        plain: &[u8],
    ) -> Option<OpenedReferents> {
        #[derive(Deserialize)]
        struct Parts {
            #[serde(default)]
            contents: Vec<SealedContent>,
            #[serde(default)]
            preview: Option<String>,
        }
        let Parts { contents, preview } = serde_json::from_slice(plain).ok()?;
        let (request, id) = (&record.request, record.id());
        let is_shown = |content: &SealedContent| content.is_of(&request.contents, &self.ring, id);
        if !contents.iter().all(is_shown) {
            return None;
        }
        let preview = match preview {
            Some(text) => Some(opened_preview(&text, request.preview.as_ref(), &self.ring, id)?),
            None => None,
        };
        Some(OpenedReferents { contents, preview })
    }

    /// Seals the output of a body. `None` if it cannot be sealed: the body ran nevertheless.
    pub(in crate::gate) fn seal_result(
        &self,
        id: RequestId,
        revision: u32,
        output: &JsonText,
    ) -> Option<Sealed> {
        let bound = Bound::new(id, Purpose::Result, revision);
        self.ring.seal(output.as_str().as_bytes(), &bound).ok()
    }

    /// Returns the digest by which the audit names the output of a body.
    pub(in crate::gate) fn output_digest(&self, id: RequestId, output: &JsonText) -> OutputDigest {
        output_digest(self.ring.digest(), id, output.as_str())
    }

    /// Opens the sealed output of a call. `None` if it cannot be opened.
    pub(in crate::gate) fn open_result(
        &self,
        record: &CallRecord,
        sealed: &Sealed,
    ) -> Option<JsonText> {
        let bound = Bound::new(record.id(), Purpose::Result, record.sealed_revision());
        let plain = self.ring.open(sealed, &bound).ok()?;
        JsonText::new(String::from_utf8(plain).ok()?).ok()
    }

    /// Seals a stored text under the current key. `None` if it does not open, or does not belong to
    /// its call.
    pub(in crate::gate) fn reseal(
        &self,
        text: &SealedText,
        record: &CallRecord,
    ) -> Result<Option<Sealed>, StoreError> {
        let Some(plain) = self.open_text(text, record) else { return Ok(None) };
        let sealed = self.ring.seal(&plain, &bound_of(text, record)).map_err(|error| {
            StoreError::new(StoreErrorKind::Key, "a text could not be sealed").with_source(error)
        })?;
        Ok(Some(sealed))
    }

    /// Opens a stored text, if it belongs to its call. Arguments and contents that are not what a
    /// reviewer is asked about are not sealed again: otherwise an attacker with a former key and
    /// write access to the store could make the new key vouch for them.
    pub(in crate::gate) fn open_text(
        &self,
        text: &SealedText,
        record: &CallRecord,
    ) -> Option<Vec<u8>> {
        match text.part {
            SealedPart::Payload => {
                let plain = self.open_payload(record, &text.sealed).ok()?.plain;
                self.sealed_referents(record, &plain).is_some().then_some(plain)
            }
            SealedPart::Result => self.ring.open(&text.sealed, &bound_of(text, record)).ok(),
        }
    }
}

/// Returns the data that a stored text of this call is bound to.
fn bound_of(text: &SealedText, record: &CallRecord) -> Bound {
    let purpose = match text.part {
        SealedPart::Payload => Purpose::Payload,
        SealedPart::Result => Purpose::Result,
    };
    Bound::new(record.id(), purpose, record.sealed_revision())
}

/// Serializes a payload in the form in which it is sealed: the snapshot with its secret ranges,
/// the contents that its arguments name, and its preview.
fn write_payload(snapshot: &Snapshot, referents: &Referents) -> Result<Vec<u8>, GateError> {
    #[derive(Serialize)]
    struct WithReferents<'p> {
        #[serde(flatten)]
        snapshot: &'p Snapshot,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        contents: Vec<SealedContent>,
        #[serde(skip_serializing_if = "Option::is_none")]
        preview: Option<String>,
    }
    let written = if referents.is_empty() {
        serde_json::to_vec(snapshot)
    } else {
        let preview = referents.preview().and_then(RenderedPreview::to_sealed);
        serde_json::to_vec(&WithReferents { snapshot, contents: referents.to_sealed(), preview })
    };
    written
        .map_err(|_| GateError::new(GateErrorKind::Payload, "the call's payload cannot be written"))
}

/// Returns the error for a text that does not open. A missing key is not corruption: nothing is
/// lost, and the call should not be given up.
fn unopened_error(error: SealError, what: &str) -> GateError {
    let Some(id) = error.missing_key() else {
        let why = format!("{what} was sealed under another key, or is damaged; cancel the call");
        return GateError::new(GateErrorKind::Payload, why);
    };
    let why = format!(
        "{what} is sealed under the host key {id}, which this process does not have; give it that \
         key too, or restart it if the key was replaced while it ran"
    );
    StoreError::new(StoreErrorKind::Key, why).with_source(error).into()
}
