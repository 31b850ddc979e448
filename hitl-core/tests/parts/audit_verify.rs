//! Every change to a log is detected by both verifiers, with its place.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use hitl_base::Timestamp;
use hitl_core::AuditRecord;
use hitl_core::audit::{
    AuditEvent, ChainHead, ChainWriter, Checkpoint, FindingKind, Report, Verifier,
};

/// Returns a log of small records, line by line.
fn log(stream: &str, records: u64) -> (Vec<Vec<u8>>, ChainHead) {
    let mut chain = ChainWriter::after(ChainHead::genesis(stream));
    let mut lines = Vec::new();
    for n in 1..=records {
        let at = Timestamp::from_millis(1_767_323_045_000 + i64::try_from(n).unwrap());
        let record = AuditRecord::about(AuditEvent::PolicyLoaded, format!("rules-{n}"), at);
        let mut line = chain.next(&record).unwrap().to_vec();
        line.push(b'\n');
        lines.push(line);
        chain.keep();
    }
    (lines, chain.head().clone())
}

fn checkpoint(head: &ChainHead) -> Checkpoint {
    Checkpoint::new(Timestamp::from_millis(1_767_323_050_000), [head.clone()])
}

fn verified(bytes: &[u8], checkpoints: &[Checkpoint]) -> Report {
    let verifier = checkpoints.iter().cloned().fold(Verifier::new(), Verifier::checkpoint);
    verifier.chain("log", bytes).unwrap().finish()
}

/// A change to a log, and the last line on which it must be detected.
struct Mutant {
    what: String,
    bytes: Vec<u8>,
    by_line: u64,
}

/// A pseudo-random generator that yields the same numbers every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// Returns every kind of change at the record `at`.
fn mutants_at(lines: &[Vec<u8>], at: usize, dice: &mut Dice) -> Vec<Mutant> {
    let line = u64::try_from(at).unwrap() + 1;
    let mut all = Vec::new();
    let mut add = |what: &str, changed: Vec<Vec<u8>>, by_line: u64| {
        let what = format!("{what} at record {line}");
        all.push(Mutant { what, bytes: changed.concat(), by_line });
    };
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut changed = lines.to_vec();
        change(&mut changed);
        changed
    };
    add("deletion", with(&|all| drop(all.remove(at))), line);
    add("repetition", with(&|all| all.insert(at, lines[at].clone())), line + 1);
    add("an old record put in", with(&|all| all.insert(at, lines[at / 2].clone())), line + 1);
    add("truncation", with(&|all| all.truncate(at)), line);
    add(
        "a torn line",
        with(&|all| {
            all.truncate(at + 1);
            let half = all[at].len() / 2;
            all[at].truncate(half);
        }),
        line,
    );
    if at + 1 < lines.len() {
        add("a swap", with(&|all| all.swap(at, at + 1)), line);
    }
    let far = dice.below(lines.len());
    if lines[far] != lines[at] {
        add("a distant swap", with(&|all| all.swap(at, far)), line.max(far as u64 + 1));
    }
    // A forged record that names the one before it, as anyone with write access can make it.
    let forged = |all: &mut Vec<Vec<u8>>| {
        let before = all[..at].last().map_or_else(
            || ChainHead::genesis("w"),
            |before| ChainHead::from_line(&before[..before.len() - 1]).unwrap(),
        );
        let mut chain = ChainWriter::after(before);
        let record = AuditRecord::about(AuditEvent::PolicyLoaded, "forged", Timestamp::EPOCH);
        let mut forged = chain.next(&record).unwrap().to_vec();
        forged.push(b'\n');
        forged
    };
    add(
        "a forged record put in",
        with(&|all| {
            let new = forged(all);
            all.insert(at, new);
        }),
        line + 1,
    );
    add("a forged record in its place", with(&|all| all[at] = forged(all)), line + 1);
    for _ in 0..2 {
        let (byte, bit) = (dice.below(lines[at].len()), dice.below(8));
        add(&format!("bit {bit} of byte {byte}"), with(&|all| all[at][byte] ^= 1 << bit), line + 1);
    }
    all
}

