//! Uncovers the places that redaction masks in a call, for a reviewer who may decide it: audited
//! before anything is shown, and without the values that the host declared sensitive.

use hitl_base::display::clip;
use hitl_base::json::push_part;
use hitl_base::redact::MAX_POINTER;
use hitl_base::{Json, JsonText};

use crate::approval::{ApprovalRequest, PREVIEW, ReviewerIdentity, Uncovering, preview_tree};
use crate::arguments::{DeclaredOrder, Layers};
use crate::audit::{AuditEvent, AuditRecord};
use crate::gate::contents::display::OpenedText;
use crate::gate::contents::preview_display::OpenedPreview;
use crate::gate::core::GateCore;
use crate::gate::error::{GateError, GateErrorKind};
use crate::gate::gate::Gate;
use crate::gate::keys::stored_payload::{StoredContents, stored_contents};
use crate::gate::review::edit_preview::ShownRevision;
use crate::gate::review::uncovered_request::{MaskSelection, UncoveredPlace, UncoveredRequest};
use crate::machine::{CallRecord, StoreFacts, check_uncover};
use crate::store::ApplyError;

/// The most places that a selection names, and that its audit record names.
const MAX_PLACES: usize = 200;
/// The most places that an answer lists.
const MAX_LISTED: usize = 1_000;
/// The most characters of one place's name in the audit.
const MAX_NAME: usize = 200;

impl Gate {
    /// Shows a reviewer, who may decide a request, the places that redaction masks in it. Values
    /// that the host declared sensitive, and copies of them, stay withheld.
    ///
    /// The reviewer needs the rights of a decision: the tenant, a role that may decide, and the
    /// revision and the binding digest that they were shown. It is audited before this returns, as
    /// [`AuditEvent::Uncovered`] with the person, the places and the revision; if it cannot be
    /// audited, nothing is uncovered.
    ///
    /// # Errors
    ///
    /// [`GateErrorKind::NotUncovered`] if the host forbids it or no such place is masked,
    /// [`Refused`](GateErrorKind::Refused) if the call has changed, was decided, or is not theirs
    /// to decide, [`Payload`](GateErrorKind::Payload) if the stored payload cannot be opened,
    /// [`Audit`](GateErrorKind::Audit) if it cannot be audited.
    ///
    /// Cancel safe: if the future is dropped, it may have been audited, and nothing is shown.
    pub async fn uncover(
        &self,
        request: &ApprovalRequest,
        by: impl Into<ReviewerIdentity>,
        places: MaskSelection,
    ) -> Result<UncoveredRequest, GateError> {
        let shown = ShownRevision::of(request);
        uncover_request(&self.core, &shown, &by.into(), &places).await
    }
}

pub(in crate::gate) async fn uncover_request(
    core: &GateCore,
    shown: &ShownRevision,
    by: &ReviewerIdentity,
    selection: &MaskSelection,
) -> Result<UncoveredRequest, GateError> {
    let refused = |why: &str| GateError::new(GateErrorKind::NotUncovered, why);
    if matches!(selection, MaskSelection::At(pointers) if pointers.len() > MAX_PLACES) {
        return Err(refused("that names too many places at once; name at most 200, or all"));
    }
    let mut record = core.calls.current(&shown.tenant, shown.id).await?;
    core.effects.show_earlier(&mut record).await?;
    let now = core.calls.store().now().await?;
    let facts = StoreFacts { now, claimant_dead: false, decision_used: false, frozen: false };
    if let Err(refusal) = check_uncover(&record, by, (shown.revision, shown.binding), facts) {
        return Err(ApplyError::Rejected { refusal, current: Box::new(record) }.into());
    }
    let allowed = [core.evaluator.uncovering(), record.request.uncovering];
    if allowed.contains(&Uncovering::Forbidden) {
        return Err(refused("the host lets nobody uncover what is masked"));
    }
    let Some(stored) = stored_contents(core, &record).await? else {
        let why = "the call's payload is gone, so nothing can be uncovered";
        return Err(GateError::new(GateErrorKind::Payload, why));
    };
    let Some(layers) = stored.snapshot.layers(&core.redactor) else {
        let why = "the call's payload cannot be read, so nothing can be uncovered";
        return Err(GateError::new(GateErrorKind::Payload, why));
    };
    let mut opened = uncover_arguments(core, &record, &layers, selection);
    uncover_contents(core, &mut opened, &stored, selection).await;
    uncover_preview(core, &mut opened, &stored, selection).await;
    if opened.count == 0 {
        return Err(refused("nothing is masked there that could be uncovered"));
    }
    // Audited before anybody sees anything.
    let mut entry = AuditRecord::new(AuditEvent::Uncovered, &record, now).known(by);
    let names = describe_places(&opened.uncovered.places, opened.count);
    entry.note = Some(core.redactor.text(&names).into_owned());
    core.audit.write_intent(&entry)?;
    Ok(opened.uncovered)
}

