//! A gateway: upstream servers behind a gate.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hitl_core::Gate;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::assembly::{Assembly, FirstUse};
use super::catalog::Catalog;
use super::features::GatewayFeatures;
use super::notices::Notices;
use super::spec::UpstreamSpec;
use super::supervisor::Supervisor;
use super::upstream::Upstream;
use crate::pins::{PinError, PinFile};
use crate::server::{CallClients, McpServer, ServerFeatures};

/// The time for which the end waits for calls that run: somebody approved them.
const CALLS_LIMIT: Duration = Duration::from_secs(30);
/// The time for which the gateway waits for its servers to end.
const END_LIMIT: Duration = Duration::from_secs(6);

/// The settings of a gateway; [`Gateway::builder`] begins.
#[derive(Debug)]
#[must_use = "call `start`"]
pub struct GatewayBuilder {
    gate: Gate,
    clients: CallClients,
    pins: PinFile,
    first_use: FirstUse,
    upstreams: Vec<UpstreamSpec>,
}

/// The error for a gateway that cannot be started. Nothing is served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// There is no upstream.
    #[error("a gateway needs a server: name its command or its URL")]
    NoUpstream,
    /// Two upstreams have one name, or one has a name that is not 1 to 64 characters of
    /// `A-Z a-z 0-9 _ -`.
    #[error(
        "`{0}` cannot be the name of a server: use 1 to 64 characters of `A-Z a-z 0-9 _ -`, each name once"
    )]
    Name(String),
    /// The pin file cannot be used.
    #[error(transparent)]
    Pins(#[from] PinError),
}

impl GatewayBuilder {
    /// Adds an upstream. With several of them, tools are named `server__tool`.
    pub fn upstream(mut self, spec: UpstreamSpec) -> Self {
        self.upstreams.push(spec);
        self
    }

    /// Sets whether the first list of an upstream is pinned without a look at it;
    /// [`FirstUse::Ask`] if this is not called.
    pub fn first_use(mut self, first_use: FirstUse) -> Self {
        self.first_use = first_use;
        self
    }

    /// Starts the upstreams, and returns before they have answered. Tools that are pinned are
    /// served at once.
    ///
    /// # Errors
    /// See [`GatewayError`].
    pub async fn start(self) -> Result<Gateway, GatewayError> {
        if self.upstreams.is_empty() {
            return Err(GatewayError::NoUpstream);
        }
        for (at, spec) in self.upstreams.iter().enumerate() {
            let is_again = self.upstreams[..at].iter().any(|other| other.name == spec.name);
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            let is_plain = (1..=64).contains(&spec.name.len()) && spec.name.chars().all(plain);
            if is_again || !is_plain {
                let name = hitl_base::display::visible(&spec.name).into_owned();
                return Err(GatewayError::Name(name));
            }
        }
        // The token of one server is not for another.
        let tokens: Vec<_> =
            self.upstreams.iter().filter_map(UpstreamSpec::token_variable).collect();
        let upstreams: Vec<Upstream> = self
            .upstreams
            .into_iter()
            .map(|spec| Upstream::new(spec.without_env(&tokens), self.clients.clone()))
            .collect();
        let catalog = Arc::new(Catalog::default());
        let assembly = Arc::new(Assembly::new(
            self.gate,
            self.pins,
            self.first_use,
            upstreams.clone(),
            Arc::clone(&catalog),
        ));
        assembly.serve_pinned().await?;
        let (notices, stop) = (Notices::new(), CancellationToken::new());
        let mut supervisors = JoinSet::new();
        for (at, upstream) in upstreams.iter().enumerate() {
            let supervisor = Supervisor {
                upstream: upstream.clone(),
                at,
                assembly: Arc::clone(&assembly),
                notices: notices.clone(),
                stop: stop.clone(),
            };
            supervisors.spawn(supervisor.run());
        }
        let features = Arc::new(GatewayFeatures::new(upstreams, catalog, notices));
        Ok(Gateway { features, assembly, supervisors, stop })
    }
}

/// A gateway that runs: each tool of its upstreams is a tool of the gate.
///
/// Dropping it ends the upstreams at once; [`close`](Self::close) lets them end by themselves.
#[must_use = "dropping it ends the servers"]
pub struct Gateway {
    features: Arc<GatewayFeatures>,
    assembly: Arc<Assembly>,
    supervisors: JoinSet<()>,
    stop: CancellationToken,
}

impl Gateway {
    /// Begins a gateway. The gate's run-time tools are from now on those of the upstreams. The
    /// server in front of the gate is given the same `clients`.
    pub fn builder(gate: Gate, clients: CallClients, pins: PinFile) -> GatewayBuilder {
        let (first_use, upstreams) = (FirstUse::default(), Vec::new());
        GatewayBuilder { gate, clients, pins, first_use, upstreams }
    }

    /// Returns what the server in front of the gate offers besides tools: give it to
    /// [`McpServerBuilder::features`](crate::server::McpServerBuilder::features).
    pub fn features(&self) -> Arc<dyn ServerFeatures> {
        Arc::clone(&self.features) as Arc<dyn ServerFeatures>
    }

    /// Tells the clients of this server when the list of tools has changed.
    pub fn announce_to(&mut self, server: McpServer) {
        let (mut changes, ended) = (self.assembly.changes(), self.stop.clone());
        self.supervisors.spawn(async move {
            loop {
                tokio::select! {
                    () = ended.cancelled() => return,
                    next = changes.changed() => match next {
                        Ok(()) => server.tools_changed(),
                        Err(_) => return,
                    },
                }
            }
        });
    }

    /// Takes the tools out of the gate, ends the upstreams once no call runs, at most 30 seconds
    /// from now, and waits for that for a few seconds. The outcome of a call that still runs then
    /// is unknown.
    ///
    /// Dropping the future ends the upstreams at once.
    pub async fn close(mut self) {
        self.assembly.withdraw().await;
        let calls = self.features.upstreams().iter().map(|upstream| upstream.in_flight().none());
        if tokio::time::timeout(CALLS_LIMIT, futures::future::join_all(calls)).await.is_err() {
            tracing::warn!("the gateway ends while calls run");
        }
        self.stop.cancel();
        let all = async { while self.supervisors.join_next().await.is_some() {} };
        let _late = tokio::time::timeout(END_LIMIT, all).await;
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gateway({:?})", self.features)
    }
}
