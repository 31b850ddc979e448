//! The rules in force after a rule file was rewritten, signed, put back or replaced.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::*;
use crate::audit::{AuditError, AuditEvent, MemoryAudit};
use crate::policy::{AcceptError, Reload, RuleEffect, RuleFile, RuleFileOptions};
use crate::seal::HostKey;

struct Folder {
    _kept: tempfile::TempDir,
    policy: PathBuf,
}

impl Folder {
    fn with(text: &str) -> Self {
        let kept = tempfile::tempdir().unwrap();
        let policy = kept.path().join("policy.toml");
        fs::write(&policy, text).unwrap();
        Self { _kept: kept, policy }
    }

    fn write(&self, text: &str) {
        fs::write(&self.policy, text).unwrap();
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        super::super::acceptance::beside(&self.policy, suffix)
    }

    fn options(&self) -> RuleFileOptions {
        RuleFile::options(&self.policy)
    }
}

fn rules(version: &str, effect: &str) -> String {
    format!(
        "schema = 1\nversion = '{version}'\n[[rule]]\nname = 'notes'\neffect = '{effect}'\ntool = 'note'\n"
    )
}

/// Returns the effect that counts: of the rules in force alone, `None` while something waits.
fn effect(file: &RuleFile) -> Option<RuleEffect> {
    let status = file.status();
    assert!(status.problem.is_none());
    if status.waiting.is_some() {
        return None;
    }
    file.rules().map(|rules| rules.rules()[0].effect())
}

/// An audit that can be made to fail.
#[derive(Debug, Default)]
struct Broken(Mutex<bool>);

impl AuditSink for Broken {
    fn append(&self, _: &AuditRecord) -> Result<(), AuditError> {
        if *self.0.lock().unwrap() { Err(AuditError::new("no paper")) } else { Ok(()) }
    }
}

#[test]
fn invariant_5_an_older_acceptance_that_is_put_back_relaxes_nothing() {
    let folder = Folder::with(&rules("1", "auto"));
    let kept = || AcceptanceFile::beside_policy(&folder.policy).keyed(HostKey::from_bytes([7; 32]));
    let file = folder.options().acceptance(kept()).open();
    let accepted = kept().path().to_owned();
    // Both files as they were, with the host's own MAC.
    let old = fs::read(&accepted).unwrap();
    folder.write(&rules("2", "deny"));
    assert!(matches!(file.reload(), Ok(Reload::Loaded(_))));
    for _ in 0..2 {
        folder.write(&rules("1", "auto"));
        fs::write(&accepted, &old).unwrap();
        assert!(matches!(file.reload(), Ok(Reload::Waiting(_) | Reload::Unchanged)));
        assert_eq!(effect(&file), None);
        // The file is written again, so that the next process is not deceived either.
        let next = folder.options().acceptance(kept()).open();
        assert_eq!(effect(&next), None);
    }
    // A person may accept it all the same, whatever the clock shows.
    let digest = file.status().waiting.unwrap().version.digest;
    folder.options().acceptance(kept()).open().accept(&digest, "dora").unwrap();
    file.reload().unwrap();
    assert_eq!(effect(&file), Some(RuleEffect::Auto));
}

#[test]
fn invariant_5_nobody_but_a_person_accepts_and_not_without_the_audit() {
    let folder = Folder::with(&rules("1", "deny"));
    let broken = Arc::new(Broken::default());
    let file = folder.options().audit(Arc::clone(&broken)).open();
    folder.write(&rules("2", "auto"));
    let Ok(Reload::Waiting(waiting)) = file.reload() else { panic!("it relaxes") };
    assert_eq!(
        waiting.changes,
        [
            "- 2: version = '1'",
            "- 3: [[rule]]",
            "- 4: name = 'notes'",
            "- 5: effect = 'deny'",
            "+ 2: version = '2'",
            "+ 3: [[rule]]",
            "+ 4: name = 'notes'",
            "+ 5: effect = 'auto'"
        ]
    );
    let digest = waiting.version.digest;
    let agent = crate::Principal::agent("claude");
    assert!(matches!(file.accept(&digest, agent), Err(AcceptError::NotHuman)));
    *broken.0.lock().unwrap() = true;
    let written = fs::read(file.acceptance().path()).unwrap();
    assert!(matches!(file.accept(&digest, "dora"), Err(AcceptError::Audit(_))));
    assert_eq!(effect(&file), None);
    assert_eq!(fs::read(file.acceptance().path()).unwrap(), written);
    // A stricter text comes into force all the same; a first load does not.
    folder.write(&rules("3", "deny"));
    file.reload().unwrap();
    assert_eq!(effect(&file), Some(RuleEffect::Deny));
    fs::remove_file(file.acceptance().path()).unwrap();
    let first = folder.options().audit(broken).open();
    assert!(first.status().in_force.is_none());
}

