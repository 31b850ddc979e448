//! Scoring and routing a call, and the identities of its people.

pub(super) mod effects;
pub(super) mod evaluated_call;
pub(super) mod evaluator;
pub(super) mod identities;
pub(super) mod prepared_call;
pub(super) mod principal_directory;
pub(super) mod requirement;
pub(super) mod scorers;
