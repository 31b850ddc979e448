//! What a reviewer sees of what the arguments name: without secrets, and with what cannot be shown
//! said.

use std::path::Path;

use hitl_base::display::clip;
use hitl_base::redact::Taint;
use serde::Deserialize;

use super::referent::{Referent, Referents, What};
use super::{Kept, MAX_SAID};
use crate::approval::{Content, ContentState, Mask, Uncovering, UnreadReason};
use crate::arguments::{Layers, Snapshot, text_layers};
use crate::confidence::{CONTENT, Factor};
use crate::gate::handle::Inner;
use crate::ids::RequestId;
use crate::machine::CallRecord;
use crate::policy::ApprovalLevel;
use crate::seal::DigestKey;
use crate::sync::off_thread;

/// Longer texts are looked through for secrets off the runtime's threads, in bytes.
const MAX_ON_THREAD: usize = 64 * 1024;
/// How many arguments are named in a factor.
const NAMED: usize = 3;

/// How well-known kinds of files begin.
const BEGINNINGS: [(&[u8], &str); 12] = [
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

impl Inner {
    /// What a reviewer of this request sees of what its arguments name. What is as it was `shown`
    /// before has the same digest, although the host key was replaced.
    pub(in crate::gate) async fn show_contents(
        &self,
        (request, shown): (RequestId, &[Content]),
        snapshot: &Snapshot,
        referents: &Referents,
    ) -> Vec<Content> {
        if referents.is_empty() {
            return Vec::new();
        }
        let secrets = snapshot.own_taint();
        let key = referents.key_of(&self.keys, request, shown);
        let mut contents = Vec::new();
        for referent in referents.iter() {
            contents.push(self.show_content((request, key), &secrets, referent).await);
        }
        contents
    }

    async fn show_content(
        &self,
        (request, key): (RequestId, &DigestKey),
        secrets: &Taint,
        referent: &Referent,
    ) -> Content {
        let leads_to = referent.target.as_deref().filter(|_| referent.linked);
        let mut content = Content {
            at: referent.at.clone(),
            digest: referent.digest(key, request),
            found: ContentState::Text { bytes: 0 },
            leads_to: leads_to.map(|target: &Path| self.shown_path(target, secrets)),
            text: None,
            masks: Vec::new(),
            more_masks: 0,
        };
        content.found = match &referent.what {
            What::Large { bytes, .. } => ContentState::Large { bytes: *bytes },
            What::Unread { why, said } => {
                let said = said
                    .as_deref()
                    .map(|said| clip(&self.clean(said, secrets), MAX_SAID).into_owned());
                ContentState::Unread { why: *why, said }
            }
            What::Rest { count } => {
                let said = Some(format!("{count} more"));
                ContentState::Unread { why: UnreadReason::TooMany, said }
            }
            What::Kept { bytes, .. } => {
                let length = bytes.len() as u64;
                match std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')) {
                    None => {
                        let begins = |(start, _): &&(&[u8], &str)| bytes.starts_with(start);
                        let looks_like = BEGINNINGS.iter().find(begins);
                        let looks_like = looks_like.map(|(_, what)| (*what).to_owned());
                        ContentState::Binary { bytes: length, looks_like }
                    }
                    Some(text) => {
                        let layers = self.layers_of_text(text, secrets).await;
                        let (masks, more) = layers.masks(&self.redactor, request);
                        content.masks = at(masks, &referent.at);
                        content.more_masks = more;
                        content.text = layers.shown.as_str().map(str::to_owned);
                        ContentState::Text { bytes: length }
                    }
                }
            }
        };
        content
    }

    async fn layers_of_text(&self, text: &str, secrets: &Taint) -> Layers {
        if text.len() <= MAX_ON_THREAD {
            return text_layers(text, secrets, &self.redactor);
        }
        let (text, secrets, redactor) = (text.to_owned(), secrets.clone(), self.redactor.clone());
        let looking = move || text_layers(&text, &secrets, &redactor);
        // What was not looked through is not shown.
        off_thread(looking).await.unwrap_or_else(Layers::nothing)
    }

    /// What the contents of a call demand: somebody looks closely at what nobody can see.
    pub(in crate::gate) fn content_factor(&self, contents: &[Content]) -> Option<Factor> {
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
            let names = names(&unseen);
            why.push(format!("What {names} leads to cannot be shown, so you cannot see it."));
        }
        if !cut.is_empty() {
            let names = names(&cut);
            why.push(format!("What {names} leads to is too long to be shown in whole."));
        }
        if !hidden.is_empty() {
            let names = names(&hidden);
            why.push(format!("What {names} leads to is masked in part, so you cannot see it all."));
        }
        let why = why.join(" ");
        (!why.is_empty()).then(|| Factor::at_least(CONTENT, ApprovalLevel::Full, why))
    }

    /// Reads the contents that a payload holds besides the arguments. `None` if one of them is not
    /// what the request shows.
    pub(in crate::gate) fn kept_in(
        &self,
        record: &CallRecord,
        payload: &[u8],
    ) -> Option<Vec<Kept>> {
        #[derive(Deserialize)]
        struct Contents {
            #[serde(default)]
            contents: Vec<Kept>,
        }
        let Contents { contents } = serde_json::from_slice(payload).ok()?;
        let shown = &record.request.contents;
        contents.iter().all(|kept| kept.is_of(shown, &self.keys, record.id())).then_some(contents)
    }

    /// The text of a content as it was sealed, without what the host declared sensitive, and the
    /// masks that are left in it.
    pub(in crate::gate) async fn uncovered_text(
        &self,
        content: &Content,
        kept: &[Kept],
        secrets: &Taint,
        request: RequestId,
    ) -> Option<(String, Vec<Mask>)> {
        let kept = kept.iter().find(|kept| kept.is_at(&content.at))?.text()?;
        let layers = self.layers_of_text(kept, secrets).await;
        let (masks, _) = layers.masks(&self.redactor, request);
        let declared = masks.into_iter().filter(|mask| mask.declared).collect();
        Some((layers.open.as_str()?.to_owned(), at(declared, &content.at)))
    }
}

fn at(masks: Vec<Mask>, place: &str) -> Vec<Mask> {
    masks.into_iter().map(|mask| Mask { at: place.to_owned(), ..mask }).collect()
}

fn names(contents: &[&Content]) -> String {
    let names = contents.iter().take(NAMED).map(|content| {
        let name = content.argument();
        format!("`{}`", hitl_base::display::visible(&clip(&name, 40)))
    });
    let names = names.collect::<Vec<_>>().join(", ");
    match contents.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}