#[test]
fn invariant_5_a_program_that_only_shows_what_waits_accepts_and_writes_nothing() {
    let folder = Folder::with(&rules("1", "quick"));
    let audit = MemoryAudit::new();
    let open = || folder.options().audit(audit.clone()).only_people_accept().open();
    let shown = open();
    assert_eq!(shown.status().in_force, None);
    let waiting = shown.status().waiting.unwrap();
    assert!(waiting.untrusted.unwrap().contains("nothing was accepted yet"));
    assert!(!shown.acceptance().path().exists());
    shown.accept(&waiting.version.digest, "dora").unwrap();
    let written = fs::read(shown.acceptance().path()).unwrap();
    // A stricter text waits too, and counts meanwhile.
    folder.write(&rules("2", "deny"));
    for file in [shown, open()] {
        file.reload().unwrap();
        let waiting = file.status().waiting.unwrap();
        assert!(waiting.relaxations.is_empty() && !waiting.changes.is_empty());
    }
    let path = folder.beside(".accepted");
    assert_eq!(fs::read(&path).unwrap(), written);
    // Nor is it authenticated with another key.
    let (old, new) = (HostKey::from_bytes([7; 32]), HostKey::from_bytes([8; 32]));
    let keyed = |keys: crate::seal::HostKeys| {
        let kept = AcceptanceFile::beside_policy(&folder.policy).keyed(keys);
        folder.options().acceptance(kept)
    };
    fs::remove_file(&path).unwrap();
    let _host = keyed(old.clone().into()).open();
    let written = fs::read(&path).unwrap();
    let both = crate::seal::HostKeys::from(new).with_previous(old);
    assert!(keyed(both).only_people_accept().open().status().in_force.is_some());
    assert_eq!(fs::read(&path).unwrap(), written);
    assert_eq!(audit.records().len(), 1);
}

#[test]
fn each_acceptance_is_audited_with_who_and_from_what_to_what() {
    let folder = Folder::with(&rules("1", "quick"));
    let audit = MemoryAudit::new();
    let file = folder.options().audit(audit.clone()).open();
    folder.write(&rules("2", "deny"));
    file.reload().unwrap();
    folder.write(&rules("3", "auto"));
    let Ok(Reload::Waiting(waiting)) = file.reload() else { panic!("it relaxes") };
    file.accept(&waiting.version.digest, "dora").unwrap();
    file.reload().unwrap();
    let records = audit.records();
    let said: Vec<(Vec<&str>, Option<&str>)> = records
        .iter()
        .map(|record| {
            assert_eq!(record.event, AuditEvent::PolicyAccepted);
            let versions = record.policies.iter().map(|it| &*it.version).collect();
            (versions, record.by.as_ref().map(crate::Principal::as_str))
        })
        .collect();
    assert_eq!(said, [(vec!["1"], None), (vec!["1", "2"], None), (vec!["2", "3"], Some("dora"))]);
    assert!(records[2].known_by.is_some());
    let note = records[2].note.as_deref().unwrap();
    assert!(note.contains(&*waiting.version.digest) && note.starts_with("accepted by dora"));
    assert!(records[0].note.as_deref().unwrap().starts_with("first use: from nothing"));
}

/// Regression: a pipe in the place of the policy blocked the watcher, so that a later freeze was
/// never seen.
#[cfg(unix)]
#[test]
fn invariant_5_a_pipe_in_the_place_of_a_policy_holds_nobody_up() {
    let folder = Folder::with(&rules("1", "quick"));
    let file = folder.options().open();
    for path in [folder.policy.clone(), file.acceptance().path().to_owned()] {
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let (told, heard) = std::sync::mpsc::channel();
        let other = file.clone();
        std::thread::spawn(move || {
            let _ = other.reload();
            let _ = told.send(());
        });
        heard.recv_timeout(std::time::Duration::from_secs(60)).expect("it hangs");
        let rules = file.rules().unwrap();
        assert_eq!(rules.rules()[0].effect(), RuleEffect::Quick);
        fs::remove_file(&path).unwrap();
        fs::write(&path, kept).unwrap();
    }
    folder.write(&rules("2", "deny"));
    file.reload().unwrap();
    assert_eq!(effect(&file), Some(RuleEffect::Deny));
}

