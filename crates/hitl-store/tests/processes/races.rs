//! Several processes race on one file.

use hitl_core::machine::CallState;
use hitl_core::store::suite::{Draft, Subject, approved, start_clock};
use hitl_store::SqliteStore;

use crate::child::{Child, Role};

#[tokio::test]
async fn invariant_3_of_several_processes_one_runs_a_call() {
    const CALLS: u64 = 30;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let clock = start_clock();
    let store = SqliteStore::options().clock(clock.clone()).open(&path).await.unwrap();
    let s = Subject::new(store, clock);
    let mut calls = Vec::new();
    for position in 0..CALLS {
        let draft = Draft::new("run", position).expires_in(std::time::Duration::MAX);
        calls.push(approved(&s, &draft).await.id());
    }
    let mut racers: Vec<_> = (0..3).map(|_| Child::start(Role::Race, &path, &calls)).collect();
    for racer in &mut racers {
        assert_eq!(racer.hear(), "ready");
    }
    racers.iter_mut().for_each(Child::go);
    let mut won = 0;
    for racer in &mut racers {
        for _ in 0..CALLS {
            match racer.hear().as_str() {
                "won" => won += 1,
                said => assert_eq!(said, "lost", "every loser is told"),
            }
        }
    }
    assert_eq!(won, CALLS, "each call has one winner");
    for id in calls {
        let record = s.get(id).await;
        assert_eq!((record.state(), record.attempts()), (CallState::Executed, 1));
    }
}

#[test]
fn processes_that_create_the_same_file_agree_on_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let mut openers: Vec<_> = (0..4).map(|_| Child::start(Role::Open, &path, &[])).collect();
    openers.iter_mut().for_each(Child::go);
    let keys: Vec<String> = openers.iter_mut().map(Child::hear).collect();
    assert!(keys.iter().all(|key| *key == keys[0]));
}
