//! Erasing stored calls, and legal holds.

pub(super) mod audit_lines;
pub(super) mod erase;
pub(super) mod holds;
pub(super) mod report;
pub(super) mod scope;
