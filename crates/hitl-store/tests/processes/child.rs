//! The other process: this test binary started again, with its role in an environment variable.
//!
//! It reports its actions in lines on its output, and takes `go` from its input.

use hitl_core::store::EventPayload;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

use hitl_core::machine::{CallState, Event};
use hitl_core::store::suite::{Draft, fixture, host, sealed, tenant};
use hitl_core::{ClaimToken, RequestId, Store};
use hitl_store::SqliteStore;

use crate::{attach, freeze, reconcile, rotation, storm};

const ROLE: &str = "HITL_TEST_CHILD_ROLE";
const FILE: &str = "HITL_TEST_CHILD_FILE";
const CALLS: &str = "HITL_TEST_CHILD_CALLS";
/// The prefix that tells our lines from those of the test harness.
const MARK: &str = "@@ ";

/// The role of the other process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Submits calls and withdraws every other one, forever; reports each acknowledgement.
    Work,
    /// Claims the calls and holds on to them.
    Hold,
    /// Races for each of the calls with a claim; reports those it won.
    Race,
    /// Withdraws the calls, one at each `go`.
    Withdraw,
    /// Does everything to every call, in some order; reports what it won.
    Storm,
    /// Opens a new file; reports whether it could.
    Open,
    /// Replaces the key; stops at each named place until a `go`.
    Rotate,
    /// Reads and writes until it is frozen, and again at each `go`; reports that it runs, and that
    /// it is frozen.
    Freeze,
    /// Submits calls that attach and start at once; reports which call each is.
    Attach,
    /// Refunds a payment, and hangs where a line says; reports the outcome.
    Refund,
}

/// Another process.
pub(crate) struct Child {
    process: Process,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts the process.
    pub(crate) fn start(role: Role, file: &Path, calls: &[RequestId]) -> Self {
        let calls: Vec<String> = calls.iter().map(ToString::to_string).collect();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_process", "--nocapture", "--test-threads=1"])
            .env(ROLE, format!("{role:?}"))
            .env(FILE, file)
            .env(CALLS, calls.join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, input, output }
    }

    /// Returns the next line that the process sends.
    pub(crate) fn hear(&mut self) -> String {
        self.hear_or_end().expect("the other process is alive")
    }

    /// Returns the next line that the process sends, or `None` if it has ended.
    pub(crate) fn hear_or_end(&mut self) -> Option<String> {
        self.output.by_ref().map_while(Result::ok).find_map(|line| {
            // The harness may have written before it on the same line.
            line.split_once(MARK).map(|(_, said)| said.to_owned())
        })
    }

    /// Lets the process continue.
    pub(crate) fn go(&mut self) {
        self.tell("go");
    }

    /// Sends the process a line.
    pub(crate) fn tell(&mut self, what: &str) {
        writeln!(self.input, "{what}").unwrap();
    }

    /// Kills the process as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

pub(crate) fn say(what: impl std::fmt::Display) {
    println!("{MARK}{what}");
}

pub(crate) fn wait_for_go() -> String {
    let mut line = String::new();
    if std::io::stdin().read_line(&mut line).unwrap() == 0 {
        std::process::exit(0); // The parent is gone.
    }
    line.trim_end().to_owned()
}

/// Plays the role that the environment names, if it names one.
pub(crate) fn run_if_asked() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let file = std::env::var_os(FILE).unwrap();
    let calls = std::env::var(CALLS).unwrap();
    let calls: Vec<RequestId> = calls.split_whitespace().map(|id| id.parse().unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if role == "Storm" {
            return storm::storm(file.as_ref()).await;
        }
        if role == "Rotate" {
            return rotation::rotate(file.as_ref()).await;
        }
        if role == "Refund" {
            return reconcile::refund(file.as_ref()).await;
        }
        if role == "Attach" {
            return attach::attach(file.as_ref()).await;
        }
        if role == "Freeze" {
            return freeze::work(file.as_ref()).await;
        }
        if role == "Open" {
            wait_for_go();
        }
        let store = SqliteStore::open(&file).await.unwrap();
        match role.as_str() {
            "Work" => work(&store).await,
            "Hold" => hold(&store, &calls).await,
            "Race" => race(&store, &calls).await,
            "Withdraw" => withdraw(&store, &calls).await,
            _ => say(store.host_key().unwrap().check_value()),
        }
    });
}

async fn work(store: &SqliteStore) {
    for position in 0.. {
        let draft = Draft::new("killed", position);
        store.submit(draft.call(), sealed(b"payload")).await.unwrap();
        say(format!("{} {}", draft.id(), CallState::Pending));
        if position % 2 == 0 {
            let ended = store
                .apply(&tenant(), draft.id(), host("enough"), EventPayload::none())
                .await
                .unwrap();
            say(format!("{} {}", draft.id(), ended.state()));
        }
    }
}

async fn hold(store: &SqliteStore, calls: &[RequestId]) {
    let session = store.open_session().await.unwrap();
    for id in calls {
        let record = store.get(&tenant(), *id).await.unwrap().unwrap();
        let claim = fixture::claim(&record, ClaimToken::new(), session);
        store.apply(&tenant(), *id, claim, EventPayload::none()).await.unwrap();
        say(format!("{id} {session}"));
    }
    wait_for_go();
    store.close_session(session).await.unwrap();
    say("closed");
    wait_for_go();
}

async fn race(store: &SqliteStore, calls: &[RequestId]) {
    let session = store.open_session().await.unwrap();
    let mut records = Vec::new();
    for id in calls {
        records.push(store.get(&tenant(), *id).await.unwrap().unwrap());
    }
    say("ready");
    wait_for_go();
    for record in records {
        let token = ClaimToken::new();
        let claim = fixture::claim(&record, token, session);
        match store.apply(&tenant(), record.id(), claim, EventPayload::none()).await {
            Ok(_) => {
                let event = Event::Succeed { token };
                store.apply(&tenant(), record.id(), event, EventPayload::none()).await.unwrap();
                say("won");
            }
            Err(hitl_core::store::ApplyError::Rejected { .. }) => say("lost"),
            Err(other) => panic!("{other}"),
        }
    }
}

async fn withdraw(store: &SqliteStore, calls: &[RequestId]) {
    say("ready");
    for id in calls {
        wait_for_go();
        store.apply(&tenant(), *id, host("from afar"), EventPayload::none()).await.unwrap();
    }
    wait_for_go();
}
