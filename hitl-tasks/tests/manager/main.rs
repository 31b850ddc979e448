//! The task manager, through its public interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation fails the test"
)]

mod budgets;
mod cancelling;
#[path = "../deadlock/mod.rs"]
mod deadlock;
mod emitting;
mod groups;
mod journal_contract;
mod journaling;
mod off_clock;
mod races;
mod recorded;
mod running;
mod scheduling;
mod secrets;
mod seed;
#[path = "../support/mod.rs"]
mod support;
mod undoing;
mod watching;
