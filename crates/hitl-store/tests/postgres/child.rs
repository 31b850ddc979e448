//! The other process: this test binary started again, with its role in an environment variable.
//!
//! It reports its actions in lines on its output, and takes lines from its input.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hitl_store::PostgresStore;

use crate::support::{options, url};
use crate::{kills, races};

const ROLE: &str = "HITL_TEST_CHILD_ROLE";
const SCHEMA: &str = "HITL_TEST_CHILD_SCHEMA";
const STOP: &str = "HITL_TEST_CHILD_STOP";
/// The prefix that tells our lines from those of the test harness.
const MARK: &str = "@@ ";
/// The time for which a killed process counts as alive.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// The role of the other process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Submits, decides and runs calls, forever.
    Work,
    /// Races for the calls whose ids it receives.
    Race,
}

/// Another process.
pub(crate) struct Child {
    process: Process,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts the process.
    pub(crate) fn start(role: Role, schema: &str) -> Self {
        Self::start_until(role, schema, None)
    }

    /// Starts the process; at a place, after so many visits of it, it reports `at <place>` and
    /// stops there.
    pub(crate) fn start_until(role: Role, schema: &str, stop: Option<(&str, u64)>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        if let Some((place, visits)) = stop {
            command.env(STOP, format!("{place} {visits}"));
        }
        let mut process = command
            .args(["--exact", "child_process", "--nocapture", "--test-threads=1"])
            .env(ROLE, format!("{role:?}"))
            .env(SCHEMA, schema)
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

/// Sends a line to the parent, unbuffered.
pub(crate) fn say(what: impl std::fmt::Display) {
    println!("{MARK}{what}");
}

/// Returns the next line of the parent. Without a parent there is nothing left to do.
pub(crate) async fn told() -> String {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|length| (length, line))
    });
    let (length, line) = read.await.unwrap().unwrap();
    if length == 0 {
        std::process::exit(0);
    }
    line
}

/// The place at which this process stops: its name, and the number of earlier visits.
static STOP_AT: OnceLock<(String, u64)> = OnceLock::new();
static VISITS: AtomicU64 = AtomicU64::new(0);

fn reach(place: &'static str) {
    let Some((_, visits)) = STOP_AT.get().filter(|(name, _)| name == place) else { return };
    if VISITS.fetch_add(1, Ordering::SeqCst) == *visits {
        say(format!("at {place}"));
        loop {
            std::thread::park();
        }
    }
}

/// Plays the role that the environment names, if it names one.
pub(crate) fn run_if_asked() {
    let (Ok(role), Ok(schema)) = (std::env::var(ROLE), std::env::var(SCHEMA)) else { return };
    if let Ok(stop) = std::env::var(STOP) {
        let (place, visits) = stop.split_once(' ').unwrap();
        STOP_AT.set((place.to_owned(), visits.parse().unwrap())).unwrap();
        hitl_store::on_failpoint(reach);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // A racer must not die; a busy machine may be slow.
        let lease = if role == "Work" { LEASE } else { Duration::from_secs(120) };
        let options = options(&url().unwrap(), &schema).max_connections(4).lease(lease);
        let store: PostgresStore = options.open().await.unwrap();
        match role.as_str() {
            "Work" => kills::work(store).await,
            _ => races::race(store).await,
        }
    });
}