/// Uncovers the selected places of the arguments.
fn uncover_arguments(
    core: &GateCore,
    record: &CallRecord,
    layers: &Layers,
    selection: &MaskSelection,
) -> OpenedRequest {
    let mut request = ApprovalRequest::clone(&record.request);
    let mut opening = Opening { selection, places: Vec::new(), opened: 0 };
    let tree = opening.open(&layers.open, &layers.shown, &mut String::new());
    let order = DeclaredOrder::of_shown(&request.arguments);
    request.arguments = order.sort_text(JsonText::from(&tree));
    let (masks, more) = layers.masks(&core.redactor, record.id());
    request.masks =
        masks.into_iter().filter(|mask| mask.declared || !selection.has(&mask.at)).collect();
    request.more_masks = if *selection == MaskSelection::All { 0 } else { more };
    let uncovered = UncoveredRequest { request, places: opening.places };
    OpenedRequest { uncovered, count: opening.opened }
}

/// Uncovers the contents that the selected arguments name.
async fn uncover_contents(
    core: &GateCore,
    opened: &mut OpenedRequest,
    stored: &StoredContents,
    selection: &MaskSelection,
) {
    let UncoveredRequest { request, places } = &mut opened.uncovered;
    let secrets = stored.snapshot.own_taint();
    let display = core.contents.display();
    for content in &mut request.contents {
        if content.undeclared_masks() == 0 || !selection.has(&content.at) {
            continue;
        }
        let uncovered =
            display.uncover(content, &stored.referents.contents, &secrets, request.id).await;
        let Some(OpenedText { text, masks }) = uncovered else { continue };
        opened.count += 1;
        let (at, value) = (content.at.clone(), JsonText::from(&Json::String(text.clone())));
        places.push(UncoveredPlace { at, key: None, value });
        (content.text, content.masks, content.more_masks) = (Some(text), masks, 0);
    }
}

/// Uncovers the preview as a whole, if one of its masks is selected.
async fn uncover_preview(
    core: &GateCore,
    opened: &mut OpenedRequest,
    stored: &StoredContents,
    selection: &MaskSelection,
) {
    let UncoveredRequest { request, places } = &mut opened.uncovered;
    let (Some(preview), Some(kept)) = (&mut request.preview, &stored.referents.preview) else {
        return;
    };
    let selected =
        selection.has(PREVIEW) || preview.masks.iter().any(|mask| selection.has(&mask.at));
    if preview.undeclared_masks() == 0 || !selected {
        return;
    }
    let secrets = stored.snapshot.own_taint();
    let uncovered = core.contents.display().uncover_preview(kept, secrets, request.id).await;
    let Some(OpenedPreview { items, masks }) = uncovered else { return };
    opened.count += 1;
    let value = JsonText::from(&preview_tree(&items));
    places.push(UncoveredPlace { at: PREVIEW.to_owned(), key: None, value });
    (preview.items, preview.masks, preview.more_masks) = (items, masks, 0);
}

/// A request with its selected places uncovered.
struct OpenedRequest {
    uncovered: UncoveredRequest,
    /// The number of uncovered places, including those that are not listed.
    count: usize,
}

/// Describes the uncovered places for the audit: their positions, and none of their values.
fn describe_places(places: &[UncoveredPlace], opened: usize) -> String {
    let name = |place: &UncoveredPlace| match place.at.as_str() {
        "" => "the whole".to_owned(),
        at => clip(at, MAX_NAME).into_owned(),
    };
    let names: Vec<String> = places.iter().take(MAX_PLACES).map(name).collect();
    let more = opened.saturating_sub(names.len());
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("uncovered {}{and_more}", names.join(", "))
}

/// Restores the real values at the selected places.
struct Opening<'s> {
    selection: &'s MaskSelection,
    /// The opened places; those whose names are too long are only counted.
    places: Vec<UncoveredPlace>,
    opened: usize,
}

impl Opening<'_> {
    fn open(&mut self, real: &Json, shown: &Json, at: &mut String) -> Json {
        let depth = at.len();
        match (real, shown) {
            (Json::Array(real), Json::Array(shown)) => {
                let mut items = Vec::with_capacity(real.len());
                for (index, (real, shown)) in real.iter().zip(shown).enumerate() {
                    push_part(at, &index.to_string());
                    items.push(self.open(real, shown, at));
                    at.truncate(depth);
                }
                Json::Array(items)
            }
            (Json::Object(real), Json::Object(shown)) => {
                let mut entries = Vec::with_capacity(real.len());
                for ((key, real), (masked, shown)) in real.iter().zip(shown) {
                    push_part(at, masked);
                    let opened = key != masked && self.selection.has(at);
                    if opened {
                        self.list(at, Some(key), real);
                    }
                    let value = if opened && is_leaf(real) {
                        real.clone()
                    } else {
                        self.open(real, shown, at)
                    };
                    entries.push((if opened { key } else { masked }.clone(), value));
                    at.truncate(depth);
                }
                Json::Object(entries)
            }
            (real, shown) if real != shown && self.selection.has(at) => {
                self.list(at, None, real);
                real.clone()
            }
            (_, shown) => shown.clone(),
        }
    }

    fn list(&mut self, at: &str, key: Option<&String>, value: &Json) {
        self.opened += 1;
        if at.len() <= MAX_POINTER && self.places.len() < MAX_LISTED {
            let (at, key, value) = (at.to_owned(), key.cloned(), JsonText::from(value));
            self.places.push(UncoveredPlace { at, key, value });
        }
    }
}

fn is_leaf(tree: &Json) -> bool {
    !matches!(tree, Json::Array(_) | Json::Object(_))
}

#[cfg(test)]
#[path = "uncover_tests.rs"]
mod tests;
