//! A gate for MCP's conformance suite, over HTTP: with the tools that the suite calls, and a
//! reviewer who decides by a rule.
//!
//! ```text
//! cargo run -p hitl-mcp --all-features --example conformance_server
//! ```
//!
//! It prints its URL as a line of JSON.

mod reviewer;
mod tools;

use std::error::Error;

use hitl_core::Gate;
use hitl_mcp::server::{CallClients, HttpSettings, Identity, McpServer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clients = CallClients::default();
    let (notices, waiting) = reviewer::waiting_calls();
    // The suite asks for tasks of a person's, and nobody else is there who could approve.
    let mut builder = Gate::builder().requester_may_decide().on_notice(notices);
    for tool in tools::all(&clients)? {
        builder = builder.dyn_tool(tool);
    }
    let gate = builder.build().await?;
    tokio::spawn(reviewer::decide(gate.clone(), waiting));
    let server = McpServer::builder(gate, Identity::fixed("suite")).clients(clients).build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let service = server.http_service(HttpSettings::default().origins([&origin]));
    println!(r#"{{"url": "{origin}/mcp"}}"#);
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await?;
    Ok(())
}
