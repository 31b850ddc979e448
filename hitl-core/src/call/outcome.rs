//! The outcome of a call.

use std::fmt;

use hitl_base::{JsonText, Redactor};
use serde::de::DeserializeOwned;

use super::{Failure, RunDetails};
use crate::arguments::{ArgumentError, parse_text};

/// A tool's output, as JSON text. `Debug`, which is used in logs, masks what looks like a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct OutputText {
    text: Option<JsonText>,
    details: RunDetails,
}

impl fmt::Debug for OutputText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.json().map(|text| Redactor::standard().text(text).into_owned());
        f.debug_tuple("OutputText").field(&shown).finish()
    }
}

impl OutputText {
    pub(crate) fn new(text: Option<JsonText>, details: RunDetails) -> Self {
        Self { text, details }
    }

    /// Returns the facts about the run besides its output.
    pub fn details(&self) -> &RunDetails {
        &self.details
    }

    /// Returns the JSON text. `None` if the output could not be encoded or is no longer kept: the
    /// body *did* run, only its output is lost.
    pub fn json(&self) -> Option<&str> {
        self.text.as_ref().map(JsonText::as_str)
    }

    /// Parses the output as a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ArgumentError> {
        parse_text(self.json().unwrap_or("null"))
    }
}

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The body ran and succeeded.
    Executed(OutputText),
    /// The body ran and failed, or panicked. It may have had effects, unless its tool only reads
    /// ([`RunDetails::is_read_only`]).
    Failed(Failure),
    /// A human said no.
    Rejected {
        /// The reason, if one was given.
        reason: Option<String>,
    },
    /// A human answered the model instead of letting the call run.
    Responded {
        /// The answer.
        message: String,
    },
    /// Nobody decided in time. Nothing ran.
    Expired,
    /// The call was withdrawn before it ran.
    Cancelled {
        /// The reason.
        reason: String,
    },
    /// A human stopped the run that the call belongs to. The call did not run, and all other calls
    /// of the run that had not started were withdrawn: an agent's loop ends here.
    Aborted {
        /// The reason.
        reason: String,
    },
    /// A rule refused the call. Nobody was asked.
    Denied {
        /// The rule, and what to do.
        reason: String,
    },
    /// The body was started, and its outcome is unknown: it timed out, or its process died. The
    /// call is parked until a late result, a human or declared idempotency resolves it.
    OutcomeUnknown(RunDetails),
}

impl Outcome {
    /// Returns whether the outcome can never change again. True for all but `OutcomeUnknown`.
    pub fn is_terminal(&self) -> bool {
        !matches!(self, Self::OutcomeUnknown(_))
    }

    /// Returns the facts about the run besides its result: the arguments that a reviewer
    /// changed, for one. `None` if the call did not run.
    pub fn details(&self) -> Option<&RunDetails> {
        match self {
            Self::Executed(output) => Some(output.details()),
            Self::Failed(failure) => Some(&failure.details),
            Self::OutcomeUnknown(details) => Some(details),
            _ => None,
        }
    }
}
