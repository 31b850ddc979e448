//! A private PostgreSQL server for tests: its own folder, port and socket, reached over loopback
//! only.
//!
//! Only the standard library, so that `cargo xtask` builds in a moment.

mod install;
mod server;

pub use install::{find, find_pooler, install, packages};
pub use server::Server;

/// The environment variable that names the database tests use.
pub const URL: &str = "HITL_TEST_DATABASE_URL";

/// The environment variable that makes a test fail that would be skipped without a database.
/// `cargo xtask test` sets it.
pub const REQUIRE: &str = "HITL_REQUIRE_POSTGRES";

/// The environment variable with which a developer skips the tests that need a database.
pub const SKIP: &str = "HITL_SKIP_POSTGRES";

/// Returns whether tests that need PostgreSQL must run.
pub fn is_required() -> bool {
    is_set(REQUIRE)
}

/// Returns whether the developer has chosen to skip them. Fails in CI, where nobody may.
pub fn is_skipped() -> Result<bool, String> {
    let skipped = is_set(SKIP);
    if skipped && is_set("CI") {
        return Err(format!("{SKIP} is set, and in CI no test may be skipped: unset it"));
    }
    Ok(skipped)
}

fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&value.as_str()))
}
