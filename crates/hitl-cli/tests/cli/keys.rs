//! `hitl key`: the host key is replaced step by step, by a person, and never too early.

use std::path::Path;
use std::time::{Duration, Instant};

use hitl::prelude::*;
use serde_json::Value;

use crate::house::{Ran, Wire, hitl, program, ran, said, wire};

fn key(path: &Path, arguments: &[&str]) -> Ran {
    let db = said(path);
    hitl(&[&["--db", &db, "--json", "key"], arguments].concat())
}

fn status(path: &Path) -> Value {
    key(path, &["status"]).ended(0).json().remove(0)
}

async fn gate(path: &Path) -> Gate {
    let store = SqliteStore::open(path).await.unwrap();
    Gate::builder().store(store).tool::<Wire>().build().await.unwrap()
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path.with_extension("db.key")).unwrap().lines().count()
}

/// Waits until the programs that were dropped have closed the store.
fn alone(path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while status(path)["programs"] != 0 {
        assert!(Instant::now() < deadline, "it stays open");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_a_key_is_replaced_step_by_step_and_never_forgotten_early() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    let running = gate(&path).await;
    let waiting = running.submit(wire("Initech".to_owned(), 120)).by("owner").key("run", 1).await;
    let Submission::Pending(ticket) = waiting.unwrap() else { panic!("it waits") };
    let before = status(&path);
    assert_eq!((before["previous"].as_array().unwrap().len(), lines(&path)), (0, 1));

    let rotated = key(&path, &["rotate"]).ended(0).json().remove(0);
    assert_ne!(rotated["current"], before["current"]);
    assert_eq!(lines(&path), 2);
    let after = status(&path);
    assert_eq!(after["current"], rotated["current"]);
    assert_eq!(after["previous"][0], before["current"]);
    assert_eq!(
        (&after["others"][0]["key"], &after["others"][0]["texts"]),
        (&before["current"], &1.into())
    );
    // The running program could not open newly sealed texts.
    assert_eq!(after["programs"], 1);
    for early in ["reseal", "retire"] {
        let refused = key(&path, &[early]).ended(5);
        assert!(refused.err.contains("restart them"), "{refused:?}");
    }
    running.decide(ticket.request().approve().by("ann")).await.unwrap();
    drop((ticket, running));
    alone(&path);
    let refused = key(&path, &["retire"]).ended(1);
    assert!(refused.err.contains("1 sealed texts"), "{refused:?}");
    assert_eq!(lines(&path), 2);

    let resealed = key(&path, &["reseal"]).ended(0).json().remove(0);
    assert_eq!((&resealed["resealed"], &resealed["unreadable"]), (&1.into(), &0.into()));
    assert_eq!(resealed["others"].as_array().unwrap().len(), 0);
    key(&path, &["retire"]).ended(0);
    assert_eq!(lines(&path), 1);
    let after = status(&path);
    assert_eq!(
        (&after["current"], after["previous"].as_array().unwrap().len()),
        (&rotated["current"], 0)
    );

    let gate = gate(&path).await;
    let again =
        gate.submit(wire("Initech".to_owned(), 120)).by("owner").key("run", 1).await.unwrap();
    assert!(matches!(again, Submission::Done { outcome: Outcome::Executed(_), .. }), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_7_only_a_person_replaces_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    drop(SqliteStore::open(&path).await.unwrap());
    let before = std::fs::read(path.with_extension("db.key")).unwrap();
    let db = said(&path);
    for deed in ["rotate", "reseal", "retire"] {
        let mut by_an_agent = program(&["--db", &db, "key", deed, "--as", "bob"]);
        let refused = ran(by_an_agent.env("CLAUDECODE", "1")).ended(5);
        assert!(refused.err.contains("only a person does this"), "{refused:?}");
        assert_eq!(std::fs::read(path.with_extension("db.key")).unwrap(), before);
    }
    // Everyone may see the status.
    let mut looks = program(&["--db", &db, "key", "status"]);
    ran(looks.env("CLAUDECODE", "1")).ended(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_host_keeps_is_not_rotated_by_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let (path, keys) = (folder.path().join("hitl.db"), folder.path().join("keys"));
    let (one, two) = ("01".repeat(32), "02".repeat(32));
    std::fs::write(&keys, &one).unwrap();
    let store = SqliteStore::options().key(hitl::seal::HostKey::from_bytes([1; 32]));
    drop(store.open(&path).await.unwrap());
    let file = said(&keys);
    let refused = key(&path, &["rotate", "--key-file", &file]).ended(2);
    assert!(refused.err.contains("where it is kept"), "{refused:?}");
    // The host has replaced the key in its file: the new one first.
    std::fs::write(&keys, format!("{two}\n{one}\n")).unwrap();
    key(&path, &["reseal", "--key-file", &file]).ended(0);
    key(&path, &["retire", "--key-file", &file]).ended(0);
    std::fs::write(&keys, &two).unwrap();
    key(&path, &["status", "--key-file", &file]).ended(0);
    std::fs::write(&keys, &one).unwrap();
    key(&path, &["status", "--key-file", &file]).ended(1);
}
