//! Durable calls in PostgreSQL, shared by replicas. Skipped with a loud message if there is no
//! server.

pub(super) mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future;
use hitl::seal::HostKey;
use hitl::{Gate, MemoryAudit, PostgresStore, Store, Tenant};
use hitl_core::machine::Event;
use hitl_core::store::EventPayload;
use tokio::runtime::Runtime;

use self::server::{connect, open, prepared, schema, url};
use super::sqlite::{decide_one, run_one, submit_and_decide, submitted, through_a_gate_once};
use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::rows::{Statements, Step, recorded};
use crate::timing::{by_callers, two_threads};
use crate::tools::{self, Plain, arguments};

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    if url().is_none() {
        return Vec::new();
    }
    let rows = "the same rows by raw tokio-postgres";
    let mut pairs = Vec::new();
    for (callers, who) in [(1, "one by one"), (32, "32 callers")] {
        let pair = |what: &str, ours: fn(u64) -> Run, yardstick: fn(u64) -> Run| {
            let path = format!("PostgreSQL {what}, {who}");
            Pair::timed(path, move || ours(callers), rows, move || yardstick(callers))
        };
        pairs.push(pair("submit + decide", stored, raw_stored));
        pairs.push(pair("full round trip", decided, raw_decided));
        pairs.push(pair("Auto call, claimed durably", run_at_once, raw_run_at_once));
    }
    pairs.push(
        Pair::timed(
            "PostgreSQL decide -> waiter of another replica wakes",
            waking,
            "raw UPDATE + NOTIFY -> LISTEN",
            raw_waking,
        )
        .budget(1.5),
    );
    pairs
}

fn a_store(runtime: &Runtime) -> PostgresStore {
    runtime.block_on(async { open(&schema(), HostKey::generate().expect("a key")).await })
}

/// Performs these steps of each call, by hand.
fn raw(callers: u64, steps: &[Step]) -> Run {
    let (runtime, schema) = (two_threads(), schema());
    let statements = Arc::new(Statements::of(&schema, steps));
    let clients = runtime.block_on(async {
        // The store creates the tables, and is dropped.
        drop(open(&schema, HostKey::generate().expect("a key")).await);
        Arc::new(prepared(callers, &statements).await)
    });
    by_callers(runtime, callers, move |call| {
        let (clients, statements) = (Arc::clone(&clients), Arc::clone(&statements));
        async move {
            let turn = usize::try_from(call).unwrap_or(0) % clients.len();
            let (client, prepared) = &clients[turn];
            for step in 0..statements.steps() {
                statements.write((client, prepared), step, call).await;
            }
        }
    })
}

fn stored(callers: u64) -> Run {
    let runtime = two_threads();
    let store = a_store(&runtime);
    by_callers(runtime, callers, move |call| {
        let store = store.clone();
        async move {
            submit_and_decide(&store, call, None).await;
        }
    })
}

/// Returns the rows that a submission and a decision write.
pub(super) fn submit_and_decide_steps() -> Vec<Step> {
    recorded(&two_threads(), |store| async move {
        submit_and_decide(&store, 0, None).await;
    })
}

fn raw_stored(callers: u64) -> Run {
    raw(callers, &submit_and_decide_steps())
}

fn through_a_gate<F: Future<Output = ()> + Send + 'static>(
    callers: u64,
    operation: impl Fn(Gate, Plain) -> F + Clone + Send + 'static,
) -> Run {
    let runtime = two_threads();
    let store = a_store(&runtime);
    let gate = runtime.block_on(tools::gate(store, MemoryAudit::new()));
    by_callers(runtime, callers, move |_| operation(gate.clone(), arguments(20)))
}

fn decided(callers: u64) -> Run {
    through_a_gate(callers, decide_one)
}

fn raw_decided(callers: u64) -> Run {
    raw(callers, &through_a_gate_once(&two_threads(), decide_one))
}

fn run_at_once(callers: u64) -> Run {
    through_a_gate(callers, run_one)
}

fn raw_run_at_once(callers: u64) -> Run {
    raw(callers, &through_a_gate_once(&two_threads(), run_one))
}

fn waking() -> Run {
    let runtime = two_threads();
    let (schema, key) = (schema(), HostKey::generate().expect("a key"));
    let (here, there) = runtime.block_on(async {
        let here = open(&schema, key.clone()).await;
        (here, open(&schema, key).await)
    });
    let mut call = 0;
    Box::new(move |times| {
        let mut spent = Duration::ZERO;
        for _ in 0..times {
            call += 1;
            spent += runtime.block_on(async {
                let record = submitted(&here, call).await;
                let mut watch = there.watch(record.id());
                let tenant = Tenant::default();
                there.get(&tenant, record.id()).await.expect("read");
                let decision = Event::Decide(record.request().approve().by("alice"));
                let start = Instant::now();
                let waiting = async {
                    loop {
                        watch.changed().await;
                        let current = there.get(&tenant, record.id()).await.expect("read");
                        if current.is_some_and(|now| now.version() > record.version()) {
                            return;
                        }
                    }
                };
                let deciding = here.apply(&tenant, record.id(), decision, EventPayload::default());
                let (decided, ()) = future::join(deciding, waiting).await;
                decided.expect("decided");
                start.elapsed()
            });
        }
        spent
    })
}

/// Writes on one connection, is notified on another, and reads there.
fn raw_waking() -> Run {
    let (runtime, schema) = (two_threads(), schema());
    let statements = Statements::of(&schema, &submit_and_decide_steps());
    let (here, prepared, there, mut told, read) = runtime.block_on(async {
        drop(open(&schema, HostKey::generate().expect("a key")).await);
        let ((here, _), (there, told)) = (connect().await, connect().await);
        there.batch_execute(&format!("LISTEN {schema}")).await.expect("listening");
        let read = there.prepare(&read_record(&schema)).await.expect("prepared");
        let prepared = statements.prepare(&here).await;
        (here, prepared, there, told, read)
    });
    let mut call = 0;
    Box::new(move |times| {
        let mut spent = Duration::ZERO;
        for _ in 0..times {
            call += 1;
            spent += runtime.block_on(async {
                statements.write((&here, &prepared), 0, call).await;
                let start = Instant::now();
                statements.write((&here, &prepared), 1, call).await;
                here.batch_execute(&format!("NOTIFY {schema}, '{call}'")).await.expect("notified");
                told.recv().await.expect("a notification");
                there.query_one(&read, &[&call.cast_signed()]).await.expect("read");
                start.elapsed()
            });
        }
        spent
    })
}

/// Returns the statement that reads the record of the call at this position.
pub(super) fn read_record(schema: &str) -> String {
    format!("SELECT version, record FROM {schema}.calls WHERE n = $1")
}
