//! PostgreSQL as a store: several replicas of an app share one queue.
//!
//! - `open` makes the database fit for use: ours, of this schema (`schema`), under this key.
//! - `database` is the way there: a pool (`connect`), statements, and how often one tries again.
//! - `operation` writes: it reads a record, asks the pure machine, and compares and sets
//!   (`change`).
//! - `ready` spares the read of what this store has just seen, by the time that it `clock_estimate`.
//! - `together` writes what takes several statements, in one `transaction`: what draws on one of
//!   the `grants`, and events of several calls.
//! - `query` reads.
//! - `retention` erases what is old; `backup` holds what a database that was put back cannot know.
//! - `journal` keeps what long-running tasks have done.
//! - `session` knows which executors are alive, by leases in the database's time.
//! - `watch` carries hints between replicas.

mod backup;
mod clock_estimate;
mod connect;
mod database;
mod decisions;
mod error;
mod executors;
mod grants;
mod holds;
mod journal;
mod metadata;
mod multi_call;
mod open;
mod operation;
mod optimistic;
mod options;
mod outbox;
mod query;
mod queue;
mod retention;
mod retry;
mod rotation;
mod row;
mod schema;
mod seal_check;
mod server;
mod session;
mod shared;
mod statement;
mod statements;
mod store;
mod transaction;
mod watch;
mod write;

pub use options::PostgresOptions;
pub use store::PostgresStore;
