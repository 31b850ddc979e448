//! hitl-mcp under MCP's official clients, servers and conformance suite, as real processes.
//!
//! `cargo xtask test` installs them; `cargo xtask mcp-clients` does it for a single test. Without
//! them a test reports loudly that it was skipped; where `HITL_REQUIRE_MCP_CLIENTS` or `CI` is set,
//! it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod answers;
mod client;
mod conformance;
mod filesystem;
mod gateway;
mod installed;
mod lines;
mod numbers;
mod pins;
mod program;
mod raw;
mod replay;
mod restart;
mod rig;
mod timeouts;
mod upstream;
