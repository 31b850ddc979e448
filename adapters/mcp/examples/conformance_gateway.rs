//! A gateway that asks about nothing, over HTTP, for MCP's conformance suite: what passes
//! before the server alone has to pass before the gateway.
//!
//! ```text
//! cargo run -p hitl-mcp --all-features --example conformance_gateway -- COMMAND ARGS..
//! ```
//!
//! It believes what the server says of its tools, so that those that only read run unasked. It
//! prints its URL as a line of JSON.

use std::error::Error;

use hitl_core::Gate;
use hitl_core::dynamic::AnnotationTrust;
use hitl_mcp::gateway::{FirstUse, Gateway, UpstreamCommand, UpstreamSpec};
use hitl_mcp::pins::PinFile;
use hitl_mcp::server::{CallClients, HttpSettings, Identity, McpServer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let program = words.next().ok_or("name the command that starts the server")?;
    let folder = tempfile::tempdir()?;
    let (gate, clients) = (Gate::builder().build().await?, CallClients::default());
    let upstream = UpstreamSpec::command("conformance", UpstreamCommand::new(program, words))
        .trust(AnnotationTrust::Believe);
    let pins = PinFile::new(folder.path().join("pins.json"));
    let gateway = Gateway::builder(gate.clone(), clients.clone(), pins)
        .first_use(FirstUse::Pin)
        .upstream(upstream)
        .start()
        .await?;
    let server = McpServer::builder(gate, Identity::fixed("suite"))
        .clients(clients)
        .features(gateway.features())
        .build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let service = server.http_service(HttpSettings::default().origins([&origin]));
    println!(r#"{{"url": "{origin}/mcp"}}"#);
    let router = axum::Router::new().nest_service("/mcp", service);
    axum::serve(listener, router)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    gateway.close().await;
    Ok(())
}
