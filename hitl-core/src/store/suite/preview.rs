//! A preview for the checks: each part of it is kept.

use hitl_base::redact::MaskReason;

use crate::approval::{Mask, PreviewChange, PreviewItem, PreviewState, RequestPreview};

/// Returns a preview that has every part.
pub(super) fn preview() -> RequestPreview {
    let text = str::to_owned;
    RequestPreview {
        digest: "e".repeat(64).parse().expect("64 digits"),
        found: PreviewState::Rendered { left_out: 2 },
        items: vec![
            PreviewItem::Fact { label: text("customer"), value: text("Ann [redacted]") },
            PreviewItem::Difference {
                label: text("state"),
                before: text("draft\nof May"),
                after: text("signed"),
            },
            PreviewItem::Text { text: text("It binds the workspace.") },
        ],
        masks: vec![Mask {
            at: text("preview:/0/customer"),
            in_key: false,
            start: 4,
            reason: MaskReason::Shape,
            characters: Some(40),
            fingerprint: Some(text("0123456789")),
            declared: false,
        }],
        more_masks: 1,
        changes: Some(vec![PreviewChange {
            label: Some(text("customer")),
            before: Some(text("Bob")),
            after: Some(text("Ann [redacted]")),
        }]),
    }
}
