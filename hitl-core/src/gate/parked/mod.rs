//! A call whose outcome is unknown is settled: its tool finds out how the attempt ended, or it is
//! idempotent and tried again. The rest waits for a human.

mod ask_schedule;
mod reconcile;
pub(super) mod reconcilers;
mod retry;
pub(super) mod settle;
pub(super) mod sweep;
