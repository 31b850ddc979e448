//! An MCP server over a gate: its tools, each call of which is scored, asked about, queued and
//! audited like any other.
//!
//! ```no_run
//! use hitl_core::Gate;
//! use hitl_mcp::server::{Identity, McpServer};
//!
//! # async fn serve(gate: Gate) -> Result<(), Box<dyn std::error::Error>> {
//! McpServer::builder(gate, Identity::fixed("ann")).build()?.serve_stdio().await?;
//! # Ok(())
//! # }
//! ```
//!
//! One server speaks with clients of every version of the protocol from 2024-11-05 to 2026-07-28.
//!
//! # A call that waits for a person
//! The first of these that the client and the call allow:
//!
//! 1. The client's user is asked by a form, if one quick approval is enough: by `input_required`
//!    (2026-07-28) or `elicitation/create` (before). A decision that is made elsewhere meanwhile
//!    counts too.
//! 2. The call becomes a task, if the client declared the tasks extension. Its id is that of the
//!    call, so that it outlives the server.
//! 3. The answer is held back for a while, with progress: [`McpServerBuilder::hold`].
//! 4. The answer says that the call waits, and where it is decided. The same call again attaches to
//!    the one that waits, or gets its outcome.
//!
//! | file | contents |
//! |---|---|
//! | `server`, `builder`, `identity`, `run`, `options` | the server and its settings |
//! | `features`, `call_client` | the seams for a gateway |
//! | `handler` | the methods of the protocol |
//! | `transport`, `message`, `arguments` | lines of a stream as messages, with exact arguments |
//! | `http`, `session_owners` | the tower service, and whose its sessions are |
//! | `complete` | results of older upstreams say that they are complete: pure |
//! | `tools`, `results`, `pending` | entries of `tools/list`, outcomes and waiting calls as answers: pure |
//! | `call`, `drive`, `step`, `resume` | one `tools/call`, from its arguments to its answer |
//! | `way`, `form`, `form_text` | how a client is asked, in which words, and what its answer says: pure |
//! | `state` | the sealed state of a question |
//! | `tasks` | calls by their ids |
//! | `open_call`, `progress`, `question`, `sampling`, `cancellations` | what passes between a body and the client of its call |
//! | `capacity`, `open_requests` | how much is served at a time, and how much one client may ask for |
//! | `delivery`, `delivering_body` | whether an outcome has reached its client |

mod arguments;
mod builder;
mod call;
mod call_client;
mod cancellations;
mod capacity;
mod complete;
#[cfg(feature = "http")]
mod delivering_body;
mod delivery;
mod drive;
mod features;
mod form;
mod form_text;
mod handler;
#[cfg(feature = "http")]
mod http;
mod identity;
mod intake;
mod message;
mod open_call;
mod open_requests;
mod options;
mod pending;
mod progress;
mod question;
mod results;
mod resume;
mod run;
mod sampling;
#[expect(clippy::module_inception, reason = "the file is named after its type")]
mod server;
#[cfg(feature = "http")]
mod session_owners;
mod shared;
mod state;
mod step;
mod tasks;
mod tools;
mod transport;
mod way;

#[cfg(feature = "http")]
pub use self::http::{HttpSettings, McpHttpService};
pub use builder::McpServerBuilder;
pub use call_client::{CallClient, CallClients};
pub use features::{ServerFeatures, ToolsOnly};
pub use identity::{Caller, Identity, UnknownCaller};
pub use options::{Elicitation, OnCancel};
pub use run::RunOf;
pub use sampling::SamplingRefusal;
pub use server::{McpServer, ServeError};
pub use state::WeakStateKey;
