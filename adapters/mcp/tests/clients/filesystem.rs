//! Each official client before `hitl mcp -- server-filesystem`: reads pass, and of the writes only
//! the approved one is made.

use serde_json::{Value, json};

use crate::client::{Call, Client, FORMS, Kind};
use crate::gateway::Gateway;
use crate::installed::{Installed, installed};

/// The answer of a user who approves.
pub(crate) fn approve() -> Value {
    json!({"action": "accept", "content": {"decision": "approve"}})
}

/// The answer of a user who rejects.
pub(crate) fn reject(reason: &str) -> Value {
    json!({"action": "accept", "content": {"decision": "reject", "reason": reason}})
}

fn reads_pass_and_writes_are_asked_about(installed: &Installed, kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("there.txt"), "what is there").unwrap();
    let upstream = installed.server("filesystem", &[folder.path().to_str().unwrap()]);
    let gateway = Gateway::before(upstream);
    let mut client = Client::connect(installed, kind, &gateway.address(), FORMS);
    let version = if kind.is_modern() { "2026-07-28" } else { "2025-11-25" };
    assert_eq!(client.version(), version, "{kind:?}");
    assert!(client.names().contains(&"write_file".to_owned()), "{kind:?}");

    let read = Call::new("read_text_file", json!({"path": path("there.txt")}));
    let seen = client.call(&read);
    assert_eq!((seen.text().as_str(), seen.asked().len()), ("what is there", 0), "{kind:?}");

    // By a form: it destroys nothing.
    let create = |name: &str| Call::new("create_directory", json!({"path": path(name)}));
    let seen = client.call(&create("yes").answer(approve()));
    assert!(!seen.is_error(), "{kind:?}: {seen:?}");
    let question = seen.asked().first().unwrap()["message"].as_str().unwrap();
    assert!(question.contains(&path("yes")), "{question}");
    assert!(std::fs::exists(path("yes")).unwrap(), "{kind:?}");
    let seen = client.call(&create("no").answer(reject("wrong folder")));
    assert!(seen.is_error() && seen.text().contains("wrong folder"), "{kind:?}: {seen:?}");
    assert!(!std::fs::exists(path("no")).unwrap(), "{kind:?}");

    // By a reviewer: its server says that it may destroy something, so a form is too little.
    let write =
        |name: &str| Call::new("write_file", json!({"path": path(name), "content": "by an agent"}));
    client.send(&write("yes.txt").answer(approve()));
    gateway.approve(&gateway.the_pending_call());
    let seen = client.seen();
    assert_eq!((seen.is_error(), seen.asked().len()), (false, 0), "{kind:?}: {seen:?}");
    assert_eq!(std::fs::read_to_string(path("yes.txt")).unwrap(), "by an agent", "{kind:?}");
    client.send(&write("no.txt"));
    gateway.reject(&gateway.the_pending_call(), "not this one");
    let seen = client.seen();
    assert!(seen.is_error() && seen.text().contains("not this one"), "{kind:?}: {seen:?}");
    assert!(!std::fs::exists(path("no.txt")).unwrap(), "{kind:?}");
    assert_eq!(gateway.pending(), Vec::<Value>::new(), "{kind:?}");
    client.close();
}

#[test]
fn a_client_of_sessions_reads_and_asks_before_it_writes() {
    let Some(installed) = installed() else { return };
    reads_pass_and_writes_are_asked_about(&installed, Kind::TypeScript1);
}

#[test]
fn a_client_that_negotiates_reads_and_asks_before_it_writes() {
    let Some(installed) = installed() else { return };
    reads_pass_and_writes_are_asked_about(&installed, Kind::TypeScript2);
}

#[test]
fn a_client_of_the_modern_era_reads_and_asks_before_it_writes() {
    let Some(installed) = installed() else { return };
    reads_pass_and_writes_are_asked_about(&installed, Kind::TypeScript2Pinned);
}

#[test]
fn a_client_in_python_reads_and_asks_before_it_writes() {
    let Some(installed) = installed() else { return };
    for kind in [Kind::Python, Kind::PythonLegacy] {
        reads_pass_and_writes_are_asked_about(&installed, kind);
    }
}
