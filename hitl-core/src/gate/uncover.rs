//! A reviewer who may decide a call sees what redaction masks in it: audited before anything is
//! shown, and without what the host declared sensitive.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use hitl_base::display::clip;
use hitl_base::json::push_part;
use hitl_base::redact::MAX_POINTER;
use hitl_base::{Json, JsonText, Timestamp};

use super::contents::Kept;
use super::error::{GateError, GateErrorKind};
use super::handle::{Gate, Inner};
use crate::approval::{
    ApprovalRequest, DetailLevel, Mask, ReviewCard, ReviewerIdentity, Uncovering,
};
use crate::arguments::{Layers, Snapshot};
use crate::audit::{AuditEvent, AuditRecord};
use crate::call::{BindingDigest, Tenant};
use crate::ids::RequestId;
use crate::machine::{CallRecord, StoreFacts, check_uncover};
use crate::store::ApplyError;

/// The most places that a request to uncover names, and that its audit record names.
const MAX_PLACES: usize = 200;
/// The most places that an answer lists.
const MAX_LISTED: usize = 1_000;
/// The most characters of one place's name in the audit.
const NAME: usize = 200;

/// Which masked places of a request are uncovered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Places {
    /// All of them.
    #[default]
    All,
    /// The arguments that these JSON Pointers name, as [`Mask::at`] gives them; at most 200. An
    /// argument is uncovered as a whole, with its key and with what it names.
    At(BTreeSet<String>),
}

impl Places {
    /// The place that this JSON Pointer names, as [`Mask::at`] gives it.
    pub fn at(pointer: impl Into<String>) -> Self {
        Self::At(BTreeSet::from([pointer.into()]))
    }

    fn has(&self, pointer: &str) -> bool {
        match self {
            Self::All => true,
            Self::At(pointers) => pointers.contains(pointer),
        }
    }
}

/// A request with what redaction masks in it, for the eye of the reviewer who asked for it.
///
/// Its arguments hold secrets. Show them, and do not log, send or keep them. `Debug` does not write
/// them.
#[derive(Clone)]
pub struct Uncovered {
    request: ApprovalRequest,
    places: Vec<UncoveredPlace>,
}

/// An argument that was uncovered.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UncoveredPlace {
    /// Where: a JSON Pointer into the arguments of the request that was shown.
    pub at: String,
    /// The key that the pointer ends with, if that was masked.
    pub key: Option<String>,
    /// The value, exactly as it will run, or the text that the argument names; without what the
    /// host declared sensitive.
    pub value: JsonText,
}

impl Uncovered {
    /// The arguments, with a mask for what was not asked for and for what the host declared
    /// sensitive.
    pub fn arguments(&self) -> &JsonText {
        &self.request.arguments
    }

    /// What was uncovered, in the order of the arguments: at most a thousand places. The
    /// [arguments](Self::arguments) have all.
    pub fn places(&self) -> &[UncoveredPlace] {
        &self.places
    }

    /// What is still masked.
    pub fn masks(&self) -> &[Mask] {
        &self.request.masks
    }

    /// The request as a person is shown it, uncovered. As [`ApprovalRequest::render`].
    pub fn render(&self, now: Timestamp, extent: DetailLevel) -> ReviewCard {
        self.request.render(now, extent)
    }
}

impl fmt::Debug for Uncovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uncovered({}, {} places)", self.request.id, self.places.len())
    }
}

impl fmt::Debug for UncoveredPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UncoveredPlace({:?})", self.at)
    }
}

/// Uncovers what one request masks: what an approver that can show it is given.
#[derive(Clone)]
pub struct Uncover {
    gate: Arc<Inner>,
    tenant: Tenant,
    id: RequestId,
    revision: u32,
    binding: BindingDigest,
}

impl Uncover {
    /// Uncovers these places of the request, for this person. As [`Gate::uncover`].
    pub async fn places(
        &self,
        by: impl Into<ReviewerIdentity>,
        places: Places,
    ) -> Result<Uncovered, GateError> {
        self.gate.uncover(self, &by.into(), &places).await
    }
}

impl fmt::Debug for Uncover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uncover({} revision {})", self.id, self.revision)
    }
}

impl Gate {
    /// Shows a reviewer who may decide a request what redaction masks in it. What the host declared
    /// sensitive, and what repeats it, stays withheld.
    ///
    /// They have the rights of a decision: the tenant, a role that has a say, the revision and the
    /// binding digest that they were shown. The audit has it before this returns, as
    /// [`AuditEvent::Uncovered`] with who, which places and which revision; if it cannot be
    /// audited, nothing is uncovered.
    ///
    /// # Errors
    ///
    /// [`GateErrorKind::NotUncovered`] if the host forbids it or no such place is masked,
    /// [`Refused`](GateErrorKind::Refused) if the call has changed, was decided, or is not theirs
    /// to decide, [`Payload`](GateErrorKind::Payload) if what is stored cannot be opened,
    /// [`Audit`](GateErrorKind::Audit) if it cannot be audited.
    ///
    /// Cancel safe: dropped, it may have been audited and shows nothing.
    pub async fn uncover(
        &self,
        request: &ApprovalRequest,
        by: impl Into<ReviewerIdentity>,
        places: Places,
    ) -> Result<Uncovered, GateError> {
        self.inner.uncovering_of(request).places(by, places).await
    }
}

