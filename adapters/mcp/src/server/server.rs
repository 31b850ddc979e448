//! The server, and the ways to serve.

use std::fmt;
use std::sync::Arc;

use hitl_core::Gate;
use rmcp::ServiceExt as _;
use rmcp::service::{QuitReason, ServerInitializeError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::builder::McpServerBuilder;
use super::handler::Handler;
use super::identity::Identity;
use super::shared::Shared;
use super::transport::{LineTransport, MAX_LINE};

/// An MCP server over a gate. Cheap to clone; clones are the same server.
#[derive(Clone)]
pub struct McpServer {
    shared: Arc<Shared>,
}

impl McpServer {
    /// Begins a server of the tools of this gate. `identity` says who calls: there is no default.
    pub fn builder(gate: Gate, identity: Identity) -> McpServerBuilder {
        McpServerBuilder::new(gate, identity)
    }

    pub(super) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    #[cfg(feature = "http")]
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Says that the tools of the gate have changed, so that clients that listen list them again.
    /// For hosts that replace tools while the gate lives.
    pub fn tools_changed(&self) {
        self.shared.tools_changed.send_modify(|changes| *changes += 1);
    }

    /// Serves one client on standard input and output, until it closes them. Nothing else of the
    /// process may write to standard output.
    ///
    /// # Errors
    /// The client does not speak the protocol, or goes away during the handshake.
    pub async fn serve_stdio(&self) -> Result<(), ServeError> {
        let (read, write) = rmcp::transport::stdio();
        self.serve(read, write).await
    }

    /// Serves one client on any pair of streams, one message per line, until the client closes
    /// its own.
    ///
    /// Cancel safe: dropping the future ends the connection. Calls that wait go on waiting, and
    /// bodies that run continue to their end.
    ///
    /// # Errors
    /// The client does not speak the protocol, or goes away during the handshake.
    pub async fn serve<R, W>(&self, read: R, write: W) -> Result<(), ServeError>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        self.shared.begin_executing();
        let handler = Handler::new(Arc::clone(&self.shared));
        let stop = CancellationToken::new();
        let _stop = stop.clone().drop_guard();
        let transport = LineTransport::new(read, write, MAX_LINE);
        let served = Box::pin(handler.serve_with_ct(transport, stop)).await;
        let running = served.map_err(ServeError::handshake)?;
        match running.waiting().await {
            Ok(QuitReason::JoinError(error)) | Err(error) => Err(ServeError::ended(&error)),
            Ok(_) => Ok(()),
        }
    }
}

impl fmt::Debug for McpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "McpServer({:?}, {:?})", self.shared.gate, self.shared.identity)
    }
}

/// The error of a connection that could not be served. Nothing of it is sent to the client.
#[derive(Debug, thiserror::Error)]
#[error("the MCP client is not served: {message}")]
pub struct ServeError {
    message: String,
    #[source]
    source: Option<Box<ServerInitializeError>>,
}

impl ServeError {
    fn handshake(error: ServerInitializeError) -> Self {
        let message = match &error {
            ServerInitializeError::ConnectionClosed(_) => {
                "it closed the connection before it said which protocol it speaks".to_owned()
            }
            ServerInitializeError::ExpectedInitializeRequest(_) => {
                "its first message was no `initialize` and no request of 2026-07-28".to_owned()
            }
            _ => "the handshake failed".to_owned(),
        };
        Self { message, source: Some(Box::new(error)) }
    }

    fn ended(error: &tokio::task::JoinError) -> Self {
        Self { message: format!("serving it ended early: {error}"), source: None }
    }
}
