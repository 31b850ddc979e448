//! The state that all connections of a server share.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use hitl_core::Gate;
use hitl_core::seal::RandomnessError;
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::builder::{Executor, McpServerBuilder, StateKey};
use super::call_client::CallClients;
use super::capacity::Capacity;
use super::features::ServerFeatures;
use super::identity::Identity;
use super::options::{Elicitation, OnCancel};
use super::run::RunOf;
use super::state::StateCodec;

/// The state that all connections of a server share.
pub(super) struct Shared {
    pub(super) gate: Gate,
    pub(super) identity: Identity,
    pub(super) run: RunOf,
    pub(super) elicitation: Elicitation,
    pub(super) on_cancel: OnCancel,
    pub(super) hold: Duration,
    pub(super) console_url: Option<String>,
    pub(super) features: Arc<dyn ServerFeatures>,
    pub(super) clients: CallClients,
    pub(super) codec: StateCodec,
    pub(super) capacity: Capacity,
    /// The number of changes of the list of tools.
    pub(super) tools_changed: watch::Sender<u64>,
    implementation: Implementation,
    instructions: Option<String>,
    executor: Executor,
    executing: OnceLock<AbortHandle>,
}

impl Shared {
    pub(super) fn new(settings: McpServerBuilder) -> Result<Self, RandomnessError> {
        let codec = match settings.state {
            StateKey::Of(codec) => codec,
            StateKey::OfProcess => StateCodec::of_process()?,
        };
        Ok(Self {
            gate: settings.gate,
            identity: settings.identity,
            run: settings.run,
            elicitation: settings.elicitation,
            on_cancel: settings.on_cancel,
            hold: settings.hold,
            console_url: settings.console_url,
            features: settings.features,
            clients: settings.clients,
            codec,
            capacity: Capacity::default(),
            tools_changed: watch::Sender::new(0),
            implementation: settings.implementation,
            instructions: settings.instructions,
            executor: settings.executor,
            executing: OnceLock::new(),
        })
    }

    /// Returns what the server says of itself.
    pub(super) fn info(&self) -> ServerConfig {
        let own = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_tasks()
            .build();
        let named = self.features.implementation().unwrap_or_else(|| self.implementation.clone());
        let info = ServerConfig::new(self.features.capabilities(own)).with_server_info(named);
        match self.features.instructions().or_else(|| self.instructions.clone()) {
            Some(instructions) => info.with_instructions(instructions),
            None => info,
        }
    }

    /// Begins to run approved calls that nobody waits for, until the server is dropped.
    pub(super) fn begin_executing(&self) {
        if self.executor == Executor::Here {
            self.executing.get_or_init(|| {
                let gate = self.gate.clone();
                tokio::spawn(async move { gate.serve().await }).abort_handle()
            });
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(executing) = self.executing.get() {
            executing.abort();
        }
    }
}
