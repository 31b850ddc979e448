//! Durable calls in one SQLite file, beside the same rows written by hand with group commit.

use std::sync::Arc;

use hitl::backend::SessionId;
use hitl::{CallRecord, Gate, MemoryAudit, Store, Tenant};
use hitl_core::machine::Event;
use hitl_core::store::suite::{Draft, sealed};
use hitl_core::store::{ChangeId, EventPayload, SubmitResult};
use hitl_store::SqliteStore;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::measure::Effort;
use crate::pair::{Pair, Run};
use crate::rows::{Groups, Step, recorded};
use crate::timing::{by_callers, two_threads};
use crate::tools::{self, Plain, arguments, full_round_trip, write_down};

/// At least 80 % of the throughput.
const BUDGET: f64 = 1.25;
/// The number of changes that are acknowledged at once.
const AUDITED: usize = 256;

pub(super) fn pairs(_: Effort) -> Vec<Pair> {
    let rows = "the same rows by raw rusqlite, group commit";
    let mut pairs = Vec::new();
    for (callers, who) in [(1, "one by one"), (64, "64 callers")] {
        let pair = |what: &str, ours: fn(u64) -> Run, yardstick: fn(u64) -> Run| {
            let path = format!("SQLite {what}, {who}");
            Pair::timed(path, move || ours(callers), rows, move || yardstick(callers))
        };
        let stored = pair("submit + decide", stored, raw_stored);
        pairs.push(if callers == 1 { stored } else { stored.budget(BUDGET) });
        pairs.push(pair("submit + decide + outbox", owed, raw_owed));
        pairs.push(pair("full round trip", decided, raw_decided));
        pairs.push(pair("Auto call, claimed durably", run_at_once, raw_run_at_once));
    }
    pairs.push(Pair::timed(
        "SQLite submit + decide + outbox, 64 callers",
        || owed(64),
        "itself without the outbox",
        || stored(64),
    ));
    pairs
}

/// The sealed payload of every call.
const PAYLOAD: [u8; 200] = [7; 200];

async fn open(folder: &TempDir) -> SqliteStore {
    SqliteStore::open(folder.path().join("hitl.db")).await.expect("a store")
}

/// Runs an operation on a store in a file of its own, which is kept as long as the operation.
fn on_a_store<F: Future<Output = ()> + Send + 'static>(
    callers: u64,
    operation: impl Fn(SqliteStore, u64) -> F + Clone + Send + 'static,
) -> Run {
    let (runtime, folder) = (two_threads(), tempfile::tempdir().expect("a folder"));
    let store = runtime.block_on(open(&folder));
    let mut run = by_callers(runtime, callers, move |call| operation(store.clone(), call));
    Box::new(move |times| {
        let _kept = &folder;
        run(times)
    })
}

/// Performs these steps of each call, by hand.
fn raw(callers: u64, steps: Vec<Step>) -> Run {
    let (runtime, folder) = (two_threads(), tempfile::tempdir().expect("a folder"));
    // The store creates the tables, and is dropped.
    drop(runtime.block_on(open(&folder)));
    let count = steps.len();
    let groups = Arc::new(Groups::open(&folder.path().join("hitl.db"), steps));
    let mut run = by_callers(runtime, callers, move |call| {
        let groups = Arc::clone(&groups);
        async move {
            for step in 0..count {
                groups.write(step, call).await;
            }
        }
    });
    Box::new(move |times| {
        let _kept = &folder;
        run(times)
    })
}

/// Submits a call that waits for a decision.
pub(super) async fn submitted(store: &impl Store, call: u64) -> CallRecord {
    enter(store, Draft::new("bench", call)).await
}

async fn enter(store: &impl Store, draft: Draft) -> CallRecord {
    let submitted = store.submit(draft.call(), sealed(&PAYLOAD)).await;
    let Ok(SubmitResult::Created(record)) = submitted else { panic!("a new key") };
    record
}

