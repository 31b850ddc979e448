//! How one attempt of a step failed.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use hitl_base::Redactor;
use hitl_base::display::clip;

use crate::error::seconds;

/// The most characters of an error, a reason or a message that are kept.
const MAX_TEXT: usize = 1_000;

/// One failed attempt, as [`retry_if`](crate::TaskStep::retry_if) sees it. It reads as the error's
/// text, redacted.
pub struct StepFailure {
    kind: FailureKind,
    text: String,
    error: Option<Box<dyn Any + Send>>,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The step returned an error.
    Failed,
    /// It took longer than the step may.
    TimedOut,
    /// It panicked. Never tried again.
    Panicked,
    /// Its body is done, and what it returned cannot be journaled: it cannot be written as JSON, or
    /// not be read back as it was. Never tried again; what the step did is undone if it has an
    /// [`undo`](crate::TaskStep::undo).
    NotDurable,
}

impl StepFailure {
    /// From the error a step returned. The alternate form, because there anyhow tells the causes.
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

    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a panic without a text");
        Self { kind: FailureKind::Panicked, text: text.to_owned(), error: None }
    }

    pub(crate) fn not_durable(why: String) -> Self {
        Self { kind: FailureKind::NotDurable, text: why, error: None }
    }

    /// The same, fit to be shown.
    pub(crate) fn cleaned(self, redactor: &Redactor) -> Self {
        Self { text: clean(redactor, &self.text).into_owned(), ..self }
    }

    /// What happened.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The error the step returned, if it is an `E`: the very type of the step's `Result`.
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

/// Text from a step or a caller, without secrets and not too long.
pub(crate) fn clean<'t>(redactor: &Redactor, text: &'t str) -> Cow<'t, str> {
    match redactor.text(text) {
        Cow::Borrowed(text) => clip(text, MAX_TEXT),
        Cow::Owned(text) => Cow::Owned(clip(&text, MAX_TEXT).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_8_a_failure_shows_no_secret_and_is_not_endless() {
        let raw = format!("denied for Bearer abcdefgh12345678 {}", "x".repeat(5_000));
        let shown = StepFailure::returned(raw).cleaned(&Redactor::standard()).to_string();
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

    #[test]
    fn every_panic_has_a_text() {
        assert_eq!(StepFailure::panicked(&"a").to_string(), "a");
        assert_eq!(StepFailure::panicked(&"b".to_owned()).to_string(), "b");
        assert_eq!(StepFailure::panicked(&7).to_string(), "a panic without a text");
    }
}
