//! The failure of one attempt of a step.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use hitl_base::Redactor;

use crate::panic::Panicked;
use crate::text::{redact, seconds};

/// One failed attempt, as [`retry_if`](crate::TaskStep::retry_if) sees it. Displays the redacted
/// text of the error.
pub struct StepFailure {
    kind: FailureKind,
    text: String,
    error: Option<Box<dyn Any + Send>>,
}

/// The kind of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The step returned an error.
    Failed,
    /// The attempt took longer than the step's timeout.
    TimedOut,
    /// The body panicked. Never retried.
    Panicked,
    /// The body completed, but its output cannot be journaled: it cannot be written as JSON, or
    /// does not read back as it was. Never retried; the step is undone if it has an
    /// [`undo`](crate::TaskStep::undo).
    NotDurable,
}

impl StepFailure {
    /// Takes the error that a step returned. Formats it with `{:#}`, with which anyhow includes the
    /// causes.
    pub(crate) fn returned<E: fmt::Display + Send + 'static>(error: E) -> Self {
        Self { kind: FailureKind::Failed, text: format!("{error:#}"), error: Some(Box::new(error)) }
    }

    pub(crate) fn timed_out(limit: Duration) -> Self {
        Self {
            kind: FailureKind::TimedOut,
            text: format!("timed out after {}", seconds(limit)),
            error: None,
        }
    }

    pub(crate) fn panicked(panic: Panicked) -> Self {
        Self { kind: FailureKind::Panicked, text: panic.message().to_owned(), error: None }
    }

    pub(crate) fn not_durable(why: String) -> Self {
        Self { kind: FailureKind::NotDurable, text: why, error: None }
    }

    /// Redacts the text.
    pub(crate) fn redacted(self, redactor: &Redactor) -> Self {
        Self { text: redact(redactor, &self.text).into_owned(), ..self }
    }

    /// Returns the kind of failure.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Returns the error of the step if it is an `E`: the exact type in the step's `Result`.
    pub fn downcast_ref<E: 'static>(&self) -> Option<&E> {
        self.error.as_ref()?.downcast_ref()
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for StepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for StepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepFailure")
            .field("kind", &self.kind)
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_8_a_failure_shows_no_secret_and_is_not_endless() {
        let raw = format!("denied for Bearer abcdefgh12345678 {}", "x".repeat(5_000));
        let shown = StepFailure::returned(raw).redacted(&Redactor::standard()).to_string();
        assert!(shown.starts_with("denied for [redacted]"), "{shown}");
        assert!(shown.len() < 1_200);
    }

    #[test]
    fn the_error_itself_can_be_looked_at() {
        let failure = StepFailure::returned(std::io::Error::other("full"));
        assert!(failure.downcast_ref::<std::io::Error>().is_some());
        assert!(failure.downcast_ref::<String>().is_none());
        assert_eq!(failure.to_string(), "full");
    }
}
