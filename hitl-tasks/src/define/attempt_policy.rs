//! The timeout of an attempt, and the retries of a step.

use std::time::Duration;

use crate::define::retry::Retry;
use crate::run::step_failure::StepFailure;

/// The timeout and the retry policy of a step.
#[derive(Default)]
pub(crate) struct AttemptPolicy {
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Option<Box<RetryPolicy>>,
}

pub(crate) struct RetryPolicy {
    pub(crate) retry: Retry,
    pub(crate) only_if: Option<Box<RetryPredicate>>,
}

pub(crate) type RetryPredicate = dyn Fn(&StepFailure) -> bool + Send + Sync;
