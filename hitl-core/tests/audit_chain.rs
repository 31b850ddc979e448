//! The audit file: one writer, one chain, and every change to it is found.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod support;

use std::fs;
use std::path::Path;

use hitl_core::audit::{ChainError, verify};
use hitl_core::{Gate, JsonlAudit};
use support::{World, note, tools};

/// Ten admitted calls: twenty records.
async fn write_some(path: &Path, run: &str) {
    let build =
        tools(Gate::builder()).state(World::default()).audit(JsonlAudit::open(path).unwrap());
    let gate = build.build().await.unwrap();
    for position in 0..10 {
        gate.call(note(&format!("text {position}"))).by("ann").key(run, position).await.unwrap();
    }
}

fn check(bytes: &[u8]) -> Result<u64, ChainError> {
    verify(bytes).map(|verified| verified.records)
}

#[tokio::test]
async fn a_chain_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    write_some(&path, "one").await;
    write_some(&path, "two").await;
    let bytes = fs::read(&path).unwrap();
    assert_eq!(check(&bytes).unwrap(), 40);
    let first: serde_json::Value =
        serde_json::from_slice(bytes.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(
        (&first["seq"], &first["schema"], &first["event"]["event"], &first["event"]["tool"]),
        (&1.into(), &1.into(), &"claimed".into(), &"note".into())
    );
}

#[tokio::test]
async fn every_change_within_the_chain_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    write_some(&path, "one").await;
    let whole = fs::read(&path).unwrap();
    let last_line = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    // A bit anywhere before the last line; the last is vouched for by the head that is kept elsewhere.
    for at in (0..last_line).step_by(7) {
        let mut bent = whole.clone();
        bent[at] ^= 1;
        assert!(check(&bent).is_err(), "byte {at}");
    }
    let head = verify(&whole[..]).unwrap().head;
    let mut bent = whole.clone();
    bent[last_line + 40] ^= 1;
    assert!(verify(&bent[..]).map_or(true, |verified| verified.head != head));

    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    for at in 0..lines.len() - 1 {
        let mut removed = lines.clone();
        removed.remove(at);
        assert!(check(&removed.concat()).is_err(), "line {at} removed");
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        assert!(check(&swapped.concat()).is_err(), "lines {at} and the next swapped");
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        assert!(check(&doubled.concat()).is_err(), "line {at} doubled");
    }
    assert!(matches!(check(&whole[..whole.len() - 3]), Err(ChainError::Torn { line: 20 })));
}

#[tokio::test]
async fn a_torn_last_line_is_put_aside_and_the_chain_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    write_some(&path, "one").await;
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    write_some(&path, "two").await;
    assert_eq!(check(&fs::read(&path).unwrap()).unwrap(), 39);
    let torn = fs::read_to_string(folder.path().join("audit.jsonl.torn")).unwrap();
    assert!(torn.starts_with("{\"seq\":20,"), "{torn}");
    // Torn from the very first line on.
    fs::write(&path, &whole[..20]).unwrap();
    write_some(&path, "three").await;
    assert_eq!(check(&fs::read(&path).unwrap()).unwrap(), 20);
}

#[test]
fn two_writers_on_one_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let first = JsonlAudit::open(&path).unwrap();
    assert!(JsonlAudit::open(&path).unwrap_err().to_string().contains("in use by another process"));
    drop(first);
    JsonlAudit::open(&path).unwrap();
}

#[test]
fn what_cannot_be_an_audit_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let stranger = folder.path().join("notes.txt");
    fs::write(&stranger, "dear diary\n").unwrap();
    assert!(JsonlAudit::open(&stranger).unwrap_err().to_string().contains("no audit record"));
    assert_eq!(fs::read(&stranger).unwrap(), b"dear diary\n");
    assert!(JsonlAudit::open(folder.path()).is_err(), "a folder");
    assert!(JsonlAudit::open(folder.path().join("no/such/folder/audit.jsonl")).is_err());
}
