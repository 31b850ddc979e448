//! One SQLite file as a store.
//!
//! - `open` makes the file fit for use: ours, whole, of this schema (`schema`), with its `key`.
//! - `writer` is the only thread that writes: it commits the `operation`s of many callers together;
//!   `together` is the one that changes several calls; `answers` tells the callers.
//! - `optimistic` works out on the callers' threads what recent records lead to, as `row`s.
//! - `reader` runs the `query`s beside it.
//! - `grants` keeps standing permissions, and what is drawn on them.
//! - `head` keeps beside the file how far it has come, so that an older copy is noticed.
//! - `retention` erases what is old or named, unless one of the `holds` covers it; `scrub` takes
//!   its traces out of the log. `decisions` keeps for which call each has counted.
//! - `backup` copies the file, and holds what a copy cannot know.
//! - `journal` keeps what long-running tasks have done.
//! - `session` knows which executors are alive, `watch` what other processes changed.

mod acknowledge;
mod apply;
mod audit;
mod backup;
mod connect;
mod custom_write;
mod decisions;
mod erase;
mod error;
mod executors;
mod grants;
mod head;
mod holds;
mod host_key_file;
mod journal;
mod key_rotation;
mod metadata;
mod multi_call;
mod open;
mod operation;
mod optimistic;
mod options;
mod outbox;
#[cfg(test)]
mod plan_tests;
mod query;
mod queue;
mod reader;
mod retention;
mod rotation;
mod row;
mod schema;
mod scrub;
mod session;
mod shared;
mod store;
mod submit;
mod watch;
mod write;
mod writer;

pub use audit::SqliteAudit;
pub use options::SqliteOptions;
pub use store::SqliteStore;
