//! Named places between two steps where a test may end the process.
//!
//! Without the feature `failpoints` they compile to nothing.

#[cfg(feature = "failpoints")]
use std::sync::OnceLock;

#[cfg(feature = "failpoints")]
static HANDLER: OnceLock<fn(&'static str)> = OnceLock::new();

/// The failpoints of the SQLite store, for tests that visit all of them.
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

/// The failpoints of the PostgreSQL store. Most of its statements are transactions of their own, so
/// the failpoints lie between statements.
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

/// Calls `handler` with the name of each failpoint that is reached from now on. The first handler
/// stays.
#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub fn on_failpoint(handler: fn(&'static str)) {
    // A second handler is a mistake of the test, which then sees the effect of the first one.
    let _first_stays = HANDLER.set(handler);
}

/// Reports that this failpoint is reached.
#[cfg(feature = "failpoints")]
pub(crate) fn reach(name: &'static str) {
    if let Some(handler) = HANDLER.get() {
        handler(name);
    }
}

/// Does nothing: the feature `failpoints` is off.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn reach(_name: &'static str) {}
