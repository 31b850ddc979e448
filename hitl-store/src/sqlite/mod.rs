//! One SQLite file as a store.
//!
//! - `open` makes the file fit for use: ours, whole, of this schema (`schema`), with its `key`.
//! - `writer` is the only thread that writes: it commits the `operation`s of many callers together;
//!   `together` is the one that changes several calls; `answers` tells the callers.
//! - `ready` works out on the callers' threads what recent records lead to, as `row`s.
//! - `reader` runs the `query`s beside it.
//! - `grants` keeps standing permissions, and what is drawn on them.
//! - `head` keeps beside the file how far it has come, so that an older copy is noticed.
//! - `retention` erases what is old or named, unless one of the `holds` covers it; `scrub` takes
//!   its traces out of the log. `decisions` keeps for which call each has counted.
//! - `backup` copies the file, and holds what a copy cannot know.
//! - `journal` keeps what long-running tasks have done.
//! - `session` knows which executors are alive, `watch` what other processes changed.

mod answers;
mod audit;
mod backup;
mod decisions;
mod erase;
mod error;
mod executors;
mod grants;
mod head;
mod holds;
mod journal;
mod key;
mod open;
mod operation;
mod options;
mod outbox;
mod query;
mod queue;
mod reader;
mod ready;
mod retention;
mod rotation;
mod row;
mod schema;
mod scrub;
mod session;
mod store;
mod together;
mod watch;
mod work;
mod writer;

pub use audit::SqliteAudit;
pub use options::SqliteOptions;
pub use store::SqliteStore;
