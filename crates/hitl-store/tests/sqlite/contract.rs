//! The SQLite store keeps the contract.

use hitl_base::Clock as _;
use hitl_base::clock::ManualClock;
use hitl_core::Store as _;
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
hitl_core::store_contract!(@clock make_store);

#[tokio::test]
async fn invariant_8_a_log_that_could_not_be_emptied_is_emptied_by_the_next_erasure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let clock = hitl_core::store::suite::start_clock();
    // The reader stays for longer than any time-out.
    let options = SqliteStore::options().busy_timeout(std::time::Duration::from_millis(100));
    let store = options.clock(clock.clone()).open(&path).await.unwrap();
    let s = Subject::new(store.clone(), clock.clone());
    let record = s.create(&hitl_core::store::suite::Draft::new("run", 1)).await;
    let reject = record.request().reject("no").by("bob");
    s.apply(record.id(), hitl_core::machine::Event::Decide(reject)).await;
    s.pass(60);
    let log = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count = "SELECT count(*) FROM calls";
    let _calls: i64 = reader.query_row(count, [], |row| row.get(0)).unwrap();
    let error = store.erase_ended_before(clock.now()).await.unwrap_err();
    assert_eq!(error.kind(), hitl_core::StoreErrorKind::Unavailable, "{error}");
    assert!(log() > 0);
    drop(reader);
    // Nothing is left to erase, but the log must still be emptied.
    store.erase_ended_before(clock.now()).await.unwrap();
    assert_eq!(log(), 0);
    s.create(&hitl_core::store::suite::Draft::new("run", 2)).await;
    store.forget_runs(hitl_base::Timestamp::EPOCH).await.unwrap();
    assert_eq!(log(), 0);
}

mod restart {
    use std::time::Duration;

    use hitl_base::Timestamp;
    use hitl_core::machine::{Event, Refusal};
    use hitl_core::store::suite::{Draft, start_clock};
    use hitl_core::{Store as _, StoreErrorKind};

    use super::*;

    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

    #[tokio::test]
    async fn invariant_5_a_clock_set_back_between_two_lives_revives_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, clock) = (folder.path().join("hitl.db"), start_clock());
        let open = || SqliteStore::options().clock(clock.clone()).open(path.clone());
        let s = Subject::new(open().await.unwrap(), clock.clone());
        let minute = Duration::from_secs(60);
        let waiting = s.create(&Draft::new("run", 1).expires_in(minute)).await;
        s.pass(61);
        s.create(&Draft::new("run", 2)).await;
        drop(s);
        clock.set(Timestamp::EPOCH);
        let s = Subject::new(open().await.unwrap(), clock.clone());
        let decision = Event::Decide(waiting.request().approve().by("bob"));
        assert_eq!(s.refuse(waiting.id(), decision).await, Refusal::Expired);
    }

    #[tokio::test]
    async fn invariant_5_a_file_is_not_opened_by_a_clock_far_ahead_unless_the_host_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let (path, clock) = (folder.path().join("hitl.db"), start_clock());
        let options = || SqliteStore::options().clock(clock.clone());
        let s = Subject::new(options().open(&path).await.unwrap(), clock.clone());
        s.create(&Draft::new("run", 1)).await;
        drop(s);
        clock.set(start_clock_plus(2 * YEAR));
        let refused = options().open(&path).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Clock);
        assert!(refused.to_string().contains("accept_clock"), "{refused}");
        let store = options().accept_clock().open(&path).await.unwrap();
        assert_eq!(store.now().await.unwrap(), start_clock_plus(2 * YEAR));
    }

    fn start_clock_plus(length: Duration) -> Timestamp {
        hitl_base::Clock::now(&start_clock()).saturating_add(length)
    }
}
