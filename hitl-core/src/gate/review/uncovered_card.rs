//! An uncovered request in the form that consoles and command lines send.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::approval::{DetailLevel, ReviewCard};
use crate::gate::review::uncovered_request::{UncoveredPlace, UncoveredRequest};

/// An uncovered request: the same JSON from every surface. It contains secrets: show it, and do not
/// log or store it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_debug_implementations, reason = "it holds secrets")]
#[non_exhaustive]
pub struct UncoveredCard {
    /// The uncovered card.
    pub rendered: ReviewCard,
    /// The arguments as exact text.
    pub arguments_text: String,
    /// The uncovered places.
    pub places: Vec<UncoveredText>,
}

/// A place in the arguments that was uncovered.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_debug_implementations, reason = "it holds a secret")]
#[non_exhaustive]
pub struct UncoveredText {
    /// Its place in the arguments that were shown: a JSON Pointer.
    pub at: String,
    /// The last key of the pointer, if that was masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The value, as exact JSON text.
    pub value: String,
}

impl UncoveredRequest {
    /// Returns the card for the surface of the reviewer who asked for it. `now` is by the store's
    /// clock.
    pub fn card(&self, now: Timestamp) -> UncoveredCard {
        let text = |place: &UncoveredPlace| UncoveredText {
            at: place.at.clone(),
            key: place.key.clone(),
            value: place.value.as_str().to_owned(),
        };
        UncoveredCard {
            rendered: self.render(now, DetailLevel::Full),
            arguments_text: self.arguments().as_str().to_owned(),
            places: self.places().iter().map(text).collect(),
        }
    }
}
