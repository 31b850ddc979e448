//! One SQLite file as a store.
//!
//! - `open` makes the file fit for use: ours, whole, of this schema (`schema`), with its key
//!   (`host_key_file`).
//! - `writer` is the only thread that writes. It commits the `operation`s of many callers together:
//!   `submit`, `apply` and `multi_call`, or a `custom_write`; `acknowledge` answers the callers.
//! - `optimistic` prepares on the callers' threads the `row`s that recent records lead to.
//! - `reader` runs the `query`s beside the writer.
//! - `grants` keeps standing permissions, and what is drawn on them.
//! - `head` keeps the position of the newest write beside the file: an older copy is noticed by it.
//! - `retention` erases what is old or named, unless one of the `holds` covers it; `scrub` removes
//!   its traces from the log. `decisions` keeps for which call each has counted.
//! - `backup` copies the file, and begins a new epoch in a copy.
//! - `rotation` and `key_rotation` replace the host's key.
//! - `journal` keeps the journal of long-running tasks.
//! - `session` knows which executors are alive; `watch` notices the changes of other processes.

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
