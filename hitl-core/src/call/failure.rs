//! The failure of a body: its error, the stored form of it, and what its caller gets.

use std::any::Any;
use std::error::Error;
use std::fmt;

use hitl_base::{JsonText, Redactor};
use serde::{Deserialize, Serialize};

use super::{OutputDigest, RunDetails};

/// The error of a body that failed and has an output all the same: an MCP result with `isError`,
/// the findings of a linter, the body of an HTTP error.
///
/// The call fails like with any other error. Its output is kept like that of a call that succeeded,
/// sealed and without the secrets that the tool was given: the caller reads it from
/// [`Failure::output`], and the model gets it whole ([`Outcome::for_model`](super::Outcome)).
///
/// Return it from the body of a typed tool or of a [`DynTool`](crate::dynamic::DynTool), as the
/// error itself or in a `Box<dyn Error + Send + Sync>`:
///
/// ```
/// use hitl::call::{Permit, ToolFailure};
/// use hitl::dynamic::{DynArguments, DynSpec, DynTool};
/// use hitl::json::JsonText;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let body = |permit: Permit<DynArguments>| async move {
///     let (arguments, _cx) = permit.open();
///     // Here a proxy would pass `arguments.json()` on to the server.
///     # let _ = arguments;
///     let said = JsonText::new(r#"{"content": [{"type": "text", "text": "no such branch"}]}"#.into())?;
///     Err::<JsonText, Box<dyn std::error::Error + Send + Sync>>(
///         ToolFailure::new("the server said no", said).into(),
///     )
/// };
/// let tool = DynTool::new(DynSpec::new("git_show", "Shows a commit."), r#"{"type": "object"}"#, body)?;
/// # drop(tool);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ToolFailure {
    message: String,
    output: JsonText,
}

impl ToolFailure {
    /// Creates a failure with a short message and an output. People read the message in lists and
    /// in the audit; it is kept up to 2,000 characters. The output is kept whole.
    pub fn new(message: impl Into<String>, output: JsonText) -> Self {
        Self { message: message.into(), output }
    }

    /// Returns the message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the output.
    pub fn output(&self) -> &JsonText {
        &self.output
    }
}

impl fmt::Display for ToolFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Masks what looks like a secret.
impl fmt::Debug for ToolFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = |text| Redactor::standard().text(text).into_owned();
        let (message, output) = (masked(&self.message), masked(self.output.as_str()));
        f.debug_struct("ToolFailure").field("message", &message).field("output", &output).finish()
    }
}

impl Error for ToolFailure {}

/// Returns the output of a body's error, if it is a [`ToolFailure`].
pub(crate) fn output_of(error: &dyn Any) -> Option<&JsonText> {
    let boxed = || {
        let error = error.downcast_ref::<Box<dyn Error + Send + Sync>>()?;
        error.downcast_ref::<ToolFailure>()
    };
    error.downcast_ref::<ToolFailure>().or_else(boxed).map(ToolFailure::output)
}

/// The stored form of a failure: the redacted message, never the error itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FailureRecord {
    /// The tool's error message, redacted.
    pub message: String,
    /// True if the body panicked.
    #[serde(default)]
    pub panicked: bool,
    /// The digest of its output, if it has one. The output itself is kept where the result of a
    /// call is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputDigest>,
}

impl FailureRecord {
    /// Returns the record of a failure without output.
    pub(crate) fn new(message: impl Into<String>, panicked: bool) -> Self {
        Self { message: message.into(), panicked, output: None }
    }
}

/// The output of a body that failed, without the secrets that the tool was given. Its `Debug` masks
/// what looks like a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FailedOutput(JsonText);

impl FailedOutput {
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<JsonText> for FailedOutput {
    fn from(text: JsonText) -> Self {
        Self(text)
    }
}

impl fmt::Debug for FailedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Redactor::standard().text(self.as_str()), f)
    }
}

/// The failure of a body, for its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The tool's error message, redacted.
    pub message: String,
    /// True if the body panicked.
    pub panicked: bool,
    /// The facts about the run besides its failure.
    pub details: RunDetails,
}

impl Failure {
    pub(crate) fn new(record: FailureRecord, details: RunDetails) -> Self {
        let FailureRecord { message, panicked, output: _ } = record;
        Self { message, panicked, details }
    }

    /// Returns the output that the body gave in a [`ToolFailure`], as JSON text without the secrets
    /// that the tool was given. `None` if it gave none, or if it is no longer kept.
    pub fn output(&self) -> Option<&str> {
        self.details.failed_output()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tool_failure_has_an_output_bare_or_in_a_box() {
        let output = JsonText::new(r#"{"n": 1}"#.to_owned()).unwrap();
        let failure = || ToolFailure::new("no", output.clone());
        let boxed: Box<dyn Error + Send + Sync> = failure().into();
        let other: Box<dyn Error + Send + Sync> = "no".into();
        let found = |error: &dyn Any| output_of(error).map(|text| text.as_str().to_owned());
        assert_eq!(found(&failure()).as_deref(), Some(r#"{"n": 1}"#));
        assert_eq!(found(&boxed).as_deref(), Some(r#"{"n": 1}"#));
        assert_eq!((found(&other), found(&"no".to_owned()), found(&())), (None, None, None));
    }

    #[test]
    fn invariant_8_debug_output_of_a_failure_masks_secrets() {
        let secret = r#""Bearer abcdefghijkl12345678""#.to_owned();
        let failure = ToolFailure::new("no", JsonText::new(secret).unwrap());
        let record = FailureRecord::new("no", false);
        let details = RunDetails::new(false).with_failed_output(Some(failure.output().clone()));
        let kept = Failure::new(record, details);
        for shown in [format!("{failure:?}"), format!("{kept:?}")] {
            assert!(!shown.contains("abcdefghijkl"), "{shown}");
        }
        assert!(kept.output().is_some_and(|text| text.contains("abcdefghijkl")));
    }

    #[test]
    fn a_record_of_an_older_version_has_no_output() {
        let old: FailureRecord = serde_json::from_str(r#"{"message":"no"}"#).unwrap();
        assert_eq!(old, FailureRecord::new("no", false));
        let written = serde_json::to_string(&old).unwrap();
        assert_eq!(written, r#"{"message":"no","panicked":false}"#);
    }
}
