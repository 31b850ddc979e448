//! A call with what redaction masks in it.

use hitl_core::Uncovered;
use hitl_core::approval::{Extent, Rendered};
use serde::{Deserialize, Serialize};

use super::Card;

/// A call with what redaction masks in it: the same JSON from a store and from a console.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UncoveredCard {
    rendered: Rendered,
    /// The arguments as exact text.
    arguments_text: String,
    places: Vec<Place>,
}

/// An argument that was uncovered.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Exact JSON text.
    value: String,
}

impl UncoveredCard {
    /// Of what a gate has uncovered of this card.
    pub(crate) fn of(uncovered: &Uncovered, card: &Card) -> Self {
        let places = uncovered.places().iter().map(|place| Place {
            at: place.at.clone(),
            key: place.key.clone(),
            value: place.value.as_str().to_owned(),
        });
        Self {
            rendered: uncovered.render(card.now, Extent::Full),
            arguments_text: uncovered.arguments().as_str().to_owned(),
            places: places.collect(),
        }
    }
}

/// The card for people, with what was uncovered. A value that is too long for a card is in the JSON.
pub(crate) fn uncovered_text(card: &UncoveredCard) -> String {
    card.rendered.to_text()
}
