//! Health and readiness, and routes of the host's own sign-in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::routing::{get as on_get, post as on_post};
use hitl::audit::{AuditError, AuditRecord, AuditSink};
use hitl::tasks::{MemoryJournal, StepContext, Task, TaskManager, TaskStep};
use hitl::{Gate, MemoryStore};
use hitl_console::{Console, Reviewer, Tasks, Token, Tokens, router};
use hitl_core::RuleFile;
use serde_json::json;

use crate::support::ask::{ANN, get, post};
use crate::support::tools;

/// An audit whose disk may be full.
#[derive(Clone, Default)]
struct FullDisk(Arc<AtomicBool>);

impl AuditSink for FullDisk {
    fn append(&self, _: &AuditRecord) -> Result<(), AuditError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(AuditError::new("the disk is full"));
        }
        Ok(())
    }
}

fn tokens() -> Tokens {
    Tokens::new().with("ann", &Token::from_secret(ANN))
}

#[tokio::test]
async fn health_is_answered_to_anybody_under_any_name_and_counts_as_no_login() {
    let console = router(tools::gate().await, Tasks::none(), tokens());
    for _ in 0..30 {
        for (path, expected) in [
            ("/health", json!({ "healthy": true })),
            ("/ready", json!({ "ready": true, "store": "ok", "audit": "ok", "policy": "ok" })),
        ] {
            let wrong = get(path).host("10.1.2.3").by("wrong");
            let answer = wrong.of(&console).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
    // Ten wrong tokens would have been too many.
    assert_eq!(get("/api/me").by("wrong").of(&console).await.status.as_u16(), 401);
    assert_eq!(get("/api/me").host("10.1.2.3").of(&console).await.status.as_u16(), 421);
    assert_eq!(post("/ready", &json!({})).of(&console).await.status.as_u16(), 405);
    let nested = Router::new().nest("/review/", console);
    assert_eq!(get("/review/health").of(&nested).await.status.as_u16(), 200);
}

#[tokio::test(start_paused = true)]
async fn invariant_5_it_is_not_ready_while_audit_records_are_owed() {
    let disk = FullDisk::default();
    let store = MemoryStore::new();
    let gate = Gate::builder().store(store).audit(disk.clone()).build().await.unwrap();
    let console = router(gate.clone(), Tasks::none(), tokens());
    assert_eq!(get("/ready").of(&console).await.status.as_u16(), 200);
    disk.0.store(true, Ordering::Relaxed);
    let who = hitl::approval::ReviewerIdentity::new("ann");
    gate.record_person_change(&"bob".into(), &who, "enrolled").await.unwrap();
    assert!(gate.audit_debt() > 0);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    let answer = get("/ready").of(&console).await;
    assert_eq!(answer.status.as_u16(), 503);
    assert_eq!(
        answer.json(),
        json!({ "ready": false, "store": "ok", "audit": "failing", "policy": "ok" })
    );
    disk.0.store(false, Ordering::Relaxed);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(get("/ready").of(&console).await.status.as_u16(), 200);
}

#[tokio::test]
async fn invariant_5_it_is_not_ready_without_a_policy_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let rules = RuleFile::open(folder.path().join("policy.toml"));
    let gate = Gate::builder().build().await.unwrap();
    let console = Console::new(gate, Tasks::none(), tokens()).policy(rules, "admin").router();
    let answer = get("/ready").of(&console).await;
    assert_eq!(answer.status.as_u16(), 503);
    assert_eq!(answer.json()["policy"], "notInForce");
}

#[tokio::test]
async fn tasks_of_a_journal_are_shown_as_last_recorded_and_are_left_alone() {
    let journal = MemoryJournal::new();
    let manager = TaskManager::builder().journal(journal.clone()).build().unwrap();
    let work = |_: StepContext| std::future::ready(Ok::<(), String>(()));
    let task = |name: &str| Task::new(name).step(TaskStep::new("Copy", work).durable());
    let mine = manager.submit(task("Export").journaled()).unwrap();
    let id = mine.id();
    mine.wait().await.unwrap();
    let theirs = task("Elsewhere").tenant("acme").journaled();
    manager.submit(theirs).unwrap().wait().await.unwrap();
    let acme = Token::from_secret("acme-secret");
    let tokens = tokens().with(Reviewer::new("bob").of_tenant("acme"), &acme);
    let gate = Gate::builder().build().await.unwrap();
    let console = router(gate, Tasks::journaled(journal), tokens);
    let list = get("/api/tasks").by(ANN).of(&console).await.json();
    assert_eq!((&list["journaled"], list["tasks"].as_array().unwrap().len()), (&json!(true), 1));
    assert_eq!(list["tasks"][0]["taskName"], "Export");
    assert_eq!(list["tasks"][0]["percent"], 100);
    let list = get("/api/tasks").by("acme-secret").of(&console).await.json();
    assert_eq!(list["tasks"][0]["taskName"], "Elsewhere");
    for what in ["cancel", "retry"] {
        let path = format!("/api/tasks/{id}/{what}");
        assert_eq!(post(path, &json!({})).by(ANN).of(&console).await.status.as_u16(), 404);
    }
}

#[tokio::test]
async fn invariant_5_routes_of_the_hosts_sign_in_are_behind_the_consoles_checks() {
    let own = Router::new()
        .route("/sign-in", on_get(|| async { "page" }))
        .route("/sign-out", on_post(|| async { "out" }));
    let gate = tools::gate().await;
    let console = Console::new(gate, Tasks::none(), tokens()).sign_in_routes(own).router();
    let page = get("/sign-in").of(&console).await;
    assert_eq!((page.status.as_u16(), page.text.as_str()), (200, "page"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(get("/sign-in").host("evil.com").of(&console).await.status.as_u16(), 421);
    let out = || post("/sign-out", &json!({}));
    assert_eq!(out().of(&console).await.status.as_u16(), 403);
    let marked = || out().header("x-hitl-console", "1");
    assert_eq!(marked().of(&console).await.text, "out");
    let foreign = marked().header("origin", "http://evil.com");
    assert_eq!(foreign.of(&console).await.status.as_u16(), 403);
}
