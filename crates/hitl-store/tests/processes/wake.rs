//! A change in one process wakes waiters in another.

use hitl_core::machine::CallState;
use hitl_core::store::EventPayload;
use hitl_core::store::suite::{Draft, Subject, host, start_clock, tenant};
use hitl_core::{RequestId, Store};
use hitl_store::SqliteStore;

use crate::child::{Child, Role};

async fn subject(path: &std::path::Path) -> Subject {
    let clock = start_clock();
    Subject::new(SqliteStore::options().clock(clock.clone()).open(path).await.unwrap(), clock)
}

async fn until_cancelled(s: &Subject, id: RequestId, watch: &mut hitl_core::store::ChangeWatch) {
    s.soon("the wake-up", async {
        while s.state(id).await != CallState::Cancelled {
            watch.changed().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_in_another_process_wakes_whoever_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let s = subject(&path).await;
    let drafts: Vec<_> = (0..5).map(|position| Draft::new("run", position)).collect();
    for draft in &drafts {
        s.create(draft).await;
    }
    let calls: Vec<_> = drafts.iter().map(Draft::id).collect();
    let mut child = Child::start(Role::Withdraw, &path, &calls);
    assert_eq!(child.hear(), "ready");
    for id in calls {
        // Between the rounds nobody waits, and the file is not checked.
        let mut watch = s.store.watch(id);
        assert_eq!(s.state(id).await, CallState::Pending);
        child.go();
        until_cancelled(&s, id, &mut watch).await;
    }
}

#[tokio::test]
async fn whoever_waits_for_any_call_is_woken_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let s = subject(&path).await;
    let draft = Draft::new("run", 1);
    s.create(&draft).await;
    let mut child = Child::start(Role::Withdraw, &path, &[draft.id()]);
    assert_eq!(child.hear(), "ready");
    let mut watch = s.store.watch_all();
    child.go();
    until_cancelled(&s, draft.id(), &mut watch).await;
}

#[tokio::test]
async fn two_stores_in_one_process_wake_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let (here, there) = (subject(&path).await, SqliteStore::open(&path).await.unwrap());
    for position in 0..10 {
        let draft = Draft::new("run", position);
        here.create(&draft).await;
        let mut watch = here.store.watch(draft.id());
        there.apply(&tenant(), draft.id(), host("from there"), EventPayload::none()).await.unwrap();
        until_cancelled(&here, draft.id(), &mut watch).await;
    }
}
