//! Nothing acknowledged is lost, however the process ends.

use std::collections::BTreeMap;

use hitl_core::machine::{CallState, Event, Refusal};
use hitl_core::store::suite::{Draft, Subject, approved, refused, sealed, start_clock, tenant};
use hitl_core::store::{EventPayload, PageRequest, SubmitResult};
use hitl_core::{RequestId, Store};
use hitl_store::SqliteStore;

use crate::child::{Child, Role};

#[tokio::test]
async fn invariant_10_reopening_finds_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let key = store.host_key().unwrap();
    let (waits, ends) = (Draft::new("run", 1), Draft::new("run", 2));
    store.submit(waits.call(), sealed(b"payload")).await.unwrap();
    store.submit(ends.call(), sealed(b"payload")).await.unwrap();
    let record = store.get(&tenant(), ends.id()).await.unwrap().unwrap();
    let reject = Event::Decide(record.request().reject("no").by("alice"));
    let ended = store
        .apply(&tenant(), ends.id(), reject, EventPayload::result(sealed(b"why")))
        .await
        .unwrap();
    let history = store.history(0, 10).await.unwrap().entries;
    drop(store);
    assert!(!path.with_extension("db-wal").exists(), "the last to close takes the log along");

    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.host_key().unwrap().expose(), key.expose());
    assert_eq!(store.get(&tenant(), ends.id()).await.unwrap(), Some(ended));
    assert_eq!(store.result(&tenant(), ends.id()).await.unwrap(), Some(sealed(b"why")));
    assert_eq!(store.payload(&tenant(), waits.id()).await.unwrap(), Some(sealed(b"payload")));
    assert_eq!(store.history(0, 10).await.unwrap().entries, history);
    let again = store.submit(waits.again().call(), sealed(b"x")).await.unwrap();
    assert!(matches!(again, SubmitResult::Existing(record) if record.id() == waits.id()));
    store.check().await.unwrap();
}

#[tokio::test]
async fn invariant_10_what_was_acknowledged_survives_kill_9() {
    for acknowledged in [1, 2, 7, 40] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hitl.db");
        let mut child = Child::start(Role::Work, &path, &[]);
        let mut promised: BTreeMap<RequestId, String> = BTreeMap::new();
        let mut heard = |line: String| {
            let (id, state) = line.split_once(' ').expect("an id and a state");
            promised.insert(id.parse().unwrap(), state.to_owned());
        };
        for _ in 0..acknowledged {
            heard(child.hear());
        }
        child.kill();
        // Lines that it sent before it died count too.
        while let Some(line) = child.hear_or_end() {
            heard(line);
        }
        let store = SqliteStore::open(&path).await.unwrap();
        store.check().await.unwrap();
        for (id, state) in &promised {
            let record = store.get(&tenant(), *id).await.unwrap().expect("it was acknowledged");
            // The last one may have run to its end, without an answer.
            let is_last = Some(id) == promised.keys().next_back();
            assert!(record.state().name() == state || (is_last && record.state().is_terminal()));
            let payload = store.payload(&tenant(), *id).await.unwrap();
            assert_eq!(payload.is_some(), !record.state().is_terminal());
        }
        let kept = store.list(&tenant(), PageRequest::all().limit(1000)).await.unwrap();
        let changes: u64 = kept.iter().map(hitl_core::CallRecord::version).sum();
        let history = store.history(0, 10_000).await.unwrap().entries;
        assert_eq!(history.len() as u64, changes, "each change has its line, and no other has");
    }
}

async fn subject(path: &std::path::Path) -> Subject {
    let clock = start_clock();
    Subject::new(SqliteStore::options().clock(clock.clone()).open(path).await.unwrap(), clock)
}

#[tokio::test]
async fn invariant_3_what_a_killed_process_ran_is_stale_and_then_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let s = subject(&path).await;
    // The other process reads the machine's clock.
    let draft = Draft::new("run", 1).expires_in(std::time::Duration::MAX);
    let id = approved(&s, &draft).await.id();
    let mut child = Child::start(Role::Hold, &path, &[id]);
    child.hear();
    assert_eq!(s.store.stale(10).await.unwrap(), [], "it lives");
    let alive = s.store.apply(&tenant(), id, Event::ExecutorLost, EventPayload::none()).await;
    assert_eq!(refused(alive).0, Refusal::Alive);
    child.kill();
    assert_eq!(s.store.stale(10).await.unwrap(), [(tenant(), id, CallState::Claimed)]);
    assert_eq!(s.apply(id, Event::ExecutorLost).await.state(), CallState::OutcomeUnknown);
    assert!(s.store.payload(&tenant(), id).await.unwrap().is_some());
}

#[tokio::test]
async fn the_locks_of_the_dead_are_tidied_up_and_those_of_the_living_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let s = subject(&path).await;
    let endless = |position| Draft::new("run", position).expires_in(std::time::Duration::MAX);
    let (a, b) = (approved(&s, &endless(1)).await.id(), approved(&s, &endless(2)).await.id());
    let (mut killed, mut alive) =
        (Child::start(Role::Hold, &path, &[a]), Child::start(Role::Hold, &path, &[b]));
    let lock = |said: String| {
        let session = said.split_once(' ').unwrap().1.to_owned();
        folder.path().join("hitl.db.sessions").join(format!("{session}.lock"))
    };
    let (dead_lock, living_lock) = (lock(killed.hear()), lock(alive.hear()));
    assert!(dead_lock.exists() && living_lock.exists());
    killed.kill();
    let second = subject(&path).await;
    assert!(!dead_lock.exists() && living_lock.exists());
    assert_eq!(second.store.stale(10).await.unwrap(), [(tenant(), a, CallState::Claimed)]);
    alive.go();
    assert_eq!(alive.hear(), "closed");
    assert!(!living_lock.exists());
    assert_eq!(second.store.stale(10).await.unwrap().len(), 2);
}
