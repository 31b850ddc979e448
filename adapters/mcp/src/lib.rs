//! MCP for hitl: serves the tools of a gate over MCP.
//!
//! | module | contents |
//! |---|---|
//! | [`server`] | an MCP server over a gate |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod server;

/// The version of `rmcp` whose types are in this crate's interfaces.
pub use rmcp;
