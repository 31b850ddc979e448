//! Running a claimed call, and recording its outcome.

pub(super) mod body_outcome;
pub(super) mod bound_call;
pub(super) mod detached;
#[expect(clippy::module_inception, reason = "named after its main type")]
pub(super) mod execution;
pub(super) mod executor;
pub(super) mod runnable;
pub(super) mod sanitize;
