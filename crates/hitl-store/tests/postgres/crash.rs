//! The server crashes under load and comes back: nothing acknowledged is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hitl_core::machine::{CallState, Event};
use hitl_core::store::suite::{Draft, Subject, fixture, sealed, start_clock, tenant};
use hitl_core::store::{ApplyError, EventPayload, StoreError, StoreErrorKind, SubmitResult};
use hitl_core::{ClaimToken, RequestId, SessionId, Store};
use hitl_store::PostgresStore;
use hitl_test_postgres::Server;

use crate::support::{options, schema, url_or_skip};

const CRASHES: usize = 5;
/// The number of acknowledgements between two crashes.
const BETWEEN: usize = 100;
const LANES: u64 = 8;

/// The acknowledged calls, each with the state that it must have at least.
type Promises = Arc<Mutex<Vec<(RequestId, CallState)>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_10_what_was_acknowledged_survives_crashes_of_the_server() {
    let _url = url_or_skip!();
    let server = Server::start("").unwrap();
    let schema = schema();
    let open = || options(&server.url(), &schema).lease(Duration::from_secs(60)).open();
    let (one, two) = (open().await.unwrap(), open().await.unwrap());
    let (promises, stop) = (Promises::default(), Arc::new(AtomicBool::new(false)));
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        let store = if lane % 2 == 0 { one.clone() } else { two.clone() };
        let session = store.open_session().await.unwrap();
        lanes.push(tokio::spawn(live(store, session, lane, promises.clone(), stop.clone())));
    }
    let s = Subject::new(one.clone(), start_clock());
    for _ in 0..CRASHES {
        let wanted = promises.lock().unwrap().len() + BETWEEN;
        s.soon("load", async {
            while promises.lock().unwrap().len() < wanted {
                tokio::task::yield_now().await;
            }
        })
        .await;
        tokio::task::block_in_place(|| server.crash().and_then(|()| server.restart())).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for lane in lanes {
        lane.await.unwrap();
    }
    let promises = std::mem::take(&mut *promises.lock().unwrap());
    for (id, state) in promises {
        let record = s.get(id).await;
        match state {
            CallState::Pending => {}
            CallState::Approved => assert!(record.decision().is_some()),
            CallState::Claimed => assert_eq!(record.attempts(), 1),
            ended => assert_eq!(record.state(), ended),
        }
    }
    // Waiters are notified by each other again.
    let draft = Draft::new("afterwards", 1);
    s.create(&draft).await;
    let mut watch = two.watch(draft.id());
    s.withdraw(draft.id()).await;
    s.soon("the wake-up", async {
        while two.get(&tenant(), draft.id()).await.unwrap().unwrap().state() == CallState::Pending {
            watch.changed().await;
        }
    })
    .await;
}

async fn live(
    store: PostgresStore,
    session: SessionId,
    lane: u64,
    promises: Promises,
    stop: Arc<AtomicBool>,
) {
    let promise = |id, state| promises.lock().unwrap().push((id, state));
    for position in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let draft = Draft::new(&format!("lane {lane}"), position);
        match store.submit(draft.call(), sealed(b"payload")).await {
            Ok(SubmitResult::Created(record)) => {
                promise(record.id(), CallState::Pending);
                let token = ClaimToken::new();
                let events = [
                    Event::Decide(record.request().approve().by("alice")),
                    fixture::claim(&record, token, session),
                    Event::Succeed { token },
                ];
                for event in events {
                    match store.apply(&tenant(), record.id(), event, EventPayload::none()).await {
                        Ok(record) => promise(record.id(), record.state()),
                        Err(ApplyError::Store(error)) => {
                            passing(&error);
                            break;
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
            }
            Ok(other) => panic!("the key is new, and yet: {other:?}"),
            Err(error) => passing(&error),
        }
    }
}

fn passing(error: &StoreError) {
    let kinds = [StoreErrorKind::Unavailable, StoreErrorKind::Ambiguous];
    assert!(kinds.contains(&error.kind()), "{error}: {:?}", std::error::Error::source(error));
}
