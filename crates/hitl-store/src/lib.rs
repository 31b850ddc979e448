//! Durable stores for hitl, which puts a human in the loop of AI agents. Applications use the
//! facade [`hitl`](https://docs.rs/hitl), which re-exports both by its features.
//!
//! - `SqliteStore` (feature `sqlite`, the default) keeps calls in one SQLite file, for one machine
//!   and as many processes on it as you like; the same file is a journal of long-running tasks.
//! - `PostgresStore` (feature `postgres`) keeps calls in PostgreSQL: several replicas of an app
//!   share one queue, and one journal.
//!
//! Both pass the contract suite of `hitl-core`, and their files have the same names.

// On docs.rs, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod failpoint;
mod freeze;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod inspection;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod journal;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod known_keys;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod record_cache;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(all(feature = "sqlite", feature = "failpoints"))]
#[doc(hidden)]
pub use failpoint::FAILPOINTS;
#[cfg(all(feature = "postgres", feature = "failpoints"))]
#[doc(hidden)]
pub use failpoint::POSTGRES_FAILPOINTS;
#[cfg(all(any(feature = "postgres", feature = "sqlite"), feature = "failpoints"))]
#[doc(hidden)]
pub use failpoint::on_failpoint;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use inspection::{StoreIdentity, StoreInspection, StoreState};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore, ScratchSchema};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteAudit, SqliteOptions, SqliteStore};
