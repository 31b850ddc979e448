//! The PostgreSQL store keeps the contract.

use hitl_base::clock::ManualClock;
use hitl_core::MemoryStore;
use hitl_core::store::suite::Subject;

use crate::support::{schema, subject, url};

async fn make_store(clock: ManualClock) -> Subject {
    match url() {
        Some(url) => subject(&url, &schema(), &clock).await,
        // Skipped, as a message has said: some store must be returned.
        None => Subject::new(MemoryStore::with_clock(clock.clone()), clock),
    }
}

hitl_core::store_contract!(make_store);
hitl_core::store_contract!(@retention make_store);