#[cfg(feature = "checkpoints")]
mod signed {
    use super::*;
    use crate::audit::SigningKey;
    use crate::policy::{PolicySignature, SignatureFile};

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes([seed; 32])
    }

    impl Folder {
        fn sign(&self, policy: &str, number: u64, text: &str, by: &SigningKey) {
            let signature = PolicySignature::sign(policy, number, text, by);
            let json = serde_json::to_string(&signature).unwrap();
            fs::write(self.beside(".sig"), json).unwrap();
        }

        fn signed(&self) -> RuleFileOptions {
            let signatures = SignatureFile::beside(&self.policy, "prod").key(key(1).public());
            self.options().signatures(signatures)
        }
    }

    fn why(file: &RuleFile) -> String {
        let waiting = file.status().waiting.unwrap();
        waiting.signature.or(waiting.untrusted).unwrap()
    }

    #[test]
    fn invariant_5_only_the_hosts_key_and_a_higher_number_accept_what_relaxes() {
        let folder = Folder::with(&rules("1", "deny"));
        let first = folder.signed().open();
        assert_eq!(first.status().in_force, None, "the first load must be signed");
        assert!(why(&first).contains("nothing was accepted yet"));
        folder.sign("prod", 3, &rules("1", "deny"), &key(1));
        let audit = MemoryAudit::new();
        let file = folder.signed().audit(audit.clone()).open();
        assert_eq!(effect(&file), Some(RuleEffect::Deny));

        let lax = rules("2", "auto");
        folder.write(&lax);
        for (said, policy, number, text, by) in [
            ("another text", "prod", 4, &rules("1", "deny"), key(1)),
            ("another text", "prod", 4, &rules("2", "auto").replace('\n', "\r\n"), key(1)),
            ("another policy", "test", 4, &lax, key(1)),
            ("does not name", "prod", 4, &lax, key(2)),
            ("3 was accepted before", "prod", 3, &lax, key(1)),
            ("3 was accepted before", "prod", 0, &lax, key(1)),
        ] {
            folder.sign(policy, number, text, &by);
            file.reload().unwrap();
            assert_eq!(effect(&file), None, "{said}");
            assert!(why(&file).contains(said), "{said}: {}", why(&file));
            // Also in a newly started process.
            assert_eq!(effect(&folder.signed().open()), None, "{said}");
        }
        folder.sign("prod", 4, &lax, &key(1));
        let json = fs::read_to_string(folder.beside(".sig")).unwrap();
        for (from, to, said) in [
            ("\"number\":4", "\"number\":5", "is wrong"),
            ("\"schema\":1", "\"schema\":2", "another version"),
            ("\"number\":4", "\"number\":4,\"number\":9", "damaged"),
            ("{", "", "damaged"),
        ] {
            fs::write(folder.beside(".sig"), json.replacen(from, to, 1)).unwrap();
            file.reload().unwrap();
            assert_eq!(effect(&file), None);
            assert!(why(&file).contains(said), "{said}: {}", why(&file));
        }
        let before = audit.records().len();
        fs::write(folder.beside(".sig"), &json).unwrap();
        assert!(matches!(file.reload(), Ok(Reload::Loaded(_))));
        assert_eq!(effect(&file), Some(RuleEffect::Auto));
        let record = audit.records()[before].clone();
        assert_eq!(record.event, AuditEvent::PolicyAccepted);
        let note = record.note.unwrap();
        assert!(note.contains(&key(1).public().to_hex()) && note.contains("number 4"), "{note}");
    }

    #[test]
    fn invariant_5_a_signed_policy_of_before_does_not_come_back() {
        let (lax, strict) = (rules("1", "auto"), rules("2", "deny"));
        let folder = Folder::with(&lax);
        folder.sign("prod", 1, &lax, &key(1));
        let lax_signature = fs::read(folder.beside(".sig")).unwrap();
        let file = folder.signed().open();
        assert_eq!(effect(&file), Some(RuleEffect::Auto));
        // A stricter text needs no signature; if it has one, its number counts all the same.
        folder.write(&strict);
        folder.sign("prod", 2, &strict, &key(1));
        file.reload().unwrap();
        let back = |file: &RuleFile| {
            folder.write(&lax);
            fs::write(folder.beside(".sig"), &lax_signature).unwrap();
            file.reload().unwrap();
            assert_eq!(effect(file), None);
            assert!(why(file).contains("2 was accepted before"), "{}", why(file));
        };
        back(&file);
        back(&folder.signed().open());
        // A person's acceptance does not reset the number.
        let digest = file.status().waiting.unwrap().version.digest;
        file.accept(&digest, "dora").unwrap();
        folder.write(&strict);
        file.reload().unwrap();
        back(&file);
        // If the last acceptance is unknown, no signature counts.
        fs::write(file.acceptance().path(), "damaged").unwrap();
        folder.sign("prod", 9, &lax, &key(1));
        let afresh = folder.signed().open();
        assert_eq!(afresh.status().in_force, None);
        assert_eq!(effect(&file), None, "nor in a process that knows");
        // If the audit or the folder does not take it, it keeps waiting.
        fs::remove_file(file.acceptance().path()).unwrap();
        folder.write(&strict);
        folder.sign("prod", 10, &strict, &key(1));
        let broken = Arc::new(Broken::default());
        let file = folder.signed().audit(Arc::clone(&broken)).open();
        *broken.0.lock().unwrap() = true;
        folder.write(&lax);
        folder.sign("prod", 11, &lax, &key(1));
        file.reload().unwrap();
        assert!(why(&file).contains("cannot be audited"), "{}", why(&file));
        *broken.0.lock().unwrap() = false;
        file.reload().unwrap();
        assert_eq!(effect(&file), Some(RuleEffect::Auto));
        let at_least = SignatureFile::beside(&folder.policy, "prod").key(key(1).public());
        fs::remove_file(file.acceptance().path()).unwrap();
        let low = folder.options().signatures(at_least.at_least(12)).open();
        assert_eq!(low.status().in_force, None);
        assert!(why(&low).contains("lower number"));
    }

    #[test]
    fn invariant_5_where_the_number_was_lost_no_signature_counts_until_a_person_accepts_a_signed_text()
     {
        let (lax, now, next) = (rules("1", "auto"), rules("2", "quick"), rules("3", "auto"));
        for is_gone in [false, true] {
            let folder = Folder::with(&now);
            folder.sign("prod", 7, &now, &key(1));
            let path = folder.signed().open().acceptance().path().to_owned();
            let keyed = || {
                let kept = AcceptanceFile::beside_policy(&folder.policy);
                folder.signed().acceptance(kept.keyed(HostKey::from_bytes([7; 32])))
            };
            // The file is lost and the process restarts; a person accepts the text without its
            // signature.
            if is_gone {
                fs::remove_file(&path).unwrap();
            } else {
                fs::write(&path, "damaged").unwrap();
            }
            fs::remove_file(folder.beside(".sig")).unwrap();
            let accept = |file: &RuleFile| {
                let digest = file.status().waiting.unwrap().version.digest;
                file.accept(&digest, "dora").unwrap();
            };
            accept(&keyed().open());
            let kept = fs::read_to_string(&path).unwrap();
            assert!(kept.contains("numberUnknown"), "{kept}");
            // The older text with its own signature, and a newer one: they cannot be told apart.
            for (text, number) in [(&lax, 3), (&next, 8)] {
                folder.write(text);
                folder.sign("prod", number, text, &key(1));
                let file = keyed().open();
                assert_eq!(effect(&file), None, "{number}");
                assert!(why(&file).contains("nobody knows which number"), "{}", why(&file));
            }
            // A stricter text under an old number sets no limit.
            let strict = rules("0", "deny");
            folder.write(&strict);
            folder.sign("prod", 1, &strict, &key(1));
            let file = keyed().open();
            assert_eq!(effect(&file), Some(RuleEffect::Deny));
            folder.write(&lax);
            folder.sign("prod", 3, &lax, &key(1));
            file.reload().unwrap();
            assert_eq!(effect(&file), None);
            // The host's MAC covers it.
            let written = fs::read_to_string(&path).unwrap();
            let without = written.replacen("\"numberUnknown\":true,", "", 1);
            assert_ne!(without, written);
            fs::write(&path, without).unwrap();
            assert_eq!(keyed().open().status().in_force, None);
            fs::write(&path, written).unwrap();
            // A person accepts a signed text: from its number on, signatures count again.
            folder.write(&next);
            folder.sign("prod", 8, &next, &key(1));
            accept(&keyed().open());
            folder.write(&rules("4", "deny"));
            assert_eq!(effect(&keyed().open()), Some(RuleEffect::Deny));
            for (text, number, counts) in [(&lax, 3, false), (&next, 8, false), (&lax, 9, true)] {
                folder.write(text);
                folder.sign("prod", number, text, &key(1));
                assert_eq!(effect(&keyed().open()).is_some(), counts, "{number}");
            }
        }
    }

    #[test]
    fn the_signature_of_what_a_person_accepted_says_the_number_that_was_lost() {
        let text = rules("1", "quick");
        let folder = Folder::with(&text);
        // Accepted by a program that does not know signatures.
        let shown = folder.options().only_people_accept().open();
        shown.accept(&shown.status().waiting.unwrap().version.digest, "dora").unwrap();
        folder.sign("prod", 5, &text, &key(1));
        assert_eq!(effect(&folder.signed().open()), Some(RuleEffect::Quick));
        let lax = rules("2", "auto");
        folder.write(&lax);
        for (number, counts) in [(5, false), (6, true)] {
            folder.sign("prod", number, &lax, &key(1));
            assert_eq!(effect(&folder.signed().open()).is_some(), counts, "{number}");
        }
    }
}
