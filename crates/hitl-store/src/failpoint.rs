//! Named places between two steps, at which a test may end the process.
//!
//! Without the feature `failpoints` they are nothing at all.

#[cfg(feature = "failpoints")]
use std::sync::OnceLock;

#[cfg(feature = "failpoints")]
static HANDLER: OnceLock<fn(&'static str)> = OnceLock::new();

/// The places in the SQLite store, for tests that visit all of them.
#[cfg(all(feature = "failpoints", feature = "sqlite"))]
#[doc(hidden)]
pub const FAILPOINTS: &[&str] = &[
    "file-created",
    "before-migration",
    "after-migration",
    "session-half-open",
    "after-begin",
    "grant-drawn",
    "between-writes",
    "entry-written",
    "before-commit",
    "after-commit",
    "after-acknowledge",
];

/// The places in the PostgreSQL store. Most statements of it are transactions, so they lie between
/// statements.
#[cfg(all(feature = "failpoints", feature = "postgres"))]
#[doc(hidden)]
pub const POSTGRES_FAILPOINTS: &[&str] = &[
    "before-migration",
    "after-migration",
    "session-opened",
    "leases-renewed",
    "call-read",
    "before-write",
    "after-write",
    "rows-locked",
    "calls-written",
    "before-commit",
    "after-commit",
    "before-notify",
    "after-notify",
    "before-entry",
    "entry-written",
];

/// Calls `handler` with the name of each place that is reached from now on. The first handler
/// stays.
#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub fn on_failpoint(handler: fn(&'static str)) {
    // A second one is a mistake of the test, which then sees the first one's effect.
    let _first_stays = HANDLER.set(handler);
}

/// This place is reached.
#[cfg(feature = "failpoints")]
pub(crate) fn reach(name: &'static str) {
    if let Some(handler) = HANDLER.get() {
        handler(name);
    }
}

/// This place is reached.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn reach(_name: &'static str) {}
