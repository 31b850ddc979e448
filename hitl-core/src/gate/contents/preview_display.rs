//! Shows a reviewer the preview of a call: without secrets, and with the differences from the one
//! that was shown before.

use hitl_base::display::clip;
use hitl_base::redact::Taint;

use super::display::{ContentDisplay, ShownRequest};
use super::referent::Referents;
use super::rendered::RenderedPreview;
use crate::approval::{
    Mask, PREVIEW, PreviewChange, PreviewItem, PreviewState, RequestPreview, Uncovering,
    preview_items, preview_tree,
};
use crate::arguments::{Layers, Snapshot, tree_layers};
use crate::call::KeptPreview;
use crate::confidence::{Factor, PREVIEW_NOT_SHOWN, PREVIEW_WARNING};
use crate::gate::masking::mask_text;
use crate::gate::stored_text::MAX_ON_THREAD;
use crate::ids::RequestId;
use crate::policy::ApprovalLevel;
use crate::sync::off_thread;

/// The most characters of an author's error that are shown.
const MAX_ERROR: usize = 500;

/// The items of a preview without the masks that a reviewer may uncover.
pub(in crate::gate) struct OpenedPreview {
    pub(in crate::gate) items: Vec<PreviewItem>,
    /// The remaining masks: of values that the host declared sensitive.
    pub(in crate::gate) masks: Vec<Mask>,
}

impl ContentDisplay {
    /// Returns the preview as a reviewer of this request sees it. One that was shown before keeps
    /// its digest, even if the host key was replaced.
    pub(in crate::gate) async fn show_preview(
        &self,
        request: ShownRequest<'_>,
        snapshot: &Snapshot,
        referents: &Referents,
    ) -> Option<RequestPreview> {
        let rendered = referents.preview()?;
        let keys = self.vault.ring();
        let mut preview = RequestPreview {
            digest: rendered.matching_digest(keys, request.id, request.preview),
            found: PreviewState::Rendered { left_out: 0 },
            items: Vec::new(),
            masks: Vec::new(),
            more_masks: 0,
            changes: None,
        };
        match rendered {
            RenderedPreview::Failed { why, said } => {
                let secrets = snapshot.own_taint();
                let said = said.as_deref().map(|said| {
                    clip(&mask_text(&self.redactor, said, &secrets), MAX_ERROR).into_owned()
                });
                preview.found = PreviewState::Failed { why: *why, said };
            }
            RenderedPreview::Kept { kept, .. } => {
                preview.found = PreviewState::Rendered { left_out: kept.left_out };
                let layers = self.layers_of_preview(kept, snapshot.own_taint()).await;
                let (masks, more) = layers.masks(&self.redactor, request.id);
                preview.masks = masks.into_iter().map(in_preview).collect();
                preview.more_masks = more;
                // A text that was not searched is not shown.
                preview.items = preview_items(&layers.shown).unwrap_or_else(|| {
                    preview.more_masks = preview.more_masks.max(1);
                    vec![PreviewItem::Text { text: hitl_base::redact::MASK.to_owned() }]
                });
            }
        }
        if let Some(before) = request.preview {
            let both = [before, &preview];
            let rendered =
                both.iter().all(|one| matches!(one.found, PreviewState::Rendered { .. }));
            preview.changes = if before.digest == preview.digest {
                before.changes.clone()
            } else {
                rendered.then(|| PreviewChange::between(&before.items, &preview.items))
            };
        }
        Some(preview)
    }

    async fn layers_of_preview(&self, kept: &KeptPreview, secrets: Taint) -> Layers {
        let tree = preview_tree(&kept.items);
        let bytes: usize = kept.items.iter().flat_map(PreviewItem::texts).map(str::len).sum();
        if bytes <= MAX_ON_THREAD {
            return tree_layers(tree, &secrets, &self.redactor);
        }
        let redactor = self.redactor.clone();
        let looking = move || tree_layers(tree, &secrets, &redactor);
        off_thread(looking).await.unwrap_or_else(Layers::nothing)
    }

    /// Returns the factor for a preview that warns or is not shown in whole: a full review.
    pub(in crate::gate) fn preview_factor(
        &self,
        preview: Option<&RequestPreview>,
    ) -> Option<Factor> {
        let preview = preview?;
        let hidden = self.uncovering == Uncovering::Forbidden && preview.undeclared_masks() > 0;
        let why = match &preview.found {
            PreviewState::Failed { why, .. } => {
                format!("The preview failed: {why}. What the call would do is not known.")
            }
            PreviewState::Rendered { left_out } if *left_out > 0 => {
                "The preview is too long to be shown in whole.".to_owned()
            }
            PreviewState::Rendered { .. } if hidden => {
                "The preview is masked in part, so you cannot see it all.".to_owned()
            }
            PreviewState::Rendered { .. } if preview.warnings().next().is_some() => {
                let why = "The tool itself warns about this call.";
                return Some(Factor::at_least(PREVIEW_WARNING, ApprovalLevel::Full, why));
            }
            PreviewState::Rendered { .. } => return None,
        };
        Some(Factor::at_least(PREVIEW_NOT_SHOWN, ApprovalLevel::Full, why))
    }

    /// Returns the items of a sealed preview without the values that the host declared sensitive.
    pub(in crate::gate) async fn uncover_preview(
        &self,
        kept: &KeptPreview,
        secrets: Taint,
        request: RequestId,
    ) -> Option<OpenedPreview> {
        let layers = self.layers_of_preview(kept, secrets).await;
        let (masks, _) = layers.masks(&self.redactor, request);
        let masks = masks.into_iter().filter(|mask| mask.declared).map(in_preview).collect();
        Some(OpenedPreview { items: preview_items(&layers.open)?, masks })
    }
}

/// Returns the mask with its place in the preview.
fn in_preview(mask: Mask) -> Mask {
    Mask { at: format!("{PREVIEW}{}", mask.at), ..mask }
}
