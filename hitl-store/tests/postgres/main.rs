//! The PostgreSQL store on a real server. `cargo xtask test` starts one; otherwise
//! `HITL_TEST_DATABASE_URL` names a database in which these tests may create schemas.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper fails as its test does"
)]

mod contract;
mod replicas;
mod support;
