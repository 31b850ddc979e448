//! What asks for a reviewer's attention: cautions, more time, and who decided what.

use crate::support;

use std::time::Duration;

use hitl::audit::{AuditEvent, MemoryAudit};
use hitl::{CallState, Gate, MemoryStore, Timestamp};
use hitl_base::clock::ManualClock;
use hitl_console::{Tasks, Token, Tokens, router};
use serde_json::json;
use support::ask::{ANN, BOB, get, post};
use support::tools::{self, contract, note, record, refund, send_note, submit};

fn tokens() -> Tokens {
    Tokens::new().with("ann", &Token::from_secret(ANN)).with("bob", &Token::from_secret(BOB))
}

#[tokio::test]
async fn a_call_says_why_one_key_is_too_little_and_the_server_approves_none_of_them_in_bulk() {
    let gate = tools::gate().await;
    let console = router(gate.clone(), Tasks::none(), tokens());
    let large = submit(&gate, refund(1_500.0, "c_1", "o-1", "late")).await;
    let odd = submit(&gate, send_note("bob\u{202e}", "hi")).await;
    let (full, plain) = (contract(&gate).await, note(&gate).await);
    let list = get("/api/calls").by(ANN).of(&console).await.ok();
    let cautions = |id: hitl::RequestId| {
        let calls = list["calls"].as_array().unwrap();
        calls.iter().find(|call| call["id"] == json!(id)).unwrap()["cautions"].clone()
    };
    assert_eq!(cautions(large.id), json!(["largeAmount"]));
    assert_eq!(cautions(odd.id), json!(["warning"]));
    assert_eq!(cautions(full.id), json!(["fullReview", "largeAmount"]));
    assert_eq!(cautions(plain.id), json!(null));
    let all = [&large, &odd, &full, &plain]
        .map(|r| json!({ "id": r.id, "revision": r.revision, "binding": r.binding.to_string() }));
    let bulk = |answer: &str| json!({ "answer": answer, "calls": all });
    let done = post("/api/bulk", &bulk("approve")).by(ANN).of(&console).await.ok();
    let results: Vec<&str> =
        done["results"].as_array().unwrap().iter().filter_map(|r| r["result"].as_str()).collect();
    assert_eq!(results, ["caution", "caution", "notQuick", "ok"]);
    for (request, state) in
        [(&large, CallState::Pending), (&odd, CallState::Pending), (&plain, CallState::Approved)]
    {
        assert_eq!(record(&gate, request.id).await.state(), state);
    }
    // To say no to them takes no closer look.
    post("/api/bulk", &bulk("reject")).by(ANN).of(&console).await.ok();
    assert_eq!(record(&gate, odd.id).await.state(), CallState::Rejected);
}

#[tokio::test]
async fn more_time_is_for_what_was_shown_and_is_audited() {
    let audit = MemoryAudit::new();
    let clock = ManualClock::at(Timestamp::from_millis(1_780_000_000_000));
    let builder = tools::register(Gate::builder()).store(MemoryStore::with_clock(clock.clone()));
    let gate = builder.audit(audit.clone()).build().await.unwrap();
    let console = router(gate.clone(), Tasks::none(), tokens());
    let request = note(&gate).await;
    // In the moment in which it was submitted it has all the time that it can get.
    clock.advance(Duration::from_secs(1));
    let path = format!("/api/calls/{}/extend", request.id);
    let body = json!({ "revision": 1, "binding": request.binding.to_string() });
    let stale = json!({ "revision": 2, "binding": request.binding.to_string() });
    let refused = post(&path, &stale).by(ANN).of(&console).await.refused();
    assert_eq!(refused, (409, "stale".to_owned()));
    post(&path, &body).by(ANN).of(&console).await.ok();
    let extended = record(&gate, request.id).await;
    assert!(extended.request().expires_at > request.expires_at);
    let audited = audit.records().into_iter().filter(|line| line.event == AuditEvent::Extended);
    let by: Vec<String> = audited.map(|line| line.by.unwrap().to_string()).collect();
    assert_eq!(by, ["ann"]);
    gate.decide(request.approve().by("bob")).await.unwrap();
    let refused = post(&path, &body).by(ANN).of(&console).await.refused();
    assert_eq!(refused, (409, "decided".to_owned()));
}

#[tokio::test]
async fn ended_calls_are_listed_by_who_decided_them() {
    let gate = tools::gate().await;
    let console = router(gate.clone(), Tasks::none(), tokens());
    for by in ["ann", "bob", "bob"] {
        let request = note(&gate).await;
        gate.decide(request.reject("no").by(by)).await.unwrap();
    }
    for (by, count) in [("ann", 1), ("bob", 2), ("eve", 0)] {
        let path = format!("/api/calls?which=ended&order=newest&by={by}");
        let list = get(path).by(ANN).of(&console).await.ok();
        assert_eq!(list["calls"].as_array().unwrap().len(), count, "{by}");
    }
    assert_eq!(get("/api/calls?by=ann").by(ANN).of(&console).await.refused().0, 400);
    let stats = get("/api/stats").by(ANN).of(&console).await.ok();
    assert_eq!(stats["byReviewer"][0]["name"], "bob");
    assert_eq!(stats["byReviewer"][0]["decided"], 2);
    assert_eq!(stats["byTool"][0]["name"], "send_note");
    assert!(stats["p99Seconds"].is_u64());
}
