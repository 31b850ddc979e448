//! Durable calls in PostgreSQL, shared by replicas. Left out, loudly, where there is no server.

use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::{StreamExt as _, future, stream};
use hitl::{HostKey, PostgresStore, Store, Tenant};
use hitl_core::machine::Event;
use hitl_core::store::suite::{Draft, sealed};
use hitl_core::store::{Enclosed, Submitted};
use hitl_test_postgres::Server;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::timing::two_threads;

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    if url().is_none() {
        return Vec::new();
    }
    let rows = "the same rows by raw tokio-postgres";
    vec![
        Pair::timed("PostgreSQL submit + decide, one by one", || durable(1), rows, || raw(1)),
        Pair::timed("PostgreSQL submit + decide, 32 callers", || durable(32), rows, || raw(32)),
        Pair::timed(
            "PostgreSQL decide -> waiter of another replica wakes",
            waking,
            "raw UPDATE + NOTIFY -> LISTEN",
            raw_waking,
        )
        .budget(1.5),
    ]
}

/// The server: the one that the environment names, or a private one for as long as this process runs.
fn url() -> Option<&'static str> {
    static URL: OnceLock<Option<(String, Option<Server>)>> = OnceLock::new();
    let found = URL.get_or_init(|| {
        if let Ok(url) = std::env::var(hitl_test_postgres::URL) {
            return Some((url, None));
        }
        match Server::start("-c fsync=on") {
            Ok(server) => Some((server.url(), Some(server))),
            Err(why) => {
                eprintln!("LEFT OUT: every PostgreSQL path, because there is no server: {why}");
                None
            }
        }
    });
    found.as_ref().map(|(url, _)| url.as_str())
}

const PAYLOAD: [u8; 200] = [7; 200];

/// A schema that nobody else uses.
fn schema() -> String {
    format!("bench_{}", hitl_base::id::Uuid::new_v4().simple())
}

fn open(runtime: &Runtime, schema: &str) -> PostgresStore {
    let key = runtime.block_on(async { HostKey::generate() }).expect("a key");
    open_with(runtime, schema, key)
}

fn open_with(runtime: &Runtime, schema: &str, key: HostKey) -> PostgresStore {
    let options = PostgresStore::options(url().expect("a server")).key(key).schema(schema);
    runtime.block_on(options.connections(16).open()).expect("a store")
}

fn durable(callers: u64) -> Run {
    let runtime = two_threads();
    let store = open(&runtime, &schema());
    let mut at = 0;
    Box::new(move |times| {
        let first = at;
        at += times.max(callers);
        let store = store.clone();
        by_callers(&runtime, callers, first, times, move |position| {
            let store = store.clone();
            async move {
                let record = submitted(&store, position).await;
                let decision = Event::Decide(record.request.approve().by("alice"));
                let tenant = Tenant::default();
                store
                    .apply(&tenant, record.id(), decision, Enclosed::default())
                    .await
                    .expect("decided");
            }
        })
    })
}

async fn submitted(store: &PostgresStore, position: u64) -> hitl::CallRecord {
    let submitted = store.submit(Draft::new("bench", position).call(), sealed(&PAYLOAD)).await;
    let Ok(Submitted::Created(record)) = submitted else { panic!("a new key") };
    record
}

/// So many operations, by so many callers at once.
fn by_callers<F: Future<Output = ()> + Send + 'static>(
    runtime: &Rc<Runtime>,
    callers: u64,
    first: u64,
    times: u64,
    operation: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Duration {
    let step = usize::try_from(callers).unwrap_or(1);
    runtime.block_on(async {
        let start = Instant::now();
        let mut working = JoinSet::new();
        for caller in 0..callers {
            let operation = operation.clone();
            working.spawn(async move {
                for position in (first + caller..first + times).step_by(step) {
                    operation(position).await;
                }
            });
        }
        while let Some(done) = working.join_next().await {
            done.expect("no caller fails");
        }
        start.elapsed()
    })
}

/// A connection, and what it is notified of.
async fn connect() -> (Client, UnboundedReceiver<String>) {
    let url = url().expect("a server");
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await.expect("connected");
    let (notified, notifications) = unbounded_channel();
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(notification) = message {
                let _ = notified.send(notification.payload().to_owned());
            }
        }
    });
    (client, notifications)
}

/// What a statement is given.
type Value<'v> = &'v (dyn ToSql + Sync);

/// One row for a call, one for each line of its history.
async fn tables(client: &Client, schema: &str) {
    let sql = format!(
        "CREATE SCHEMA {schema};
         CREATE TABLE {schema}.calls (id bigint PRIMARY KEY, state text NOT NULL,
             version bigint NOT NULL, record text NOT NULL, sealed bytea NOT NULL);
         CREATE TABLE {schema}.history (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
             call bigint NOT NULL, entry text NOT NULL);"
    );
    client.batch_execute(&sql).await.expect("tables");
}

const INSERT: &str = "WITH fresh AS (INSERT INTO {s}.calls VALUES ($1, 'pending', 1, $2, $3) RETURNING id) \
                      INSERT INTO {s}.history (call, entry) SELECT id, $4 FROM fresh";
