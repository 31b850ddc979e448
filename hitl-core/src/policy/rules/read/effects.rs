//! The words for effects.

use super::super::RuleEffect;

/// Every word and its effect.
pub(super) const EFFECTS: [(&str, RuleEffect); 4] = [
    ("deny", RuleEffect::Deny),
    ("full", RuleEffect::Full),
    ("quick", RuleEffect::Quick),
    ("auto", RuleEffect::Auto),
];
