//! The console over HTTP, without a browser.

mod api;
mod events;
mod grants;
mod kept;
mod page;
mod safety;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
mod wire;
