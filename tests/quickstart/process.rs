//! Runs the example, with a time limit.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::example;

/// A time longer than a slow machine needs, and shorter than a person would wait.
const LIMIT: Duration = Duration::from_secs(120);

/// The data that is part of the example.
pub(crate) const SHIPPED: &str = include_str!("../../examples/quickstart/data/airline-calls.jsonl");

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example::built("quickstart"))
}

/// A folder of its own, with a queue and perhaps data.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
}

/// The counts of one run.
pub(crate) type Counts = BTreeMap<String, u64>;

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and returns the option that names it.
    pub(crate) fn data(&self, text: impl AsRef<[u8]>) -> String {
        let path = self.path("data.jsonl");
        fs::write(&path, text).unwrap();
        format!("--data={}", path.display())
    }

    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.arg("--db").arg(self.path("queue.db")).args(options);
        command.current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, options: &[&str]) -> Output {
        finish(self.command(options).spawn().unwrap())
    }

    /// Runs with `--json`, checks the invariants, and returns the counts.
    pub(crate) fn counts(&self, options: &[&str]) -> Counts {
        let output = self.run(&[options, &["--json"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        sound(&output)
    }

    /// Returns the number of starts of each call that has a record, according to the audit.
    pub(crate) fn starts(&self) -> BTreeMap<String, u64> {
        let mut starts = BTreeMap::new();
        for line in fs::read_to_string(self.path("queue.db.audit.jsonl")).unwrap().lines() {
            let event = &serde_json::from_str::<Value>(line).unwrap()["event"];
            if event["event"] == "claimed" && event["call"].is_string() {
                *starts.entry(event["key"].to_string()).or_default() += 1;
            }
        }
        starts
    }
}

/// Returns the counts in the last line, which must add up.
pub(crate) fn sound(output: &Output) -> Counts {
    let stdout = text(&output.stdout);
    assert_eq!(stdout.lines().count(), 1, "only the counts are on standard output: {stdout}");
    let counts: Counts = serde_json::from_str(&stdout).unwrap();
    let sum = |keys: &[&str]| keys.iter().map(|key| counts[*key]).sum::<u64>();
    assert_eq!(counts["calls"], sum(&["auto", "quick", "full", "denied"]), "{stdout}");
    let states =
        ["executed", "failed", "rejected", "pending", "unknown", "cancelled", "expired", "denied"];
    assert_eq!(counts["calls"], sum(&states), "{stdout}");
    assert_eq!(counts.len(), 13, "{stdout}");
    counts
}

/// Waits for the end of a process, and kills it if it hangs.
pub(crate) fn finish(child: Child) -> Output {
    let id = child.id();
    let (sender, ended) = channel();
    std::thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    ended.recv_timeout(LIMIT).unwrap_or_else(|_| {
        signal(id, "-KILL");
        panic!("the quickstart hangs")
    })
}

/// A process whose lines are read as they arrive.
pub(crate) struct Watched {
    pub(crate) child: Child,
    lines: Receiver<String>,
}

impl Watched {
    /// Reads its standard output. Unread lines stay in the pipe, which then blocks the process.
    pub(crate) fn stdout(mut child: Child) -> Self {
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = std::sync::mpsc::sync_channel(0);
        std::thread::spawn(move || {
            for line in BufReader::with_capacity(256, stdout).lines() {
                if line.is_err() || sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Returns the next line.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("another line")
    }

    /// Reads on until a line contains `text`.
    pub(crate) fn until(&self, text: &str) {
        while !self.line().contains(text) {}
    }

    /// Kills the process as `kill -9` does.
    pub(crate) fn kill(mut self) -> ExitStatus {
        self.child.kill().unwrap();
        self.child.wait().unwrap()
    }
}

pub(crate) fn signal(id: u32, which: &str) {
    assert!(Command::new("kill").args([which, &id.to_string()]).status().unwrap().success());
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
