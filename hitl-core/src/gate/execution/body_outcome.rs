//! How a body ended.

use std::borrow::Cow;

use hitl_base::JsonText;
use hitl_base::redact::Taint;

use super::runnable::Runnable;
use super::sanitize::sanitize_output;
use crate::call::{CallKey, FailureRecord, Outcome, OutputText};
use crate::machine::CallState;

/// The end of a body.
pub(in crate::gate) enum BodyOutcome<T: Runnable> {
    /// It returned; its result, and what is stored of it.
    Returned(Result<T::Output, T::Error>, StoredResult),
    /// It panicked.
    Panicked(FailureRecord),
    /// It timed out.
    Unknown(CallKey),
}

/// The text of a body's result.
pub(in crate::gate) enum StoredResult {
    /// None yet: the result of a read-only call without a record, which still contains secrets.
    Unsanitized { taint: Taint, tool: Cow<'static, str> },
    /// The output's text, if it could be encoded.
    Output(Option<JsonText>),
    /// The failure's record.
    Failure(FailureRecord),
}

impl<T: Runnable> BodyOutcome<T> {
    /// Returns the state of a call that ended so.
    pub(in crate::gate) fn state(&self) -> CallState {
        match self {
            Self::Returned(Ok(_), _) => CallState::Executed,
            Self::Returned(Err(_), _) | Self::Panicked(_) => CallState::Failed,
            Self::Unknown(_) => CallState::OutcomeUnknown,
        }
    }

    /// Converts it to the outcome that a model is given.
    pub(in crate::gate) fn into_outcome(self) -> Outcome {
        match self {
            Self::Returned(_, StoredResult::Output(text)) => Outcome::Executed(OutputText(text)),
            Self::Returned(_, StoredResult::Failure(failure)) | Self::Panicked(failure) => {
                Outcome::Failed(failure)
            }
            Self::Returned(Ok(output), StoredResult::Unsanitized { taint, tool }) => {
                Outcome::Executed(OutputText(sanitize_output::<T>(&tool, &output, &taint)))
            }
            // A failure is always sanitized.
            Self::Returned(Err(_), StoredResult::Unsanitized { .. }) => {
                let message = "the tool failed".to_owned();
                Outcome::Failed(FailureRecord { message, panicked: false })
            }
            Self::Unknown(_) => Outcome::OutcomeUnknown,
        }
    }
}
