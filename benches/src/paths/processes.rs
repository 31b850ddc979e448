//! One process decides, and a waiter in another wakes: hitl on both sides, and the same by hand.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hitl::seal::HostKey;
use hitl::{RequestId, Store, Tenant};
use hitl_core::machine::Event;
use hitl_core::store::EventPayload;
use hitl_store::SqliteStore;
use rusqlite::Connection;
use tokio::runtime::Runtime;

use super::postgres::server::{self, connect, schema, url};
use super::postgres::{read_record, submit_and_decide_steps};
use super::sqlite::submitted;
use crate::child::{self, Other};
use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::rows::{Groups, Statements};
use crate::timing::two_threads;

/// The environment variable with the place of the rows: a file, or a schema.
const PLACE: &str = "HITL_BENCH_PLACE";
/// The interval at which a file is checked, by hitl and by hand.
const EVERY: Duration = Duration::from_millis(20);
/// The key of both processes.
const KEY: [u8; 32] = [7; 32];

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    let by_hand = "a raw commit there, data_version every 20 ms here";
    let path = "SQLite decide -> waiter of another process wakes";
    let mut pairs = vec![Pair::timed(path, sqlite, by_hand, raw_sqlite)];
    if url().is_some() {
        let by_hand = "raw UPDATE + NOTIFY there, LISTEN here";
        let path = "PostgreSQL decide -> waiter of another process wakes";
        pairs.push(Pair::timed(path, postgres, by_hand, raw_postgres).budget(1.5));
    }
    pairs
}

/// Runs the other process: on a call's id it prepares a decision, on `go` it decides; by hand it
/// writes the rows of a decision of the call with that number.
pub(crate) fn other(role: &str) {
    let (runtime, place) = (two_threads(), std::env::var(PLACE).expect("a place"));
    match role {
        "sqlite" => {
            let store = runtime.block_on(SqliteStore::open(&place)).expect("a store");
            decide(&runtime, &store);
        }
        "postgres" => {
            let store = runtime.block_on(server::open(&place, HostKey::from_bytes(KEY)));
            decide(&runtime, &store);
        }
        "raw-sqlite" => {
            let groups = Groups::open(Path::new(&place), submit_and_decide_steps());
            child::answer(|call| {
                runtime.block_on(groups.write(1, call.parse().expect("a number")));
            });
        }
        "raw-postgres" => {
            let statements = Statements::of(&place, &submit_and_decide_steps());
            let (client, prepared) = runtime.block_on(async {
                let (client, _) = connect().await;
                let prepared = statements.prepare(&client).await;
                (client, prepared)
            });
            child::answer(|call| {
                runtime.block_on(async {
                    let number = call.parse().expect("a number");
                    statements.write((&client, &prepared), 1, number).await;
                    let notify = format!("NOTIFY {place}, '{call}'");
                    client.batch_execute(&notify).await.expect("notified");
                });
            });
        }
        other => panic!("no such role: {other}"),
    }
}

fn decide(runtime: &Runtime, store: &impl Store) {
    let mut ready = None;
    child::answer(|line| {
        runtime.block_on(async {
            let tenant = Tenant::default();
            if let Ok(id) = line.parse::<RequestId>() {
                let record = store.get(&tenant, id).await.expect("read").expect("it is there");
                ready = Some(record.request().approve().by("alice"));
            } else {
                let decision = ready.take().expect("a decision");
                let (id, event) = (decision.request, Event::Decide(decision));
                store.apply(&tenant, id, event, EventPayload::none()).await.expect("decided");
            }
        });
    });
}

