//! A rule file in use: opened, read again, watched; and what becomes of calls meanwhile.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod support;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use hitl_core::policy::{Reload, RuleErrorKind};
use hitl_core::{CallKey, Outcome, RuleFile, Submission, Verdict};
use support::{bench_with, note, until};

struct Folder {
    _kept: tempfile::TempDir,
    path: PathBuf,
}

impl Folder {
    fn with(text: &str) -> Self {
        let kept = tempfile::tempdir().unwrap();
        let path = kept.path().join("policy.toml");
        fs::write(&path, text).unwrap();
        Self { _kept: kept, path }
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }
}

fn rules(version: &str, effect: &str) -> String {
    format!(
        "schema = 1\nversion = '{version}'\n[[rule]]\nname = 'notes'\neffect = '{effect}'\ntool = 'note'\n\
         [[test]]\ntool = 'note'\nexpect = '{effect}'\n"
    )
}

#[tokio::test]
async fn invariant_5_a_file_that_does_not_load_denies_everything_and_says_why() {
    for (text, says) in [
        ("not toml", "line 1"),
        ("", "`schema` is missing"),
        (
            "schema = 1\nversion = '1'\n[[test]]\ntool = 'x'\nexpect = 'deny'\n",
            "the test `line 3` expected deny",
        ),
    ] {
        let folder = Folder::with(text);
        let file = RuleFile::open(&folder.path);
        let b = bench_with(|g| g.policy(file.clone())).await;
        let outcome = b.gate.submit(note("a")).by("ann").await.unwrap();
        let Submission::Done { outcome: Outcome::Denied { reason }, .. } = outcome else {
            unreachable!("{outcome:?}")
        };
        assert!(reason.contains("policy.toml did not load") && reason.contains(says), "{reason}");
        assert_eq!(b.world.ran(), 0);
        assert!(file.status().in_force.is_none() && file.status().problem.is_some());

        // Mended, it is in force at once.
        folder.write(&rules("2", "quick"));
        assert!(matches!(file.reload(), Ok(Reload::Loaded(version)) if &*version.version == "2"));
        let preview = b.gate.assess(&note("a"), "ann").unwrap();
        assert_eq!(preview.verdict.level(), Some(hitl_core::ApprovalLevel::Quick));
    }
    let missing = RuleFile::open("/nowhere/policy.toml");
    assert_eq!(missing.status().problem.unwrap().kind(), RuleErrorKind::Unreadable);
    assert!(RuleFile::open_strict("/nowhere/policy.toml").is_err());
}

#[tokio::test]
async fn invariant_5_a_bad_reload_keeps_the_old_rules_and_reports() {
    let folder = Folder::with(&rules("1", "deny"));
    let file = RuleFile::open_strict(&folder.path).unwrap();
    let b = bench_with(|g| g.policy(file.clone())).await;
    let denied = || matches!(b.gate.assess(&note("a"), "ann").unwrap().verdict, Verdict::Deny(_));
    assert!(denied());
    assert_eq!(file.reload().unwrap(), Reload::Unchanged);

    folder.write("schema = 1\nversion = '2'\n[[rule]]\nname = 'x'\neffect = 'autoo'\n");
    let errors = file.reload().unwrap_err();
    assert_eq!(errors.iter().next().unwrap().line(), Some(5));
    let status = file.status();
    assert_eq!(&*status.in_force.unwrap().version, "1");
    assert_eq!(status.problem, Some(errors));
    assert!(denied());

    fs::remove_file(&folder.path).unwrap();
    assert_eq!(file.reload().unwrap_err().kind(), RuleErrorKind::Unreadable);
    assert!(denied());

    folder.write(&rules("1", "deny"));
    assert_eq!(file.reload().unwrap(), Reload::Unchanged);
    assert_eq!(file.status().problem, None);
}

#[tokio::test]
async fn who_decided_is_named_in_assess_receipt_and_audit() {
    let folder = Folder::with(&rules("1", "full"));
    let file = RuleFile::open(&folder.path);
    let b = bench_with(|g| g.policy(file.clone())).await;
    assert_eq!(b.events(), ["policyLoaded"]);

    let preview = b.gate.assess(&note("a"), "ann").unwrap();
    let decided = preview.decided_by.unwrap();
    assert_eq!(decided.to_string(), "rule `notes` of policy.toml version 1, line 3");
    assert_eq!(preview.rules.len(), 1);
    assert!(preview.because[0].starts_with("rule `notes` of policy.toml version 1, line 3"));

    let Submission::Pending(ticket) = b.gate.submit(note("a")).by("ann").key("r", 0).await.unwrap()
    else {
        unreachable!("a rule asks for Full")
    };
    assert_eq!(ticket.receipt().decided_by, Some(decided.clone()));
    assert_eq!(ticket.receipt().policies, std::slice::from_ref(&decided.policy));

    // Another version comes into force, which has nothing to say about notes.
    folder.write("schema = 1\nversion = '2'\n");
    file.reload().unwrap();
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    ticket.wait().await.unwrap();
    let records = b.audit.records();
    let versions: Vec<(String, Vec<String>)> = records
        .iter()
        .map(|record| {
            let versions = record.policies.iter().map(|policy| policy.version.to_string());
            (record.event.to_string(), versions.collect())
        })
        .collect();
    let one = |version: &str| vec![version.to_owned()];
    assert_eq!(
        versions,
        [
            ("policyLoaded".to_owned(), one("1")),
            ("proposed".to_owned(), vec![]),
            ("assessed".to_owned(), one("1")),
            ("requested".to_owned(), vec![]),
            ("decided".to_owned(), vec![]),
            ("policyLoaded".to_owned(), one("2")),
            ("claimed".to_owned(), one("2")),
            ("executed".to_owned(), vec![]),
        ]
    );
    assert_eq!(records[0].policies[0].digest, decided.policy.digest);
    assert_eq!(decided.policy.digest.len(), 64);
}

#[tokio::test]
async fn invariant_2_a_reload_that_tightens_asks_again_before_it_runs() {
    let folder = Folder::with(&rules("1", "quick"));
    let file = RuleFile::open(&folder.path);
    let b = bench_with(|g| g.policy(file.clone())).await;
    let Submission::Pending(ticket) = b.gate.submit(note("a")).by("ann").key("r", 0).await.unwrap()
    else {
        unreachable!("a rule asks for Quick")
    };
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    folder.write(&rules("2", "deny"));
    file.reload().unwrap();
    let outcome = ticket.wait().await.unwrap();
    assert!(matches!(outcome, Outcome::Denied { .. }), "{outcome:?}");
    assert_eq!(b.world.ran(), 0);
    assert!(b.gate.find(&CallKey::new("r", 0)).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_watch_sees_changes_and_stops_when_it_is_dropped() {
    let folder = Folder::with(&rules("1", "deny"));
    let file = RuleFile::open(&folder.path);
    let version = |file: &RuleFile| file.status().in_force.unwrap().version.to_string();
    let watch = file.watch(Duration::from_secs(5));
    folder.write(&rules("2", "full"));
    until("the new version is in force", async || {
        tokio::time::advance(Duration::from_secs(1)).await;
        version(&file) == "2"
    })
    .await;
    folder.write("broken");
    until("the mistake is seen", async || {
        tokio::time::advance(Duration::from_secs(1)).await;
        file.status().problem.is_some()
    })
    .await;
    assert_eq!(version(&file), "2");
    drop(watch);
    folder.write(&rules("3", "full"));
    for _ in 0..100 {
        tokio::time::advance(Duration::from_secs(5)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(version(&file), "2");
}
