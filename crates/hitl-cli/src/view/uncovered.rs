//! A call with what redaction masks in it.

use hitl_core::UncoveredCard;

/// The card for people, with what was uncovered. A value that is too long for a card is in the
/// JSON.
pub(crate) fn uncovered_text(card: &UncoveredCard) -> String {
    card.rendered.to_text()
}
