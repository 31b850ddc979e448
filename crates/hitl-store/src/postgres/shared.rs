//! The state that the clones of a store share, and the steps that operations have in common.

use std::sync::Arc;

use hitl_base::{Clock, Timestamp};
use hitl_core::machine::{CallRecord, NewCall};
use hitl_core::store::{ChangeNotifier, StoreAddress, StoreError};
use hitl_core::{HostKeys, RequestId, Tenant};
use tokio::sync::watch;

use super::clock_estimate::ServerClockEstimate;
use super::database::Database;
use super::error::{Fault, ambiguous};
use super::freeze::LastFreezes;
use super::query::{self, KeyLookup};
use super::row::{StoredCall, millis};
use super::session::Sessions;
use super::watch::Notifier;
use crate::record_cache::RecordCache;

/// The state that clones share.
pub(super) struct Shared {
    pub(super) database: Arc<Database>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) notifier: Arc<Notifier>,
    pub(super) hub: ChangeNotifier,
    /// The cached records, each with the epoch that it is claimed under.
    pub(super) record_cache: RecordCache<Option<i64>>,
    pub(super) clock_estimate: ServerClockEstimate,
    pub(super) freezes: LastFreezes,
    /// The clock that judges expiry instead of the database's, in tests.
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) keys: HostKeys,
    pub(super) address: StoreAddress,
    /// Dropped with the store, which ends its tasks.
    pub(super) _alive: watch::Sender<()>,
}

impl Shared {
    /// Notifies waiters in this process and the other replicas that a call has changed.
    pub(super) fn changed(&self, id: RequestId) {
        self.hub.notify(id);
        self.notifier.add(id);
    }

    /// Notifies all waiters in this process and the other replicas that they should check again.
    pub(super) fn all_changed(&self) {
        self.hub.notify_all();
        self.notifier.add_all();
    }

    /// Returns the error that callers see for a fault.
    pub(super) fn error(&self, fault: Fault) -> StoreError {
        self.database.error(fault)
    }

    /// Returns the store's current time, given the database's in microseconds.
    pub(super) fn now_of(&self, micros: i64) -> Timestamp {
        self.clock.as_ref().map_or_else(|| millis(micros), |clock| clock.now())
    }

    /// Returns the error of a failed read. After a write whose outcome is unknown, it stays
    /// ambiguous.
    pub(super) fn reading_failed(&self, fault: Fault, unclear: bool) -> StoreError {
        self.known_or_ambiguous(self.database.error(fault), unclear)
    }

    /// Returns `error`, or an ambiguous one after a write whose outcome is unknown: that write may
    /// still happen.
    pub(super) fn known_or_ambiguous(&self, error: StoreError, unclear: bool) -> StoreError {
        if unclear { ambiguous(&self.database.place) } else { error }
    }

    /// Reads a call, and caches it.
    pub(super) async fn read_and_cache(
        &self,
        tenant: &Tenant,
        id: RequestId,
    ) -> Result<Option<StoredCall>, Fault> {
        let stored = query::get(&self.database, tenant, id).await?;
        if let Some(stored) = &stored {
            self.clock_estimate.observe(stored.read_at);
            self.freezes.observe(stored.freezes.as_deref());
            self.record_cache.put(&stored.record, stored.epoch);
        }
        Ok(stored)
    }

    /// Looks up the call of a key.
    pub(super) async fn read_by_key(&self, call: &NewCall) -> Result<KeyLookup, Fault> {
        let found = query::find(&self.database, call.key()).await?;
        self.clock_estimate.observe(found.read_at);
        self.freezes.observe(found.freezes.as_deref());
        Ok(found)
    }

    /// Caches a record that was just written.
    pub(super) fn record_written(&self, record: &CallRecord, epoch: Option<i64>) {
        self.changed(record.id());
        self.record_cache.put(record, epoch);
    }
}
