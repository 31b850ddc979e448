//! The worker: this test binary started again, with its folder and its stopping place in
//! environment variables.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use hitl_core::{CallKey, CallRecord, Gate, Outcome, RunId, Submission, Tenant, Ticket};
use hitl_store::SqliteStore;

use crate::database;
use crate::desk::{Lines, Note, Pay, acknowledged, gate};
use crate::grants;
use crate::journal;
use crate::watched::Watched;

pub(crate) const FOLDER: &str = "HITL_CRASH_FOLDER";
pub(crate) const LIFE: &str = "HITL_CRASH_LIFE";
pub(crate) const STOP: &str = "HITL_CRASH_STOP";
/// Set for a worker on tasks.
pub(crate) const TASKS: &str = "HITL_CRASH_TASKS";
/// Set for a worker on grants.
pub(crate) const GRANTS: &str = "HITL_CRASH_GRANTS";
/// The prefix that tells our lines from those of the test harness.
pub(crate) const MARK: &str = "@@ ";

/// The stopping place of this process: its name, and the number of earlier visits.
struct Stop {
    place: String,
    visits: u64,
    visited: AtomicU64,
}

static STOP_AT: OnceLock<Stop> = OnceLock::new();

/// Reports that this place is reached. A process that is to be killed here waits for that.
pub(crate) fn reach(place: &'static str) {
    let Some(stop) = STOP_AT.get().filter(|stop| stop.place == place) else { return };
    if stop.visited.fetch_add(1, Ordering::SeqCst) != stop.visits {
        return;
    }
    say(&format!("at {place}"));
    loop {
        std::thread::park();
    }
}

/// Sends a line to the process that will kill this one.
pub(crate) fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    // The listening process may be gone; then nothing matters any more.
    let _gone = writeln!(out, "{MARK}{what}").and_then(|()| out.flush());
}

/// Works forever, if the environment asks for it.
pub(crate) fn run_if_asked() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let life: u64 = std::env::var(LIFE).unwrap().parse().unwrap();
    if let Ok(stop) = std::env::var(STOP) {
        let (place, visits) = stop.split_once(' ').unwrap();
        let visits = visits.parse().unwrap();
        let stop = Stop { place: place.to_owned(), visits, visited: AtomicU64::new(0) };
        assert!(STOP_AT.set(stop).is_ok());
        hitl_store::on_failpoint(reach);
    }
    // When the process that started this one dies, this input closes.
    std::thread::spawn(|| {
        let _closed = std::io::stdin().read_line(&mut String::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if std::env::var_os(TASKS).is_some() {
        return runtime.block_on(journal::work(PathBuf::from(folder)));
    }
    if std::env::var_os(GRANTS).is_some() {
        return runtime.block_on(grants::work(PathBuf::from(folder), life));
    }
    runtime.block_on(work(PathBuf::from(folder), life));
}

async fn work(folder: PathBuf, life: u64) {
    let store = SqliteStore::open(database(&folder)).await.unwrap();
    let gate = gate(Watched(store), &folder).build().await.unwrap();
    let acks = acknowledged(&folder);
    say("ready");
    let server = gate.clone();
    tokio::spawn(async move { server.serve().await });
    if let Some(earlier) = life.checked_sub(1) {
        come_back(&gate, earlier).await;
    }
    let mut clerks = tokio::task::JoinSet::new();
    for clerk in 0..3 {
        let (gate, acks) = (gate.clone(), acks.clone());
        clerks.spawn(async move {
            for round in 0.. {
                one(&gate, &acks, life, round * 3 + clerk).await;
            }
        });
    }
    clerks.join_all().await;
}

/// Submits again the calls of an earlier life: nothing may run a second time.
async fn come_back(gate: &Gate, life: u64) {
    for position in 0..6 {
        let text = position.to_string();
        if position % 6 == 4 {
            let _any = submit_note(gate, life, position).await;
        } else {
            let call = gate.submit(Pay { text }).by("agent").key(run(life), position);
            // An approved call runs now, and an ended one reports how it ended.
            let _any = call.await.unwrap();
        }
    }
}

fn run(life: u64) -> RunId {
    RunId::new(format!("life {life}"))
}

async fn submit_note(gate: &Gate, life: u64, position: u64) -> Submission {
    let call = gate.submit(Note { text: position.to_string() });
    call.by("agent").key(run(life), position).await.unwrap()
}

/// Returns the record of a ticket's call.
async fn record(gate: &Gate, ticket: &Ticket) -> CallRecord {
    let key: &CallKey = &ticket.receipt().key;
    gate.unscoped().get_by_key(key).await.unwrap().unwrap()
}

/// Runs one call; its course depends on its position.
async fn one(gate: &Gate, acks: &Lines, life: u64, position: u64) {
    let kind = position % 6;
    if kind == 4 {
        let submission = submit_note(gate, life, position).await;
        let id = submission.receipt().id.unwrap();
        if let Submission::Done { outcome: Outcome::Executed(_), .. } = submission {
            acks.add(&format!("executed {id}"));
        }
        return;
    }
    let call = gate.submit(Pay { text: position.to_string() });
    let submitted = call.by("agent").key(run(life), position).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it must be asked: {submitted:?}") };
    let request = ticket.request().clone();
    let id = request.id;
    acks.add(&format!("submitted {id}"));
    match kind {
        0 => acks.add(&format!("left {id}")),
        1 | 2 => {
            let decision = request.approve().by("alice");
            let decided = decision.id;
            gate.decide(decision).await.unwrap();
            acks.add(&format!("approved {id} {decided}"));
            if kind == 1 {
                let outcome = ticket.wait().await.unwrap();
                assert!(matches!(outcome, Outcome::Executed(_)), "{outcome:?}");
                acks.add(&format!("executed {id}"));
            }
        }
        3 => {
            let decision = request.reject("no").by("alice");
            let decided = decision.id;
            gate.decide(decision).await.unwrap();
            acks.add(&format!("rejected {id} {decided}"));
        }
        _ => {
            let record = record(gate, &ticket).await;
            gate.cancel(&record, "host", "enough").await.unwrap();
            acks.add(&format!("cancelled {id}"));
        }
    }
}

/// Returns the tenant of all its calls.
pub(crate) fn tenant() -> Tenant {
    Tenant::default()
}

/// Returns the arguments that start a worker.
pub(crate) fn arguments() -> [&'static str; 4] {
    ["--exact", "worker_process", "--nocapture", "--test-threads=1"]
}

/// Returns the environment variables of a worker.
pub(crate) fn environment(folder: &Path, life: u64) -> [(&'static str, std::ffi::OsString); 2] {
    [(FOLDER, folder.into()), (LIFE, life.to_string().into())]
}
