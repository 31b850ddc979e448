//! MCP for hitl: serves the tools of a gate over MCP.
//!
//! | module | contents |
//! |---|---|
//! | [`server`] | an MCP server over a gate |
//! | `gateway` | any MCP servers behind a gate (feature `gateway`) |
//! | `install` | wraps the servers in a client's configuration (feature `install`) |
//! | [`pins`] | definitions of tools that a person has approved |

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "gateway")]
#[cfg_attr(docsrs, doc(cfg(feature = "gateway")))]
pub mod gateway;
mod id_scan;
#[cfg(feature = "install")]
#[cfg_attr(docsrs, doc(cfg(feature = "install")))]
pub mod install;
mod lines;
pub mod pins;
pub mod server;

/// The version of `rmcp` whose types are in this crate's interfaces.
pub use rmcp;
