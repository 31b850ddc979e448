//! Asks the parts of the console how they are, rarely and under a deadline.

use std::time::Duration;

use hitl_core::Gate;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::{AuditHealth, PolicyHealth, Readiness, StoreHealth};
use crate::policies::Policies;

/// The time within which the store, and then the audit, must answer.
const DEADLINE: Duration = Duration::from_secs(2);
/// The age up to which an answer is given again. Anybody may ask, so asking must be cheap.
const MAX_AGE: Duration = Duration::from_secs(1);

/// Finds out whether reviewers can be served; one question at a time.
#[derive(Debug, Default)]
pub(crate) struct Probe(Mutex<Option<(Instant, Readiness)>>);

impl Probe {
    /// Returns the state now, or that of a moment ago.
    pub(crate) async fn readiness(&self, gate: &Gate, policies: &Policies) -> Readiness {
        let mut last = self.0.lock().await;
        if let Some((at, found)) = *last
            && at.elapsed() < MAX_AGE
        {
            return found;
        }
        let store = ask_store(gate).await;
        let policy =
            if policies.are_in_force() { PolicyHealth::Ok } else { PolicyHealth::NotInForce };
        let found = Readiness::new(store, ask_audit(gate).await, policy);
        *last = Some((Instant::now(), found));
        found
    }
}

/// Reads one number from the store.
async fn ask_store(gate: &Gate) -> StoreHealth {
    match timeout(DEADLINE, gate.unscoped().last_history_seq()).await {
        Ok(Ok(_)) => StoreHealth::Ok,
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the store does not answer");
            StoreHealth::Failing
        }
        Err(_) => StoreHealth::Late,
    }
}

/// Tries to write the audit records that are owed, if there are any.
async fn ask_audit(gate: &Gate) -> AuditHealth {
    if gate.audit_debt() == 0 {
        return AuditHealth::Ok;
    }
    // What counts is whether the records are written now, not what else the attempt did.
    if let Ok(Err(error)) = timeout(DEADLINE, gate.flush_audit()).await {
        tracing::warn!(%error, "not ready: the audit cannot be written");
    }
    if gate.audit_debt() == 0 { AuditHealth::Ok } else { AuditHealth::Failing }
}
