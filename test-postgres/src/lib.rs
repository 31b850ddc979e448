//! A private PostgreSQL server for tests: its own folder, port and socket, reached over loopback only.
//!
//! Only the standard library, so that `cargo xtask` builds in a moment.

mod install;
mod server;

pub use install::{find, install};
pub use server::Server;

/// The environment variable that names the database tests use.
pub const URL: &str = "HITL_TEST_DATABASE_URL";

/// Whether tests that need PostgreSQL must run: a skip is for a developer's machine, never for CI.
pub fn is_required() -> bool {
    ["CI", "HITL_REQUIRE_POSTGRES"].iter().any(|name| std::env::var_os(name).is_some())
}
