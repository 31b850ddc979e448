//! Durable stores for hitl.
//!
//! [`SqliteStore`] keeps calls in one SQLite file, for one machine and as many processes on it as
//! you like. It passes the contract suite of `hitl-core`, and, as a journal of long-running tasks, that
//! of `hitl-tasks`.

mod failpoint;
mod sqlite;

#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub use failpoint::{FAILPOINTS, on_failpoint};

pub use sqlite::{SqliteOptions, SqliteStore};
