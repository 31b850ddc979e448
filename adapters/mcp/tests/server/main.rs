//! An MCP server over a gate, driven by raw JSON-RPC of both eras.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod answers;
mod attaching;
mod bodies;
mod capacity;
mod client;
mod exact;
mod forms;
mod hostile;
#[cfg(feature = "http")]
mod http;
mod restart;
mod tasks;
mod tools;
