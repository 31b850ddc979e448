//! The audit file: one writer, one chain, and every change to it is detected.

#[path = "../audit/erasing.rs"]
mod erasing;
use crate::support;

use std::fs;
use std::path::Path;

use hitl_core::audit::{ChainHead, FindingKind, Report, Verifier};
use hitl_core::{Gate, JsonlAudit};
use support::{World, note, tools};

/// Writes ten admitted calls: twenty records.
async fn write_some(path: &Path, run: &str) {
    let build =
        tools(Gate::builder()).state(World::default()).audit(JsonlAudit::open(path).unwrap());
    let gate = build.build().await.unwrap();
    for position in 0..10 {
        gate.call(note(&format!("text {position}"))).by("ann").key(run, position).await.unwrap();
    }
}

fn check(bytes: &[u8]) -> Report {
    Verifier::new().chain("audit.jsonl", bytes).unwrap().finish()
}

/// Returns the number of records of an intact chain.
fn whole(bytes: &[u8]) -> u64 {
    let report = check(bytes);
    assert!(report.is_sound(), "{:?}", report.findings);
    report.records
}

#[tokio::test]
async fn a_chain_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    write_some(&path, "one").await;
    write_some(&path, "two").await;
    let bytes = fs::read(&path).unwrap();
    assert_eq!(whole(&bytes), 40);
    let first: serde_json::Value =
        serde_json::from_slice(bytes.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(
        (&first["seq"], &first["schema"], &first["event"]["event"], &first["event"]["tool"]),
        (&1.into(), &2.into(), &"claimed".into(), &"note".into())
    );
}

#[tokio::test]
async fn a_torn_last_line_is_put_aside_and_the_chain_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    write_some(&path, "one").await;
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 30]).unwrap();
    assert_eq!(check(&fs::read(&path).unwrap()).findings[0].kind, FindingKind::Torn);
    let opened = JsonlAudit::open(&path).unwrap();
    assert_eq!(opened.torn(), Some(&*folder.path().join("audit.jsonl.torn")), "it is reported");
    drop(opened);
    write_some(&path, "two").await;
    assert_eq!(whole(&fs::read(&path).unwrap()), 39);
    let torn = fs::read_to_string(folder.path().join("audit.jsonl.torn")).unwrap();
    assert!(torn.starts_with("{\"seq\":20,"), "{torn}");
    // Torn from the very first line on.
    fs::write(&path, &bytes[..20]).unwrap();
    write_some(&path, "three").await;
    assert_eq!(whole(&fs::read(&path).unwrap()), 20);
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

#[tokio::test]
async fn a_log_of_the_first_version_is_read_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    // As version 1 wrote it: the same line, with schema 1 and a record that is always about a call.
    let genesis = ChainHead::genesis("old");
    let line = format!(
        r#"{{"seq":1,"prev":"{}","ts":"2026-01-02T03:04:05.678Z","schema":1,"stream":"old","event":{{"event":"claimed","at":"2026-01-02T03:04:05.678Z","key":{{"tenant":"default","run":"r","position":1}},"tool":"note","principal":"ann","revision":1,"binding":"{}"}}}}"#,
        genesis.hash,
        "ab".repeat(32),
    );
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    let record: hitl_core::AuditRecord = serde_json::from_value(value["event"].clone()).unwrap();
    assert_eq!(record.tool.as_deref(), Some("note"));
    fs::write(&path, line + "\n").unwrap();
    write_some(&path, "two").await;
    assert_eq!(whole(&fs::read(&path).unwrap()), 21);
}

