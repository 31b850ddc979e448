//! The page in a real browser: Chromium, driven through its web driver.
//!
//! Without them, and without axe-core for the accessibility test, a test reports loudly that it was
//! skipped; where `HITL_REQUIRE_BROWSER` or `CI` is set, it fails. `cargo xtask test` installs
//! them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod cards;
mod connection;
mod deciding;
mod directing;
mod driver;
mod embedded;
mod freezing;
mod granting;
mod keyboard;
mod many;
mod payloads;
mod queue;
mod safety;
mod screen;
mod server;
mod shots;
mod values;
mod views;
