//! The other process: this test binary again, told by its environment what to do.
//!
//! It says what it has done in lines on its output, and takes lines from its input.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use hitl_store::PostgresStore;

use crate::support::{options, url};
use crate::{kills, races};

const ROLE: &str = "HITL_TEST_CHILD_ROLE";
const SCHEMA: &str = "HITL_TEST_CHILD_SCHEMA";
/// What marks our lines among those of the test harness.
const MARK: &str = "@@ ";
/// How long a killed process counts as alive.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// What the other process does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Submits, decides and runs calls, for ever.
    Work,
    /// Races for the calls it is told.
    Race,
}

/// Another process.
pub(crate) struct Child {
    process: Process,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts it.
    pub(crate) fn start(role: Role, schema: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
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

    /// The next thing that it says.
    pub(crate) fn hear(&mut self) -> String {
        self.hear_or_end().expect("the other process is alive")
    }

    /// The next thing that it says, or nothing when it has ended.
    pub(crate) fn hear_or_end(&mut self) -> Option<String> {
        self.output.by_ref().map_while(Result::ok).find_map(|line| {
            // The harness may have written in front of it on the same line.
            line.split_once(MARK).map(|(_, said)| said.to_owned())
        })
    }

    /// Tells it something.
    pub(crate) fn tell(&mut self, what: &str) {
        writeln!(self.input, "{what}").unwrap();
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
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

/// Says something to the parent, at once.
pub(crate) fn say(what: impl std::fmt::Display) {
    println!("{MARK}{what}");
}

/// What the parent says next. Without a parent there is nothing left to do.
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

/// Does what the environment says, if it says anything.
pub(crate) fn run_if_asked() {
    let (Ok(role), Ok(schema)) = (std::env::var(ROLE), std::env::var(SCHEMA)) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = options(&url().unwrap(), &schema).connections(4).lease(LEASE);
        let store: PostgresStore = options.open().await.unwrap();
        match role.as_str() {
            "Work" => kills::work(store).await,
            _ => races::race(store).await,
        }
    });
}
