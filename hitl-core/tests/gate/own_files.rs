//! Calls that name the gate's own files, and attempts to evade the check.

use crate::granting;
use crate::support;

use std::fs;
use std::path::{Path, PathBuf};

use granting::{permit, refused};
use hitl_core::audit::JsonlAudit;
use hitl_core::grant::{GrantError, GrantTerms};
use hitl_core::policy::{Rule, RuleConditions, RuleSet};
use hitl_core::{ApprovalLevel, CallContext, Gate, Outcome, RuleFile, Submission, Verdict};
use support::{Bench, bench_with, look, note};

const POLICY: &str = "schema = 1\nversion = '1'\n[[rule]]\nname = 'notes'\neffect = 'auto'\n\
                      tool = ['note', 'look']\n";

struct Place {
    _kept: tempfile::TempDir,
    folder: PathBuf,
}

impl Place {
    fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(kept.path()).unwrap();
        fs::create_dir(folder.join("conf")).unwrap();
        fs::write(folder.join("conf/policy.toml"), POLICY).unwrap();
        Self { _kept: kept, folder }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.join(below)
    }

    async fn bench(&self) -> Bench {
        let rules = RuleFile::open(self.path("conf/policy.toml"));
        let audit = JsonlAudit::open(self.path("audit.jsonl")).unwrap();
        let host = self.path("host.yaml");
        bench_with(|g| g.policy(rules).audit(audit).protect(host)).await
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

async fn asks_in_full(gate: &Gate, what: &str) -> bool {
    match gate.submit(note(what)).by("ann").await.unwrap() {
        Submission::Pending(ticket) => {
            let request = ticket.request();
            assert_eq!(request.level, ApprovalLevel::Full, "{what}");
            assert!(request.reasons.iter().any(|why| why.contains("lives by")), "{request:?}");
            true
        }
        Submission::Done { .. } => false,
    }
}

#[tokio::test]
async fn invariant_5_a_call_that_names_an_own_file_is_reviewed_in_full() {
    let place = Place::new();
    let b = place.bench().await;
    assert!(!asks_in_full(&b.gate, "hello").await, "the policy lets notes run");
    for below in [
        "conf/policy.toml",
        "conf/policy.toml.accepted",
        "conf/../conf/policy.toml",
        "conf/POLICY.toml",
        "conf/%70olicy.toml",
        "conf",
        "audit.jsonl",
        "audit.jsonl.1",
        "host.yaml",
        "*",
    ] {
        let named = text(&place.path(below));
        assert!(asks_in_full(&b.gate, &named).await, "{named}");
        let command = format!("cp /tmp/x '{named}'");
        assert!(asks_in_full(&b.gate, &command).await, "{command}");
    }
    assert!(asks_in_full(&b.gate, "edit policy.toml please").await);
    assert!(!asks_in_full(&b.gate, &text(&place.path("conf2/x"))).await);
}

#[cfg(unix)]
#[tokio::test]
async fn invariant_5_a_link_to_an_own_file_is_followed() {
    let place = Place::new();
    let b = place.bench().await;
    std::os::unix::fs::symlink(place.path("conf"), place.path("harmless")).unwrap();
    std::os::unix::fs::symlink(place.path("conf/policy.toml"), place.path("notes.txt")).unwrap();
    fs::hard_link(place.path("conf/policy.toml"), place.path("hard.txt")).unwrap();
    fs::write(place.path("other.txt"), "x").unwrap();
    for below in ["notes.txt", "harmless/x.toml/../policy.toml", "harmless", "hard.txt"] {
        assert!(asks_in_full(&b.gate, &text(&place.path(below))).await, "{below}");
    }
    assert!(!asks_in_full(&b.gate, &text(&place.path("other.txt"))).await);
    // Also if the call would leave no record, and if a caller waits for it.
    let read = b.gate.submit(look(&text(&place.path("notes.txt")))).by("ann").await.unwrap();
    assert!(matches!(read, Submission::Pending(_)));
    let gate = b.gate.clone();
    let link = text(&place.path("notes.txt"));
    let waiting = tokio::spawn(async move { gate.call(look(&link)).by("ann").await });
    support::until("it waits", async || {
        b.gate
            .unscoped()
            .list(&hitl_core::Tenant::default(), hitl_core::PageRequest::all())
            .await
            .unwrap()
            .len()
            >= 2
    })
    .await;
    waiting.abort();
}

/// A link to a file that does not exist yet, and other names of files that belong to an own file.
#[cfg(unix)]
#[tokio::test]
async fn invariant_5_other_names_of_what_belongs_to_an_own_file_are_followed() {
    let place = Place::new();
    let b = place.bench().await;
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, place.path(name)).unwrap();
        text(&place.path(name))
    };
    let absolute = text(&place.path("conf/policy.toml.accepted.new"));
    let mut names = vec![
        link(&absolute, "a.txt"),
        link("conf/policy.toml.sig", "b.txt"),
        link("b.txt", "c.txt"),
        link("nowhere/../conf/policy.toml.new", "d.txt"),
        link("../conf", "conf/loop"),
    ];
    // A file the owner may not know of: a segment of the audit.
    fs::write(place.path("audit.jsonl.7"), "x").unwrap();
    fs::hard_link(place.path("audit.jsonl.7"), place.path("e.txt")).unwrap();
    names.push(text(&place.path("e.txt")));
    for name in names {
        assert!(asks_in_full(&b.gate, &name).await, "{name}");
    }
    // A cyclic link, and one to another file, do not count.
    link("g.txt", "f.txt");
    for name in [link("f.txt", "g.txt"), link("other/x", "h.txt")] {
        assert!(!asks_in_full(&b.gate, &name).await, "{name}");
    }
}