impl Inner {
    /// What uncovers the masks of this request, as it was shown.
    pub(super) fn uncovering_of(self: &Arc<Self>, request: &ApprovalRequest) -> Uncover {
        Uncover {
            gate: Arc::clone(self),
            tenant: request.key.tenant.clone(),
            id: request.id,
            revision: request.revision,
            binding: request.binding,
        }
    }

    async fn uncover(
        &self,
        shown: &Uncover,
        by: &ReviewerIdentity,
        places: &Places,
    ) -> Result<Uncovered, GateError> {
        let refused = |why: &str| GateError::new(GateErrorKind::NotUncovered, why);
        if matches!(places, Places::At(pointers) if pointers.len() > MAX_PLACES) {
            return Err(refused("that names too many places at once; name at most 200, or all"));
        }
        let record = self.current(&shown.tenant, shown.id).await?;
        let facts =
            StoreFacts { now: self.store.now().await?, claimant_dead: false, decision_used: false };
        if let Err(refusal) = check_uncover(&record, by, (shown.revision, shown.binding), facts) {
            return Err(ApplyError::Rejected { refusal, current: Box::new(record) }.into());
        }
        let allowed = [self.uncovering, record.request.uncovering];
        if allowed.contains(&Uncovering::Forbidden) {
            return Err(refused("the host lets nobody uncover what is masked"));
        }
        let Some((snapshot, kept)) = self.stored_contents(&record).await? else {
            let why = "the call's payload is gone, so nothing can be uncovered";
            return Err(GateError::new(GateErrorKind::Payload, why));
        };
        let Some(layers) = snapshot.layers(&self.redactor) else {
            let why = "the call's payload cannot be read, so nothing can be uncovered";
            return Err(GateError::new(GateErrorKind::Payload, why));
        };
        let (mut found, mut opened) = uncovered(&record, &layers, places, self);
        opened += self.uncover_contents(&mut found, (&snapshot, &kept), places).await;
        if opened == 0 {
            return Err(refused("nothing is masked there that could be uncovered"));
        }
        // Before anybody sees anything.
        let mut entry = AuditRecord::new(AuditEvent::Uncovered, &record, facts.now).known(by);
        entry.note = Some(self.redactor.text(&names_of(&found.places, opened)).into_owned());
        self.trail.intent(&entry)?;
        Ok(found)
    }
}

impl Inner {
    /// Uncovers what is masked in what the wanted arguments name, and counts in how many.
    async fn uncover_contents(
        &self,
        found: &mut Uncovered,
        (snapshot, kept): (&Snapshot, &[Kept]),
        wanted: &Places,
    ) -> usize {
        let Uncovered { request, places } = found;
        let secrets = snapshot.own_taint();
        let mut opened = 0;
        for content in &mut request.contents {
            if content.undeclared_masks() == 0 || !wanted.has(&content.at) {
                continue;
            }
            let uncovered = self.uncovered_text(content, kept, &secrets, request.id).await;
            let Some((text, masks)) = uncovered else { continue };
            opened += 1;
            let (at, value) = (content.at.clone(), JsonText::from(&Json::String(text.clone())));
            places.push(UncoveredPlace { at, key: None, value });
            (content.text, content.masks, content.more_masks) = (Some(text), masks, 0);
        }
        opened
    }
}

/// What the audit keeps of it: where it was, and nothing of what was there.
fn names_of(places: &[UncoveredPlace], opened: usize) -> String {
    let name = |place: &UncoveredPlace| match place.at.as_str() {
        "" => "the whole".to_owned(),
        at => clip(at, NAME).into_owned(),
    };
    let names: Vec<String> = places.iter().take(MAX_PLACES).map(name).collect();
    let more = opened.saturating_sub(names.len());
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("uncovered {}{and_more}", names.join(", "))
}

/// The request with the wanted places uncovered, and how many those are.
fn uncovered(
    record: &CallRecord,
    layers: &Layers,
    wanted: &Places,
    gate: &Inner,
) -> (Uncovered, usize) {
    let mut request = ApprovalRequest::clone(&record.request);
    let mut opening = Opening { wanted, places: Vec::new(), opened: 0 };
    let tree = opening.open(&layers.open, &layers.shown, &mut String::new());
    request.arguments = JsonText::from(&tree);
    let (masks, more) = layers.masks(&gate.redactor, record.id());
    request.masks =
        masks.into_iter().filter(|mask| mask.declared || !wanted.has(&mask.at)).collect();
    request.more_masks = if *wanted == Places::All { 0 } else { more };
    (Uncovered { request, places: opening.places }, opening.opened)
}

/// Puts what is real in the place of what is masked, where that is wanted.
struct Opening<'w> {
    wanted: &'w Places,
    /// What was opened; places whose names are too long are counted only.
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
                    let opened = key != masked && self.wanted.has(at);
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
            (real, shown) if real != shown && self.wanted.has(at) => {
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