#[tokio::test]
async fn rotation_carries_the_chain_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for run in ["one", "two"] {
        let audit = JsonlAudit::open(&path).unwrap().rotate_at(4_000);
        let build = tools(Gate::builder()).state(World::default()).audit(audit);
        let gate = build.build().await.unwrap();
        for position in 0..10 {
            gate.call(note("text")).by("ann").key(run, position).await.unwrap();
        }
    }
    let files = || fs::read_dir(folder.path()).unwrap().count();
    assert!(files() > 4, "{}", files());
    let report = Verifier::new().file(&path).unwrap().finish();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!((report.records, report.heads.len()), (40, 1));
    // A missing segment is detected, and so is a missing end of one.
    let mut segments: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|digits| digits.len() == 20))
        .collect();
    segments.sort();
    let second = fs::read(&segments[1]).unwrap();
    fs::remove_file(&segments[1]).unwrap();
    assert!(Verifier::new().file(&path).unwrap().finish().has(FindingKind::Missing));
    fs::write(&segments[1], &second[..second.len() / 2]).unwrap();
    let report = Verifier::new().file(&path).unwrap().finish();
    assert!(report.has(FindingKind::Torn) && report.has(FindingKind::Missing));
    fs::write(&segments[1], second).unwrap();
    // The process died between renaming the full file and making the new one.
    let last = report.heads[0].seq;
    fs::rename(&path, folder.path().join(format!("audit.jsonl.{last:020}"))).unwrap();
    write_some(&path, "three").await;
    let report = Verifier::new().file(&path).unwrap().finish();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!((report.records, report.heads.len()), (60, 1));
}

#[tokio::test]
async fn each_process_of_a_folder_has_a_chain_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    // It is created.
    let folder = place.path().join("audit/of/this");
    let first = JsonlAudit::in_folder(&folder).unwrap();
    let second = JsonlAudit::in_folder(&folder).unwrap();
    let store = hitl_core::MemoryStore::new();
    for (audit, run) in [(first, "one"), (second, "two")] {
        let build =
            tools(Gate::builder()).state(World::default()).store(store.clone()).audit(audit);
        let gate = build.build().await.unwrap();
        gate.call(note("text")).by("ann").key(run, 1).await.unwrap();
    }
    let verify = |files: &[&str]| {
        let with = |v: Verifier, file: &&str| v.file(folder.join(file)).unwrap();
        files.iter().fold(Verifier::new().for_store(), with)
    };
    let tenants = [hitl_core::Tenant::default()];
    let all = verify(&["audit-1.jsonl", "audit-2.jsonl"]);
    let report = all.finish_with_store(&store, &tenants).await.unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    // A chain that is not given is detected as missing, and so are the intents in it.
    let one = verify(&["audit-1.jsonl"]).finish_with_store(&store, &tenants).await.unwrap();
    let kinds: Vec<FindingKind> = one.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::MissingWriter, FindingKind::NoIntent]);
    // A log that is free again is continued.
    JsonlAudit::in_folder(&folder).unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 4, "two logs and their locks");
}

/// A run without an intent in the log: the log was replaced by one that is consistent in itself.
#[tokio::test]
async fn invariant_6_a_run_without_an_intent_shows_against_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let store = hitl_core::MemoryStore::new();
    let audit = JsonlAudit::open(&path).unwrap();
    let build = tools(Gate::builder()).state(World::default()).store(store.clone()).audit(audit);
    let gate = build.build().await.unwrap();
    gate.call(note("one")).by("ann").key("run", 1).await.unwrap();
    gate.call(note("two")).by("ann").key("run", 2).await.unwrap();
    let lines = fs::read_to_string(&path).unwrap();
    let until: String = lines.split_inclusive('\n').take(2).collect();
    let tenants = [hitl_core::Tenant::default()];
    for (log, findings) in [(lines.as_str(), 0), (until.as_str(), 1), ("", 3)] {
        let verifier = Verifier::new().for_store().chain("log", log.as_bytes()).unwrap();
        let report = verifier.finish_with_store(&store, &tenants).await.unwrap();
        assert_eq!(report.findings.len(), findings, "{:?}", report.findings);
    }
}

