//! How a call ended.

use std::fmt;

use hitl_base::{JsonText, Redactor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::arguments::{ArgumentError, parse_text};

/// A tool's output, as JSON text. `Debug`, which goes to logs, shows it without what looks like a
/// secret.
#[derive(Clone, PartialEq, Eq)]
pub struct OutputText(pub(crate) Option<JsonText>);

impl fmt::Debug for OutputText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.json().map(|text| Redactor::standard().text(text).into_owned());
        f.debug_tuple("OutputText").field(&shown).finish()
    }
}

impl OutputText {
    /// The JSON text. Nothing when the output could not be encoded or is no longer kept: the body
    /// *did* run, only what it said is lost.
    pub fn json(&self) -> Option<&str> {
        self.0.as_ref().map(JsonText::as_str)
    }

    /// The output as a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ArgumentError> {
        parse_text(self.json().unwrap_or("null"))
    }
}

/// What is kept of a failure: the redacted message, never the error itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FailureRecord {
    /// What the tool said, redacted.
    pub message: String,
    /// The body panicked.
    #[serde(default)]
    pub panicked: bool,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The body ran and succeeded.
    Executed(OutputText),
    /// The body ran and failed, or panicked. It may have had effects.
    Failed(FailureRecord),
    /// A human said no.
    Rejected {
        /// Why, when they said so.
        reason: Option<String>,
    },
    /// A human answered the model instead of letting the call run.
    Responded {
        /// The answer.
        message: String,
    },
    /// Nobody decided in time. Nothing ran.
    Expired,
    /// Withdrawn before it ran.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// A human stopped the run that the call belongs to. It did not run, and what else of the run
    /// had not started was withdrawn: an agent's loop ends here.
    Aborted {
        /// Why.
        reason: String,
    },
    /// Refused by a rule. Nobody was asked.
    Denied {
        /// Which, and what to do.
        reason: String,
    },
    /// The body was started, and how it ended is not known: it ran out of time, or its process
    /// died. Parked until a late result, a human or declared idempotency resolves it.
    OutcomeUnknown,
}

impl Outcome {
    /// Whether it can never change again. All but `OutcomeUnknown`.
    pub fn is_terminal(&self) -> bool {
        !matches!(self, Self::OutcomeUnknown)
    }
}
