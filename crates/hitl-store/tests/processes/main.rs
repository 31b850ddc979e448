//! Several real processes on one file: killed, racing, waking each other.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper fails as its test does"
)]

mod attach;
mod child;
mod durability;
mod freeze;
#[path = "../shared/length.rs"]
mod length;
mod races;
mod reconcile;
mod rotation;
mod storm;
mod wake;

/// Runs a child process. Not a test of its own: the other tests start it.
#[test]
fn child_process() {
    child::run_if_asked();
}
