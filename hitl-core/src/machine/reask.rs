//! Asking again about a call, because the call that would run is not the one that was shown.

use std::sync::Arc;

use super::guards::{guard, is_expired, keep_newest, reopen};
use super::{CallRecord, CallState as S, EditedRevision, Refusal, StoreFacts};
use crate::approval::{names_the_same, previews_the_same};
use crate::call::{BINDING_VERSION, BindingDigest, ToolFacts, circumstances_digest, effect_text};
use crate::policy::ApprovalLevel;

/// The new question about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reask {
    /// The revision and binding that the gate checked.
    pub binding: BindingDigest,
    /// The tool as it is now.
    pub tool: ToolFacts,
    /// The arguments as that tool reads them, assessed again. `None` leaves them unchanged: the
    /// gate does not have the tool, and the claimant of the call reads and assesses them.
    pub revision: Option<EditedRevision>,
    /// The reason, for the card.
    pub reason: String,
}

impl Reask {
    /// Returns a new question about a call of `tool`.
    pub fn new(binding: BindingDigest, tool: ToolFacts, reason: impl Into<String>) -> Self {
        Self { binding, tool, revision: None, reason: reason.into() }
    }

    /// Sets the arguments as the new tool reads them.
    #[must_use]
    pub fn revision(mut self, revision: EditedRevision) -> Self {
        self.revision = Some(revision);
        self
    }
}

/// Makes the next revision, for the tool as it is now. It never needs less than the one before.
pub(super) fn reask(
    next: &mut CallRecord,
    reask: &Reask,
    facts: StoreFacts,
) -> Result<(), Refusal> {
    let Reask { binding, tool, revision, reason } = reask;
    guard(next.request.binding == *binding && next.request.tool == tool.name, Refusal::Stale)?;
    guard(!is_expired(next, facts), Refusal::Expired)?;
    let content = revision.as_ref().map_or(next.current_content(), |revision| revision.content);
    let other_arguments = content != next.current_content();
    let names_others = revision
        .as_ref()
        .is_some_and(|revision| !names_the_same(&revision.contents, &next.request.contents));
    let rewritten = other_arguments || names_others;
    // An earlier attempt may be the reason why the preview differs, so it is shown and not refused.
    let other_preview = revision.as_ref().is_some_and(|revision| {
        !previews_the_same(revision.preview.as_ref(), next.request.preview.as_ref())
    });
    // The effects of an earlier attempt under this key must not be confused with other arguments or
    // contents.
    guard(!rewritten || next.attempts_in_all() == 0, Refusal::AlreadyTried)?;
    // Without a difference there is nothing to ask, and two gates could take turns asking forever.
    let older = next.request.binding_version != BINDING_VERSION;
    guard(rewritten || other_preview || older || !tool.is_of(&next.request), Refusal::Stale)?;
    let unasked = was_asked_of_nobody(next);

    let request = Arc::make_mut(&mut next.request);
    request.fingerprint = tool.fingerprint;
    request.build.clone_from(&tool.build);
    request.description.clone_from(&tool.description);
    request.approval_type.clone_from(&tool.approval_type);
    request.approve_label.clone_from(&tool.approve_label);
    request.reject_label.clone_from(&tool.reject_label);
    request.risk = request.risk.max(tool.risk);
    request.hints = tool.hints;
    request.thresholds = tool.thresholds;
    request.choices.clone_from(&tool.choices);
    request.requires_reason |= tool.requires_reason;
    request.grace_ms = tool.grace_ms;
    let mut runs_unasked = false;
    next.unread = revision.is_none();
    if revision.is_none() {
        // The values that it names are masked where the shown arguments are.
        let shown = request.arguments.tree().ok();
        let effect = tool.effect.as_deref().zip(shown);
        request.effect = effect.map(|(template, shown)| effect_text(template, &shown));
    }
    if let Some(revision) = revision {
        runs_unasked = unasked && revision.requirement.level == ApprovalLevel::Auto;
        request.title.clone_from(&revision.title);
        request.effect.clone_from(&revision.effect);
        request.arguments.clone_from(&revision.arguments);
        request.masks.clone_from(&revision.masks);
        request.more_masks = revision.more_masks;
        request.contents.clone_from(&revision.contents);
        request.preview.clone_from(&revision.preview);
        request.links.clone_from(&revision.links);
        request.assessment = revision.assessment.clone();
        request.priority = request.priority.max(revision.priority);
        for why in &revision.reasons {
            if !request.reasons.contains(why) {
                request.reasons.push(why.clone());
            }
        }
        let needed = request.requirement().join(&revision.requirement);
        request.require(needed);
    }
    request.reasons.retain(|why| why != reason);
    keep_newest(request);
    if rewritten || other_preview {
        if next.prior_revisions.is_empty() && other_arguments {
            next.reread = Some(content);
        }
        if other_arguments {
            next.edited_content = Some(content);
        }
        next.sealed = Some(next.request.revision.saturating_add(1));
    }
    if next.circumstances.is_some() {
        next.circumstances = Some(circumstances_digest(&next.context, tool.fingerprint));
    }
    reopen(next, reason.clone());
    if runs_unasked {
        next.state = S::Approved;
    }
    Ok(())
}

/// Returns whether the machine alone approved it, so that it may do so again.
fn was_asked_of_nobody(record: &CallRecord) -> bool {
    record.state == S::Approved
        && record.attempts == 0
        && record.decision.is_none()
        && record.grant_use.is_none()
        && !record.restored
        && record.request.level == ApprovalLevel::Auto
}
