//! One SQLite file as a store.
//!
//! - `open` makes the file fit for use: ours, whole, of this schema (`schema`), with its `key`.
//! - `writer` is the only thread that writes: it commits the `operation`s of many callers together.
//! - `reader` runs the `query`s beside it.
//! - `session` knows which executors are alive, `watch` what other processes changed.

mod error;
mod key;
mod open;
mod operation;
mod options;
mod query;
mod reader;
mod schema;
mod session;
mod store;
mod watch;
mod writer;

pub use options::SqliteOptions;
pub use store::SqliteStore;
