//! PostgreSQL as a store: several replicas of an app share one queue.
//!
//! - `open` prepares the database: it must be ours, of this schema (`schema`), under this key, on a
//!   `server` that keeps what it acknowledges. `inspect` looks at one without opening it.
//! - `database` sends a `statement` over a pool (`connect`), and `retry` bounds the attempts.
//! - `shared` is the state that clones of the store share.
//! - `operation` writes one call: it reads the record, asks the pure state machine, and sends a
//!   compare-and-set (`write`).
//! - `optimistic` skips the read of a record that this store has just seen, using the server's time
//!   that `clock_estimate` has.
//! - `multi_call` writes changes that take several statements, in one `transaction`: draws on one
//!   of the `grants`, and events of several calls.
//! - `query` reads; `row` decodes.
//! - `retention` erases old data; `backup` begins a new epoch in a restored database.
//! - `scratch` is a schema for trials, dropped afterwards.
//! - `rotation` replaces the host's key; `seal_check` refuses a process whose key was retired.
//! - `journal` keeps the journal of long-running tasks.
//! - `session` knows which executors are alive, by leases in the database's time.
//! - `watch` carries hints between replicas.

mod backup;
mod clock_estimate;
mod connect;
mod database;
mod decisions;
mod effects;
mod error;
mod executors;
mod freeze;
mod grants;
mod holds;
mod inspect;
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
mod scratch;
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
pub use scratch::ScratchSchema;
pub use store::PostgresStore;
