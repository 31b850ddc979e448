//! Annotated tools, as the macro generates them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation fails the test"
)]

mod edits;
mod nested_secrets;
mod preview;
mod reconcile;
mod run;
mod service;
mod tool;