fn sqlite() -> Run {
    let (runtime, folder) = (two_threads(), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("hitl.db");
    let store = runtime.block_on(SqliteStore::open(&path)).expect("a store");
    let other = Other::start("sqlite", &[(PLACE, text(&path))]);
    let mut run = woken(runtime, store, other);
    Box::new(move |times| {
        let _kept = &folder;
        run(times)
    })
}

fn postgres() -> Run {
    let (runtime, schema) = (two_threads(), schema());
    let store = runtime.block_on(server::open(&schema, HostKey::from_bytes(KEY)));
    let told = [(PLACE, schema.as_str()), (hitl_test_postgres::URL, url().expect("a server"))];
    let other = Other::start("postgres", &told);
    woken(runtime, store, other)
}

/// Measures from the line to the other process until the waiter here has read the decision.
fn woken(runtime: std::rc::Rc<Runtime>, store: impl Store, mut other: Other) -> Run {
    let (mut call, tenant) = (0, Tenant::default());
    Box::new(move |times| {
        let mut spent = Duration::ZERO;
        for _ in 0..times {
            call += 1;
            let record = runtime.block_on(submitted(&store, call));
            other.tell(&record.id().to_string());
            other.wait();
            spent += runtime.block_on(async {
                let mut watch = store.watch(record.id());
                store.get(&tenant, record.id()).await.expect("read");
                let start = Instant::now();
                other.tell("go");
                loop {
                    watch.changed().await;
                    let current = store.get(&tenant, record.id()).await.expect("read");
                    if current.is_some_and(|now| now.version() > record.version()) {
                        return start.elapsed();
                    }
                }
            });
            other.wait();
        }
        spent
    })
}

fn raw_sqlite() -> Run {
    let (runtime, folder) = (two_threads(), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("hitl.db");
    drop(runtime.block_on(SqliteStore::open(&path)).expect("a store"));
    let groups = Groups::open(&path, submit_and_decide_steps());
    let mut other = Other::start("raw-sqlite", &[(PLACE, text(&path))]);
    let changed = looking(&path);
    let reader = Connection::open(&path).expect("the file");
    let mut call: u64 = 0;
    Box::new(move |times| {
        let _kept = &folder;
        let mut spent = Duration::ZERO;
        for _ in 0..times {
            call += 1;
            runtime.block_on(groups.write(0, call));
            let start = Instant::now();
            other.tell(&call.to_string());
            loop {
                changed.recv().expect("the thread lives");
                let mut read = reader
                    .prepare_cached("SELECT version, record FROM calls WHERE n = ?1")
                    .expect("a query");
                let read = read.query_row([call.cast_signed()], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
                });
                if read.expect("read").0 > 1 {
                    break;
                }
            }
            spent += start.elapsed();
            other.wait();
        }
        spent
    })
}

/// Checks at hitl's interval whether another connection has committed.
fn looking(path: &Path) -> Receiver<()> {
    let connection = Connection::open(path).expect("the file");
    let (changed, told) = channel();
    std::thread::spawn(move || {
        let mut last = 0;
        loop {
            std::thread::sleep(EVERY);
            let mut version = connection.prepare_cached("PRAGMA data_version").expect("a query");
            let now: i64 = version.query_row([], |row| row.get(0)).expect("a version");
            if std::mem::replace(&mut last, now) != now && changed.send(()).is_err() {
                return;
            }
        }
    });
    told
}

fn raw_postgres() -> Run {
    let (runtime, schema) = (two_threads(), schema());
    let statements = Statements::of(&schema, &submit_and_decide_steps());
    let (here, prepared, read, mut told) = runtime.block_on(async {
        drop(server::open(&schema, HostKey::from_bytes(KEY)).await);
        let (here, told) = connect().await;
        here.batch_execute(&format!("LISTEN {schema}")).await.expect("listening");
        let prepared = statements.prepare(&here).await;
        let read = here.prepare(&read_record(&schema)).await.expect("prepared");
        (here, prepared, read, told)
    });
    let known = [(PLACE, schema.as_str()), (hitl_test_postgres::URL, url().expect("a server"))];
    let mut other = Other::start("raw-postgres", &known);
    let mut call: u64 = 0;
    Box::new(move |times| {
        let mut spent = Duration::ZERO;
        for _ in 0..times {
            call += 1;
            spent += runtime.block_on(async {
                statements.write((&here, &prepared), 0, call).await;
                let start = Instant::now();
                other.tell(&call.to_string());
                told.recv().await.expect("a notification");
                here.query_one(&read, &[&call.cast_signed()]).await.expect("read");
                start.elapsed()
            });
            other.wait();
        }
        spent
    })
}

fn text(path: &Path) -> &str {
    path.to_str().expect("Unicode")
}
