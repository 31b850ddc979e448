//! The records of all calls, for the host itself.

use std::fmt;

use crate::call::{CallKey, Tenant};
use crate::gate::error::GateError;
use crate::gate::gate::Gate;
use crate::ids::RequestId;
use crate::machine::{CallRecord, HistoryEntry};
use crate::store::{History, PageRequest};

/// A gate whose calls are read without asking who sees them: for a host's own work, such as
/// waiting for a call, metrics, or a program on the operator's machine. What is shown to a person
/// is read through [`Gate::scoped_to`].
#[derive(Clone, Copy)]
pub struct UnscopedGate<'g> {
    gate: &'g Gate,
}

impl Gate {
    /// Returns the gate as the host itself sees it: every call of every tenant.
    pub fn unscoped(&self) -> UnscopedGate<'_> {
        UnscopedGate { gate: self }
    }
}

impl UnscopedGate<'_> {
    /// Returns a call's record. `None` if the tenant has no such call.
    pub async fn get(
        self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<CallRecord>, GateError> {
        Ok(self.gate.core.calls.store().get(tenant, id).await?)
    }

    /// Returns the record of a key. `None` if no call has it, and for a read-only call that ran at
    /// once.
    pub async fn get_by_key(self, key: &CallKey) -> Result<Option<CallRecord>, GateError> {
        Ok(self.gate.core.calls.store().get_by_key(key).await?)
    }

    /// Returns a page of a tenant's records.
    pub async fn list(
        self,
        tenant: &Tenant,
        page: PageRequest,
    ) -> Result<Vec<CallRecord>, GateError> {
        Ok(self.gate.core.calls.store().list(tenant, page).await?)
    }

    /// Returns the history of a tenant's call from its beginning, within retention.
    pub async fn history_of(
        self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Vec<(u64, HistoryEntry)>, GateError> {
        Ok(self.gate.core.calls.store().call_history(tenant, id).await?)
    }

    /// Returns the history of all calls of all tenants after the entry numbered `after`, at most
    /// `limit` entries. [`Gate::watch`] signals when there is more.
    pub async fn history(self, after: u64, limit: usize) -> Result<History, GateError> {
        Ok(self.gate.core.calls.store().history(after, limit).await?)
    }

    /// Returns the number of the last entry that was ever added to the history.
    pub async fn last_history_seq(self) -> Result<u64, GateError> {
        Ok(self.gate.core.calls.store().last_history_seq().await?)
    }
}

impl fmt::Debug for UnscopedGate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnscopedGate")
    }
}
