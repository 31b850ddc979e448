//! Each finding, from a healthy installation with one thing changed.

use std::time::Duration;

use hitl_base::Timestamp;
use hitl_core::people::CodeDemand;
use hitl_store::{SqliteStore, StoreIdentity, StoreInspection};

use super::super::facts::{
    AuditFacts, CallFacts, ConsoleCounts, ConsoleFacts, ConsolePolicy, ConsoleVersion,
    ExecutorFacts, Facts, FileFacts, KeyFacts, Opened, PersonFacts, PolicyFacts, StoreFacts,
    VerifiedFacts,
};
use super::super::finding::{Finding, Verdict};
use crate::person::Presence;

const NOW: Timestamp = Timestamp::from_millis(1_767_323_045_678);

/// Returns what is found in place of a store that is in order.
async fn inspection() -> StoreInspection {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hitl.db");
    drop(SqliteStore::open(&path).await.unwrap());
    SqliteStore::inspect(&path).await.unwrap()
}

async fn healthy() -> Facts {
    Facts {
        store: StoreFacts {
            place: "hitl.db".to_owned(),
            inspection: Ok(inspection().await),
            opened: Opened::Yes,
            file: Some(FileFacts {
                folder_takes_files: true,
                log_bytes: 0,
                free_bytes: Some(100 * 1024 * 1024 * 1024),
            }),
            now: NOW,
        },
        key: Some(Ok(KeyFacts { current: Some("k1".to_owned()), ..KeyFacts::default() })),
        audit: vec![AuditFacts { path: "logs".to_owned(), chains: Ok(2), is_writable: true }],
        verified: Some(Ok(VerifiedFacts { records: 7, chains: 2, findings: Vec::new() })),
        policy: Some(PolicyFacts {
            file: "policy.toml".to_owned(),
            tests: 3,
            in_force: Some("house 7".to_owned()),
            ..PolicyFacts::default()
        }),
        calls: Some(Ok(CallFacts { pending: "3".to_owned(), ..CallFacts::default() })),
        executors: Some(Ok(vec![executor(true, "1")])),
        person: PersonFacts {
            name: Ok("ann".to_owned()),
            presence: Some(Presence::Enough),
            is_enrolled: false,
        },
    }
}

fn executor(is_alive: bool, version: &str) -> ExecutorFacts {
    ExecutorFacts { is_alive, tools: vec![("wire".to_owned(), version.to_owned())] }
}

fn worst(found: &[Finding]) -> Verdict {
    [Verdict::Problem, Verdict::Warning]
        .into_iter()
        .find(|verdict| found.iter().any(|finding| finding.is(*verdict, "")))
        .unwrap_or(Verdict::Ok)
}

/// Asserts that one change of a healthy installation leads to this finding, and that nothing else
/// is found but what a stopped decision adds.
#[track_caller]
fn leads_to(facts: &Facts, verdict: Verdict, part: &str) {
    let found = super::store(facts);
    assert!(found.iter().any(|finding| finding.is(verdict, part)), "{part}: {found:#?}");
    assert_eq!(worst(&found), verdict, "{part}: {found:#?}");
}

fn stops_decisions(facts: &Facts) -> bool {
    super::store(facts).last().unwrap().is(Verdict::Problem, "no decision would be taken")
}

#[tokio::test]
async fn a_healthy_installation_has_no_warning() {
    let facts = healthy().await;
    assert_eq!(worst(&super::store(&facts)), Verdict::Ok, "{:#?}", super::store(&facts));
    assert!(!stops_decisions(&facts));
}

