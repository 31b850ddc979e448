//! The SQLite store keeps the contract.
#![expect(clippy::unwrap_used, reason = "a helper fails as its test does")]

use hitl_base::clock::ManualClock;
use hitl_core::store::suite::Subject;
use hitl_store::SqliteStore;

async fn make_store(clock: ManualClock) -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteStore::options().clock(clock.clone());
    let store = options.open(folder.path().join("hitl.db")).await.unwrap();
    Subject::new(store, clock).keep(folder)
}

hitl_core::store_contract!(make_store);
hitl_core::store_contract!(@retention make_store);
