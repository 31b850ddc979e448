//! A gateway: any MCP servers behind a gate.
//!
//! ```text
//! client -> McpServer -> gate -> body of the tool -> upstream server
//!               '-- resources, prompts, .. -----------'
//! ```
//!
//! Each tool of an upstream becomes a run-time tool of the gate, whose body sends the exact text of
//! the approved arguments. Everything else that a server offers is passed on.
//!
//! | file | what is there |
//! |---|---|
//! | `running` | the gateway and its settings |
//! | `spec`, `tool_settings` | an upstream and its tools as the operator names them |
//! | `supervisor`, `back_off`, `link` | the connection to an upstream: started, listed, started again |
//! | `child`, `outstanding` | the transport to a child process |
//! | `http` | the transport to a server behind a URL |
//! | `wire`, `answer` | exact texts of requests and answers, and what they mean: pure |
//! | `assembly`, `gated_tool`, `catalog` | tools, compared with the pins and put into the gate |
//! | `withheld` | why a tool is not served, for the model that calls it: pure |
//! | `call`, `in_flight` | one call at its upstream |
//! | `handler`, `notices`, `sampling` | what upstreams say and ask of their own accord |
//! | `features` | resources, prompts, completions, logging and subscriptions, passed on |

mod answer;
mod assembly;
mod back_off;
mod call;
mod catalog;
mod child;
mod features;
mod gated_tool;
mod handler;
mod http;
mod in_flight;
mod link;
mod notices;
mod outstanding;
mod running;
mod sampling;
mod spec;
mod supervisor;
mod tool_settings;
mod upstream;
mod wire;
mod withheld;

pub use assembly::FirstUse;
pub use child::UpstreamCommand;
pub use http::{BearerToken, HttpUpstream, UpstreamUrlError};
pub use running::{Gateway, GatewayBuilder, GatewayError};
pub use sampling::Sampling;
pub use spec::UpstreamSpec;
pub use tool_settings::ToolSettings;
