//! Durable submissions and decisions in one SQLite file, beside the same rows written by hand.

mod raw;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hitl::{Store, Tenant};
use hitl_core::machine::Event;
use hitl_core::store::suite::{Draft, sealed};
use hitl_core::store::{Enclosed, Submitted};
use hitl_store::SqliteStore;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use self::raw::RawGroups;
use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::two_threads;

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    let against = "the same rows by raw rusqlite, group commit";
    vec![
        Pair::timed("SQLite submit + decide, one by one", || durable(1), against, || raw(1)),
        // At least 80 % of the throughput.
        Pair::timed("SQLite submit + decide, 64 callers", || durable(64), against, || raw(64))
            .budget(1.25),
    ]
}

/// The sealed payload of every call.
const PAYLOAD: [u8; 200] = [7; 200];

fn durable(callers: u64) -> Run {
    let runtime = two_threads();
    let folder = tempfile::tempdir().expect("a folder");
    let store =
        runtime.block_on(SqliteStore::open(folder.path().join("hitl.db"))).expect("a store");
    let mut at = 0;
    Box::new(move |times| {
        let _kept = &folder;
        let first = at;
        at += times.max(callers);
        at_once(&runtime, callers, times, first, &store)
    })
}

/// So many calls, submitted and decided by so many callers at once.
fn at_once(
    runtime: &Rc<Runtime>,
    callers: u64,
    times: u64,
    first: u64,
    store: &SqliteStore,
) -> Duration {
    runtime.block_on(async {
        let start = Instant::now();
        let mut working = JoinSet::new();
        for caller in 0..callers {
            let store = store.clone();
            working.spawn(async move {
                let mine =
                    (first + caller..first + times).step_by(usize::try_from(callers).unwrap_or(1));
                for position in mine {
                    submit_and_decide(&store, position).await;
                }
            });
        }
        while let Some(done) = working.join_next().await {
            done.expect("no caller fails");
        }
        start.elapsed()
    })
}

async fn submit_and_decide(store: &SqliteStore, position: u64) {
    let submitted = store.submit(Draft::new("bench", position).call(), sealed(&PAYLOAD)).await;
    let Ok(Submitted::Created(record)) = submitted else { panic!("a new key") };
    let decision = Event::Decide(record.request.approve().by("alice"));
    store
        .apply(&Tenant::default(), record.id(), decision, Enclosed::default())
        .await
        .expect("decided");
}

/// The same rows, in the same file format, by hand.
fn raw(callers: u64) -> Run {
    let runtime = two_threads();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hitl.db");
    // The store makes the tables and one example of each row, and leaves.
    runtime.block_on(async {
        let store = SqliteStore::open(&path).await.expect("a store");
        submit_and_decide(&store, 0).await;
    });
    let groups = Arc::new(RawGroups::open(&path));
    let mut at = 1;
    Box::new(move |times| {
        let _kept = &folder;
        let first = at;
        at += times.max(callers);
        runtime.block_on(async {
            let start = Instant::now();
            let mut working = JoinSet::new();
            for caller in 0..callers {
                let groups = Arc::clone(&groups);
                working.spawn(async move {
                    let mine = (first + caller..first + times)
                        .step_by(usize::try_from(callers).unwrap_or(1));
                    for position in mine {
                        groups.write(raw::Write::Submit(position)).await;
                        groups.write(raw::Write::Decide(position)).await;
                    }
                });
            }
            while let Some(done) = working.join_next().await {
                done.expect("no caller fails");
            }
            start.elapsed()
        })
    })
}
