//! Waiting for a decision and an outcome.

pub(super) mod attached;
pub(super) mod delivery;
pub(super) mod inline_review;
pub(super) mod outcome;
pub(super) mod receipt;
pub(super) mod submission;
pub(super) mod ticket;
pub(super) mod wait_limit;
pub(super) mod waiter;
