//! The console over HTTP, without a browser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation fails the test"
)]

mod api;
mod attention;
mod channels;
mod directing;
mod edits;
mod events;
mod freezes;
mod grace;
mod grants;
mod health;
mod kept;
mod page;
mod preview;
mod safety;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
mod tenants;
mod wire;
