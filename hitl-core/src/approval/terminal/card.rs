//! A request as text for a terminal. Pure: the same request at the same time gives the same text.

use hitl_base::Timestamp;

use super::color::ColorMode;
use crate::approval::{ApprovalRequest, DetailLevel};

/// Returns the text that a person sees before they decide: what would happen, who asks, how
/// confident the gate is and why it asks. Long arguments are shortened, and say so; [`preview`]
/// shows more.
///
/// The model's words are labelled as such and made visible: they cannot move the cursor, hide, or
/// be mistaken for a line of the card.
pub fn card(request: &ApprovalRequest, now: Timestamp, ink: ColorMode) -> String {
    request.render(now, DetailLevel::Brief).to_text_in(|tone, text| ink.paint(tone, text))
}

/// Returns all details: the whole arguments (very long values are still shortened, and say so), and
/// the digests that a decision names.
pub fn preview(request: &ApprovalRequest, now: Timestamp, ink: ColorMode) -> String {
    request.render(now, DetailLevel::Full).to_text_in(|tone, text| ink.paint(tone, text))
}