#[tokio::test]
async fn what_is_found_in_place_of_a_store() {
    let mut facts = healthy().await;
    facts.store.inspection = Err("no such file".to_owned());
    leads_to(&facts, Verdict::Problem, "no such file");
    assert!(stops_decisions(&facts));
    let sound = inspection().await;
    let newest = sound.newest_schema;
    for (identity, verdict, part) in [
        (StoreIdentity::Empty, Verdict::Problem, "no store yet"),
        (StoreIdentity::Foreign, Verdict::Problem, "another program"),
        (StoreIdentity::Store { schema: newest + 1 }, Verdict::Problem, "newer than that of hitl"),
        (StoreIdentity::Store { schema: newest - 1 }, Verdict::Warning, "older than that of hitl"),
    ] {
        let mut found = sound.clone();
        (found.identity, found.state) = (identity, None);
        facts.store.inspection = Ok(found);
        facts.store.opened = Opened::NotTried;
        leads_to(&facts, verdict, part);
        assert_eq!(stops_decisions(&facts), verdict == Verdict::Problem, "{part}");
    }
    let mut copy = sound.clone();
    copy.state.as_mut().unwrap().begins_new_epoch = true;
    facts.store.inspection = Ok(copy);
    leads_to(&facts, Verdict::Warning, "an older copy of itself");
    let mut read_only = sound;
    read_only.takes_writes = false;
    facts.store.inspection = Ok(read_only);
    leads_to(&facts, Verdict::Problem, "cannot be written");
    assert!(stops_decisions(&facts));
}

#[tokio::test]
async fn the_file_its_disk_and_its_clock() {
    let file = |change: fn(&mut FileFacts)| async move {
        let mut facts = healthy().await;
        change(facts.store.file.as_mut().unwrap());
        facts
    };
    let facts = file(|file| file.folder_takes_files = false).await;
    leads_to(&facts, Verdict::Problem, "folder cannot be written");
    assert!(stops_decisions(&facts));
    let facts = file(|file| file.free_bytes = Some(1024 * 1024)).await;
    leads_to(&facts, Verdict::Problem, "1024 KiB are free");
    assert!(stops_decisions(&facts));
    let facts = file(|file| file.free_bytes = Some(500 * 1024 * 1024)).await;
    leads_to(&facts, Verdict::Warning, "500 MiB are free");
    let facts = file(|file| file.free_bytes = None).await;
    leads_to(&facts, Verdict::Warning, "does not say");
    let facts = file(|file| file.log_bytes = 400 * 1024 * 1024).await;
    leads_to(&facts, Verdict::Warning, "write-ahead log takes 400 MiB");

    let mut facts = healthy().await;
    let mut found = inspection().await;
    found.state.as_mut().unwrap().last_change = Some(NOW.saturating_add(Duration::from_secs(60)));
    facts.store.inspection = Ok(found);
    leads_to(&facts, Verdict::Warning, "clock is 60 s behind");
    facts.store.opened = Opened::Failed("the key file is missing".to_owned());
    leads_to(&facts, Verdict::Problem, "it does not open: the key file is missing");
    assert!(stops_decisions(&facts));
}

#[tokio::test]
async fn the_key() {
    let mut facts = healthy().await;
    let key = |change: fn(&mut KeyFacts)| {
        let mut key = KeyFacts { current: Some("k1".to_owned()), ..KeyFacts::default() };
        change(&mut key);
        Some(Ok(key))
    };
    for (changed, verdict, part) in [
        (key(|key| key.current = None), Verdict::Warning, "names no key"),
        (key(|key| key.under_previous = 2), Verdict::Warning, "2 texts are sealed under a former"),
        (key(|key| key.under_unknown = 3), Verdict::Problem, "3 texts are sealed under a key that"),
        (key(|key| key.programs = 1), Verdict::Problem, "1 programs seal under another key"),
        (key(|key| key.devices.push("bob".to_owned())), Verdict::Warning, "former key: bob"),
        (Some(Err("unreadable".to_owned())), Verdict::Problem, "unreadable"),
    ] {
        facts.key = changed;
        leads_to(&facts, verdict, part);
    }
}

