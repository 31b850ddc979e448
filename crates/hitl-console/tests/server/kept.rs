//! The console's background work, and its view of stored data: calls that nobody decided in time,
//! and the audit of one call.

use crate::support;

use std::sync::Arc;
use std::time::Duration;

use hitl::{CallState, Gate, MemoryStore, Timestamp};
use hitl_base::clock::ManualClock;
use hitl_console::{Console, Tasks, Token, Tokens, router};
use serde_json::json;
use support::ask::{ANN, BOB, get, post};
use support::tools::{self, note, record, submit};

fn tokens() -> Tokens {
    Tokens::new().with("ann", &Token::from_secret(ANN)).with("bob", &Token::from_secret(BOB))
}

#[tokio::test]
async fn the_audit_of_a_call_is_shown_where_it_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let audit = Arc::new(hitl::JsonlAudit::open(&file).unwrap());
    let gate = tools::register(Gate::builder()).audit(Arc::clone(&audit)).build().await.unwrap();
    let console = Console::new(gate.clone(), Tasks::none(), tokens()).audit(audit).router();
    let (request, _other) = (note(&gate).await, note(&gate).await);
    let looks = json!({ "at": request.id.to_string() });
    // Reported every ten seconds, and recorded once.
    for _ in 0..2 {
        let looked = post("/api/presence", &looks).by(ANN).of(&console).await;
        assert_eq!(looked.status.as_u16(), 204);
    }
    let path = format!("/api/calls/{}", request.id);
    let reject = json!({
        "revision": request.revision, "binding": request.binding.to_string(),
        "answer": "reject", "reason": "not today",
    });
    post(format!("{path}/decide"), &reject).by(ANN).of(&console).await.ok();
    let shown = get(format!("{path}/audit")).by(BOB).of(&console).await.ok();
    let records = shown["records"].as_array().unwrap();
    let lines: Vec<(&str, &str)> = records
        .iter()
        .map(|r| (r["event"].as_str().unwrap(), r["by"].as_str().unwrap_or("-")))
        .collect();
    let expected = [
        ("proposed", "-"),
        ("assessed", "-"),
        ("requested", "-"),
        ("shown", "ann"),
        ("decided", "ann"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(records[4]["note"], "rejected: not today");
    assert!(records[0]["stream"].is_string() && records[0]["seq"].is_u64());
    assert_eq!((&shown["source"], shown.get("note")), (&json!("audit"), None));
    assert_eq!(shown["entries"].as_array().unwrap().len(), 2);
    // If the audit cannot be read, the store's history is returned, marked as such.
    std::fs::remove_file(&file).unwrap();
    let history = get(format!("{path}/audit")).by(BOB).of(&console).await.ok();
    assert_eq!(history["source"], "history");
    assert!(history["note"].is_string() && history["records"].as_array().unwrap().is_empty());
    assert_eq!(history["entries"].as_array().unwrap().len(), 2);
}

/// Pays somebody.
#[hitl::hitl_tool(
    risk = "high",
    base_confidence = 50,
    expires = "10m",
    escalate_to = "board",
    escalate_within = "1h"
)]
async fn pay(amount: u32) -> String {
    format!("paid {amount}")
}

#[tokio::test(start_paused = true)]
async fn a_call_that_escalates_stays_in_the_queue_though_nobody_serves() {
    let clock = ManualClock::at(Timestamp::from_millis(1_780_000_000_000));
    let store = MemoryStore::with_clock(clock.clone());
    let gate = tools::register(Gate::builder()).tool::<Pay>().store(store).build().await.unwrap();
    let console = router(gate.clone(), Tasks::none(), tokens());
    let request = submit(&gate, pay(7)).await;
    let listed = async || {
        let list = get("/api/calls").by(ANN).of(&console).await.ok();
        list["calls"].as_array().unwrap().clone()
    };
    assert_eq!(listed().await[0]["revision"], 1);
    clock.advance(Duration::from_secs(601));
    tokio::time::sleep(Duration::from_secs(6)).await;
    let calls = listed().await;
    assert_eq!((calls.len(), &calls[0]["revision"]), (1, &json!(2)));
    let call = get(format!("/api/calls/{}", request.id)).by(ANN).of(&console).await.ok();
    assert!(call["request"]["because"].to_string().contains("escalated to board"), "{call}");
    // Nobody answers this time either: the call expires.
    clock.advance(Duration::from_secs(3601));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(listed().await.is_empty());
    assert_eq!(record(&gate, request.id).await.state(), CallState::Expired);
}