/// A full disk: nothing runs, the claim is released, and the call runs once there is room.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn invariant_6_nothing_runs_on_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let (world, store) = (World::default(), hitl_core::MemoryStore::new());
    let audit = JsonlAudit::open(&path).unwrap();
    let build = tools(Gate::builder()).state(world.clone()).store(store.clone()).audit(audit);
    let gate = build.build().await.unwrap();
    for position in 0..3 {
        let error = gate.call(note("x")).by("ann").key("run", position).await.unwrap_err();
        assert!(error.to_string().contains("the audit failed, so nothing ran"), "{error}");
        let record = gate
            .unscoped()
            .get_by_key(&hitl_core::CallKey::new("run", position))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(record.state(), hitl_core::CallState::Executed);
    }
    assert_eq!(world.ran(), 0);
    drop(gate);
    fs::remove_file(&path).unwrap();
    let audit = JsonlAudit::open(&path).unwrap();
    let build = tools(Gate::builder()).state(world.clone()).store(store).audit(audit);
    let gate = build.build().await.unwrap();
    gate.call(note("x")).by("ann").key("run", 9).await.unwrap();
    assert_eq!(world.ran(), 1);
}

/// The folder is gone when the full file is to be renamed: nothing runs, and the claim is released.
#[tokio::test]
async fn invariant_6_nothing_runs_when_the_log_cannot_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let (world, store) = (World::default(), hitl_core::MemoryStore::new());
    let audit = JsonlAudit::open(logs.join("audit.jsonl")).unwrap().rotate_at(1);
    let build = tools(Gate::builder()).state(world.clone()).store(store).audit(audit);
    let gate = build.build().await.unwrap();
    gate.call(note("x")).by("ann").key("run", 1).await.unwrap();
    gate.flush_audit().await.unwrap();
    assert_eq!(world.ran(), 1);
    fs::rename(&logs, folder.path().join("elsewhere")).unwrap();
    let error = gate.call(note("x")).by("ann").key("run", 2).await.unwrap_err();
    assert!(error.to_string().contains("the audit failed, so nothing ran"), "{error}");
    let record =
        gate.unscoped().get_by_key(&hitl_core::CallKey::new("run", 2)).await.unwrap().unwrap();
    assert_eq!((record.state(), record.attempts()), (hitl_core::CallState::Approved, 0));
    assert_eq!(world.ran(), 1);
}

/// A path at which no log can be written yields no sink, and so no gate.
#[test]
fn what_is_no_file_is_no_audit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    fs::create_dir(&path).unwrap();
    assert!(JsonlAudit::open(&path).is_err());
    assert!(JsonlAudit::open(folder.path().join("not/there.jsonl")).is_err());
}

#[test]
fn what_a_required_sink_refuses_is_not_kept_and_an_optional_one_may_miss_it() {
    use hitl_core::audit::{AuditError, AuditEvent, AuditSink, FanOut, MemoryAudit};
    struct Failing;
    impl AuditSink for Failing {
        fn append(&self, _: &hitl_core::AuditRecord) -> Result<(), AuditError> {
            Err(AuditError::new("no"))
        }
    }
    struct Panicking;
    impl AuditSink for Panicking {
        fn append(&self, _: &hitl_core::AuditRecord) -> Result<(), AuditError> {
            panic!("no")
        }
    }
    let record = hitl_core::AuditRecord::about(
        AuditEvent::PolicyLoaded,
        "rules",
        hitl_base::Timestamp::EPOCH,
    );
    let kept = MemoryAudit::new();
    let fine = FanOut::new().optional(Failing).required(kept.clone()).optional(Panicking);
    fine.append(&record).unwrap();
    assert_eq!(kept.records().len(), 1);
    assert!(FanOut::new().required(Failing).optional(kept.clone()).append(&record).is_err());
    assert!(FanOut::new().optional(kept.clone()).append(&record).is_err(), "none is required");
    assert_eq!(
        kept.records().len(),
        1,
        "what a required sink refuses, an optional one does not see"
    );
}

