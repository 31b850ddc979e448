//! Calls that nobody takes care of, and who settled those whose outcome was unknown.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use hitl::prelude::*;
use serde_json::Value;

use crate::house::{Ran, hitl, program, said};

/// The store of a process that was killed while it ran a call that bob had approved.
struct Wreck {
    folder: tempfile::TempDir,
}

impl Wreck {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let victim = ["demo", "crash", "--side", "with", "--victim", &said(folder.path())];
        let mut victim = program(&victim);
        let mut victim = victim.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(victim.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "paid\n");
        victim.kill().unwrap();
        victim.wait().unwrap();
        Self { folder }
    }

    fn db(&self) -> String {
        said(&self.folder.path().join("hitl.db"))
    }

    fn hitl(&self, arguments: &[&str]) -> Ran {
        hitl(&[&["--db", &self.db()], arguments].concat())
    }

    /// Opens and closes a gate on the store, as another program of the host does.
    async fn look(&self) {
        let store = SqliteStore::open(Path::new(&self.db())).await.unwrap();
        Gate::builder().store(store).on_notice(|_| {}).build().await.unwrap();
    }

    fn call(&self, state: &str) -> Value {
        let mut listed = self.hitl(&["queue", "--state", state, "--json"]).ended(0).json();
        listed.remove(0)
    }
}

#[test]
fn a_call_whose_process_died_is_not_taken_for_running() {
    let wreck = Wreck::new();
    let queue = wreck.hitl(&["queue"]).ended(0);
    let says = "hitl: 1 call was running when its process died: hitl queue --state claimed";
    assert!(queue.err.contains(says), "{queue:?}");
    let claimed = wreck.hitl(&["queue", "--state", "claimed"]).ended(0);
    assert!(claimed.out.contains("claimed, process died"), "{claimed:?}");
    assert!(!claimed.err.contains("1 call was running"), "it is listed: {claimed:?}");
    let id = wreck.call("claimed")["id"].as_str().unwrap().to_owned();
    let shown = wreck.hitl(&["show", &id]).ended(0);
    assert!(shown.out.contains("the process that ran it has died"), "{shown:?}");
    assert!(shown.out.contains("  started\n"), "{shown:?}");
    let refused = wreck.hitl(&["resolve", &id, "--done"]).ended(4);
    assert!(refused.err.contains("the process that ran it has died"), "{refused:?}");
    // A program that lists gets the record as it is.
    assert!(wreck.hitl(&["queue", "--json"]).ended(0).err.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_call_says_who_settled_it_and_not_only_who_approved_it() {
    for (finding, words) in [
        (&["--done"][..], "settled by ann: it took effect"),
        (&["--failed", "no money arrived"], "settled by ann: it did not take effect"),
        (&["--retry"], "settled by ann: may run once more"),
    ] {
        let wreck = Wreck::new();
        wreck.look().await;
        let parked = wreck.call("outcomeUnknown");
        let (id, version) = (parked["id"].as_str().unwrap(), parked["version"].to_string());
        let shown = wreck.hitl(&["show", id]).ended(0);
        assert!(shown.out.contains("its process died: outcome unknown"), "{shown:?}");
        let resolve = ["resolve", id, "--version", &version, "--as", "ann"];
        let resolved = wreck.hitl(&[&resolve[..], finding].concat()).ended(0).out;
        let shown = wreck.hitl(&["show", id]).ended(0).out;
        for text in [&resolved, &shown] {
            let line = text.lines().find(|line| line.contains("(version ")).unwrap();
            let (settled, decided) = line.split_once("settled by ann ").expect(line);
            assert!(!settled.contains("bob"), "{line}");
            assert!(decided.contains("decided by bob"), "{line}");
            let times = line.matches("just now (").count();
            assert_eq!(times, 2, "each with its own time: {line}");
        }
        assert!(shown.contains(words), "{shown}");
        let history = wreck.hitl(&["show", id, "--json"]).ended(0).json()[0]["history"].clone();
        let last = history.as_array().unwrap().last().unwrap();
        assert_eq!(last["event"], "resolve", "programs get the wire's words");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_call_that_nobody_runs_is_noted() {
    let wreck = Wreck::new();
    wreck.look().await;
    let parked = wreck.call("outcomeUnknown");
    let (id, version) = (parked["id"].as_str().unwrap(), parked["version"].to_string());
    let resolve = ["resolve", id, "--version", &version, "--as", "ann", "--retry"];
    let resolved = wreck.hitl(&resolve).ended(0);
    assert!(resolved.out.contains("nobody runs it"), "{resolved:?}");
    let queue = wreck.hitl(&["queue"]).ended(0);
    let says = "hitl: 1 call is approved, and nobody runs it: hitl queue --state approved";
    assert!(queue.err.contains(says), "{queue:?}");
    let approved = wreck.hitl(&["queue", "--state", "approved"]).ended(0);
    assert!(approved.out.contains("approved, nobody runs it"), "{approved:?}");
    let shown = wreck.hitl(&["show", id]).ended(0);
    assert!(shown.out.contains("no program that has its tool is running"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_call_whose_program_runs_is_not_noted() {
    let house = crate::house::House::new().await;
    let call = house.wire("Initech", 120).await;
    let approve = ["approve", &call.id, "--binding", &call.binding, "--as", "bob"];
    house.hitl(&approve).ended(0);
    // The house's gate has the tool, and its program may ask for the call at any time.
    assert_eq!(house.state(&call.id), "approved");
    let queue = house.hitl(&["queue"]).ended(0);
    assert!(!queue.err.contains("nobody"), "{queue:?}");
    let shown = house.hitl(&["show", &call.id]).ended(0);
    assert!(!shown.out.contains("nobody"), "{shown:?}");
}
