//! Steps that wait for a human, in a process that is killed meanwhile: nobody is asked twice,
//! nothing runs twice, and decisions made while no process lived count.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use hitl::prelude::*;
use hitl::store::PageRequest;
use hitl::tasks::{StepContext, Task, TaskId, TaskManager, TaskState};
use hitl::{CallRecord, CallState, Gate, GateInTask as _, SqliteStore, Tenant};

const FOLDER: &str = "HITL_HUMAN_STEPS_FOLDER";
/// The prefix that tells our lines from those of the test harness.
const MARK: &str = "@@ ";
const TASK: &str = "01890000-0000-7000-8000-000000000007";

/// The folder in which bodies leave a line.
#[derive(Clone)]
struct Folder(PathBuf);

impl Folder {
    fn note(&self, what: &str) {
        let mut file = std::fs::OpenOptions::new();
        let mut file = file.create(true).append(true).open(self.0.join("ran")).unwrap();
        file.write_all(format!("{what}\n").as_bytes()).unwrap();
    }
}

/// Wires money.
#[hitl_tool(risk = "high", base_confidence = 50, expires = "30d")]
async fn wire(#[hitl(state)] folder: Folder, to: String, amount: u32) -> String {
    folder.note("wire");
    format!("{amount} to {to}")
}

async fn open(folder: &Path) -> (SqliteStore, Gate) {
    let store = SqliteStore::open(folder.join("hitl.db")).await.unwrap();
    let gate = Gate::builder().tool::<Wire>().state(Folder(folder.to_owned()));
    (store.clone(), gate.store(store).build().await.unwrap())
}

fn task(gate: &Gate, folder: &Path) -> Task<String> {
    let (gate, folder) = (gate.clone(), Folder(folder.to_owned()));
    let draft = TaskStep::new("Draft", move |_: StepContext| {
        folder.note("draft");
        async { Ok::<_, String>(120_u32) }
    });
    let pay = TaskStep::new("Pay", move |cx: StepContext, amount: u32| {
        let gate = gate.clone();
        async move {
            let asked = gate.call_in(&cx, wire("Initech", amount)).by("agent").await;
            match asked.map_err(|error| error.to_string())? {
                Outcome::Executed(output) => Ok(output.parse::<String>().unwrap()),
                other => Err(format!("{other:?}")),
            }
        }
    });
    let id: TaskId = TASK.parse().unwrap();
    Task::new("Settle").id(id).step(draft.durable()).step(pay.durable()).journaled()
}

/// Runs the worker. Not a test of its own: the other tests start it as another process.
#[tokio::test]
async fn worker_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    // When the process that started this one dies, this input closes.
    std::thread::spawn(|| {
        let _closed = std::io::stdin().read_line(&mut String::new());
        std::process::exit(0);
    });
    let say = |what: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{MARK}{what}").and_then(|()| out.flush()).unwrap();
    };
    let folder = PathBuf::from(folder);
    let (store, gate) = open(&folder).await;
    let manager = TaskManager::builder().journal(store).build().unwrap();
    let handle = manager.submit(task(&gate, &folder)).unwrap();
    let mut watcher = handle.watcher();
    let waiting = async {
        while watcher.changed().await {
            // A moment off the clock is not a wait for a human: that begins once the call is
            // stored.
            let queue = PageRequest::new(&[CallState::Pending]);
            let asked = gate.unscoped().list(&Tenant::default(), queue).await.unwrap();
            if watcher.state() == TaskState::Waiting && !asked.is_empty() {
                say("waiting");
            }
        }
    };
    let (output, ()) = tokio::join!(handle.wait(), waiting);
    say(&format!("done {}", output.unwrap()));
}

struct Worker {
    process: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "worker_process", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, says }
    }

    /// Returns the next line of the worker that begins with this text.
    fn hear(&mut self, what: &str) -> String {
        let said = self.says.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, said) = line.split_once(MARK)?;
            said.strip_prefix(what).map(str::to_owned)
        });
        said.unwrap_or_else(|| panic!("the worker never said {what}"))
    }
}

impl Drop for Worker {
    /// Kills the worker as `kill -9` does.
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

async fn all(gate: &Gate) -> Vec<CallRecord> {
    gate.unscoped().list(&Tenant::default(), PageRequest::all()).await.unwrap()
}

fn ran(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("ran")).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Returns the only call, which is pending.
async fn pending(gate: &Gate) -> CallRecord {
    let calls = all(gate).await;
    let [call] = calls.as_slice() else { panic!("one call, asked once: {calls:?}") };
    assert_eq!((call.state(), call.request().revision), (CallState::Pending, 1));
    call.clone()
}

#[tokio::test]
async fn a_decision_that_was_taken_while_nobody_lived_counts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for _ in 0..2 {
        Worker::start(folder).hear("waiting");
        // The worker was killed. It has asked once.
        let (_store, gate) = open(folder).await;
        pending(&gate).await;
    }
    {
        let (_store, gate) = open(folder).await;
        gate.decide(pending(&gate).await.request().approve().by("dora")).await.unwrap();
        assert_eq!(ran(folder), ["draft"], "deciding runs nothing");
    }
    assert_eq!(Worker::start(folder).hear("done "), "120 to Initech");
    assert_eq!(ran(folder), ["draft", "wire"], "each once");
    // A later process gets the same result.
    assert_eq!(Worker::start(folder).hear("done "), "120 to Initech");
    assert_eq!(ran(folder), ["draft", "wire"]);
}

#[tokio::test]
async fn after_a_restart_it_waits_on_and_hears_of_a_decision_in_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    Worker::start(folder).hear("waiting");
    let mut worker = Worker::start(folder);
    worker.hear("waiting");
    let (_store, gate) = open(folder).await;
    gate.decide(pending(&gate).await.request().approve().by("dora")).await.unwrap();
    assert_eq!(worker.hear("done "), "120 to Initech");
    assert_eq!(ran(folder), ["draft", "wire"]);
    let calls = all(&gate).await;
    assert_eq!((calls.len(), calls[0].state(), calls[0].attempts()), (1, CallState::Executed, 1));
}
