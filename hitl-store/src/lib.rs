//! Durable stores for hitl.
//!
//! - `SqliteStore` (feature `sqlite`, the default) keeps calls in one SQLite file, for one machine and
//!   as many processes on it as you like.
//! - `PostgresStore` (feature `postgres`) keeps them in PostgreSQL: several replicas of an app share
//!   one queue.
//!
//! Both pass the contract suite of `hitl-core`, and their files have the same names.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
