//! Identical calls of several processes on one file, and of a process that is killed.

use std::path::Path;

use hitl_core::machine::{CallState, Event};
use hitl_core::store::suite::{Draft, Subject, sealed, start_clock};
use hitl_core::store::{EventPayload, SubmitResult};
use hitl_core::{ClaimToken, RequestId, SessionId, Store as _};
use hitl_store::SqliteStore;

use crate::child::{Child, Role, say, wait_for_go};

/// The number of intentions.
const CALLS: u64 = 30;

/// Returns the call for an intention, at a position of this submission alone.
fn call(intention: u64, session: SessionId) -> Draft {
    let position = u64::from(std::process::id()) << 16 | intention;
    let draft = Draft::new(&format!("run-{intention}"), position).attaching();
    draft.admitted(ClaimToken::new(), session)
}

/// Submits each call, which starts at once; reports which call each submission is.
pub(crate) async fn attach(file: &Path) {
    let store = SqliteStore::open(file).await.unwrap();
    let session = store.open_session().await.unwrap();
    say("ready");
    wait_for_go();
    for intention in 0..CALLS {
        let draft = call(intention, session);
        match store.submit(draft.call(), sealed(b"payload")).await.unwrap() {
            SubmitResult::Created(record) => say(format!("created {}", record.id())),
            SubmitResult::Existing(record) => say(format!("attached {}", record.id())),
            other => panic!("{other:?}"),
        }
    }
    say("done");
    wait_for_go();
}

/// What a process said about an intention.
fn answer(child: &mut Child) -> (bool, RequestId) {
    let said = child.hear();
    let (how, id) = said.split_once(' ').unwrap();
    (how == "created", id.parse().unwrap())
}

#[tokio::test]
async fn invariant_3_of_several_processes_one_starts_an_intention() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    drop(SqliteStore::open(&path).await.unwrap());
    let mut racers: Vec<_> = (0..3).map(|_| Child::start(Role::Attach, &path, &[])).collect();
    for racer in &mut racers {
        assert_eq!(racer.hear(), "ready");
    }
    racers.iter_mut().for_each(Child::go);
    for _ in 0..CALLS {
        let answers: Vec<_> = racers.iter_mut().map(answer).collect();
        assert_eq!(answers.iter().filter(|(created, _)| *created).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|(_, id)| *id == answers[0].1), "{answers:?}");
    }
}

#[tokio::test]
async fn invariant_3_after_kill_9_an_identical_call_attaches_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let clock = start_clock();
    let store = SqliteStore::options().clock(clock.clone()).open(&path).await.unwrap();
    let s = Subject::new(store, clock);
    let mut child = Child::start(Role::Attach, &path, &[]);
    assert_eq!(child.hear(), "ready");
    child.go();
    let (created, first) = answer(&mut child);
    assert!(created);
    child.kill();
    let session = s.store.open_session().await.unwrap();
    for _ in 0..2 {
        let again = s.store.submit(call(0, session).call(), sealed(b"other")).await.unwrap();
        let SubmitResult::Existing(found) = again else { panic!("it must attach: {again:?}") };
        assert_eq!((found.id(), found.state()), (first, CallState::Claimed));
    }
    let lost = s.apply(first, Event::ExecutorLost).await;
    assert_eq!((lost.state(), lost.attempts()), (CallState::OutcomeUnknown, 1));
    let again = s.store.submit(call(0, session).call(), sealed(b"other")).await.unwrap();
    assert!(matches!(again, SubmitResult::Existing(found) if found == lost));
    let tenant = lost.key().tenant.clone();
    let delivered = s.store.apply(&tenant, first, Event::Deliver, EventPayload::none()).await;
    delivered.unwrap_err();
}
