//! The calls that an upstream runs now: whose progress a notification is, and whom a question of
//! the server is for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hitl_core::Principal;
use rmcp::model::ProgressToken;

use crate::server::CallClient;

/// The calls of an upstream. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight {
    calls: Arc<Mutex<Calls>>,
}

#[derive(Debug, Default)]
struct Calls {
    next: u64,
    calls: BTreeMap<u64, Call>,
}

#[derive(Debug)]
struct Call {
    principal: Principal,
    client: CallClient,
    token: Option<ProgressToken>,
}

impl InFlight {
    /// Notes a call, until the guard is dropped.
    pub(super) fn enter(&self, principal: &Principal, client: CallClient) -> InFlightCall {
        let mut calls = self.lock();
        let number = calls.next;
        calls.next += 1;
        calls.calls.insert(number, Call { principal: principal.clone(), client, token: None });
        InFlightCall { calls: self.clone(), number }
    }

    /// Returns the client whose call has this progress token.
    pub(super) fn of_token(&self, token: &ProgressToken) -> Option<CallClient> {
        let calls = self.lock();
        let call = calls.calls.values().find(|call| call.token.as_ref() == Some(token));
        call.map(|call| call.client.clone())
    }

    /// Returns the client that a question of the server is for. The protocol does not say which
    /// call a question belongs to, so it goes to the client of the youngest call, and to nobody if
    /// the calls are of different people.
    pub(super) fn to_ask(&self) -> Option<CallClient> {
        let calls = self.lock();
        let (_, youngest) = calls.calls.last_key_value()?;
        let is_one = calls.calls.values().all(|call| call.principal == youngest.principal);
        is_one.then(|| youngest.client.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call in flight.
#[derive(Debug)]
pub(super) struct InFlightCall {
    calls: InFlight,
    number: u64,
}

impl InFlightCall {
    /// Notes the token of the request on the way.
    pub(super) fn set_token(&self, token: ProgressToken) {
        if let Some(call) = self.calls.lock().calls.get_mut(&self.number) {
            call.token = Some(token);
        }
    }
}

impl Drop for InFlightCall {
    fn drop(&mut self) {
        self.calls.lock().calls.remove(&self.number);
    }
}