/// A waiting rule file is shown to reviewers who may accept it, and accepted once the audit has it.
#[tokio::test]
async fn invariant_5_a_policy_is_accepted_by_whoever_has_the_role_and_saw_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let rules = |version: &str, effect: &str| {
        let rules = format!(
            "schema = 1\nversion = '{version}'\n[[rule]]\nname = 'n'\neffect = '{effect}'\ntool = 'send_note'\n"
        );
        std::fs::write(&path, rules).unwrap();
    };
    rules("1", "deny");
    let file = hitl_core::RuleFile::open(&path);
    let log = folder.path().join("audit.jsonl");
    let audit = Arc::new(hitl::JsonlAudit::open(&log).unwrap());
    let gate = tools::register(Gate::builder()).audit(Arc::clone(&audit)).policy(file.clone());
    let gate = gate.build().await.unwrap();
    let tokens = Tokens::new()
        .with(hitl_console::Reviewer::new("ann").role("policy-admin"), &Token::from_secret(ANN))
        .with("bob", &Token::from_secret(BOB))
        .with(
            hitl_console::Reviewer::new("agent:x").role("policy-admin"),
            &Token::from_secret("agent"),
        );
    let console = Console::new(gate.clone(), Tasks::none(), tokens);
    let console = console.policy(file.clone(), "policy-admin").router();
    assert_eq!(get("/api/me").by(BOB).of(&console).await.ok()["policies"], 1);
    assert_eq!(get("/api/policies").of(&console).await.status.as_u16(), 401);

    rules("2", "auto");
    file.reload().unwrap();
    let shown = get("/api/policies").by(ANN).of(&console).await.ok();
    let policy = &shown["policies"][0];
    assert_eq!((&policy["inForce"]["version"], &policy["mayAccept"]), (&json!("1"), &json!(true)));
    let waiting = &policy["waiting"];
    assert!(waiting["relaxations"][0].as_str().unwrap().contains("deny rule `n`"), "{waiting}");
    assert!(waiting["changes"].as_array().unwrap().contains(&json!("+ 5: effect = 'auto'")));
    // Others see that a version is waiting, and nothing of its content.
    let told = get("/api/policies").by(BOB).of(&console).await.ok();
    assert_eq!(told["policies"][0]["waits"], true);
    assert_eq!(told["policies"][0].get("waiting"), None);

    let accept =
        |digest: &serde_json::Value| post("/api/policies/0/accept", &json!({ "digest": digest }));
    for (who, digest, status, kind) in [
        (BOB, &waiting["digest"], 403, "notEntitled"),
        ("agent", &waiting["digest"], 403, "notEntitled"),
        (ANN, &policy["inForce"]["digest"], 409, "stale"),
        (ANN, &json!(waiting["digest"].as_str().unwrap()[..12]), 409, "stale"),
    ] {
        let refused = accept(digest).by(who).of(&console).await;
        assert_eq!(refused.status.as_u16(), status, "{who}: {}", refused.text);
        assert!(refused.text.contains(kind), "{}", refused.text);
    }
    let missing = post("/api/policies/1/accept", &json!({ "digest": "" })).by(ANN);
    assert_eq!(missing.of(&console).await.status.as_u16(), 404);
    assert_eq!(file.status().in_force.unwrap().version(), "1");

    let accepted = accept(&waiting["digest"]).by(ANN).of(&console).await.ok();
    assert_eq!((&accepted["waits"], &accepted["inForce"]["version"]), (&json!(false), &json!("2")));
    let lines = std::fs::read_to_string(&log).unwrap();
    let line = lines.lines().find(|line| line.contains("policyAccepted")).unwrap();
    let digest = |of: &serde_json::Value| line.contains(of.as_str().unwrap());
    assert!(digest(&waiting["digest"]) && digest(&policy["inForce"]["digest"]), "{line}");
    assert!(line.contains(r#""by":"ann""#) && line.contains(r#""knownBy":"token""#), "{line}");

    // An acceptance that cannot be audited fails.
    rules("3", "deny");
    file.reload().unwrap();
    rules("4", "auto");
    file.reload().unwrap();
    let broken = Gate::builder().audit(Unwritable).build().await.unwrap();
    let tokens = Tokens::new()
        .with(hitl_console::Reviewer::new("ann").role("policy-admin"), &Token::from_secret(ANN));
    let console = Console::new(broken, Tasks::none(), tokens).policy(file.clone(), "policy-admin");
    let digest = json!(file.status().waiting.unwrap().version.digest());
    let refused = accept(&digest).by(ANN).of(&console.router()).await;
    assert_eq!(refused.status.as_u16(), 503, "{}", refused.text);
    assert_eq!(file.status().in_force.unwrap().version(), "3");
}

#[tokio::test]
async fn invariant_5_once_somebody_has_enrolled_a_token_alone_accepts_no_policy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let rules = |version: &str, effect: &str| {
        let rules = format!(
            "schema = 1\nversion = '{version}'\n[[rule]]\nname = 'n'\neffect = '{effect}'\ntool = 'send_note'\n"
        );
        std::fs::write(&path, rules).unwrap();
    };
    rules("1", "deny");
    let file = hitl_core::RuleFile::open(&path);
    let audit = hitl::MemoryAudit::new();
    let gate = tools::register(Gate::builder()).audit(audit.clone()).policy(file.clone());
    let gate = gate.build().await.unwrap();
    let reviewer = hitl_console::Reviewer::new("ann").role("policy-admin");
    let tokens = Tokens::new()
        .with(reviewer, &Token::from_secret(ANN))
        .with("bob", &Token::from_secret(BOB));
    let console = Console::new(gate.clone(), Tasks::none(), tokens);
    let console = console.policy(file.clone(), "policy-admin").router();
    let (ann, people) = (hitl::Principal::new("ann"), gate.people());
    let codes = people.enrol_codes(&ann, &ann, 2).await.unwrap();
    rules("2", "auto");
    file.reload().unwrap();
    let digest = file.status().waiting.unwrap().version.digest().to_owned();
    let accept = || post("/api/policies/0/accept", &json!({ "digest": digest }));
    for (answer, kind) in [
        (accept().by(ANN), "codeNeeded"),
        (accept().by(ANN).header("hitl-code", ""), "codeWrong"),
        (accept().by(ANN).header("hitl-code", "AAAA-AAAA-AAAA-AAAA"), "codeWrong"),
        // A reviewer without the role uses up no code, and does not learn whether it was right.
        (accept().by(BOB).header("hitl-code", &codes[0]), "notEntitled"),
    ] {
        assert_eq!(answer.of(&console).await.refused(), (403, kind.to_owned()));
        assert_eq!(file.status().in_force.unwrap().version(), "1");
    }
    assert_eq!(people.list().await.unwrap().1[0].codes, 2);
    accept().by(ANN).header("hitl-code", &codes[0]).of(&console).await.ok();
    assert_eq!(file.status().in_force.unwrap().version(), "2");
    let accepted = audit.records().into_iter().rfind(|r| r.event.to_string() == "policyAccepted");
    assert_eq!(accepted.unwrap().known_by, Some(hitl::approval::KnownBy::Code));
    assert_eq!(people.list().await.unwrap().1[0].codes, 1);
    // Every reviewer sees that the file is broken; only those who may accept it see how.
    std::fs::write(&path, "schema = 1\nsecret = 'x'").unwrap();
    file.reload().unwrap_err();
    for (who, sees) in [(ANN, true), (BOB, false)] {
        let shown = get("/api/policies").by(who).of(&console).await.ok()["policies"][0].clone();
        assert_eq!(shown["hasProblem"], true);
        assert_eq!(shown.get("problem").is_some(), sees);
    }
}

/// An audit on a full disk.
struct Unwritable;

impl hitl_core::audit::AuditSink for Unwritable {
    fn append(
        &self,
        _: &hitl_core::audit::AuditRecord,
    ) -> Result<(), hitl_core::audit::AuditError> {
        Err(hitl_core::audit::AuditError::new("the disk is full"))
    }
}
