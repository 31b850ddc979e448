//! Erasing and holding on the command line, in the store's and the audit's own files.

use std::path::{Path, PathBuf};

use hitl::prelude::*;
use hitl_core::approval::Decision;
use hitl_core::audit::{AuditEvent, JsonlFiles, Verifier};
use hitl_core::store::Erasable;

use hitl_core::grant::GrantTerms;
use hitl_core::{AuditSink as _, RequestId, Tenant};

use super::house::{Wire, hitl, said, wire};

/// A text that hitl itself never writes.
const MARKER: &str = "zqxMARKERqxz";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("audit")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn gate(&self) -> (Gate, SqliteStore) {
        let store = SqliteStore::open(self.path("hitl.db")).await.unwrap();
        let audit = JsonlAudit::in_folder(self.path("audit")).unwrap().rotate_at(4_000);
        let gate = Gate::builder().store(store.clone()).audit(audit).tool::<Wire>();
        (gate.build().await.unwrap(), store)
    }

    fn hitl(&self, arguments: &[&str]) -> super::house::Ran {
        let (db, audit) = (said(&self.path("hitl.db")), said(&self.path("audit")));
        let mut all = vec!["--db", &db];
        all.extend(arguments);
        if !arguments.contains(&"list") && !arguments.contains(&"verify") {
            all.extend(["--audit", &audit]);
        }
        hitl(&all)
    }

    /// Returns the chain files of the audit.
    fn chains(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("audit")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| said(&entry.unwrap().path())).collect();
        paths.retain(|path| Path::new(path).extension().is_some_and(|e| e == "jsonl"));
        paths.sort();
        paths
    }

    fn verify(&self, with_store: bool) -> super::house::Ran {
        let chains = self.chains();
        let mut all = vec!["audit", "verify"];
        all.extend(chains.iter().map(String::as_str));
        if with_store { self.hitl(&all) } else { hitl(&all) }
    }

    /// Returns the files in which a text is found, except for the key.
    fn with(&self, text: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let read = match std::fs::read(&path) {
                    Ok(read) => read,
                    // A session's lock may be removed during the search.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(error) => panic!("{}: {error}", path.display()),
                };
                if read.windows(text.len()).any(|w| w == text.as_bytes()) {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// Creates calls of a person, with the marker in every text that a person or a model can write:
/// arguments, reasons, messages, edits, grants, roles, names. All have ended but one.
async fn fill(place: &Place) -> Vec<RequestId> {
    let (gate, store) = place.gate().await;
    let person = format!("ann-{MARKER}");
    let mut calls = Vec::new();
    for n in 0..8 {
        let to = format!("{MARKER}-to-{n}");
        let role = format!("role-{MARKER}");
        let cx = CallContext::new(person.as_str()).role(role).submitted_by(format!("bot-{MARKER}"));
        let submission = gate.submit(wire(to, 7)).by(cx).await.unwrap();
        let Submission::Pending(ticket) = submission else { panic!("it waits") };
        let request = ticket.request().clone();
        let says = |what: &str| format!("{what} {MARKER}");
        let by = format!("bob-{MARKER}");
        let decision: Option<Decision> = match n {
            0 => Some(request.approve().by(by.as_str())),
            1 => Some(request.reject(says("no,")).by(by.as_str())),
            2 => Some(request.respond(says("ask")).by(by.as_str())),
            3 => Some(request.abort(says("stop")).by(by.as_str())),
            4 => Some(request.edit(format!("{{\"to\": \"{MARKER}-edited\"}}")).by(by.as_str())),
            _ => None,
        };
        if let Some(decision) = decision {
            gate.decide(decision).await.unwrap();
        }
        let id = request.id;
        match n {
            0 | 4 => {
                let outcome = ticket.wait().await;
                assert!(outcome.is_ok(), "{outcome:?}");
            }
            5 => {
                let record = gate.unscoped().get(&Tenant::default(), id).await.unwrap().unwrap();
                gate.cancel(&record, by.as_str(), says("withdrawn:")).await.unwrap();
            }
            6 => {
                let draft = request.grant(GrantTerms::exactly()).by(by.as_str());
                let saved =
                    gate.save_grant(gate.preview_grant(draft).await.unwrap()).await.unwrap();
                let (grant, why) = (saved.record.id(), says("enough"));
                let tenant = Tenant::default();
                let revoked = gate.revoke_grant(&tenant, grant, by.as_str(), Some(&why)).await;
                revoked.unwrap().unwrap();
                gate.cancel(
                    &gate.unscoped().get(&Tenant::default(), id).await.unwrap().unwrap(),
                    by.as_str(),
                    says("rather not"),
                )
                .await
                .unwrap();
            }
            _ => {}
        }
        calls.push(id);
    }
    gate.flush_audit().await.unwrap();
    drop((gate, store));
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_8_nothing_of_an_erased_person_is_left_in_any_file() {
    let place = Place::new();
    let calls = fill(&place).await;
    let (person, reason) = (format!("ann-{MARKER}"), "request 17");
    assert!(place.with(MARKER).len() >= 2, "the store and the audit");
    place.verify(true).ended(0);
    // A pending call is left, and reported.
    let erase = ["erase", "--principal", &person, "--reason", reason, "--json"];
    let said = place.hitl(&erase).ended(0).json().remove(0);
    assert_eq!((said["calls"].as_u64(), said["left"].as_array().unwrap().len()), (Some(7), 1));
    assert_eq!(said["left"][0]["id"], calls[7].to_string());
    place.verify(true).ended(0);
    place.verify(false).ended(0);
    // Once it has ended, it is erased too, and then nothing is left.
    let (gate, store) = place.gate().await;
    let record = gate.unscoped().get(&Tenant::default(), calls[7]).await.unwrap().unwrap();
    gate.cancel(&record, "carol", "over").await.unwrap();
    gate.flush_audit().await.unwrap();
    drop((gate, store));
    let id = calls[7].to_string();
    place.hitl(&["erase", &id, "--reason", reason]).ended(0);
    assert_eq!(place.with(MARKER), Vec::<PathBuf>::new());
    let verified = place.verify(true).ended(0);
    assert!(verified.out.contains("erased, about 8 calls"), "{}", verified.out);
    assert!(
        verified.out.contains("without a checkpoint, erased lines cannot be verified"),
        "{}",
        verified.out
    );
    // The erasure itself is recorded, with its author and its reason.
    let of_call = JsonlFiles::in_folder(place.path("audit"));
    for id in &calls {
        let records = hitl_core::audit::AuditReader::read_call(&of_call, *id).unwrap().records;
        assert_eq!(records.len(), 1, "{records:?}");
        let record = &records[0].record;
        assert_eq!(record.event, AuditEvent::Erased);
        assert_eq!(record.by.as_ref().map(hitl_core::Principal::as_str), Some("tester"));
        assert_eq!(record.note.as_deref(), Some(reason));
    }
    // Keys stay taken, and the program shows what is left.
    let shown = place.hitl(&["show", &id, "--json"]);
    assert!(shown.out.contains("\"erased\":true"), "{}", shown.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_stops_every_erasure_until_a_person_releases_it() {
    let place = Place::new();
    let calls = fill(&place).await;
    let person = format!("ann-{MARKER}");
    let before = place.with(MARKER);
    let placed = place
        .hitl(&[
            "hold",
            "place",
            "--principal",
            &person.to_uppercase(),
            "--reason",
            "case 3",
            "--json",
        ])
        .ended(0)
        .json()
        .remove(0);
    let hold = placed["id"].as_str().unwrap().to_owned();
    let listed = place.hitl(&["hold", "list"]).ended(0);
    assert!(listed.out.contains(&hold[24..]) && listed.out.contains("case 3"), "{}", listed.out);
    let id = calls[0].to_string();
    let refused = place.hitl(&["erase", &id, "--reason", "r"]).ended(5);
    assert!(
        refused.err.contains("legal hold") && refused.err.contains("released"),
        "{}",
        refused.err
    );
    let said = place.hitl(&["erase", "--principal", &person, "--reason", "r", "--json"]).ended(0);
    assert_eq!(said.json()[0]["calls"], 0);
    let late = "2099-01-01T00:00:00Z";
    let said = place.hitl(&["erase", "--ended-before", late, "--reason", "r", "--json"]).ended(0);
    assert_eq!((&said.json()[0]["calls"], &said.json()[0]["lines"]), (&0.into(), &0.into()));
    let still = place.with(MARKER);
    assert!(before.iter().all(|file| still.contains(file) || file.ends_with("hitl.db-wal")));
    // An agent, a service and a wrong id release nothing.
    place.hitl(&["hold", "release", &hold, "--reason", "r", "--as", "agent:bot"]).ended(5);
    place.hitl(&["hold", "release", &hold, "--reason", "r", "--as", "service:cron"]).ended(5);
    place.hitl(&["hold", "release", &calls[0].to_string(), "--reason", "r"]).ended(3);
    place.hitl(&["hold", "release", &hold, "--reason", "case closed"]).ended(0);
    place.hitl(&["erase", &id, "--reason", "r", "--as", "agent:bot"]).ended(5);
    place.hitl(&["erase", &id, "--reason", "r"]).ended(0);
    place.verify(true).ended(0);
    let log: String =
        place.chains().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(log.contains("\"event\":\"holdPlaced\"") && log.contains("\"event\":\"holdReleased\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_file_that_is_open_elsewhere_is_left_and_said_and_erased_later() {
    let place = Place::new();
    let calls = fill(&place).await;
    let open = JsonlAudit::open(place.path("audit").join("audit-1.jsonl")).unwrap();
    let id = calls[1].to_string();
    let said = place.hitl(&["erase", &id, "--reason", "r"]).ended(7);
    assert!(said.out.contains("audit-1.jsonl"), "{}", said.out);
    assert!(std::fs::read_to_string(place.path("audit/audit-1.jsonl")).unwrap().contains('{'));
    place.verify(true).ended(0);
    drop(open);
    let said = place.hitl(&["erase", &id, "--reason", "r", "--json"]).ended(0).json().remove(0);
    assert!(said["lines"].as_u64().unwrap() >= 2, "{said}");
    place.verify(true).ended(0);
}

/// Without an order in the audit nothing is erased. Content that only the store has erased stays in
/// the audit until an erasure names it: that of another call does not complete it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_was_cut_off_is_completed_by_the_same() {
    let place = Place::new();
    let calls = fill(&place).await;
    hitl(&["--db", &said(&place.path("hitl.db")), "erase", &calls[1].to_string(), "--reason", "r"])
        .ended(2);
    let store = SqliteStore::open(place.path("hitl.db")).await.unwrap();
    let named = Erasable::new(Tenant::default(), calls[1]);
    assert_eq!(hitl::Store::erase(&store, &[named]).await.unwrap(), [None]);
    drop(store);
    let (one, other) = (calls[1].to_string(), calls[2].to_string());
    let files = JsonlFiles::in_folder(place.path("audit"));
    let kept = |id: &str| {
        let of = hitl_core::audit::AuditReader::read_call(&files, id.parse().unwrap()).unwrap();
        of.records.len()
    };
    let before = kept(&one);
    place.hitl(&["erase", &other, "--reason", "r"]).ended(0);
    assert_eq!((kept(&one), kept(&other)), (before, 1));
    place.hitl(&["erase", &one, "--reason", "r"]).ended(0);
    assert_eq!(kept(&one), 1);
    place.verify(true).ended(0);
}

/// A person who has only the file removes an inconvenient line: detected without the store, with a
/// checkpoint, and also if they write a record of an erasure themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_6_whoever_takes_a_line_away_is_found() {
    let place = Place::new();
    let calls = fill(&place).await;
    let file = place.path("audit/audit-1.jsonl");
    let before = std::fs::read(&file).unwrap();
    // The same edit as the eraser's, for a call that the store has not erased.
    let forge = JsonlAudit::open(&file).unwrap();
    let chain = forge.heads().remove(0);
    let checkpoint = hitl_core::audit::Checkpoint::new(hitl_base::Timestamp::EPOCH, [chain]);
    let mut listed = Vec::new();
    let wanted = calls[1];
    hitl_core::audit::ErasableLog::visit(&forge, &mut |line| {
        if let Ok(value) = serde_json::from_slice::<serde_json::Value>(line)
            && value["event"]["call"] == wanted.to_string()
        {
            let head = hitl_core::audit::ChainHead::from_line(line).unwrap();
            listed.push((value, head));
        }
    })
    .unwrap();
    assert!(!listed.is_empty());
    let lines: Vec<_> = listed
        .iter()
        .map(|(line, head)| {
            serde_json::json!({"stream": head.stream, "seq": head.seq, "hash": head.hash,
                "event": line["event"]["event"], "at": line["ts"]})
        })
        .collect();
    let rewrite = |forge: &JsonlAudit| {
        let count = hitl_core::audit::ErasableLog::rewrite(forge, &mut |bytes| {
            let line: serde_json::Value = serde_json::from_slice(bytes).ok()?;
            let head = hitl_core::audit::ChainHead::from_line(bytes)?;
            (line["event"]["call"] == wanted.to_string()
                && line["event"]["event"] != "erased").then(|| {
                let (event, hash) = (&line["event"]["event"], head.hash);
                format!(
                    "{{\"seq\":{},\"prev\":{},\"ts\":{},\"schema\":2,\"stream\":{},\"erased\":{{\"hash\":\"{hash}\",\"event\":{event},\"call\":\"{wanted}\"}}}}",
                    line["seq"], line["prev"], line["ts"], line["stream"]
                )
                .into_bytes()
            })
        });
        assert_eq!(count.unwrap(), listed.len() as u64);
    };
    rewrite(&forge);
    let found = place.verify(false).ended(6);
    assert!(found.out.contains("notErased"), "{}", found.out);
    // Now with a record of an erasure, as anyone who can write the file can append one.
    let record = serde_json::json!({"event": "erased", "at": hitl_base::Timestamp::now(),
        "call": wanted.to_string(), "key": {"tenant": "default", "run": "r", "position": 0},
        "by": "mallory", "erased": lines});
    forge.append(&serde_json::from_value(record).unwrap()).unwrap();
    drop(forge);
    let report = Verifier::new().checkpoint(checkpoint).file(&file).unwrap().finish();
    let kinds: Vec<_> = report.findings.iter().map(|f| f.kind.name()).collect();
    assert!(
        kinds.iter().all(|kind| *kind == "erasureNotVouched") && !kinds.is_empty(),
        "{kinds:?}"
    );
    let found = place.verify(true).ended(6);
    assert!(found.out.contains("stillInStore"), "{}", found.out);
    assert_ne!(std::fs::read(&file).unwrap(), before);
}
