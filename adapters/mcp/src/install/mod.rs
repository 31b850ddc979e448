//! Wraps the servers in an MCP client's configuration, so that their calls pass through hitl.
//!
//! All of it is text to text; the caller reads and writes the file. Only the places that
//! name a server's command change; comments, order and space stay, and [`unwrap`] gives the same
//! bytes back.
//!
//! | file | what is there |
//! |---|---|
//! | `clients` | where clients keep their configuration, and its shape |
//! | `sites` | the places in a text that name servers |
//! | `json`, `toml` | how they are found in either language |
//! | `wrapping` | what is written there, and how it is taken back |

mod clients;
mod json;
mod sites;
mod toml;
mod wrapping;

pub use clients::{ClientConfig, ClientSystem};
pub use sites::ConfigError;
pub use wrapping::{ServerChange, WrapResult, Wrapper, unwrap};
