//! The client of a call, for the body that runs it: progress, cancellation, and its own questions.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hitl_core::CallKey;
use rmcp::RoleServer;
use rmcp::model::{ClientCapabilities, ElicitRequestParams, ElicitResult, ProtocolVersion};
use rmcp::service::Peer;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::open_call::{OpenCall, Progress};

/// The most calls whose clients are kept. Beyond them, the body of a call has no client.
const MAX_CALLS: usize = 4_096;

/// The clients of the calls that a server serves, for the bodies that run them.
///
/// Made before the gate, so that the bodies can own a clone, and given to the server's
/// [builder](super::McpServerBuilder::clients). Cheap to clone; clones share the same clients.
///
/// ```
/// use hitl_core::dynamic::DynArguments;
/// use hitl_core::Permit;
/// use hitl_mcp::server::CallClients;
///
/// let clients = CallClients::default();
/// let body = move |permit: Permit<DynArguments>| {
///     let client = clients.of(permit.cx().key());
///     async move {
///         if let Some(client) = client {
///             client.progress(1.0, Some(2.0), None);
///         }
///     }
/// };
/// # drop(body);
/// ```
#[derive(Clone, Default)]
pub struct CallClients {
    calls: Arc<Mutex<HashMap<CallKey, Arc<OpenCall>>>>,
}

impl CallClients {
    /// Returns the client of the call with this key: [`RunContext::key`](hitl_core::RunContext).
    /// `None` if there is none: the call was approved after its client had its answer, or runs in
    /// another process than it was submitted to.
    pub fn of(&self, key: &CallKey) -> Option<CallClient> {
        self.calls().get(key).map(|call| CallClient { call: Arc::clone(call) })
    }

    /// Returns the open call of this key, which is made if there is none. `None` if there are too
    /// many.
    pub(super) fn open(&self, key: &CallKey) -> Option<Arc<OpenCall>> {
        let mut calls = self.calls();
        if let Some(call) = calls.get(key) {
            return Some(Arc::clone(call));
        }
        if calls.len() >= MAX_CALLS {
            let now = Instant::now();
            calls.retain(|_, call| !call.is_abandoned(now));
        }
        if calls.len() >= MAX_CALLS {
            // A task that nobody asks for loses its body's questions, and not its outcome.
            calls.retain(|_, call| call.is_served());
        }
        if calls.len() >= MAX_CALLS {
            return None;
        }
        let call = Arc::new(OpenCall::default());
        calls.insert(key.clone(), Arc::clone(&call));
        Some(call)
    }

    /// Returns the open call of this key, if there is one.
    pub(super) fn get(&self, key: &CallKey) -> Option<Arc<OpenCall>> {
        self.calls().get(key).cloned()
    }

    /// Forgets a call: its questions are answered with none.
    pub(super) fn close(&self, key: &CallKey) {
        let closed = self.calls().remove(key);
        if let Some(call) = closed {
            call.close();
        }
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<CallKey, Arc<OpenCall>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CallClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallClients({} calls)", self.calls().len())
    }
}

/// The client of a call, for the body that runs it.
///
/// All of it is best effort: a client may be gone at any time, and the call runs to its end.
#[derive(Clone)]
pub struct CallClient {
    call: Arc<OpenCall>,
}

impl CallClient {
    /// A client that nothing is known of.
    #[cfg(test)]
    pub(crate) fn without_peer() -> Self {
        Self { call: Arc::default() }
    }

    /// Sends `notifications/progress`, if the client asked for it. `progress` is to increase; one
    /// that does not is left out. A call that became a task has the message as its status instead.
    ///
    /// Does not wait for the client: one that does not read loses progress, not results.
    pub fn progress(&self, progress: f64, total: Option<f64>, message: Option<String>) {
        self.call.report(Progress { done: progress, total, message });
    }

    /// Completes when the client has cancelled its request. Never completes for a client that only
    /// has gone away.
    ///
    /// Cancel safe.
    pub async fn cancelled(&self) {
        self.call.cancelled().cancelled().await;
    }

    /// Returns the token that is cancelled when the client cancels its request.
    pub fn cancellation(&self) -> CancellationToken {
        self.call.cancelled().clone()
    }

    /// Returns the capabilities that the client declared with its last request about the call.
    pub fn capabilities(&self) -> ClientCapabilities {
        self.call.client().map(|client| client.capabilities).unwrap_or_default()
    }

    /// Returns the protocol version of the client's last request about the call.
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.call.client().and_then(|client| client.version)
    }

    /// Returns the connection of a client that takes requests.
    pub(super) fn peer(&self) -> Option<Peer<RoleServer>> {
        self.call.client().and_then(|client| client.peer)
    }

    /// Returns whether the client can be asked questions of this kind.
    pub fn can_be_asked(&self, question: &ElicitRequestParams) -> bool {
        let capabilities = self.capabilities();
        let Some(declared) = capabilities.elicitation else { return false };
        match question {
            ElicitRequestParams::UrlElicitationParams { .. } => declared.url.is_some(),
            // An empty declaration means forms.
            _ => declared.form.is_some() || declared.url.is_none(),
        }
    }

    /// Asks the client's user a question of the body's own: by `elicitation/create`, by
    /// `input_required`, or through the task, whichever the client knows. `None` if the client
    /// cannot be asked, is gone, or has not answered within `limit`.
    ///
    /// The answer decides nothing at the gate: it is the body's, which runs already.
    ///
    /// Cancel safe: the question is taken back.
    pub async fn elicit(
        &self,
        question: ElicitRequestParams,
        limit: Duration,
    ) -> Option<ElicitResult> {
        if !self.can_be_asked(&question) {
            return None;
        }
        let asked = self.call.ask(question)?;
        tokio::time::timeout(limit, asked.answer()).await.ok().flatten()
    }
}

impl fmt::Debug for CallClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallClient({:?})", self.protocol_version())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::open_call::ClientFacts;

    fn key(position: u64) -> CallKey {
        CallKey::new("run", position)
    }

    #[tokio::test]
    async fn invariant_13_tasks_that_nobody_asks_for_make_room() {
        let clients = CallClients::default();
        let most = u64::try_from(MAX_CALLS).unwrap();
        for position in 0..most {
            let open = clients.open(&key(position)).unwrap();
            drop(open.enter(ClientFacts::default()));
            open.becomes_task();
        }
        let served = clients.open(&key(0)).unwrap().enter(ClientFacts::default());
        assert!(clients.open(&key(most)).is_some());
        assert!(clients.of(&key(0)).is_some() && clients.of(&key(1)).is_none());
        drop(served);
    }

    #[tokio::test]
    async fn no_more_calls_are_kept_than_are_served() {
        let clients = CallClients::default();
        let most = u64::try_from(MAX_CALLS).unwrap();
        let served: Vec<_> = (0..most)
            .map(|position| clients.open(&key(position)).unwrap().enter(ClientFacts::default()))
            .collect();
        assert!(clients.open(&key(most)).is_none());
        drop(served);
        assert!(clients.open(&key(most)).is_some());
    }
}
