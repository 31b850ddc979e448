//! A gate with three tools, over MCP: one runs at once, one needs a quick yes, one a full review.
//! Tests drive it with real clients; each run of a body adds a line to a file.
//!
//! ```sh
//! cargo run -p hitl-mcp --features http --example fixture_server -- RUNS.txt --db hitl.db
//! ```

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::JsonText;
use hitl_core::call::{Permit, ToolConfig};
use hitl_core::dynamic::{DynArguments, DynSpec, DynTool};
use hitl_core::{Gate, HostKey, Risk};
use hitl_mcp::server::{Elicitation, Identity, McpServer, OnCancel, RunOf};
use hitl_store::SqliteStore;

const USAGE: &str =
    "usage: fixture_server RUNS_FILE [--db FILE] [--http ADDR] [--principal NAME] [--run NAME]
       [--hold MILLISECONDS] [--console-url URL] [--no-forms] [--withdraw-on-cancel]";

/// The arguments of the command line.
#[derive(Default)]
struct Settings {
    runs: PathBuf,
    db: Option<PathBuf>,
    http: Option<String>,
    principal: Option<String>,
    run: Option<String>,
    hold: Option<Duration>,
    console: Option<String>,
    no_forms: bool,
    withdraw: bool,
}

fn settings() -> Result<Settings, Box<dyn Error>> {
    let mut settings = Settings::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        match argument.as_str() {
            "--db" => settings.db = Some(value()?.into()),
            "--http" => settings.http = Some(value()?),
            "--principal" => settings.principal = Some(value()?),
            "--run" => settings.run = Some(value()?),
            "--hold" => settings.hold = Some(Duration::from_millis(value()?.parse()?)),
            "--console-url" => settings.console = Some(value()?),
            "--no-forms" => settings.no_forms = true,
            "--withdraw-on-cancel" => settings.withdraw = true,
            file if !file.starts_with('-') => settings.runs = file.into(),
            _ => return Err(USAGE.into()),
        }
    }
    if settings.runs.as_os_str().is_empty() { Err(USAGE.into()) } else { Ok(settings) }
}

/// A tool whose body adds a line to the file of runs: its name and its arguments, exactly.
fn tool(
    runs: &Arc<PathBuf>,
    name: &'static str,
    description: &str,
    schema: &str,
    config: ToolConfig,
) -> Result<DynTool, Box<dyn Error>> {
    let runs = Arc::clone(runs);
    let body = move |permit: Permit<DynArguments>| {
        let runs = Arc::clone(&runs);
        async move {
            let (arguments, _) = permit.open();
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&*runs)?;
            writeln!(file, "{name} {}", arguments.json())?;
            let output = match name {
                "read_note" => r#""a note""#.to_owned(),
                _ => format!(r#"{{"done":"{name}","arguments":{}}}"#, arguments.json()),
            };
            JsonText::new(output).map_err(std::io::Error::other)
        }
    };
    let spec = DynSpec::new(name, description).config(config);
    Ok(DynTool::new(spec, schema, body)?)
}

async fn gate(settings: &Settings) -> Result<Gate, Box<dyn Error>> {
    let runs = Arc::new(settings.runs.clone());
    let mut reads = ToolConfig::DEFAULT.risk(Risk::Low).base_confidence(99);
    reads.hints.read_only = true;
    let writes = ToolConfig::DEFAULT.risk(Risk::Medium).base_confidence(70);
    let mut deletes = ToolConfig::DEFAULT.risk(Risk::Critical).base_confidence(5);
    deletes.hints.destructive = true;
    let note = r#"{"type":"object","properties":{"text":{"type":"string"},"number":{"type":"number"}},"required":["text"]}"#;
    let id = r#"{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}"#;
    let empty = r#"{"type":"object","properties":{}}"#;
    let builder = Gate::builder()
        .dyn_tool(tool(&runs, "read_note", "Reads the note.", empty, reads)?)
        .dyn_tool(tool(&runs, "write_note", "Writes the note.", note, writes)?)
        .dyn_tool(tool(&runs, "delete_account", "Deletes an account.", id, deletes)?)
        .key(HostKey::from_bytes([7; 32]));
    let builder = match &settings.console {
        Some(url) => builder.console_url(url),
        None => builder,
    };
    Ok(match &settings.db {
        Some(db) => builder.store(SqliteStore::open(db).await?).build().await?,
        None => builder.build().await?,
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let settings = settings()?;
    let principal = settings.principal.as_deref().unwrap_or("ann");
    let keys = HostKey::from_bytes([7; 32]).into();
    let mut server = McpServer::builder(gate(&settings).await?, Identity::fixed(principal))
        .run(RunOf::fixed(settings.run.as_deref().unwrap_or("fixture")))
        .host_keys(&keys);
    if let Some(hold) = settings.hold {
        server = server.hold(hold);
    }
    if settings.no_forms {
        server = server.elicitation(Elicitation::Off);
    }
    if settings.withdraw {
        server = server.on_cancel(OnCancel::Withdraw);
    }
    let server = server.build()?;
    match &settings.http {
        None => server.serve_stdio().await?,
        Some(address) => serve_http(&server, address).await?,
    }
    Ok(())
}

#[cfg(feature = "http")]
async fn serve_http(server: &McpServer, address: &str) -> Result<(), Box<dyn Error>> {
    let service = server.http_service(hitl_mcp::server::HttpSettings::default());
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listening on http://{}/mcp", listener.local_addr()?);
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await?;
    Ok(())
}

#[cfg(not(feature = "http"))]
async fn serve_http(_: &McpServer, _: &str) -> Result<(), Box<dyn Error>> {
    Err("build it with the feature `http`".into())
}
