//! What was uncovered of a request, as consoles and command lines send it.

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::uncover::{Uncovered, UncoveredPlace};
use crate::approval::{DetailLevel, ReviewCard};

/// What was uncovered of a request: the same JSON from every surface. It holds secrets: show it,
/// and do not log or keep it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_debug_implementations, reason = "it holds secrets")]
#[non_exhaustive]
pub struct UncoveredCard {
    /// The card with what was uncovered.
    pub rendered: ReviewCard,
    /// The arguments as exact text.
    pub arguments_text: String,
    /// What was uncovered.
    pub places: Vec<UncoveredText>,
}

/// An argument that was uncovered.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_debug_implementations, reason = "it holds a secret")]
#[non_exhaustive]
pub struct UncoveredText {
    /// Where it is in the arguments that were shown: a JSON Pointer.
    pub at: String,
    /// The key that the pointer ends with, if that was masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The value, as exact JSON text.
    pub value: String,
}

impl Uncovered {
    /// Returns what is sent to the surface of the reviewer who asked for it. `now` is by the
    /// store's clock.
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
