//! The error of a body that cannot say how it ended.

use std::any::Any;
use std::error::Error;
use std::fmt;

/// The error of a body that asked another system to act and does not know whether it did: the
/// connection ended before the answer came.
///
/// The call is parked as `OutcomeUnknown`, as if its process had died in it: nothing runs it again
/// but its own reconcile, declared idempotency, or a person who found out
/// ([`Gate::resolve`](crate::Gate::resolve)). Any other error means that the call failed, after
/// which a model may ask for it again.
///
/// Return it from the body of a typed tool or of a [`DynTool`](crate::dynamic::DynTool), as the
/// error itself or in a `Box<dyn Error + Send + Sync>`.
///
/// ```
/// use hitl::call::UnknownOutcome;
///
/// async fn send(letter: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     # async fn post(_: &str) -> std::io::Result<()> { Ok(()) }
///     post(letter).await.map_err(|error| UnknownOutcome::new(error.to_string()).into())
/// }
/// # drop(send("x"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOutcome {
    message: String,
}

impl UnknownOutcome {
    /// Creates the error with what is known, for people: it is in the audit, without secrets.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for UnknownOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for UnknownOutcome {}

/// Returns whether a body's error is an [`UnknownOutcome`].
pub(crate) fn is_unknown_outcome(error: &dyn Any) -> bool {
    let boxed = || {
        let error = error.downcast_ref::<Box<dyn Error + Send + Sync>>();
        error.is_some_and(|error| error.is::<UnknownOutcome>())
    };
    error.is::<UnknownOutcome>() || boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_recognized_bare_or_in_a_box() {
        let boxed = |error: &str| -> Box<dyn Error + Send + Sync> { error.into() };
        assert!(is_unknown_outcome(&UnknownOutcome::new("gone")));
        let inside: Box<dyn Error + Send + Sync> = UnknownOutcome::new("gone").into();
        assert!(is_unknown_outcome(&inside));
        assert!(!is_unknown_outcome(&boxed("gone")) && !is_unknown_outcome(&"gone".to_owned()));
    }
}
