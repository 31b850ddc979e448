//! The outcome of a body.

use std::borrow::Cow;

use hitl_base::JsonText;
use hitl_base::redact::Taint;

use super::runnable::Runnable;
use super::sanitize::sanitize_output;
use crate::call::{CallKey, Failure, FailureRecord, Outcome, OutputText, RunDetails};
use crate::machine::CallState;

/// The outcome of a body.
pub(in crate::gate) enum BodyOutcome<T: Runnable> {
    /// The body returned; its result, and the stored form of it.
    Returned(Result<T::Output, T::Error>, StoredResult),
    /// The body panicked.
    Panicked(FailureRecord),
    /// The body timed out.
    Unknown(CallKey),
}

/// The text of a body's result.
pub(in crate::gate) enum StoredResult {
    /// No text yet: the result of a read-only call without a record, which still contains secrets.
    Unsanitized { taint: Taint, tool: Cow<'static, str> },
    /// The output's text, if it could be encoded.
    Output(Option<JsonText>),
    /// The failure's record, and its output without secrets.
    Failure(FailureRecord, Option<JsonText>),
}

impl StoredResult {
    /// Returns the output of a body that failed, without secrets.
    pub(in crate::gate) fn into_failed_output(self) -> Option<JsonText> {
        match self {
            Self::Failure(_, output) => output,
            Self::Unsanitized { .. } | Self::Output(_) => None,
        }
    }
}

impl<T: Runnable> BodyOutcome<T> {
    /// Returns the state of a call with this outcome.
    pub(in crate::gate) fn state(&self) -> CallState {
        match self {
            Self::Returned(Ok(_), _) => CallState::Executed,
            Self::Returned(Err(_), _) | Self::Panicked(_) => CallState::Failed,
            Self::Unknown(_) => CallState::OutcomeUnknown,
        }
    }

    /// Converts it to the outcome that a model receives.
    pub(in crate::gate) fn into_outcome(self, details: RunDetails) -> Outcome {
        match self {
            Self::Returned(_, StoredResult::Output(text)) => {
                Outcome::Executed(OutputText::new(text, details))
            }
            Self::Returned(_, StoredResult::Failure(failure, output)) => {
                Outcome::Failed(Failure::new(failure, details.with_failed_output(output)))
            }
            Self::Panicked(failure) => Outcome::Failed(Failure::new(failure, details)),
            Self::Returned(Ok(output), StoredResult::Unsanitized { taint, tool }) => {
                let text = sanitize_output::<T>(&tool, &output, &taint);
                Outcome::Executed(OutputText::new(text, details))
            }
            // A failure is always sanitized.
            Self::Returned(Err(_), StoredResult::Unsanitized { .. }) => {
                let failure = FailureRecord::new("the tool failed", false);
                Outcome::Failed(Failure::new(failure, details))
            }
            Self::Unknown(_) => Outcome::OutcomeUnknown(details),
        }
    }
}
