//! The calls that an upstream runs now: whose progress a notification is, and whom a question of
//! the server is for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hitl_core::{CallContext, Principal, Tenant};
use rmcp::model::ProgressToken;
use tokio::sync::Notify;

use super::wire::AnswerSlot;
use crate::server::CallClient;

/// The calls of an upstream. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight {
    calls: Arc<Mutex<Calls>>,
    /// Notified when a call has ended.
    ended: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Calls {
    next: u64,
    calls: BTreeMap<u64, Call>,
}

#[derive(Debug)]
struct Call {
    /// For whom it runs. One name may be in two tenants, of two people.
    caller: (Tenant, Principal),
    /// The client that waits for it; none if it was approved later, or elsewhere.
    client: Option<CallClient>,
    /// The request on the way.
    slot: Option<AnswerSlot>,
}

impl InFlight {
    /// Notes a call, until the guard is dropped.
    pub(super) fn enter(&self, context: &CallContext, client: Option<CallClient>) -> InFlightCall {
        let caller = (context.tenant.clone(), context.principal.clone());
        let mut calls = self.lock();
        let number = calls.next;
        calls.next += 1;
        calls.calls.insert(number, Call { caller, client, slot: None });
        InFlightCall { calls: self.clone(), number }
    }

    /// Returns the client whose call has this progress token.
    pub(super) fn of_token(&self, token: &ProgressToken) -> Option<CallClient> {
        let calls = self.lock();
        let has = |call: &&Call| call.slot.as_ref().is_some_and(|slot| slot.has_token(token));
        let call = calls.calls.values().find(has);
        call.and_then(|call| call.client.clone())
    }

    /// Returns the client that a question of the server is for. The protocol does not say which
    /// call a question belongs to, so it goes to the client of the youngest call, and to nobody if
    /// the calls are of different people, or no client waits for one of them.
    pub(super) fn to_ask(&self) -> Option<CallClient> {
        let calls = self.lock();
        let (_, youngest) = calls.calls.last_key_value()?;
        let is_one = |call: &Call| call.caller == youngest.caller && call.client.is_some();
        calls.calls.values().all(is_one).then(|| youngest.client.clone()).flatten()
    }

    /// Waits until no call is in flight.
    ///
    /// Cancel safe.
    pub(super) async fn none(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            // From here on no end is missed.
            ended.as_mut().enable();
            if self.lock().calls.is_empty() {
                return;
            }
            ended.await;
        }
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
    /// Notes the request that is about to be sent: its progress may come at once.
    pub(super) fn set_request(&self, slot: AnswerSlot) {
        if let Some(call) = self.calls.lock().calls.get_mut(&self.number) {
            call.slot = Some(slot);
        }
    }
}

impl Drop for InFlightCall {
    fn drop(&mut self) {
        self.calls.lock().calls.remove(&self.number);
        self.calls.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann(tenant: &str) -> CallContext {
        CallContext::new("ann").tenant(tenant)
    }

    #[test]
    fn invariant_8_a_question_reaches_nobody_while_another_caller_has_a_call() {
        let client = || Some(CallClient::without_peer());
        for (other, their_client, is_asked) in [
            (ann("a"), client(), true),
            (ann("b"), client(), false),
            (CallContext::new("bob").tenant("a"), client(), false),
            (ann("a"), None, false),
            (ann("b"), None, false),
        ] {
            let calls = InFlight::default();
            assert!(calls.to_ask().is_none());
            let first = calls.enter(&ann("a"), client());
            assert!(calls.to_ask().is_some());
            let second = calls.enter(&other, their_client);
            assert_eq!(calls.to_ask().is_some(), is_asked, "{other:?}");
            drop(second);
            assert!(calls.to_ask().is_some());
            drop(first);
            let _alone = calls.enter(&other, None);
            assert!(calls.to_ask().is_none());
        }
    }
}