const UPDATE: &str = "WITH moved AS (UPDATE {s}.calls SET state = 'approved', version = 2, record = $2 \
                      WHERE id = $1 AND version = 1 RETURNING id) \
                      INSERT INTO {s}.history (call, entry) SELECT id, $3 FROM moved";

/// The texts that the store would write.
fn texts() -> (String, String) {
    let draft = Draft::new("bench", 1);
    let record = draft.call().stamped(hitl::Timestamp::now());
    let entry = hitl_core::machine::Entry::of("submitted", &record, None);
    let text = |value: &serde_json::Value| value.to_string();
    (
        text(&serde_json::to_value(&record).expect("plain data")),
        text(&serde_json::to_value(&entry).expect("plain data")),
    )
}

fn raw(callers: u64) -> Run {
    let runtime = two_threads();
    let schema = schema();
    let (record, entry) = texts();
    let (insert, update) = (INSERT.replace("{s}", &schema), UPDATE.replace("{s}", &schema));
    let clients = runtime.block_on(async {
        let connected = future::join_all((0..callers.min(16)).map(|_| connect())).await;
        tables(&connected[0].0, &schema).await;
        let prepared = connected.into_iter().map(|(client, _)| async {
            let statements = (
                client.prepare(&insert).await.expect("prepared"),
                client.prepare(&update).await.expect("prepared"),
            );
            (client, statements)
        });
        Arc::new(future::join_all(prepared).await)
    });
    let texts = Arc::new((record, entry));
    let mut at = 0;
    Box::new(move |times| {
        let first = at;
        at += times.max(callers);
        let (clients, texts) = (Arc::clone(&clients), Arc::clone(&texts));
        by_callers(&runtime, callers, first, times, move |position| {
            let (clients, texts) = (Arc::clone(&clients), Arc::clone(&texts));
            async move {
                let turn = usize::try_from(position).unwrap_or(0) % clients.len();
                let (client, (insert, update)) = &clients[turn];
                let (id, (record, entry)) = (position.cast_signed(), &*texts);
                let inserted =
                    client.execute(insert, &[&id as Value<'_>, record, &&PAYLOAD[..], entry]).await;
                assert_eq!(inserted.expect("inserted"), 1);
                let updated = client.execute(update, &[&id as Value<'_>, record, entry]).await;
                assert_eq!(updated.expect("updated"), 1);
            }
        })
    })
}

fn waking() -> Run {
    let runtime = two_threads();
    let (schema, key) = (schema(), HostKey::generate().expect("a key"));
    let here = open_with(&runtime, &schema, key.clone());
    let there = open_with(&runtime, &schema, key);
    let mut position = 0;
    Box::new(move |times| {
        let mut spent = Duration::ZERO;
        for _ in 0..times {
            position += 1;
            spent += runtime.block_on(async {
                let record = submitted(&here, position).await;
                let mut watch = there.watch(record.id());
                let tenant = Tenant::default();
                there.get(&tenant, record.id()).await.expect("read");
                let decision = Event::Decide(record.request.approve().by("alice"));
                let start = Instant::now();
                let waiting = async {
                    loop {
                        watch.changed().await;
                        let current = there.get(&tenant, record.id()).await.expect("read");
                        if current.is_some_and(|now| now.version > record.version) {
                            return;
                        }
                    }
                };
                let deciding = here.apply(&tenant, record.id(), decision, Enclosed::default());
                let (decided, ()) = future::join(deciding, waiting).await;
                decided.expect("decided");
                start.elapsed()
            });
        }
        spent
    })
}

/// Writes on one connection, is told on another, and reads there.
fn raw_waking() -> Run {
    let runtime = two_threads();
    let schema = schema();
    let (record, entry) = texts();
    let (here, there, mut told) = runtime.block_on(async {
        let ((here, _), (there, told)) = (connect().await, connect().await);
        tables(&here, &schema).await;
        there.batch_execute(&format!("LISTEN {schema}")).await.expect("listening");
        (here, there, told)
    });
    let (insert, update, read) = runtime.block_on(async {
        (
            here.prepare(&INSERT.replace("{s}", &schema)).await.expect("prepared"),
            here.prepare(&UPDATE.replace("{s}", &schema)).await.expect("prepared"),
            there
                .prepare(&format!("SELECT record FROM {schema}.calls WHERE id = $1"))
                .await
                .expect("prepared"),
        )
    });
    let mut id = 0_i64;
    Box::new(move |times| {
        let mut spent = Duration::ZERO;
        for _ in 0..times {
            id += 1;
            spent += runtime.block_on(async {
                let inserted = here
                    .execute(&insert, &[&id as Value<'_>, &record, &&PAYLOAD[..], &entry])
                    .await;
                inserted.expect("inserted");
                let start = Instant::now();
                here.execute(&update, &[&id as Value<'_>, &record, &entry]).await.expect("updated");
                here.batch_execute(&format!("NOTIFY {schema}, '{id}'")).await.expect("notified");
                told.recv().await.expect("a notification");
                there.query_one(&read, &[&id]).await.expect("read");
                start.elapsed()
            });
        }
        spent
    })
}
