//! Shows a reviewer the contents that arguments name: without secrets, and with a note on parts
//! that cannot be shown.

use std::path::Path;
use std::sync::Arc;

use hitl_base::Redactor;
use hitl_base::display::clip;
use hitl_base::redact::Taint;

use super::linked_path::LinkedPath;
use super::referent::{Referent, ReferentState, Referents, SealedContent};
use crate::approval::{
    Content, ContentState, Link, Mask, RequestPreview, Uncovering, UnreadReason,
};
use crate::arguments::{Layers, Snapshot, text_layers};
use crate::confidence::{CONTENT, Factor};
use crate::gate::keys::vault::Vault;
use crate::gate::masking::mask_text;
use crate::gate::stored_text::MAX_ON_THREAD;
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::policy::ApprovalLevel;
use crate::seal::DigestKey;
use crate::sync::off_thread;

/// The most characters of a reader's error that are shown.
const MAX_ERROR: usize = 200;
/// The most characters of a path that are shown.
const MAX_PATH: usize = 500;
/// The most arguments that a factor names.
const MAX_NAMED: usize = 3;

/// The first bytes of well-known kinds of files.
const SIGNATURES: [(&[u8], &str); 12] = [
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
];

/// Shows the contents that arguments name to a reviewer.
pub(in crate::gate) struct ContentDisplay {
    pub(super) redactor: Redactor,
    pub(super) vault: Arc<Vault>,
    pub(super) uncovering: Uncovering,
}

/// The parts of a request that the digests of its contents and of its preview depend on.
#[derive(Clone, Copy)]
pub(in crate::gate) struct ShownRequest<'r> {
    pub(in crate::gate) id: RequestId,
    /// The contents that it has shown so far.
    pub(in crate::gate) contents: &'r [Content],
    /// The preview that it has shown so far.
    pub(in crate::gate) preview: Option<&'r RequestPreview>,
}

impl<'r> ShownRequest<'r> {
    /// Returns the request of a stored call.
    pub(in crate::gate) fn stored(record: &'r CallRecord) -> Self {
        let request = &record.request;
        Self { id: request.id, contents: &request.contents, preview: request.preview.as_ref() }
    }

    /// Returns a new request, which has shown nothing so far.
    pub(in crate::gate) fn new(id: RequestId) -> Self {
        Self { id, contents: &[], preview: None }
    }
}

/// The text of a content without the masks that a reviewer may uncover.
pub(in crate::gate) struct OpenedText {
    pub(in crate::gate) text: String,
    /// The remaining masks: of values that the host declared sensitive.
    pub(in crate::gate) masks: Vec<Mask>,
}

impl ContentDisplay {
    pub(in crate::gate) fn new(
        redactor: Redactor,
        vault: Arc<Vault>,
        uncovering: Uncovering,
    ) -> Self {
        Self { redactor, vault, uncovering }
    }

    /// Returns the contents as a reviewer of this request sees them. A content that was shown
    /// before keeps its digest, even if the host key was replaced.
    pub(in crate::gate) async fn show(
        &self,
        request: ShownRequest<'_>,
        snapshot: &Snapshot,
        referents: &Referents,
    ) -> Vec<Content> {
        if referents.is_empty() {
            return Vec::new();
        }
        let secrets = snapshot.own_taint();
        let key = referents.matching_key(self.vault.ring(), request.id, request.contents);
        let mut contents = Vec::new();
        for referent in referents.iter() {
            contents.push(self.show_content(request.id, key, &secrets, referent).await);
        }
        contents
    }

