//! The settings of a server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_core::{Gate, HostKeys};
use rmcp::model::Implementation;

use super::call_client::CallClients;
use super::features::{ServerFeatures, ToolsOnly};
use super::identity::Identity;
use super::options::{Elicitation, OnCancel};
use super::run::RunOf;
use super::server::McpServer;
use super::shared::Shared;
use super::state::{StateCodec, WeakStateKey};

/// The time for which a call is held: shorter than the 60 seconds after which clients give up.
const HOLD: Duration = Duration::from_secs(45);

/// The settings of a server; [`McpServer::builder`] begins.
#[must_use = "call `build`"]
pub struct McpServerBuilder {
    pub(super) gate: Gate,
    pub(super) identity: Identity,
    pub(super) run: RunOf,
    pub(super) elicitation: Elicitation,
    pub(super) on_cancel: OnCancel,
    pub(super) hold: Duration,
    pub(super) console_url: Option<String>,
    pub(super) implementation: Implementation,
    pub(super) instructions: Option<String>,
    pub(super) features: Arc<dyn ServerFeatures>,
    pub(super) clients: CallClients,
    pub(super) state: StateKey,
    pub(super) executor: Executor,
}

/// The key that seals the state of a question.
#[derive(Debug)]
pub(super) enum StateKey {
    /// A random one, which is lost with the process.
    OfProcess,
    Of(StateCodec),
}

/// Where approved calls run that nobody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Executor {
    Here,
    Elsewhere,
}

impl McpServerBuilder {
    pub(super) fn new(gate: Gate, identity: Identity) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self {
            gate,
            identity,
            run: RunOf::process(),
            elicitation: Elicitation::default(),
            on_cancel: OnCancel::default(),
            hold: HOLD,
            console_url: None,
            implementation: Implementation::new("hitl", version),
            instructions: None,
            features: Arc::new(ToolsOnly),
            clients: CallClients::default(),
            state: StateKey::OfProcess,
            executor: Executor::Here,
        }
    }

    /// Sets the run of calls; [`RunOf::process`] if this is not called.
    pub fn run(mut self, run: RunOf) -> Self {
        self.run = run;
        self
    }

    /// Sets whether people are asked in their client; [`Elicitation::Quick`] if this is not called.
    pub fn elicitation(mut self, elicitation: Elicitation) -> Self {
        self.elicitation = elicitation;
        self
    }

    /// Sets what a client's cancellation does to a call that waits; [`OnCancel::Keep`] if this is
    /// not called.
    pub fn on_cancel(mut self, on_cancel: OnCancel) -> Self {
        self.on_cancel = on_cancel;
        self
    }

    /// Sets how long the answer of a waiting call is held back, for clients that have neither forms
    /// nor tasks: 45 seconds if this is not called. Then they are answered that the call waits, and
    /// that the same call again gets its outcome.
    ///
    /// Keep it below the time limit of the clients, which is 60 seconds in most.
    pub fn hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// Names the address of the console, to which texts about waiting calls link. Without it they
    /// link to the one that the gate names, if it does:
    /// [`GateBuilder::console_url`](hitl_core::GateBuilder::console_url).
    pub fn console_url(mut self, url: impl Into<String>) -> Self {
        self.console_url = Some(url.into());
        self
    }

    /// Sets the name and version that the server gives of itself.
    pub fn implementation(mut self, implementation: Implementation) -> Self {
        self.implementation = implementation;
        self
    }

    /// Sets the instructions that clients give to their model.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Adds what the server offers besides its tools.
    pub fn features(mut self, features: Arc<dyn ServerFeatures>) -> Self {
        self.features = features;
        self
    }

    /// Names the clients that the bodies of the gate's tools know.
    pub fn clients(mut self, clients: CallClients) -> Self {
        self.clients = clients;
        self
    }

    /// Seals the state of questions under keys that are derived from the host's: those of the
    /// gate's store, so that a question that was asked before a restart can be answered after it.
    ///
    /// Without keys the server makes one that ends with the process; an answer to an earlier
    /// question is then refused, and the call is asked about again.
    pub fn host_keys(mut self, keys: &HostKeys) -> Self {
        // A random key opens no older states, and nobody knows it.
        self.state = StateCodec::of_host(keys).map_or(StateKey::OfProcess, StateKey::Of);
        self
    }

    /// Seals the state of questions under this key, of 32 bytes or more.
    ///
    /// # Errors
    /// The key is shorter.
    pub fn state_key(mut self, key: impl Into<Vec<u8>>) -> Result<Self, WeakStateKey> {
        self.state = StateKey::Of(StateCodec::of_key(key.into())?);
        Ok(self)
    }

    /// Leaves approved calls that nobody waits for to another process, which calls
    /// [`Gate::serve`]. Without this, the server does it itself while it serves.
    pub fn run_approved_elsewhere(mut self) -> Self {
        self.executor = Executor::Elsewhere;
        self
    }

    /// Returns the server. Nothing is served yet.
    ///
    /// # Errors
    /// The operating system gives no random bytes for a key.
    pub fn build(self) -> Result<McpServer, hitl_core::seal::RandomnessError> {
        Ok(McpServer::new(Shared::new(self)?))
    }
}

impl fmt::Debug for McpServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "McpServerBuilder({:?}, {:?})", self.gate, self.identity)
    }
}
