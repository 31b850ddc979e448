//! A private PostgreSQL server for tests: its own folder, port and socket, reached over loopback only.
//!
//! Only the standard library, so that `cargo xtask` builds in a moment.

mod install;
mod server;

pub use install::{find, install};
pub use server::Server;

/// The environment variable that names the database tests use.
pub const URL: &str = "HITL_TEST_DATABASE_URL";

/// Whether tests that need PostgreSQL must run: set `HITL_REQUIRE_POSTGRES` where a skip is a failure.
pub fn is_required() -> bool {
    std::env::var_os("HITL_REQUIRE_POSTGRES").is_some()
}
