//! Starts and stops a gateway.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hitl_core::{CallContext, Tenant};
use hitl_mcp::gateway::{Gateway, UpstreamSpec};
use hitl_mcp::pins::PinFile;
use hitl_mcp::server::{CallClients, Elicitation, Identity, McpServer, RunOf};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::args::McpOptions;
use super::console::ConsoleSocket;
use super::gate;
use super::places::{data_folder, is_postgres};
use super::plan::{Plan, Surroundings};
use super::run_slot::RunSlot;
use crate::args::{BackendArgs, without_password};
use crate::commands::system_user;
use crate::exit::{Exit, Failure};
use crate::serve::stopped;

/// How long the end waits for records that are on their way.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// Returns what the surroundings say where the options are silent.
pub(super) fn surroundings(backend: &BackendArgs) -> Surroundings {
    Surroundings {
        db: backend.db.clone(),
        data_folder: data_folder(|name| std::env::var(name).ok()),
        user: system_user(),
    }
}

/// Serves until the client closes its stream, or a signal comes.
pub(super) async fn run(
    backend: &BackendArgs,
    options: McpOptions,
    config: Option<PathBuf>,
    command: Vec<String>,
) -> Result<(), Failure> {
    log_to_stderr();
    let tenant = tenant_of(backend)?;
    let plan = Plan::new(options, command, surroundings(backend))?;
    let stop = stopped()?;
    tokio::pin!(stop);
    let socket = match &plan.console {
        Some(console) => Some(ConsoleSocket::bind(console).await?),
        None => None,
    };
    let url = socket.as_ref().map(ConsoleSocket::url);
    let slot = match &plan.run {
        Some(_) => None,
        None => Some(take_slot(&plan, &tenant)?),
    };
    let mut protected = plan.files();
    protected.extend(config);
    protected.extend(backend.key_file.clone());
    protected.extend(slot.as_ref().map(|slot| slot.path().to_owned()));
    let open = gate::open(backend, &plan, &protected, url.as_deref()).await?;
    let (mut beside, stopping) = (JoinSet::new(), CancellationToken::new());
    if let Some(socket) = socket {
        socket.serve(&open, &plan, &tenant, &mut beside, stopping.clone())?;
    }
    let clients = CallClients::default();
    let pins = PinFile::new(&plan.pins);
    let mut gateway =
        Gateway::builder(open.gate.clone(), clients.clone(), pins).first_use(plan.first_use);
    for upstream in plan.upstreams.iter().cloned() {
        gateway = gateway.upstream(upstream);
    }
    let mut gateway =
        gateway.start().await.map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let db = without_password(&plan.db);
    tracing::info!(%db, pins = %plan.pins.display(), principal = %plan.principal, "a gateway has started");
    let context = CallContext::new(plan.principal.as_str()).tenant(tenant.clone());
    let run = match (&slot, &plan.run) {
        (Some(slot), _) => slot.run().clone(),
        (None, named) => named.as_deref().unwrap_or_default().into(),
    };
    let elicitation = if plan.elicitation { Elicitation::Quick } else { Elicitation::Off };
    let mut server = McpServer::builder(open.gate.clone(), Identity::fixed(context))
        .run(RunOf::fixed(run.clone()))
        .elicitation(elicitation)
        .features(gateway.features())
        .clients(clients);
    if let Some(hold) = plan.hold {
        server = server.hold(hold);
    }
    if let Some(keys) = &open.keys {
        server = server.host_keys(keys);
    }
    let server = server.build().map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    gateway.announce_to(server.clone());
    let (end, is_signal) = tokio::select! {
        end = server.serve_stdio() => (end, false),
        () = &mut stop => (Ok(()), true),
    };
    stopping.cancel();
    // A client that has closed the stream sends a signal if it waits for long: a call that somebody
    // approved runs to its end all the same.
    let impatient = async {
        if !is_signal {
            stop.await;
        }
        match stopped() {
            Ok(again) => again.await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = gateway.close() => {}
        () = impatient => tracing::warn!("ended before the calls that run"),
    }
    if let Some(slot) = slot {
        slot.end_if_over(&open.gate, &tenant).await;
    }
    let flushed = tokio::time::timeout(FLUSH_LIMIT, open.gate.flush_audit()).await;
    if let Ok(flushed) = flushed {
        flushed?;
    }
    end.map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}

/// Takes the run of gateways with these servers for this person.
fn take_slot(plan: &Plan, tenant: &Tenant) -> Result<RunSlot, Failure> {
    let near = Path::new(&plan.db);
    let folder = if is_postgres(&plan.db) {
        data_folder(|name| std::env::var(name).ok())
            .ok_or_else(|| Failure::usage("name the run: --run NAME"))?
            .join("mcp-runs")
    } else {
        let mut name = near.as_os_str().to_owned();
        name.push(".mcp-runs");
        name.into()
    };
    let servers: Vec<_> = plan.upstreams.iter().map(UpstreamSpec::pin_name).collect();
    let description = format!("{servers:?} {} {tenant}", plan.principal);
    RunSlot::take(&folder, &description).map_err(|error| Failure::file(&folder, &error))
}

/// Returns the tenant of `--tenant`.
fn tenant_of(backend: &BackendArgs) -> Result<Tenant, Failure> {
    if backend.url.is_some() {
        return Err(Failure::usage("a gateway needs the store itself: --db, not --url"));
    }
    match backend.tenant.as_slice() {
        [] => Ok(Tenant::default()),
        [one] => Ok(Tenant::new(one.as_str())),
        _ => Err(Failure::usage("the calls are of one tenant: give --tenant once")),
    }
}

/// Logs to standard error what the operator of a gateway has to know: standard output belongs to
/// the protocol. The audit goes to its folder, not here.
fn log_to_stderr() {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt as _;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let targets = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets([("hitl::mcp", LevelFilter::INFO), ("hitl_mcp", LevelFilter::INFO)]);
    let subscriber = tracing_subscriber::registry().with(lines).with(targets);
    // It is set once; a second one would change nothing.
    let _set = tracing::subscriber::set_global_default(subscriber);
}