#[tokio::test]
async fn the_audit() {
    let mut facts = healthy().await;
    facts.audit[0].is_writable = false;
    leads_to(&facts, Verdict::Problem, "cannot write there");
    assert!(stops_decisions(&facts));
    facts.audit[0].chains = Err("no such folder".to_owned());
    leads_to(&facts, Verdict::Problem, "no such folder");
    facts.audit[0] = AuditFacts { path: "logs".to_owned(), chains: Ok(0), is_writable: true };
    leads_to(&facts, Verdict::Warning, "no log yet");
    facts.audit.clear();
    facts.verified = None;
    leads_to(&facts, Verdict::Warning, "no audit log was named");

    let mut facts = healthy().await;
    let many = (0..9).map(|n| format!("record {n} was changed")).collect();
    facts.verified = Some(Ok(VerifiedFacts { records: 9, chains: 1, findings: many }));
    leads_to(&facts, Verdict::Problem, "record 0 was changed");
    leads_to(&facts, Verdict::Problem, "and 4 more findings");
    facts.verified = Some(Err("cannot be read".to_owned()));
    leads_to(&facts, Verdict::Problem, "cannot be verified: cannot be read");

    let mut facts = healthy().await;
    let owed = facts.store.inspection.as_mut().unwrap().state.as_mut().unwrap();
    owed.owed_by_dead = 2;
    leads_to(&facts, Verdict::Warning, "2 changes of programs that died");
    let owed = facts.store.inspection.as_mut().unwrap().state.as_mut().unwrap();
    (owed.owed_by_dead, owed.owed_by_living) = (0, 4);
    leads_to(&facts, Verdict::Warning, "4 changes of running programs");
}

#[tokio::test]
async fn the_policy() {
    let mut facts = healthy().await;
    let policy = |change: fn(&mut PolicyFacts)| {
        let mut policy = PolicyFacts {
            file: "policy.toml".to_owned(),
            in_force: Some("house 7".to_owned()),
            ..PolicyFacts::default()
        };
        change(&mut policy);
        Some(policy)
    };
    let text = |text: &str| vec![text.to_owned()];
    for (changed, verdict, part) in [
        (policy(|it| it.unreadable = Some("gone".to_owned())), Verdict::Problem, "gone"),
        (policy(|it| it.in_force = None), Verdict::Warning, "no person has accepted"),
        (policy(|it| it.waiting = Some("house 8".to_owned())), Verdict::Warning, "house 8 waits"),
        (None, Verdict::Warning, "no rule file was named"),
    ] {
        facts.policy = changed;
        leads_to(&facts, verdict, part);
    }
    let mut broken = policy(|_| {});
    broken.as_mut().unwrap().mistakes = text("line 3: unknown effect");
    facts.policy = broken;
    leads_to(&facts, Verdict::Problem, "line 3: unknown effect");
    let mut failing = policy(|_| {});
    failing.as_mut().unwrap().failed_tests = text("it allows a refund");
    facts.policy = failing;
    leads_to(&facts, Verdict::Problem, "it allows a refund");
    let mut weak = policy(|_| {});
    weak.as_mut().unwrap().warnings = text("it does less than it seems");
    facts.policy = weak;
    leads_to(&facts, Verdict::Warning, "it does less than it seems");
}

#[tokio::test]
async fn executors_and_calls() {
    let mut facts = healthy().await;
    facts.executors = Some(Ok(vec![executor(false, "1")]));
    leads_to(&facts, Verdict::Warning, "none is alive; 1 that died");
    facts.executors = Some(Ok(vec![executor(true, "1"), executor(true, "2")]));
    leads_to(&facts, Verdict::Warning, "`wire` is there in 2 versions");
    facts.executors = Some(Err("not kept".to_owned()));
    leads_to(&facts, Verdict::Problem, "not kept");

    let mut facts = healthy().await;
    let calls = |change: fn(&mut CallFacts)| {
        let mut calls = CallFacts { pending: "3".to_owned(), ..CallFacts::default() };
        change(&mut calls);
        Some(Ok(calls))
    };
    for (changed, verdict, part) in [
        (calls(|it| it.expired = 2), Verdict::Warning, "2 have expired"),
        (calls(|it| it.claimed_by_dead = 1), Verdict::Problem, "1 were started by a program"),
        (
            calls(|it| it.freezes = vec!["all".into()]),
            Verdict::Warning,
            "FROZEN, nothing starts: all",
        ),
        (
            calls(|it| it.broken_glass = vec!["ann".into()]),
            Verdict::Warning,
            "BREAK-GLASS is in force: ann",
        ),
        (calls(|it| it.unknown = Some("4".to_owned())), Verdict::Problem, "4 have an unknown"),
        (
            calls(|it| {
                it.orphaned = vec!["72e1f84a37cd".to_owned()];
                it.approved = 5;
                it.oldest_orphan = Duration::from_secs(600);
            }),
            Verdict::Problem,
            "1 of 5 approved calls have no program that runs them, for up to 10 min: 72e1f84a37cd",
        ),
        (Some(Err("unreachable".to_owned())), Verdict::Problem, "unreachable"),
    ] {
        facts.calls = changed;
        leads_to(&facts, verdict, part);
        assert!(!stops_decisions(&facts), "{part}: a decision would be taken all the same");
    }
}

