//! A rule file in use: opened, reloaded, watched; and its effect on calls meanwhile.

use crate::support;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use hitl_core::grant::Envelope;
use hitl_core::policy::{AcceptError, AcceptanceFile, Policy as _, Reload, RuleErrorKind, RuleSet};
use hitl_core::{
    ApprovalLevel, CallKey, HostKey, HostKeys, Outcome, RuleFile, Submission, Verdict,
};
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

        // Once fixed, it is in force at once.
        folder.write(&rules("2", "quick"));
        assert!(matches!(file.reload(), Ok(Reload::Loaded(version)) if version.version() == "2"));
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
    assert_eq!(status.in_force.unwrap().version(), "1");
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
    assert!(preview.reasons[0].starts_with("rule `notes` of policy.toml version 1, line 3"));

    let Submission::Pending(ticket) = b.gate.submit(note("a")).by("ann").key("r", 0).await.unwrap()
    else {
        unreachable!("a rule asks for Full")
    };
    assert_eq!(ticket.receipt().decided_by, Some(decided.clone()));
    assert_eq!(ticket.receipt().policies, std::slice::from_ref(&decided.policy));

    // Another version without rules about notes comes into force.
    folder.write("schema = 1\nversion = '2'\n");
    let Ok(Reload::Waiting(waiting)) = file.reload() else { panic!("it relaxes") };
    file.accept(waiting.version.digest(), "dora").unwrap();
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    ticket.wait().await.unwrap();
    let records = b.audit.records();
    let versions: Vec<(String, Vec<String>)> = records
        .iter()
        .map(|record| {
            let versions = record.policies.iter().map(|policy| policy.version().to_string());
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
    assert_eq!(records[0].policies[0].digest(), decided.policy.digest());
    assert_eq!(decided.policy.digest().len(), 64);
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
    assert!(b.gate.unscoped().get_by_key(&CallKey::new("r", 0)).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_watch_sees_changes_and_stops_when_it_is_dropped() {
    let folder = Folder::with(&rules("1", "full"));
    let file = RuleFile::open(&folder.path);
    let version = |file: &RuleFile| file.status().in_force.unwrap().version().to_string();
    let watch = file.watch(Duration::from_secs(5));
    folder.write(&rules("2", "deny"));
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
    folder.write(&rules("3", "deny"));
    for _ in 0..100 {
        tokio::time::advance(Duration::from_secs(5)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(version(&file), "2");
}

fn level(gate: &hitl_core::Gate) -> Verdict {
    gate.assess(&note("a"), "ann").unwrap().verdict
}

#[tokio::test]
async fn invariant_5_a_policy_that_somebody_rewrote_does_not_relax_by_itself() {
    let folder = Folder::with(&rules("1", "quick"));
    let quick = Verdict::Ask(ApprovalLevel::Quick);
    let file = RuleFile::open(&folder.path);
    let b = bench_with(|g| g.policy(file.clone())).await;
    assert_eq!(level(&b.gate), quick);
    for rewritten in [
        rules("2", "auto"),
        "schema = 1\nversion = '2'\n".to_owned(),
        rules("2", "quick").replace("'note'", "'other'"),
    ] {
        folder.write(&rewritten);
        let Ok(Reload::Waiting(waiting)) = file.reload() else { panic!("it may relax") };
        assert!(!waiting.relaxations.is_empty() && waiting.untrusted.is_none());
        assert_eq!(level(&b.gate), quick);
        assert_eq!(file.status().waiting, Some(waiting));
        assert_eq!(file.status().in_force.unwrap().version(), "1");
        // A newly started process is not deceived either.
        let afresh = RuleFile::open(&folder.path);
        assert_eq!(afresh.status().in_force.unwrap().version(), "1");
        let other = bench_with(|g| g.policy(afresh)).await;
        assert_eq!(level(&other.gate), quick);
    }
    // Where it is stricter, it counts at once.
    let both =
        format!("{}[[rule]]\nname = 'x'\neffect = 'deny'\ntool = 'look'\n", rules("3", "auto"));
    folder.write(&both);
    assert!(matches!(file.reload(), Ok(Reload::Waiting(_))));
    assert_eq!(level(&b.gate), quick);
    let looked = b.gate.assess(&support::look("x"), "ann").unwrap().verdict;
    assert!(matches!(looked, Verdict::Deny(_)));

    // A person accepts the version they looked at, and nothing else.
    let digest = file.status().waiting.unwrap().version.digest().to_owned();
    folder.write(&rules("4", "auto"));
    assert!(matches!(file.accept(&digest, "dora"), Err(AcceptError::Changed)));
    assert_eq!(level(&b.gate), quick);
    let Ok(Reload::Waiting(waiting)) = file.reload() else { panic!("it may relax") };
    let elsewhere = RuleFile::open(&folder.path);
    elsewhere.accept(waiting.version.digest(), "dora").unwrap();
    assert!(matches!(file.reload(), Ok(Reload::Loaded(_))), "another process accepted it");
    assert_eq!(level(&b.gate), Verdict::Run);
    assert_eq!(file.status().waiting, None);
}

#[tokio::test]
async fn invariant_5_what_is_not_known_to_be_accepted_is_strict() {
    let folder = Folder::with(&rules("1", "auto"));
    let store = folder.path.with_file_name("hitl.db");
    let kept = || AcceptanceFile::beside_store(&store, &folder.path);
    // There is no file yet: the first load is trusted.
    let first = RuleFile::open_with(&folder.path, kept());
    assert!(first.status().waiting.is_none());
    let path = kept().path().to_owned();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&store, "a store").unwrap();

    for damaged in [
        None,
        Some(String::new()),
        Some(text.replace("auto", "deny")),
        Some(text.replace("\"digest\":\"", "\"digest\":\"0")),
        Some(text.replace("\"schema\":1", "\"schema\":2")),
        Some(text[..text.len() / 2].to_owned()),
    ] {
        match &damaged {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let opened = RuleFile::open_with(&folder.path, kept());
        assert!(opened.status().waiting.unwrap().untrusted.is_some(), "{damaged:?}");
        assert_eq!(opened.status().in_force, None);
        let b = bench_with(|g| g.policy(opened)).await;
        let Verdict::Deny(reason) = level(&b.gate) else { panic!("every call is denied") };
        assert!(reason.contains("hitl policy accept"), "{reason}");
        // A process still knows what it knew before; nothing relaxes, and nothing is written.
        folder.write(
            "schema = 1\nversion = '2'\n[[rule]]\nname = 'all'\neffect = 'auto'\ntool = '*'\n",
        );
        assert!(matches!(first.reload(), Ok(Reload::Waiting(_))));
        assert_eq!(fs::read_to_string(&path).ok(), damaged);
        folder.write(&rules("1", "auto"));
        first.reload().unwrap();
    }
    let opened = RuleFile::open_with(&folder.path, kept());
    let digest = opened.status().waiting.unwrap().version.digest().to_owned();
    opened.accept(&digest, "dora").unwrap();
    let b = bench_with(|g| g.policy(RuleFile::open_with(&folder.path, kept()))).await;
    assert_eq!(level(&b.gate), Verdict::Run);
}

#[tokio::test]
async fn invariant_5_what_was_accepted_is_vouched_for_by_the_hosts_key() {
    let folder = Folder::with(&rules("1", "quick"));
    let key = HostKey::generate().unwrap();
    let kept = || AcceptanceFile::beside_policy(&folder.path).keyed(key.clone());
    assert!(RuleFile::open_with(&folder.path, kept()).status().waiting.is_none());
    let path = kept().path().to_owned();
    // Somebody without the key accepts it on their own.
    folder.write(&rules("2", "auto"));
    fs::remove_file(&path).unwrap();
    let _forged = RuleFile::open(&folder.path);
    let opened = RuleFile::open_with(&folder.path, kept());
    assert!(opened.status().waiting.unwrap().untrusted.unwrap().contains("no code"));
    let other = HostKey::generate().unwrap();
    let digest = opened.status().problem.map_or_else(
        || {
            RuleFile::open_with(&folder.path, kept())
                .status()
                .waiting
                .unwrap()
                .version
                .digest()
                .to_owned()
        },
        |_| unreachable!(),
    );
    let forged = AcceptanceFile::beside_policy(&folder.path).keyed(other);
    RuleFile::open_with(&folder.path, forged).accept(&digest, "eve").unwrap();
    let opened = RuleFile::open_with(&folder.path, kept());
    assert!(opened.status().waiting.unwrap().untrusted.unwrap().contains("code is wrong"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn invariant_5_what_was_accepted_counts_while_the_hosts_key_is_replaced_and_under_no_other() {
    let folder = Folder::with(&rules("1", "quick"));
    let (one, two) = (HostKey::from_bytes([1; 32]), HostKey::from_bytes([2; 32]));
    let untrusted = |keys: HostKeys| {
        let kept = AcceptanceFile::beside_policy(&folder.path).keyed(keys);
        let status = RuleFile::open_with(&folder.path, kept).status();
        status.waiting.and_then(|waiting| waiting.untrusted)
    };
    let path = AcceptanceFile::beside_policy(&folder.path).path().to_owned();
    assert_eq!(untrusted(one.clone().into()), None, "the first load is accepted");
    let before = fs::read(&path).unwrap();
    assert!(untrusted(two.clone().into()).unwrap().contains("code is wrong"));
    assert_eq!(fs::read(&path).unwrap(), before);
    // A process with both keys authenticates it with the current one.
    assert_eq!(untrusted(HostKeys::new(two.clone()).with_previous(one.clone())), None);
    assert_eq!(untrusted(two.clone().into()), None);
    assert!(untrusted(one.clone().into()).unwrap().contains("code is wrong"));
    // A text without a valid MAC is not authenticated by that.
    let text = fs::read_to_string(&path).unwrap().replace("quick", "auto_");
    fs::write(&path, &text).unwrap();
    assert!(untrusted(HostKeys::new(two).with_previous(one)).is_some());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

const GLASS: &str = "[break_glass]\ntools = ['restart_*', 'drop']\nroles = 'oncall'\n\
                     longest = '90m'\nuses = 3\nsum = 250.5\ncurrency = 'EUR'\ntenants = ['acme']\n";

#[test]
fn an_envelope_is_read_from_a_rule_file_and_its_mistakes_have_places() {
    let head = "schema = 1\nversion = '1'\n";
    let rules = RuleSet::parse(&format!("{head}{GLASS}")).unwrap();
    let envelope = Envelope::new(["restart_*", "drop"])
        .role("oncall")
        .longest(Duration::from_secs(90 * 60))
        .uses(3)
        .sum("250.5".parse().unwrap())
        .currency("EUR")
        .tenant("acme");
    assert_eq!(rules.envelopes(), [envelope]);
    let several = format!("{head}[{GLASS}").replace("[break_glass]", "[break_glass]]");
    assert_eq!(RuleSet::parse(&several).unwrap().envelopes().len(), 1);
    assert!(RuleSet::parse(head).unwrap().envelopes().is_empty(), "without one, none");
    for (change, to, says) in [
        ("longest = '90m'\n", "", "line 3, column 1: `longest` is missing"),
        ("uses = 3\n", "", "`uses` is missing"),
        ("'90m'", "'25h'", "at most 24 hours"),
        ("'90m'", "90", "expected text in quotes"),
        ("'90m'", "'90 minutes'", "a time is written like"),
        ("uses = 3", "uses = 0", "at least one use"),
        ("roles", "people_", "`people_` means nothing here"),
        ("roles = 'oncall'\n", "", "who may break the glass"),
        ("sum = 250.5", "sum = -1", "a sum is a number that is not negative"),
        ("sum = 250.5\n", "", "a currency without a sum"),
    ] {
        let text = format!("{head}{}", GLASS.replace(change, to));
        let errors = RuleSet::parse(&text).unwrap_err().to_string();
        assert!(errors.contains(says), "{change} {to}: {errors}");
    }
}

/// While a wider text waits for a person, only what both cover may be given.
#[test]
fn invariant_5_a_rewritten_rule_file_declares_no_wider_envelope_by_itself() {
    let text = |uses: u64, tools: &str| {
        let glass = GLASS.replace("uses = 3", &format!("uses = {uses}"));
        format!("schema = 1\nversion = \"{uses}{tools}\"\n{}", glass.replace("'drop'", tools))
    };
    let folder = Folder::with(&text(3, "'drop'"));
    let file = RuleFile::open(&folder.path);
    let accepted = file.envelopes();
    assert_eq!(accepted.len(), 1);
    for (uses, tools) in [(4, "'drop'"), (3, "'drop', 'erase'"), (4, "'drop', 'erase'")] {
        folder.write(&text(uses, tools));
        file.reload().ok();
        assert!(file.status().waiting.is_some());
        assert_eq!(file.envelopes(), accepted, "{uses} {tools}");
    }
    // Another tool is none that was accepted; the old text is gone, and so is what it declared.
    folder.write(&text(3, "'erase'"));
    file.reload().ok();
    assert!(file.envelopes().is_empty());
    // A narrower one counts at once.
    folder.write(&text(2, "'drop'"));
    file.reload().ok();
    assert!(file.status().waiting.is_none());
    assert_eq!(file.envelopes().len(), 1);
    assert_ne!(file.envelopes(), accepted);
}
