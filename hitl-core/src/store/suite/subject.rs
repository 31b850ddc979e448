//! The subject of a check, and the operations common to all checks.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_base::clock::ManualClock;

use super::fixture::{Draft, host, sealed, tenant};
use crate::ids::RequestId;
use crate::machine::{CallRecord, CallState, Event, Refusal};
use crate::store::{ApplyError, EventPayload, Store, SubmitResult};

/// The longest time for anything that has to happen: far beyond what a healthy store needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// An empty store under test.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock that it reads.
    pub clock: ManualClock,
    /// Anything that must live as long as the store: its folder, its server.
    keep: Option<Box<dyn Any + Send + Sync>>,
}

impl Subject {
    /// Returns a subject with a store that reads `clock`.
    pub fn new(store: impl Store, clock: ManualClock) -> Self {
        Self { store: Arc::new(store), clock, keep: None }
    }

    /// Keeps something alive as long as the store.
    #[must_use]
    pub fn keep(mut self, what: impl Any + Send + Sync) -> Self {
        self.keep = Some(Box::new(what));
        self
    }

    /// Submits a call whose key is new.
    pub async fn create(&self, draft: &Draft) -> CallRecord {
        match self.store.submit(draft.call(), sealed(b"payload")).await.expect("submit") {
            SubmitResult::Created(record) => record,
            other => panic!("the key is new, and yet: {other:?}"),
        }
    }

    /// Applies an event that must change the record.
    pub async fn apply(&self, id: RequestId, event: Event) -> CallRecord {
        self.store
            .apply(&tenant(), id, event, EventPayload::none())
            .await
            .expect("the event is legal")
    }

    /// Applies an event that must be refused. Checks that the loser gets the current record, and
    /// that nothing was written.
    pub async fn refuse(&self, id: RequestId, event: Event) -> Refusal {
        let before = self.get(id).await;
        let result =
            self.store.apply(&tenant(), id, event, EventPayload::result(sealed(b"not kept"))).await;
        let (refusal, current) = refused(result);
        assert_eq!(current, before, "a loser is told how the record stands");
        assert_eq!(self.get(id).await, before, "a refused event changes nothing");
        refusal
    }

    /// Returns a record that must exist.
    pub async fn get(&self, id: RequestId) -> CallRecord {
        self.store.get(&tenant(), id).await.expect("get").expect("the call is there")
    }

    /// Returns the state of a record that must exist.
    pub async fn state(&self, id: RequestId) -> CallState {
        self.get(id).await.state
    }

    /// Returns whether the sealed payload is still stored.
    pub async fn has_payload(&self, id: RequestId) -> bool {
        self.store.payload(&tenant(), id).await.expect("payload").is_some()
    }

    /// Moves the clock forward.
    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Withdraws a call in the host's name.
    pub async fn withdraw(&self, id: RequestId) -> CallRecord {
        self.apply(id, host("enough")).await
    }

    /// Waits for something that must happen.
    pub async fn soon<T>(&self, what: &str, event: impl Future<Output = T>) -> T {
        let Ok(value) = tokio::time::timeout(PATIENCE, event).await else {
            panic!("{what} did not happen within {PATIENCE:?}")
        };
        value
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("keeps", &self.keep.is_some()).finish_non_exhaustive()
    }
}

/// Returns a clock for a subject: it shows the middle of 2026 until it is moved.
pub fn start_clock() -> ManualClock {
    ManualClock::at(Timestamp::from_millis(1_780_000_000_123))
}

/// Returns the reason why an event was refused, and the record that its author received.
pub fn refused(result: Result<CallRecord, ApplyError>) -> (Refusal, CallRecord) {
    match result {
        Err(ApplyError::Rejected { refusal, current }) => (refusal, *current),
        other => panic!("it must be refused, and yet: {other:?}"),
    }
}
