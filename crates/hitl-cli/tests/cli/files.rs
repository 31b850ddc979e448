//! Every file that hitl creates can be read and written by its owner alone.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hitl::prelude::*;
use hitl_core::audit::{CheckpointingSink, SigningKey};
use hitl_core::policy::RuleFile;
use rustix::fs::Mode;

use crate::house::{Wire, hitl, said, wire};

/// Returns the files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Asserts the mode of every file but those that this test wrote.
#[track_caller]
fn check(folder: &Path, own: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    for path in files(folder) {
        let name = said(path.strip_prefix(folder).unwrap());
        if own.contains(&&*name) {
            continue;
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}: {mode:o}");
        names.push(name);
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_what_hitl_writes_is_its_owners_alone() {
    // The usual mask, under which a program that does not care makes files for everybody.
    rustix::process::umask(Mode::WGRP | Mode::WOTH);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (db, logs) = (said(&at("hitl.db")), said(&at("logs")));
    fs::create_dir(at("logs")).unwrap();
    let own = ["policy.toml"];
    fs::write(at("policy.toml"), "schema = 1\nversion = \"1\"\n").unwrap();

    // The first use of a policy is accepted where there is no store yet.
    let rules = RuleFile::open(at("policy.toml"));
    let store = SqliteStore::open(&db).await.unwrap();
    let log = JsonlAudit::open(at("audit.jsonl")).unwrap().rotate_at(1_000);
    let audit = CheckpointingSink::new(log, SigningKey::generate().unwrap())
        .every_records(1)
        .to_file(at("checkpoints.jsonl"));
    let gate = Gate::builder().store(store.clone()).audit(audit).policy(rules).tool::<Wire>();
    let gate = gate.build().await.unwrap();
    let manager = TaskManager::builder().journal(store.clone()).build().unwrap();
    let step = TaskStep::new("one", |_: StepContext| std::future::ready(Ok::<u32, String>(1)));
    let task = Task::new("count").step(step.durable()).journaled();
    manager.submit(task).unwrap().wait().await.unwrap();
    for amount in 0..4 {
        let submitted = gate.submit(wire("Initech".to_owned(), amount)).by("owner").await.unwrap();
        let Submission::Pending(ticket) = submitted else { panic!("it waits") };
        let id = ticket.request().id.to_string();
        let binding = ticket.request().binding.to_string();
        let patch = format!(r#"{{"amount": {}}}"#, amount + 10);
        let edit = ["edit", &id, "--binding", &binding, "--patch", &patch, "--audit", &logs];
        hitl(&[&["--db", &db], &edit[..]].concat()).ended(0);
        ticket.wait().await.unwrap();
    }
    store.back_up(at("copy.db")).await.unwrap();
    // While the store is open, its write-ahead log is there too.
    let names = check(folder.path(), &own);
    for expected in [
        "audit.jsonl",
        "audit.jsonl.lock",
        "checkpoints.jsonl",
        "copy.db",
        "hitl.db",
        "hitl.db-shm",
        "hitl.db-wal",
        "hitl.db.head",
        "hitl.db.key",
        "logs/audit-1.jsonl",
        "policy.toml.accepted",
    ] {
        assert!(names.iter().any(|name| name == expected), "{expected} is missing: {names:?}");
    }
    assert!(names.iter().any(|name| name.starts_with("audit.jsonl.0")), "a segment: {names:?}");
    assert!(names.iter().any(|name| name.starts_with("hitl.db.sessions/")), "{names:?}");

    // Erasure writes the logs again, keys are replaced, and a torn line is put aside.
    drop((gate, manager, store));
    hitl(&["--db", &db, "erase", "--principal", "owner", "--reason", "asked", "--audit", &logs])
        .ended(0);
    hitl(&["--db", &db, "key", "rotate"]).ended(0);
    let torn = at("logs/audit-1.jsonl");
    fs::OpenOptions::new().append(true).open(&torn).unwrap().write_all(b"{\"torn").unwrap();
    drop(JsonlAudit::open(&torn).unwrap());
    let names = check(folder.path(), &own);
    assert!(names.iter().any(|name| name == "logs/audit-1.jsonl.torn"), "{names:?}");
}
