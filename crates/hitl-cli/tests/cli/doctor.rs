//! `hitl doctor` on real installations: healthy, broken, and a console. It changes nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use hitl::store::Store as _;
use serde_json::Value;

use crate::console::Office;
use crate::house::{House, Ran, hitl, program, said};

/// Returns the verdicts and texts of an area.
fn area(ran: &Ran, area: &str) -> Vec<(String, String)> {
    let found = &ran.json()[0]["findings"];
    let of_area = found.as_array().unwrap().iter().filter(|finding| finding["area"] == area);
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    of_area.map(|finding| (text(finding, "verdict"), text(finding, "what"))).collect()
}

#[track_caller]
fn has(ran: &Ran, name: &str, verdict: &str, part: &str) {
    let found = area(ran, name);
    assert!(
        found.iter().any(|(is, what)| is == verdict && what.contains(part)),
        "{name} {verdict} {part}: {ran:?}"
    );
}

/// Returns the contents of the files in a folder, by name. Another process reads them: SQLite's
/// locks on a file end when any part of this process closes it.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file());
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, Command::new("cat").arg(path).output().unwrap().stdout)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_installation_is_healthy_and_is_not_changed() {
    let house = House::new().await;
    let (call, _) = (house.wire("Initech", 120).await, house.drop_project("apollo").await);
    let reject = ["reject", &call.id, "--reason", "no", "--as", "bob"];
    house.hitl(&reject).ended(0);
    // What is acknowledged later would change the file, too.
    house.gate.flush_audit().await.unwrap();
    let rules =
        "schema = 1\nversion = \"7\"\n[[rule]]\nname = \"f\"\neffect = \"deny\"\ntool = \"x\"\n";
    let policy = house.file("policy.toml", rules);
    let audit = said(&house.path("audit.jsonl"));
    let before =
        (house.store.last_history_seq().await.unwrap(), contents(house.path("").as_path()));
    let arguments = ["doctor", "--json", "--audit", &audit, "--policy", &policy];
    let ran = house.hitl(&arguments).ended(0);
    let after = (house.store.last_history_seq().await.unwrap(), contents(house.path("").as_path()));
    assert_eq!(before.0, after.0);
    for (name, bytes) in &before.1 {
        // The index of the write-ahead log is no data.
        assert!(name.ends_with("-shm") || after.1.get(name) == Some(bytes), "{name} was changed");
    }
    assert!(after.1.keys().eq(before.1.keys()), "{:?}", after.1.keys());
    has(&ran, "store", "ok", "schema");
    has(&ran, "key", "ok", "seals");
    has(&ran, "audit", "ok", "sound");
    has(&ran, "executors", "ok", "1 alive, 2 tools");
    has(&ran, "calls", "ok", "1 wait for a decision");
    has(&ran, "person", "ok", "tester could decide here");
    has(&ran, "decision", "ok", "would be taken");
    has(&ran, "policy", "warning", "waits to be accepted");
    let text = house.hitl(&arguments[..1]).ended(0);
    assert!(text.out.lines().all(|line| line.chars().count() <= 80), "{text:?}");
    assert!(text.out.contains("0 problems, "), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_have_an_exit_code_and_say_what_to_do() {
    let house = House::new().await;
    let unknown = crate::hints::park(&house).await;
    assert!(!unknown.is_empty());
    let log = std::fs::read_to_string(house.path("audit.jsonl")).unwrap();
    let forged = house.file("forged.jsonl", &log.replacen("owner", "other", 1));
    let policy = house.file("policy.toml", "schema = 1\n[[rule]]\neffect = \"maybe\"\n");
    let ran = house.hitl(&["doctor", "--json", "--audit", &forged, "--policy", &policy]).ended(6);
    has(&ran, "calls", "problem", "1 have an unknown outcome");
    has(&ran, "audit", "problem", "");
    has(&ran, "policy", "problem", "policy.toml");
    assert_eq!(ran.json()[0]["verdict"], "problem");
    let advice = ran.json()[0]["findings"].to_string();
    assert!(advice.contains("hitl resolve ID"), "{advice}");
    let db = said(&house.path("hitl.db"));
    let agent =
        crate::house::ran(program(&["--db", &db, "doctor", "--json"]).env("CLAUDECODE", "1"));
    has(&agent.ended(6), "decision", "problem", "person");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_opening_would_change_is_not_opened() {
    let house = House::new().await;
    house.wire("Initech", 120).await;
    let copy = house.path("copy.db");
    house.store.back_up(&copy).await.unwrap();
    let before = std::fs::read(&copy).unwrap();
    let ran = hitl(&["--db", &said(&copy), "doctor", "--json"]).ended(0);
    has(&ran, "store", "warning", "a backup or an older copy");
    assert!(area(&ran, "calls").is_empty(), "{ran:?}");
    assert_eq!(std::fs::read(&copy).unwrap(), before);
    let nothing = said(&house.path("nothing.db"));
    let ran = hitl(&["--db", &nothing, "doctor", "--json"]).ended(6);
    has(&ran, "decision", "problem", "store");
    assert!(!Path::new(&nothing).exists());
    hitl(&["doctor"]).ended(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_says_what_it_knows() {
    let office = Office::new().await;
    office.house.wire("Initech", 120).await;
    let ran = office.hitl(&["doctor", "--json"]).ended(0);
    has(&ran, "console", "ok", "the token is ann's");
    has(&ran, "calls", "ok", "1 wait for a decision");
    has(&ran, "executors", "ok", "2 tools");
    let mut wrong = office.program("a-wrong-token-xx", &["doctor", "--json"]);
    has(&crate::house::ran(&mut wrong).ended(6), "decision", "problem", "console");
    office.hitl(&["doctor", "--audit", "logs"]).ended(2);
}
