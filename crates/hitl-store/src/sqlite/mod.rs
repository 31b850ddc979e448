//! One SQLite file as a store.
//!
//! - `open` prepares the file: it must be ours, undamaged, of this schema (`schema`), with its key
//!   (`host_key_file`). `inspect` looks at one without opening it.
//! - `writer` is the only thread that writes. It commits the `operation`s of many callers together:
//!   `submit`, `apply` and `multi_call`, or a `custom_write`; `acknowledge` answers the callers.
//! - `optimistic` prepares the `row`s on the callers' threads, from recently seen records.
//! - `reader` runs the `query`s beside the writer.
//! - `grants` keeps standing permissions, and the draws on them.
//! - `head` keeps the position of the newest write beside the file, by which an older copy is
//!   detected.
//! - `retention` erases old or named calls, unless one of the `holds` covers them; `scrub` removes
//!   their traces from the log. `decisions` keeps the call that each decision has counted for,
//!   `effects` the call that holds each effect.
//! - `backup` copies the file, and begins a new epoch in a copy.
//! - `rotation` and `key_rotation` replace the host's key.
//! - `journal` keeps the journal of long-running tasks.
//! - `session` knows which executors are alive; `watch` notices the changes of other processes.

mod acknowledge;
mod apply;
mod audit;
mod backup;
mod connect;
mod contract;
mod custom_write;
mod decisions;
mod effects;
mod erase;
mod error;
mod executors;
mod freeze;
mod grants;
mod head;
mod holds;
mod host_key_file;
mod inspect;
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