pub(super) async fn submit_and_decide(
    store: &impl Store,
    call: u64,
    auditor: Option<SessionId>,
) -> [ChangeId; 2] {
    let mut draft = Draft::new("bench", call);
    let mut enclosed = EventPayload::none();
    if let Some(session) = auditor {
        draft = draft.audited_by(session);
        enclosed = enclosed.audited_by(session);
    }
    let record = enter(store, draft).await;
    let decision = Event::Decide(record.request().approve().by("alice"));
    let decided = store.apply(&Tenant::default(), record.id(), decision, enclosed).await;
    [ChangeId::to(&record), ChangeId::to(&decided.expect("decided"))]
}

fn stored(callers: u64) -> Run {
    on_a_store(callers, |store, call| async move {
        submit_and_decide(&store, call, None).await;
    })
}

fn raw_stored(callers: u64) -> Run {
    let act = |store| async move {
        submit_and_decide(&store, 0, None).await;
    };
    raw(callers, recorded(&two_threads(), act))
}

/// Measures the same, with each change in the outbox until it is acknowledged as audited.
fn owed(callers: u64) -> Run {
    let session = SessionId::new();
    let audited: Arc<std::sync::Mutex<Vec<ChangeId>>> = Arc::default();
    on_a_store(callers, move |store, call| {
        let audited = Arc::clone(&audited);
        async move {
            let changes = submit_and_decide(&store, call, Some(session)).await;
            let many = {
                let mut audited = audited.lock().expect("nobody panics");
                audited.extend(changes);
                if audited.len() < AUDITED { Vec::new() } else { std::mem::take(&mut *audited) }
            };
            if !many.is_empty() {
                // As a gate does: nobody waits for it.
                tokio::spawn(async move { store.outbox_ack(&many).await.expect("acknowledged") });
            }
        }
    })
}

fn raw_owed(callers: u64) -> Run {
    let act = |store| async move {
        submit_and_decide(&store, 0, Some(SessionId::new())).await;
    };
    raw(callers, recorded(&two_threads(), act))
}

/// Opens a gate over a store in a file of its own.
fn through_a_gate<F: Future<Output = ()> + Send + 'static>(
    callers: u64,
    operation: impl Fn(Gate, Plain) -> F + Clone + Send + 'static,
) -> Run {
    let (runtime, folder) = (two_threads(), tempfile::tempdir().expect("a folder"));
    let gate =
        runtime.block_on(async { tools::gate(open(&folder).await, MemoryAudit::new()).await });
    let mut run = by_callers(runtime, callers, move |_| operation(gate.clone(), arguments(20)));
    Box::new(move |times| {
        let _kept = &folder;
        run(times)
    })
}

/// Returns the rows that one such call writes.
pub(super) fn through_a_gate_once<F: Future<Output = ()>>(
    runtime: &Runtime,
    operation: impl FnOnce(Gate, Plain) -> F,
) -> Vec<Step> {
    recorded(runtime, |store| async {
        operation(tools::gate(store, MemoryAudit::new()).await, arguments(20)).await;
    })
}

pub(super) async fn decide_one(gate: Gate, plain: Plain) {
    full_round_trip(&gate, plain).await;
}

pub(super) async fn run_one(gate: Gate, Plain { customer, limit, note }: Plain) {
    gate.call(write_down(customer, limit, note)).by("ann").await.expect("it runs");
}

fn decided(callers: u64) -> Run {
    through_a_gate(callers, decide_one)
}

fn raw_decided(callers: u64) -> Run {
    raw(callers, through_a_gate_once(&two_threads(), decide_one))
}

/// Measures two awaited commits: the claim before the body, the result after it.
fn run_at_once(callers: u64) -> Run {
    through_a_gate(callers, run_one)
}

fn raw_run_at_once(callers: u64) -> Run {
    raw(callers, through_a_gate_once(&two_threads(), run_one))
}