/// Rewrites the log from the record `at` on, each record naming the one before: only a checkpoint
/// reveals it.
fn fork(lines: &[Vec<u8>], at: usize) -> Vec<u8> {
    let mut changed = lines[..at].to_vec();
    let head = changed.last().map_or_else(
        || ChainHead::genesis("w"),
        |before| ChainHead::from_line(&before[..before.len() - 1]).unwrap(),
    );
    let mut chain = ChainWriter::after(head);
    for n in at..lines.len() {
        let record =
            AuditRecord::about(AuditEvent::PolicyLoaded, format!("other-{n}"), Timestamp::EPOCH);
        let mut line = chain.next(&record).unwrap().to_vec();
        chain.keep();
        line.push(b'\n');
        changed.push(line);
    }
    changed.concat()
}

fn assert_found(mutant: &Mutant, report: &Report) {
    assert!(!report.is_sound(), "{} was not found", mutant.what);
    let placed = report.findings.iter().filter_map(|finding| finding.line).min();
    let ends_early = report.has(FindingKind::Truncated) || report.has(FindingKind::MissingWriter);
    assert!(
        placed.is_some_and(|line| line <= mutant.by_line) || ends_early,
        "{} was not placed: {:?}",
        mutant.what,
        report.findings
    );
}

/// Returns the step between tested records.
fn stride() -> usize {
    // `cargo xtask test --full` sets it.
    if std::env::var_os("HITL_TEST_FULL").is_some() { 7 } else { 101 }
}

#[test]
fn invariant_6_every_change_to_a_thousand_records_is_found_and_placed() {
    let (lines, head) = log("w", 1_000);
    let exported = [checkpoint(&head)];
    let whole = verified(&lines.concat(), &exported);
    assert!(whole.is_sound(), "{:?}", whole.findings);
    assert_eq!((whole.records, &whole.heads), (1_000, &vec![head]));
    let mut dice = Dice(7);
    let edges = [0, 1, 2, 500, 997, 998, 999];
    for at in (0..1_000).step_by(stride()).chain(edges) {
        for mutant in mutants_at(&lines, at, &mut dice) {
            assert_found(&mutant, &verified(&mutant.bytes, &exported));
        }
        let forked = verified(&fork(&lines, at), &exported);
        assert!(forked.has(FindingKind::Forked), "fork at {at}: {:?}", forked.findings);
        assert_eq!(forked.findings[0].line, Some(1_000));
    }
    // With intermediate checkpoints, the place of a fork is known between two of them.
    let on_the_way: Vec<Checkpoint> = lines
        .iter()
        .skip(99)
        .step_by(100)
        .map(|line| checkpoint(&ChainHead::from_line(&line[..line.len() - 1]).unwrap()))
        .collect();
    let forked = verified(&fork(&lines, 450), &on_the_way);
    assert_eq!(forked.findings[0].line, Some(500), "{:?}", forked.findings);
    // Rolled back: an older copy, consistent in itself.
    let older = verified(&lines[..900].concat(), &exported);
    assert!(older.has(FindingKind::Truncated));
    assert!(
        verified(&lines[..900].concat(), &[]).is_sound(),
        "which without a checkpoint nobody sees"
    );
}

#[test]
fn invariant_6_every_bit_of_the_first_the_middle_and_the_last_record_counts() {
    let (lines, head) = log("w", 9);
    let exported = [checkpoint(&head)];
    for at in [0, 4, 8] {
        for byte in 0..lines[at].len() {
            for bit in 0..8 {
                let mut changed = lines.clone();
                changed[at][byte] ^= 1 << bit;
                let mutant = Mutant {
                    what: format!("bit {bit} of byte {byte} of record {at}"),
                    bytes: changed.concat(),
                    by_line: at as u64 + 2,
                };
                assert_found(&mutant, &verified(&mutant.bytes, &exported));
            }
        }
    }
}

#[test]
fn a_writer_that_is_missing_and_one_that_is_not_registered_show() {
    let (one, head_one) = log("one", 3);
    let (_, head_two) = log("two", 3);
    let both = Checkpoint::new(Timestamp::EPOCH, [head_one, head_two]);
    let report = verified(&one.concat(), &[both]);
    assert!(report.has(FindingKind::MissingWriter) && report.findings.len() == 1);
    assert!(report.findings[0].to_string().contains("record 3"), "{}", report.findings[0]);
    // Two chains in one file are invalid.
    let mixed = [one.concat(), log("two", 1).0.concat()].concat();
    assert!(verified(&mixed, &[]).has(FindingKind::Stranger));
}