#[test]
fn durability_is_chosen_by_risk() {
    use hitl_core::Risk;
    use hitl_core::audit::{AuditEvent, Durability};
    let mut record =
        hitl_core::AuditRecord::about(AuditEvent::Claimed, "", hitl_base::Timestamp::EPOCH);
    assert!(Durability::SyncedFrom(Risk::Critical).syncs(&record), "about no tool");
    record.risk = Some(Risk::High);
    assert!(Durability::SyncedFrom(Risk::High).syncs(&record));
    assert!(!Durability::SyncedFrom(Risk::Critical).syncs(&record));
    assert!(Durability::Synced.syncs(&record) && !Durability::HandedOver.syncs(&record));
}

/// An older store beside a newer log: calls in the log are missing from the store.
#[tokio::test]
async fn invariant_6_an_older_store_shows_against_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let store = hitl_core::MemoryStore::new();
    let audit = JsonlAudit::open(&path).unwrap();
    let build = tools(Gate::builder()).state(World::default()).store(store.clone()).audit(audit);
    let gate = build.build().await.unwrap();
    gate.call(note("one")).by("ann").key("run", 1).await.unwrap();
    let submitted = gate.submit(support::ask("two")).by("ann").key("run", 2).await.unwrap();
    let hitl_core::Submission::Pending(ticket) = submitted else { panic!("it waits") };
    let log = fs::read_to_string(&path).unwrap();
    gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    let later = fs::read_to_string(&path).unwrap();
    let tenants = [hitl_core::Tenant::default()];
    let verify = async |log: &str, store: &hitl_core::MemoryStore| {
        let verifier = Verifier::new().for_store().chain("log", log.as_bytes()).unwrap();
        let report = verifier.finish_with_store(store, &tenants).await.unwrap();
        let older = |found: &&hitl_core::audit::Finding| found.kind == FindingKind::NotInStore;
        report.findings.iter().filter(older).count()
    };
    assert_eq!(verify(&later, &store).await, 0);
    assert_eq!(verify(&log, &store).await, 0, "the store may be ahead of a log that is written");
    let other = hitl_core::MemoryStore::new();
    assert_eq!(verify(&later, &other).await, 2, "it has neither call");
}

/// Lines whose content was erased, in a log that continues to be written.
mod rewritten {
    use std::path::{Path, PathBuf};

    use hitl_base::Timestamp;
    use hitl_base::panic::catch;
    use hitl_core::audit::{AuditEvent, AuditSink as _, ErasableLog as _, FindingKind, Verifier};
    use hitl_core::{AuditRecord, JsonlAudit};

    fn record(n: u64) -> AuditRecord {
        AuditRecord::about(AuditEvent::PolicyLoaded, format!("rules-{n}"), Timestamp::EPOCH)
    }

    /// Writes two segments of three lines, and three lines in the file.
    fn log(folder: &Path) -> (JsonlAudit, PathBuf) {
        let path = folder.join("audit.jsonl");
        let audit = JsonlAudit::open(&path).unwrap();
        for n in 0..9 {
            audit.append(&record(n)).unwrap();
            if n % 3 == 2 && n < 8 {
                audit.rotate().unwrap();
            }
        }
        (audit, path)
    }

    /// Returns the placeholder that an erasure would write for a line; here no record lists the
    /// lines.
    fn placeholder(bytes: &[u8]) -> Option<Vec<u8>> {
        let line: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        let hash = hitl_core::audit::ChainHead::from_line(bytes)?.hash;
        line.get("event")?;
        Some(
            format!(
                "{{\"seq\":{},\"prev\":{},\"ts\":{},\"schema\":2,\"stream\":{},\"erased\":{{\"hash\":\"{hash}\",\"event\":{}}}}}",
                line["seq"], line["prev"], line["ts"], line["stream"], line["event"]["event"]
            )
            .into_bytes(),
        )
    }

