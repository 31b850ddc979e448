//! The store of a gateway, and the gate with its tools.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hitl_core::audit::JsonlAudit;
use hitl_core::{Gate, HostKeys, Principal, RuleFile, Store};
use hitl_store::SqliteStore;
use hitl_tasks::Journal;

use super::places::is_postgres;
use super::plan::Plan;
use crate::args::{BackendArgs, without_password};
use crate::backend::{open_postgres, read_keys};
use crate::commands::accept::acceptance_file;
use crate::exit::{Exit, Failure};

/// The agent in whose hands the client is: the name that [`hitl_mcp`] gives it.
const AGENT: &str = "mcp";

/// A store, and the gate over it.
pub(super) struct OpenGate {
    pub(super) gate: Gate,
    pub(super) journal: Arc<dyn Journal>,
    /// The keys of the store, which also seal what clients keep for the gateway.
    pub(super) keys: Option<HostKeys>,
}

/// Opens the store, which is created if there is none, and builds the gate. A call that names a
/// protected file is reviewed in full.
pub(super) async fn open(
    backend: &BackendArgs,
    plan: &Plan,
    protected: &[PathBuf],
    console_url: Option<&str>,
) -> Result<OpenGate, Failure> {
    // Before the store is created: the first load of a policy beside a new store is trusted.
    let policy = policy(backend, plan)?;
    let keys = backend.key_file.as_deref().map(read_keys).transpose()?;
    if is_postgres(&plan.db) {
        let store = open_postgres(&plan.db, keys, backend.schema.as_deref()).await?;
        return over(store, plan, policy, protected, console_url).await;
    }
    if backend.schema.is_some() {
        return Err(Failure::usage("only a PostgreSQL store has a schema: leave out --schema"));
    }
    let path = Path::new(&plan.db);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    }
    let mut options = SqliteStore::options();
    if let Some(keys) = keys {
        options = options.key(keys);
    }
    over(options.open(&plan.db).await?, plan, policy, protected, console_url).await
}

/// Opens the rule file. A version that relaxes the accepted one waits for a person, also here.
fn policy(backend: &BackendArgs, plan: &Plan) -> Result<Option<RuleFile>, Failure> {
    let Some(file) = &plan.policy else { return Ok(None) };
    let kept = acceptance_file(backend, file, false.into())?;
    let opened = RuleFile::options(file).acceptance(kept).open();
    if let Some(problem) = opened.status().problem {
        return Err(Failure::new(Exit::Usage, format!("{}: {problem}", file.display())));
    }
    Ok(Some(opened))
}

async fn over(
    store: impl Store + Journal + Clone,
    plan: &Plan,
    policy: Option<RuleFile>,
    protected: &[PathBuf],
    console_url: Option<&str>,
) -> Result<OpenGate, Failure> {
    let keys = Store::host_keys(&store);
    let db = without_password(&plan.db);
    let mut gate = Gate::builder()
        .store(store.clone())
        .on_notice(move |notice| tracing::info!("{notice} (store: {db})"));
    if !plan.four_eyes {
        gate = gate.requester_may_decide_for(Principal::agent(AGENT));
    }
    if let Some(policy) = policy {
        gate = gate.policy(policy);
    }
    for file in protected {
        gate = gate.protect(file);
    }
    if let Some(url) = console_url {
        gate = gate.console_url(url);
    }
    if let Some(folder) = &plan.audit {
        let log = JsonlAudit::in_folder(folder)
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        gate = gate.audit(log);
    }
    Ok(OpenGate { gate: gate.build().await?, journal: Arc::new(store), keys })
}
