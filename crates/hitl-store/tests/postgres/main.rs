//! The PostgreSQL store on a real server. `cargo xtask test` starts one; otherwise
//! `HITL_TEST_DATABASE_URL` names a database in which these tests may create schemas.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper fails as its test does"
)]

mod ambiguous;
mod backup;
mod child;
mod contract;
mod crash;
mod erasure;
mod grants;
mod journal;
mod kills;
#[path = "../shared/length.rs"]
mod length;
mod line;
mod opening;
mod operations;
mod races;
mod replicas;
mod rotation;
mod servers;
mod support;

/// Runs a child process. Not a test of its own: the other tests start it.
#[test]
fn child_process() {
    child::run_if_asked();
}
