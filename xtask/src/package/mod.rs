//! `cargo xtask package`: what our crates are published with.
//!
//! The rules are pure functions: `contents` over the files of a package, `manifest` over what its
//! Cargo.toml says, `order` over the list in RELEASING.md.

mod check;
mod contents;
mod manifest;
mod order;

pub(crate) use check::{build, check};