    /// Checks that the only finding is the missing record of the erasure, and for how many lines.
    fn is_whole(path: &Path, erased: u64, records: u64) {
        let report = Verifier::new().file(path).unwrap().finish();
        assert!(report.findings.iter().all(|f| f.kind == FindingKind::NotErased), "{report:?}");
        assert_eq!((report.records, report.erased), (records, erased));
        assert_eq!(report.findings.len() as u64, erased);
    }

    #[test]
    fn a_log_goes_on_after_its_lines_were_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (audit, path) = log(folder.path());
        let mut seen = 0;
        let count = audit.rewrite(&mut |bytes| {
            seen += 1;
            if seen % 2 == 0 { placeholder(bytes) } else { None }
        });
        assert_eq!((count.unwrap(), seen), (4, 9));
        is_whole(&path, 4, 9);
        let heads = audit.heads();
        for n in 9..12 {
            audit.append(&record(n)).unwrap();
        }
        assert_ne!(audit.heads(), heads);
        is_whole(&path, 4, 12);
        assert!(JsonlAudit::open(&path).unwrap_err().is_in_use(), "the new file is ours too");
        // All lines, so that the chain ends in a placeholder; and another process continues.
        audit.rewrite(&mut |bytes| placeholder(bytes)).unwrap();
        drop(audit);
        let audit = JsonlAudit::open(&path).unwrap();
        audit.append(&record(12)).unwrap();
        is_whole(&path, 12, 13);
        let mut text = String::new();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            text += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
        }
        assert!(!text.contains("rules-3") && text.contains("rules-12"));
    }

    /// A rewrite interrupted at every line; and files that a dead process has left.
    #[test]
    fn invariant_6_a_rewriting_that_is_cut_off_loses_no_line() {
        for at in 1..=9 {
            let folder = tempfile::tempdir().unwrap();
            let (audit, path) = log(folder.path());
            let mut seen = 0;
            let cut = catch(|| {
                audit.rewrite(&mut |bytes| {
                    seen += 1;
                    assert!(seen < at, "cut off");
                    placeholder(bytes)
                })
            });
            assert!(cut.is_err());
            drop(audit);
            // Only whole files are rewritten: none, one or two of them.
            is_whole(&path, (at - 1) / 3 * 3, 9);
            let beside = |path: &Path| PathBuf::from(format!("{}.erasing", path.display()));
            std::fs::write(beside(&path), "half a li").unwrap();
            let audit = JsonlAudit::open(&path).unwrap();
            let left = std::fs::read_dir(folder.path()).unwrap();
            let left: Vec<_> = left.map(|entry| entry.unwrap().path()).collect();
            assert!(
                left.iter().all(|path| path.extension().is_none_or(|e| e != "erasing")),
                "{left:?}"
            );
            audit.append(&record(9)).unwrap();
            let done = audit.rewrite(&mut |bytes| placeholder(bytes)).unwrap();
            assert_eq!(done, 10 - (at - 1) / 3 * 3);
            is_whole(&path, 10, 10);
        }
    }

    /// A disk without room for a second file: the log stays as it is, and continues.
    #[test]
    fn invariant_6_a_log_that_cannot_be_rewritten_still_takes_records() {
        let folder = tempfile::tempdir().unwrap();
        let (audit, path) = log(folder.path());
        let beside = PathBuf::from(format!("{}.erasing", path.display()));
        std::fs::create_dir(&beside).unwrap();
        let mut seen = 0;
        let refused = audit.rewrite(&mut |bytes| {
            seen += 1;
            if seen > 6 { placeholder(bytes) } else { None }
        });
        assert!(refused.unwrap_err().to_string().contains("cannot rewrite"));
        audit.append(&record(9)).unwrap();
        is_whole(&path, 0, 10);
        std::fs::remove_dir(&beside).unwrap();
        assert_eq!(audit.rewrite(&mut |bytes| placeholder(bytes)).unwrap(), 10);
        audit.append(&record(10)).unwrap();
        is_whole(&path, 10, 11);
    }
}
