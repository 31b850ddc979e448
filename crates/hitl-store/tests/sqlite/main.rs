//! The SQLite store, its journal and its audit, in one process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation fails the test"
)]

mod backup;
mod bad_files;
mod columns;
mod contract;
mod journal;
mod operations;