/// A deployment that switches a link to another release: the policy is where the link leads now.
#[cfg(unix)]
#[tokio::test]
async fn invariant_5_an_own_file_behind_a_link_that_was_turned_is_known() {
    let place = Place::new();
    for release in ["one", "two"] {
        fs::create_dir(place.path(release)).unwrap();
        fs::write(place.path(release).join("rules.toml"), POLICY).unwrap();
    }
    let turn = |release: &str| {
        let _ = fs::remove_file(place.path("current"));
        std::os::unix::fs::symlink(place.path(release), place.path("current")).unwrap();
    };
    turn("one");
    let rules = RuleFile::open(place.path("current/rules.toml"));
    let b = bench_with(|g| g.policy(rules)).await;
    turn("two");
    for below in ["two/rules.toml", "current/rules.toml", "one/rules.toml"] {
        // Under a neutral name, so that only the target reveals it.
        let link = place.path(&below.replace('/', "-"));
        std::os::unix::fs::symlink(place.path(below), &link).unwrap();
        assert!(asks_in_full(&b.gate, &text(&link)).await, "{below}");
    }
    fs::write(place.path("two/other.toml"), "x").unwrap();
    assert!(!asks_in_full(&b.gate, &text(&place.path("two/other.toml"))).await);
}

#[cfg(unix)]
#[tokio::test]
async fn invariant_2_a_path_that_became_a_link_is_asked_about_again() {
    let place = Place::new();
    let rules =
        RuleSet::builder("p", "1").rule(Rule::quick("q").when(RuleConditions::tool("note")));
    let audit = JsonlAudit::open(place.path("audit.jsonl")).unwrap();
    let rules = rules.build().unwrap();
    let b = bench_with(|g| g.policy(rules).audit(audit)).await;
    let path = text(&place.path("notes.txt"));
    let submitted = b.gate.submit(note(&path)).by("ann").key("r", 0).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("a rule asks for Quick") };
    assert_eq!(ticket.request().level, ApprovalLevel::Quick);
    b.gate.decide(ticket.request().approve().by("bob")).await.unwrap();
    std::os::unix::fs::symlink(place.path("audit.jsonl"), place.path("notes.txt")).unwrap();
    let gate = b.gate.clone();
    let serving = tokio::spawn(async move { gate.serve().await });
    let id = ticket.request().id;
    support::until("it is asked about again", async || {
        let record =
            b.gate.unscoped().get(&hitl_core::Tenant::default(), id).await.unwrap().unwrap();
        record.request().level == ApprovalLevel::Full
    })
    .await;
    serving.abort();
    assert_eq!(b.world.ran(), 0);
}

#[tokio::test]
async fn invariant_5_no_grant_covers_an_own_file() {
    let place = Place::new();
    fs::write(place.path("conf/policy.toml"), "schema = 1\nversion = '1'\n").unwrap();
    let b = place.bench().await;
    let asked = async |text: String| {
        let call = support::ask(&text);
        let submitted = b.gate.submit(call).by(CallContext::new("ann")).await.unwrap();
        match submitted {
            Submission::Pending(ticket) => Some(ticket.request().clone()),
            Submission::Done { outcome, .. } => {
                assert!(matches!(outcome, Outcome::Executed(_)));
                None
            }
        }
    };
    let other = asked("hello".to_owned()).await.unwrap();
    permit(&b.gate, &other, GrantTerms::any_arguments().durable()).await;
    assert!(asked("anything".to_owned()).await.is_none(), "the grant covers it");
    let own = asked(text(&place.path("conf/policy.toml"))).await.unwrap();
    assert_eq!(refused(&b.gate, &own, GrantTerms::exactly()).await, GrantError::Demanded);
    let preview = b.gate.assess(&support::ask("rm policy.toml"), "ann").unwrap();
    assert_eq!(preview.verdict, Verdict::Ask(ApprovalLevel::Full));
}

#[tokio::test]
async fn a_gate_without_files_looks_at_nothing() {
    let b = bench_with(|g| g).await;
    assert!(!asks_in_full(&b.gate, "/etc/policy.toml").await);
}
