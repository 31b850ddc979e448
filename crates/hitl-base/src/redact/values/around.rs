//! Words and text around a pair that show that its value is no secret.

use std::ops::Range;

use super::super::entropy;
use super::super::spelling::value_at;
use super::super::vocabulary::ORDINARY_KEYS;
use super::{Join, Pair};

/// Words that continue a sentence and are nobody's secret.
pub(super) const OF_SENTENCES: &[&str] = &[
    "above", "and", "are", "as", "be", "below", "by", "can", "for", "from", "if", "in", "instead",
    "is", "may", "must", "not", "of", "on", "or", "should", "that", "the", "to", "was", "when",
    "which", "will", "with", "would",
];

/// Returns the start of the value if an apparent type and its value are one piece of base64:
/// `token: aB3=dE4=`.
pub(super) fn in_one_piece(text: &str, between: &Range<usize>) -> Option<usize> {
    let joint = &text[between.clone()];
    let colon = joint.find(':')?;
    let kind = joint[colon + 1..].trim_start_matches([' ', '\t']);
    let tight = kind.ends_with('=') && !kind.contains([' ', '\t']);
    let begins = between.end - kind.len();
    let value = value_at(text, begins).filter(|_| tight)?;
    (value.place.start == begins && entropy::looks_secret(&text[value.place])).then_some(begins)
}

impl Pair<'_> {
    /// Returns whether the pair is part of a resource's name:
    /// `arn:aws:secretsmanager:..:secret:db`.
    pub(super) fn is_in_an_arn(&self) -> bool {
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '=' | ',' | '(');
        self.join == Join::Colon
            && self.before().rsplit(ends).next().is_some_and(|part| part.starts_with("arn:"))
    }

    /// Returns whether a word before the name marks it as no secret: `public key: ..`, `partition
    /// key: ..`.
    pub(super) fn is_an_ordinary_key(&self) -> bool {
        let key = ["key", "keys"].iter().any(|key| self.name.eq_ignore_ascii_case(key));
        let word = |before: &str| {
            let word = before.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
            ORDINARY_KEYS.contains(&word.to_ascii_lowercase().as_str())
        };
        key && self.before().strip_suffix(' ').is_some_and(word)
    }

    /// Returns whether the name is the issuer of an id: `auth0`, `google-oauth2`.
    pub(super) fn ends_as_an_issuer(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        name.ends_with("auth0") || name.ends_with("oauth2")
    }
}
