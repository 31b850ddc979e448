//! Several real processes on one file: killed, racing, waking each other.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper fails as its test does"
)]

mod child;
mod durability;
mod races;
mod rotation;
mod storm;
mod wake;

/// Not a test of its own: what the other tests run as another process.
#[test]
fn child_process() {
    child::run_if_asked();
}
