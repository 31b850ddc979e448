//! The requests that a client has cancelled, as opposed to those whose client went away: `rmcp`
//! ends both in the same way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::RequestId;
use tokio_util::sync::CancellationToken;

/// The requests of one connection that can be cancelled.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancellations(Arc<Mutex<HashMap<RequestId, CancellationToken>>>);

impl Cancellations {
    /// Begins to note whether the client cancels this request.
    pub(super) fn watch(&self, id: &RequestId) -> Cancellation {
        let token = CancellationToken::new();
        self.requests().insert(id.clone(), token.clone());
        Cancellation { all: self.clone(), id: id.clone(), token }
    }

    /// Notes that the client has cancelled a request.
    pub(super) fn cancel(&self, id: &RequestId) {
        if let Some(token) = self.requests().get(id) {
            token.cancel();
        }
    }

    fn requests(&self) -> MutexGuard<'_, HashMap<RequestId, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The watch on whether the client has cancelled one request.
#[derive(Debug)]
pub(super) struct Cancellation {
    all: Cancellations,
    id: RequestId,
    token: CancellationToken,
}

impl Cancellation {
    /// Completes once the client has cancelled the request.
    pub(super) async fn cancelled(&self) {
        self.token.cancelled().await;
    }
}

impl Drop for Cancellation {
    fn drop(&mut self) {
        self.all.requests().remove(&self.id);
    }
}
