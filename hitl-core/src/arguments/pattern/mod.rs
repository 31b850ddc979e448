//! The regular expressions of a JSON Schema: of ECMA-262 by the standard, and matched here by an
//! engine whose time is linear in the text.
//!
//! An expression is translated only if it matches the same texts in both, read in ECMA's Unicode
//! mode, as JSON Schema recommends. Everything else is refused with its place.

mod class;
#[cfg(test)]
mod ecma_tests;
mod error;
mod translate;
#[cfg(test)]
mod translate_tests;

pub(crate) use error::PatternError;
use regex::{Regex, RegexBuilder};

/// The longest expression, in bytes.
const MAX_BYTES: usize = 4_096;

/// The most states of an expression, counted with its repetitions: `a{50}` has 50.
const MAX_WEIGHT: u64 = 20_000;

/// The most bytes of a compiled expression.
const MAX_COMPILED: usize = 4 << 20;

/// The number of comparisons, of one byte with one state, that count as one step of a check.
const PER_STEP: u64 = 256;

/// A regular expression that means here what it means in ECMA-262.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    source: Box<str>,
    regex: Regex,
    weight: u64,
}

impl Pattern {
    /// Translates an expression.
    pub(crate) fn new(source: &str) -> Result<Self, PatternError> {
        if source.len() > MAX_BYTES {
            return Err(PatternError::whole(format!("it is longer than {MAX_BYTES} bytes")));
        }
        let translated = translate::translate(source)?;
        if translated.weight > MAX_WEIGHT {
            return Err(PatternError::whole(format!(
                "its repetitions unfold to more than {MAX_WEIGHT} states"
            )));
        }
        let regex = RegexBuilder::new(&translated.text)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .build()
            .map_err(|_| {
                PatternError::whole("it is too large to be compiled within the limits".to_owned())
            })?;
        Ok(Self { source: source.into(), regex, weight: translated.weight })
    }

    /// Returns the expression as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Returns whether it matches anywhere in a text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Returns the number of steps that matching a text counts as.
    pub(crate) fn steps(&self, text: &str) -> u64 {
        1 + self.weight.max(1).saturating_mul(text.len() as u64) / PER_STEP
    }

    /// Returns the size of the expression, with its repetitions.
    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }
}
