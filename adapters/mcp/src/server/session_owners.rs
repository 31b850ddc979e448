//! The callers to whom sessions belong: nobody answers a question in the session of another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hitl_core::{Principal, Tenant};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

/// The caller who opened a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    pub(super) tenant: Tenant,
    pub(super) principal: Principal,
}

/// The callers to whom sessions belong.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionOwners(Arc<Mutex<HashMap<String, Owner>>>);

impl SessionOwners {
    /// Returns whether a session belongs to this caller. One that is not known belongs to nobody.
    pub(super) fn is_of(&self, session: &str, caller: &Owner) -> bool {
        self.owners().get(session) == Some(caller)
    }

    /// Notes who opened a session, and forgets the sessions that have ended.
    pub(super) async fn add(&self, session: &str, owner: Owner, sessions: &LocalSessionManager) {
        let open = sessions.sessions.read().await;
        let mut owners = self.owners();
        owners.retain(|id, _| open.contains_key(id.as_str()));
        owners.insert(session.to_owned(), owner);
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<String, Owner>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
