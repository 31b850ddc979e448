//! A call with its masked values.

use hitl_core::UncoveredCard;

use super::Screen;

/// Renders the card for people, with the uncovered values. A value that is too long for a card is
/// in the JSON.
pub(crate) fn uncovered_text(card: &UncoveredCard, screen: Screen) -> String {
    card.rendered.to_text_in(|style, text| screen.paint(style, text))
}