#[test]
fn a_chain_that_begins_late_needs_a_checkpoint_that_vouches_for_what_was_before() {
    let (lines, _) = log("w", 10);
    let late = lines[5..].concat();
    assert!(verified(&late, &[]).has(FindingKind::Missing));
    let before = ChainHead::from_line(&lines[4][..lines[4].len() - 1]).unwrap();
    assert!(verified(&late, &[checkpoint(&before)]).is_sound());
    let forged = ChainHead::from_line(&lines[3][..lines[3].len() - 1]).unwrap();
    assert!(!verified(&late, &[checkpoint(&forged)]).is_sound());
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn python(arguments: &[&str]) -> std::process::Output {
    Command::new("python3")
        .args(arguments)
        .env("PYTHONPATH", docs())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 is needed for the second verifier; install it, 3.8 or later")
}

/// The independent verifier in Python reports the same for every kind of change.
#[test]
fn invariant_6_the_verifier_in_python_agrees() {
    let (lines, head) = log("w", 24);
    let exported = checkpoint(&head);
    let mut dice = Dice(11);
    let mut mutants = vec![Mutant { what: "nothing".into(), bytes: lines.concat(), by_line: 0 }];
    for at in 0..lines.len() {
        mutants.extend(mutants_at(&lines, at, &mut dice));
        let bytes = fork(&lines, at);
        mutants.push(Mutant { what: format!("fork at {at}"), bytes, by_line: 24 });
    }
    for byte in 0..lines[12].len() {
        let mut changed = lines.clone();
        changed[12][byte] ^= 1 << dice.below(8);
        let what = format!("byte {byte} of record 13");
        mutants.push(Mutant { what, bytes: changed.concat(), by_line: 14 });
    }
    // A log that begins late, and one of two chains.
    mutants.push(Mutant { what: "begins late".into(), bytes: lines[3..].concat(), by_line: 0 });
    let folder = tempfile::tempdir().unwrap();
    for (n, mutant) in mutants.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{n}.jsonl")), &mutant.bytes).unwrap();
    }
    let checkpoint = serde_json::to_string(&exported).unwrap();
    std::fs::write(folder.path().join("checkpoints.jsonl"), checkpoint + "\n").unwrap();
    let program = "import sys, json, verify_audit as v
folder, count = sys.argv[1], int(sys.argv[2])
checkpoints = [json.loads(line) for line in open(folder + '/checkpoints.jsonl')]
for n in range(count):
    found = v.verify([('log', open('%s/%d.jsonl' % (folder, n), 'rb').read())], checkpoints)
    print(min((line for _, line, _ in found), default='sound'))";
    let count = mutants.len().to_string();
    let output = python(&["-c", program, folder.path().to_str().unwrap(), &count]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(said.len(), mutants.len());
    for (mutant, said) in mutants.iter().zip(said) {
        let report = verified(&mutant.bytes, std::slice::from_ref(&exported));
        assert_eq!(report.is_sound(), said == "sound", "{}: {:?}", mutant.what, report.findings);
        assert_eq!(report.is_sound(), mutant.what == "nothing", "{}", mutant.what);
        if let (Ok(theirs), Some(ours)) =
            (said.parse::<u64>(), report.findings.iter().filter_map(|finding| finding.line).min())
        {
            // It may name the changed line or the next one, where it shows.
            assert!(
                theirs.abs_diff(ours) <= 1 || theirs == 0,
                "{}: {theirs} and {ours}",
                mutant.what
            );
        }
    }
    assert!(mutants.len() > 400, "{}", mutants.len());

    // As a command, as documented.
    let script = docs().join("verify_audit.py");
    let run = |log: &str| {
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let output = python(&[script.to_str().unwrap(), "-c", &at("checkpoints.jsonl"), &at(log)]);
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(run("0.jsonl"), (true, "sound\n".to_owned()));
    let (sound, said) = run("1.jsonl");
    assert!(!sound && said.contains("1.jsonl:1:"), "{said}");
    let length = std::fs::read_to_string(&script).unwrap().lines().count();
    assert!(length <= 50, "it is short enough to be read: {length} lines");
}

#[cfg(feature = "checkpoints")]
mod signed {
    use std::sync::Arc;
    use std::time::Duration;

    use hitl_core::audit::{AuditSink as _, CheckpointingSink, FanOut, JsonlAudit, SigningKey};

    use super::*;

    fn at(millis: i64) -> AuditRecord {
        AuditRecord::about(AuditEvent::PolicyLoaded, "rules", Timestamp::from_millis(millis))
    }

    #[test]
    fn a_checkpoint_is_made_every_so_many_records_or_so_long_and_lists_all_heads() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| JsonlAudit::open(folder.path().join(name)).unwrap();
        let key = SigningKey::from_bytes([7; 32]);
        let both = Arc::new(FanOut::new().required(open("a.jsonl")).required(open("b.jsonl")));
        let exported = folder.path().join("checkpoints.jsonl");
        let audit = CheckpointingSink::new(Arc::clone(&both), key.clone())
            .every_records(4)
            .every(Duration::from_secs(10))
            .to_file(&exported);
        let read = || -> Vec<Checkpoint> {
            let text = std::fs::read_to_string(&exported).unwrap_or_default();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        for n in 0..3 {
            audit.append(&at(n)).unwrap();
        }
        assert_eq!(read().len(), 0);
        audit.append(&at(4)).unwrap();
        audit.append(&at(5)).unwrap();
        assert_eq!(read().len(), 1, "four records");
        audit.append(&at(10_005)).unwrap();
        let made = read();
        assert_eq!(made.len(), 2, "ten seconds");
        assert_eq!(made[1].heads.len(), 2);
        assert!(made[1].heads.iter().all(|head| head.seq == 6));
        assert_eq!(audit.latest().as_ref(), Some(&made[1]));
        assert!(made.iter().all(|one| one.is_signed_by(key.public())));

        let verify = |checkpoint: &Checkpoint, key: &SigningKey| {
            let verifier = Verifier::new().checkpoint(checkpoint.clone()).trust(key.public());
            let verifier = verifier.file(folder.path().join("a.jsonl")).unwrap();
            verifier.file(folder.path().join("b.jsonl")).unwrap().finish()
        };
        assert!(verify(&made[1], &key).is_sound());
        assert!(verify(&made[1], &SigningKey::from_bytes([8; 32])).has(FindingKind::BadCheckpoint));
        for change in [
            |c: &mut Checkpoint| c.heads[0].seq = 5,
            |c: &mut Checkpoint| drop(c.heads.pop()),
            |c: &mut Checkpoint| c.at = Timestamp::EPOCH,
            |c: &mut Checkpoint| c.signature = None,
        ] {
            let mut forged = made[1].clone();
            change(&mut forged);
            assert!(verify(&forged, &key).has(FindingKind::BadCheckpoint));
        }

        // The second verifier checks the signature too, where there is an OpenSSL.
        if Command::new("openssl").arg("version").output().is_ok() {
            let script = docs().join("verify_audit.py");
            let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
            let run = |key: &SigningKey| {
                let (c, k) = (path("checkpoints.jsonl"), key.public().to_hex());
                let (a, b) = (path("a.jsonl"), path("b.jsonl"));
                python(&[script.to_str().unwrap(), "-c", &c, "-k", &k, &a, &b])
            };
            let good = run(&key);
            assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
            let other = run(&SigningKey::from_bytes([8; 32]));
            assert!(String::from_utf8_lossy(&other.stdout).contains("badCheckpoint"));
        }
    }

    #[test]
    fn a_checkpoint_that_cannot_be_exported_is_tried_again_and_holds_nothing_up() {
        let folder = tempfile::tempdir().unwrap();
        let sink = JsonlAudit::open(folder.path().join("a.jsonl")).unwrap();
        let missing = folder.path().join("not/there/checkpoints.jsonl");
        let audit = CheckpointingSink::new(sink, SigningKey::from_bytes([7; 32]))
            .every_records(1)
            .to_file(&missing);
        audit.append(&at(1)).unwrap();
        assert!(audit.checkpoint().is_err() && audit.latest().is_none());
        std::fs::create_dir_all(missing.parent().unwrap()).unwrap();
        audit.append(&at(2)).unwrap();
        assert_eq!(audit.latest().unwrap().heads[0].seq, 2);
    }

    #[test]
    fn invariant_8_a_signing_key_is_not_shown() {
        assert_eq!(format!("{:?}", SigningKey::from_bytes([7; 32])), "SigningKey([redacted])");
        let mut hex = String::new();
        for byte in SigningKey::from_bytes([7; 32]).expose() {
            write!(hex, "{byte:02x}").unwrap();
        }
        assert_eq!(hex, "07".repeat(32));
    }
}

#[path = "../audit/erased.rs"]
mod erased;
