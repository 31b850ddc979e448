//! A store with calls in it, and the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hitl::GateBuilder;
use hitl::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

/// Wire money.
#[hitl_tool(
    risk = "high",
    base_confidence = 50,
    requires_reason,
    describe = "Wire {amount} to {to}"
)]
pub(crate) async fn wire(to: String, amount: u32) -> String {
    format!("wired {amount} to {to}")
}

/// Delete a project.
#[hitl_tool(approval_type = "deletion", risk = "high", base_confidence = 50)]
pub(crate) async fn drop_project(name: String) -> String {
    format!("dropped {name}")
}

/// The result of a run of the program.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Returns the lines that it printed, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Asserts that it ended with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// Returns the program, without any variable of this environment that it would read.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hitl"));
    let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HITL_"));
    let others = ["LOGNAME", "USERNAME", "VISUAL", "EDITOR"].map(Into::into);
    for name in ours.map(|(name, _)| name).chain(others) {
        command.env_remove(name);
    }
    command.env("USER", "tester").args(arguments);
    command
}

/// Runs `hitl` without a terminal.
pub(crate) fn hitl(arguments: &[&str]) -> Ran {
    ran(&mut program(arguments))
}

/// Runs a program without a terminal.
pub(crate) fn ran(command: &mut Command) -> Ran {
    let done = command.stdin(Stdio::null()).output().unwrap();
    Ran {
        code: done.status.code().unwrap(),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

/// A folder with a store in it.
pub(crate) struct House {
    folder: TempDir,
    pub(crate) gate: Gate,
    pub(crate) store: SqliteStore,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(|gate| gate).await
    }

    /// Builds a house whose gate has more settings.
    pub(crate) async fn with(settings: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        // Names that a shell would take apart.
        let folder = tempfile::Builder::new().prefix("it's a $HOME ").tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("hitl.db")).await.unwrap();
        let audit = JsonlAudit::open(folder.path().join("audit.jsonl")).unwrap();
        let gate = Gate::builder().store(store.clone()).audit(audit);
        let gate = settings(gate.tool::<Wire>().tool::<DropProject>());
        let gate = gate.build().await.unwrap();
        Self { folder, gate, store }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        said(&self.path(name))
    }

    /// Runs `hitl` on the store.
    pub(crate) fn hitl(&self, arguments: &[&str]) -> Ran {
        let db = said(&self.path("hitl.db"));
        let mut all = vec!["--db", &db];
        all.extend(arguments);
        hitl(&all)
    }

    /// Submits a call, which then waits.
    pub(crate) async fn wire(&self, to: &str, amount: u32) -> Waiting {
        Waiting::new(self.gate.submit(wire(to, amount)).by("owner").await.unwrap())
    }

    pub(crate) async fn drop_project(&self, name: &str) -> Waiting {
        Waiting::new(self.gate.submit(drop_project(name)).by("owner").await.unwrap())
    }

    /// Returns the state of a call, as the program prints it.
    pub(crate) fn state(&self, id: &str) -> String {
        let shown = self.hitl(&["show", id, "--json"]).ended(0).json();
        shown[0]["state"].as_str().unwrap().to_owned()
    }
}

/// A pending call.
pub(crate) struct Waiting {
    pub(crate) ticket: hitl::Ticket,
    pub(crate) id: String,
    pub(crate) binding: String,
}

impl Waiting {
    fn new(submission: Submission) -> Self {
        let Submission::Pending(ticket) = submission else { panic!("it waits for a human") };
        let request = ticket.request();
        let (id, binding) = (request.id.to_string(), request.binding.to_string());
        Self { ticket, id, binding }
    }
}

pub(crate) fn said(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
