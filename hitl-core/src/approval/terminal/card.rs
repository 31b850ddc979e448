//! A request as text for a terminal. Pure: the same request at the same time is the same text.

use hitl_base::Timestamp;

use super::color::ColorMode;
use crate::approval::{ApprovalRequest, DetailLevel};

/// What a person is shown before they decide: what would happen, who asks, how sure the gate is and
/// why it asks. Long arguments are shortened, and say so; [`preview`] shows more.
///
/// What the model wrote is labelled as such and shown visibly: it cannot move the cursor, hide, or
/// pass for a line of the card.
pub fn card(request: &ApprovalRequest, now: Timestamp, ink: ColorMode) -> String {
    request.render(now, DetailLevel::Brief).to_text_in(|tone, text| ink.paint(tone, text))
}

/// Everything there is to know: the whole arguments (very long values still shortened, and said
/// so), and the digests that a decision names.
pub fn preview(request: &ApprovalRequest, now: Timestamp, ink: ColorMode) -> String {
    request.render(now, DetailLevel::Full).to_text_in(|tone, text| ink.paint(tone, text))
}