#[tokio::test]
async fn the_person() {
    let mut facts = healthy().await;
    facts.person.presence = Some(Presence::Refused("an agent is above".to_owned()));
    leads_to(&facts, Verdict::Problem, "an agent is above");
    assert!(stops_decisions(&facts));
    facts.person.presence = Some(Presence::Code);
    leads_to(&facts, Verdict::Problem, "ann has not enrolled");
    facts.person.is_enrolled = true;
    leads_to(&facts, Verdict::Ok, "with a one-time code");
    facts.person.name = Err("nobody is known".to_owned());
    leads_to(&facts, Verdict::Problem, "nobody is known");
    assert!(stops_decisions(&facts));
}

fn console() -> ConsoleFacts {
    ConsoleFacts {
        owner: Ok(("ann".to_owned(), None)),
        presence: Some(Presence::Enough),
        counts: Ok(ConsoleCounts {
            pending: "3".to_owned(),
            overdue: None,
            approved: None,
            unknown: None,
        }),
        tools: 2,
        policies: Ok(vec![ConsolePolicy {
            file: "policy.toml".to_owned(),
            in_force: Some(ConsoleVersion { version: "7".to_owned() }),
            ..ConsolePolicy::default()
        }]),
        clock_skew: Duration::ZERO,
    }
}

#[test]
fn what_a_console_says() {
    assert_eq!(worst(&super::console(&console())), Verdict::Ok);
    let counts = |change: fn(&mut ConsoleCounts)| {
        let mut facts = console();
        change(facts.counts.as_mut().unwrap());
        facts
    };
    let policy = |change: fn(&mut ConsolePolicy)| {
        let mut facts = console();
        change(&mut facts.policies.as_mut().unwrap()[0]);
        facts
    };
    for (facts, verdict, part) in [
        (
            ConsoleFacts { owner: Err("refused".to_owned()), ..console() },
            Verdict::Problem,
            "refused",
        ),
        (
            ConsoleFacts { clock_skew: Duration::from_secs(90), ..console() },
            Verdict::Warning,
            "90 s",
        ),
        (ConsoleFacts { tools: 0, ..console() }, Verdict::Warning, "has no tools"),
        (counts(|it| it.overdue = Some("2".to_owned())), Verdict::Warning, "2 are overdue"),
        (counts(|it| it.approved = Some("2".to_owned())), Verdict::Warning, "2 are approved"),
        (counts(|it| it.unknown = Some("1".to_owned())), Verdict::Problem, "unknown outcome"),
        (policy(|it| it.in_force = None), Verdict::Problem, "every call is denied"),
        (policy(|it| it.has_problem = true), Verdict::Problem, "has a mistake"),
        (policy(|it| it.waits = true), Verdict::Warning, "a version waits"),
        (
            ConsoleFacts { presence: Some(Presence::Refused("an agent".to_owned())), ..console() },
            Verdict::Problem,
            "an agent",
        ),
    ] {
        let found = super::console(&facts);
        assert!(found.iter().any(|finding| finding.is(verdict, part)), "{part}: {found:#?}");
        assert_eq!(worst(&found), verdict, "{part}: {found:#?}");
    }
    let enrolled = ConsoleFacts {
        owner: Ok(("ann".to_owned(), Some(CodeDemand::Answers))),
        presence: Some(Presence::Code),
        ..console()
    };
    assert_eq!(worst(&super::console(&enrolled)), Verdict::Ok);
}
