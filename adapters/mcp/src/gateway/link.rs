//! The connection to an upstream, as those see it who need it now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ProtocolVersion, ServerPeerInfo};
use rmcp::service::Peer;
use tokio::sync::watch;

/// A connection whose tools have been compared with the pins.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) peer: Peer<RoleClient>,
    /// The digests of the tools that may be called, by their names at the upstream.
    pub(super) served: BTreeMap<String, String>,
}

impl Connection {
    /// Returns what the server said of itself.
    pub(super) fn info(&self) -> Option<Arc<ServerPeerInfo>> {
        self.peer.peer_info()
    }

    /// Returns whether the server speaks a version without a handshake.
    pub(super) fn is_modern(&self) -> bool {
        self.info().is_some_and(|info| info.protocol_version >= ProtocolVersion::V_2026_07_28)
    }
}

/// The state of an upstream.
#[derive(Clone, Debug)]
pub(super) enum LinkState {
    /// It is being started, or its tools are being listed and compared with the pins.
    Starting,
    /// It can be called.
    Ready(Arc<Connection>),
    /// It has ended or could not be started; it will be tried again.
    Down(String),
    /// The gateway has ended.
    Closed,
}

/// The link to an upstream.
#[derive(Clone, Debug)]
pub(super) struct Link {
    state: watch::Sender<LinkState>,
}

impl Link {
    pub(super) fn new() -> Self {
        Self { state: watch::Sender::new(LinkState::Starting) }
    }

    pub(super) fn set(&self, state: LinkState) {
        self.state.send_replace(state);
    }

    /// Returns the connection, if there is one now.
    pub(super) fn now(&self) -> Option<Arc<Connection>> {
        match &*self.state.borrow() {
            LinkState::Ready(connection) => Some(Arc::clone(connection)),
            _ => None,
        }
    }

    /// Waits for the connection. The error says why there is none.
    ///
    /// Cancel safe.
    pub(super) async fn ready(&self, limit: Duration) -> Result<Arc<Connection>, String> {
        let mut state = self.state.subscribe();
        let ended = |state: &LinkState| matches!(state, LinkState::Ready(_) | LinkState::Closed);
        let waited = tokio::time::timeout(limit, state.wait_for(ended)).await;
        let last = match &waited {
            Ok(Ok(state)) => (*state).clone(),
            _ => self.state.borrow().clone(),
        };
        match last {
            LinkState::Ready(connection) => Ok(connection),
            LinkState::Down(why) => Err(why),
            LinkState::Starting => Err("it has not answered yet".to_owned()),
            LinkState::Closed => Err("the gateway is ending".to_owned()),
        }
    }

    /// Waits until it is known whether the server can be reached: it is ready, or down.
    pub(super) async fn settled(&self, limit: Duration) {
        let mut state = self.state.subscribe();
        let settled = |state: &LinkState| !matches!(state, LinkState::Starting);
        let _late = tokio::time::timeout(limit, state.wait_for(settled)).await;
    }
}
