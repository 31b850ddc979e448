//! A store that returns data other than it was given.

#![expect(unreachable_pub, reason = "a module of a test file")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hitl_core::machine::CallRecord;
use hitl_core::seal::Sealed;
use hitl_core::store::StoreWrapper;
use hitl_core::{MemoryStore, RequestId, Store, StoreError, Tenant};

/// A store that can be made to return another payload or record for every call.
#[derive(Clone)]
pub struct Tampered {
    pub inner: MemoryStore,
    payload: Arc<Mutex<Option<Sealed>>>,
    record: Arc<Mutex<Option<CallRecord>>>,
}

impl Tampered {
    pub fn new(inner: MemoryStore) -> Self {
        Self { inner, payload: Arc::default(), record: Arc::default() }
    }

    pub fn payload(&self, payload: Option<Sealed>) {
        *self.payload.lock().unwrap() = payload;
    }

    pub fn record(&self, record: Option<CallRecord>) {
        *self.record.lock().unwrap() = record;
    }
}

#[async_trait]
impl StoreWrapper for Tampered {
    type Inner = MemoryStore;

    fn inner(&self) -> &MemoryStore {
        &self.inner
    }

    async fn get(&self, tenant: &Tenant, id: RequestId) -> Result<Option<CallRecord>, StoreError> {
        let tampered = self.record.lock().unwrap().clone();
        if tampered.is_some() { Ok(tampered) } else { self.inner.get(tenant, id).await }
    }

    async fn payload(&self, tenant: &Tenant, id: RequestId) -> Result<Option<Sealed>, StoreError> {
        let tampered = self.payload.lock().unwrap().clone();
        if tampered.is_some() { Ok(tampered) } else { self.inner.payload(tenant, id).await }
    }
}
