//! The example with a task, as its users run it: stopped by Ctrl-C, killed, restarted, approved,
//! failed and retried.
#![cfg(all(feature = "sqlite", feature = "terminal", unix))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

#[path = "shared/example.rs"]
mod example;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use hitl::store::PageRequest;
use hitl::{CallRecord, CallState, Gate, SqliteStore, Tenant};

/// Long enough that a life ends before its piece of work does.
const FOREVER: &str = "600000";

/// A running payroll, killed when dropped.
struct Life {
    process: Child,
    says: std::io::Lines<BufReader<ChildStderr>>,
}

impl Life {
    fn start(folder: &Path, pace: &str) -> Self {
        let mut process = Command::new(example::built("payroll"))
            .arg(folder)
            .env("PAYROLL_PACE_MS", pace)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, says }
    }

    /// Returns the next line that contains this text.
    fn hear(&mut self, what: &str) -> String {
        let mut heard = self.says.by_ref().map_while(Result::ok);
        heard.find(|line| line.contains(what)).unwrap_or_else(|| panic!("it never said {what}"))
    }

    /// Sends what Ctrl-C sends.
    fn interrupt(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }

    /// Waits for the end. Returns the exit code, what it printed, and what it said since.
    fn end(mut self) -> (Option<i32>, String, String) {
        let said: Vec<String> = self.says.by_ref().map_while(Result::ok).collect();
        let code = self.process.wait().unwrap().code();
        let mut out = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (code, out, said.join("\n"))
    }
}

impl Drop for Life {
    /// Kills it as `kill -9` does.
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

async fn calls(gate: &Gate) -> Vec<CallRecord> {
    gate.unscoped().list(&Tenant::default(), PageRequest::all()).await.unwrap()
}

#[tokio::test]
async fn a_payroll_survives_everything_and_pays_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let paid = || std::fs::read_to_string(folder.join("bank")).unwrap_or_default();

    // Ctrl-C in the middle of the first step.
    let mut life = Life::start(folder, FOREVER);
    life.hear("asking the kitchen");
    life.interrupt();
    let heard = life.hear("next start");
    assert!(!heard.contains("cancel") && !heard.contains("fail"), "{heard}");
    let (code, out, _) = life.end();
    assert_eq!((code, out.as_str()), (Some(0), ""));

    // It continues; `kill -9` in the second step.
    std::fs::write(folder.join("mail-is-down"), "").unwrap();
    let mut life = Life::start(folder, "1");
    assert_eq!(life.hear(""), "asking the kitchen", "the interrupted step begins again");
    life.hear("computing team 1");
    drop(life);

    // The first step is not done again, and a person is asked.
    let mut life = Life::start(folder, "1");
    let first = life.hear("");
    assert!(first.starts_with("computing team 1") || first.starts_with("waits"), "{first}");
    if !first.starts_with("waits") {
        life.hear("waits for a person: hitl --db ");
    }
    let gate = Gate::builder().store(SqliteStore::open(folder.join("hitl.db")).await.unwrap());
    let gate = gate.build().await.unwrap();
    let call = loop {
        if let Some(call) = calls(&gate).await.pop() {
            break call;
        }
    };
    assert_eq!(call.state(), CallState::Pending);
    drop(life);
    assert_eq!(paid(), "", "nothing is paid that nobody approved");

    // Approved while no process lived. It pays, and then the mail server is down.
    gate.decide(call.request().approve().by("dora")).await.unwrap();
    let (code, out, said) = Life::start(folder, "1").end();
    assert_eq!((code, out.as_str()), (Some(1), ""), "{said}");
    assert!(said.contains("the mail server is down; start again to retry"), "{said}");
    assert_eq!(paid(), "$26400 to 3 people\n");

    // The retry continues after the payment.
    std::fs::remove_file(folder.join("mail-is-down")).unwrap();
    let (code, out, said) = Life::start(folder, "1").end();
    let receipt = "paid $26400 to 3 people, and sent the pay slips";
    assert_eq!((code, out.trim_end()), (Some(0), receipt), "{said}");
    assert!(said.contains("trying again") && !said.contains("computing"), "{said}");

    // Later the result is read by its id.
    let (code, out, _) = Life::start(folder, FOREVER).end();
    assert_eq!((code, out.trim_end()), (Some(0), format!("done before: {receipt}").as_str()));
    assert_eq!(paid(), "$26400 to 3 people\n", "paid once");
    let calls = calls(&gate).await;
    assert_eq!((calls.len(), calls[0].state(), calls[0].attempts()), (1, CallState::Executed, 1));
}

#[test]
fn the_page_shows_the_very_program() {
    let page = include_str!("../docs/guide/tasks.md");
    let program = include_str!("../examples/payroll.rs");
    let code = program.split_once("use std::error::Error;").unwrap().1;
    assert!(page.contains(code), "docs/guide/tasks.md differs from examples/payroll.rs");
}
