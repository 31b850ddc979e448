//! The SQLite store, its journal and its audit, in one process.

mod backup;
mod bad_files;
mod columns;
mod contract;
mod journal;
mod operations;
