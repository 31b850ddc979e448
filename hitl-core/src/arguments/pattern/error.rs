//! The reasons why a regular expression has no exact translation.

use std::fmt;

use hitl_base::display::{clip, visible};

/// The error for a regular expression that cannot be translated exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PatternError {
    /// The construct and its position from 1, in characters.
    at: Option<(String, usize)>,
    why: String,
}

impl PatternError {
    /// Creates the error for a construct at a position from 0.
    pub(super) fn at(position: usize, construct: &str, why: impl Into<String>) -> Self {
        let construct = visible(&clip(construct, 40)).into_owned();
        Self { at: Some((construct, position + 1)), why: why.into() }
    }

    /// Creates the error for the whole expression.
    pub(super) fn whole(why: String) -> Self {
        Self { at: None, why }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some((construct, position)) => {
                write!(f, "`{construct}`, its character {position}, {}", self.why)
            }
            None => f.write_str(&self.why),
        }
    }
}