    async fn show_content(
        &self,
        request: RequestId,
        key: &DigestKey,
        secrets: &Taint,
        referent: &Referent,
    ) -> Content {
        let leads_to = referent.target.as_deref().filter(|_| referent.linked);
        let mut content = Content {
            at: referent.at.clone(),
            digest: referent.digest(key, request),
            found: ContentState::Text { bytes: 0 },
            leads_to: leads_to.map(|target: &Path| self.show_path(target, secrets)),
            text: None,
            masks: Vec::new(),
            more_masks: 0,
        };
        content.found = match &referent.state {
            ReferentState::Large { bytes, .. } => ContentState::Large { bytes: *bytes },
            ReferentState::Unread { why, said } => {
                let said = said.as_deref().map(|said| {
                    clip(&mask_text(&self.redactor, said, secrets), MAX_ERROR).into_owned()
                });
                ContentState::Unread { why: *why, said }
            }
            ReferentState::Rest { count } => {
                let said = Some(format!("{count} more"));
                ContentState::Unread { why: UnreadReason::TooMany, said }
            }
            ReferentState::Kept { bytes, .. } => {
                let length = bytes.len() as u64;
                match std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')) {
                    None => {
                        let begins = |(start, _): &&(&[u8], &str)| bytes.starts_with(start);
                        let looks_like = SIGNATURES.iter().find(begins);
                        let looks_like = looks_like.map(|(_, what)| (*what).to_owned());
                        ContentState::Binary { bytes: length, looks_like }
                    }
                    Some(text) => {
                        let layers = self.layers_of_text(text, secrets).await;
                        let (masks, more) = layers.masks(&self.redactor, request);
                        content.masks = masks_at(masks, &referent.at);
                        content.more_masks = more;
                        content.text = layers.shown.as_str().map(str::to_owned);
                        ContentState::Text { bytes: length }
                    }
                }
            }
        };
        content
    }

    /// Returns links as a reviewer sees them.
    pub(in crate::gate) fn show_links(
        &self,
        links: Vec<LinkedPath>,
        snapshot: &Snapshot,
    ) -> Vec<Link> {
        if links.is_empty() {
            return Vec::new();
        }
        let secrets = snapshot.own_taint();
        let show =
            |link: LinkedPath| Link { to: self.show_path(&link.target, &secrets), at: link.at };
        links.into_iter().map(show).collect()
    }

    /// Returns a path without secrets, shortened if it is long.
    fn show_path(&self, path: &Path, secrets: &Taint) -> String {
        let text = path.display().to_string();
        clip(&mask_text(&self.redactor, &text, secrets), MAX_PATH).into_owned()
    }

    async fn layers_of_text(&self, text: &str, secrets: &Taint) -> Layers {
        if text.len() <= MAX_ON_THREAD {
            return text_layers(text, secrets, &self.redactor);
        }
        let (text, secrets, redactor) = (text.to_owned(), secrets.clone(), self.redactor.clone());
        let looking = move || text_layers(&text, &secrets, &redactor);
        // A text that was not searched is not shown.
        off_thread(looking).await.unwrap_or_else(Layers::nothing)
    }

    /// Returns the factor for contents that cannot be shown completely: a full review.
    pub(in crate::gate) fn factor(&self, contents: &[Content]) -> Option<Factor> {
        let hides = |content: &&Content| {
            let declared = content.masks.iter().any(|mask| mask.declared);
            let forbidden = self.uncovering == Uncovering::Forbidden;
            declared || (forbidden && content.undeclared_masks() > 0)
        };
        let not_shown = contents.iter().filter(|one| !one.is_shown());
        let (cut, unseen): (Vec<&Content>, Vec<&Content>) =
            not_shown.partition(|one| matches!(one.found, ContentState::Text { .. }));
        let hidden: Vec<&Content> = contents.iter().filter(hides).collect();
        let mut why = Vec::new();
        if !unseen.is_empty() {
            let names = list_names(&unseen);
            why.push(format!("What {names} leads to cannot be shown, so you cannot see it."));
        }
        if !cut.is_empty() {
            let names = list_names(&cut);
            why.push(format!("What {names} leads to is too long to be shown in whole."));
        }
        if !hidden.is_empty() {
            let names = list_names(&hidden);
            why.push(format!("What {names} leads to is masked in part, so you cannot see it all."));
        }
        let why = why.join(" ");
        (!why.is_empty()).then(|| Factor::at_least(CONTENT, ApprovalLevel::Full, why))
    }

    /// Returns the text of a sealed content without the values that the host declared sensitive.
    pub(in crate::gate) async fn uncover(
        &self,
        content: &Content,
        sealed: &[SealedContent],
        secrets: &Taint,
        request: RequestId,
    ) -> Option<OpenedText> {
        let text = sealed.iter().find(|sealed| sealed.is_at(&content.at))?.text()?;
        let layers = self.layers_of_text(text, secrets).await;
        let (masks, _) = layers.masks(&self.redactor, request);
        let declared = masks.into_iter().filter(|mask| mask.declared).collect();
        let masks = masks_at(declared, &content.at);
        Some(OpenedText { text: layers.open.as_str()?.to_owned(), masks })
    }
}

fn masks_at(masks: Vec<Mask>, place: &str) -> Vec<Mask> {
    masks.into_iter().map(|mask| Mask { at: place.to_owned(), ..mask }).collect()
}

fn list_names(contents: &[&Content]) -> String {
    let names = contents.iter().take(MAX_NAMED).map(|content| {
        let name = content.argument();
        format!("`{}`", hitl_base::display::visible(&clip(&name, 40)))
    });
    let names = names.collect::<Vec<_>>().join(", ");
    match contents.len().saturating_sub(MAX_NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}
