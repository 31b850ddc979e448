//! Freezing and thawing over REST: a reviewer's own tenant, and no other.

use crate::support;

use axum::Router;
use hitl::MemoryAudit;
use hitl::prelude::*;
use hitl::store::FreezeScope;
use hitl_console::{Reviewer, Tasks, Token, Tokens, router};
use serde_json::{Value, json};
use support::ask::{ANN, BOB, Events, get, listen, post};
use support::tools::{self, note, record};

async fn console() -> (Gate, Router, MemoryAudit) {
    let audit = MemoryAudit::new();
    let gate = tools::register(Gate::builder()).audit(audit.clone()).build().await.unwrap();
    let tokens = Tokens::new()
        .with("ann", &Token::from_secret(ANN))
        .with("bob", &Token::from_secret(BOB))
        .with(Reviewer::new("olga").of_tenant("other"), &Token::from_secret("other-secret"));
    (gate.clone(), router(gate, Tasks::none(), tokens), audit)
}

async fn freezes(console: &Router, token: &str) -> Value {
    get("/api/freezes").by(token).of(console).await.ok()["freezes"].clone()
}

#[tokio::test]
async fn a_reviewer_freezes_their_tenant_and_thaws_it_by_the_typed_word() {
    let (gate, console, audit) = console().await;
    let request = note(&gate).await;
    assert_eq!(freezes(&console, ANN).await, json!([]));
    let refused = post("/api/freeze", &json!({ "reason": " " })).by(ANN).of(&console).await;
    assert_eq!(refused.refused(), (422, "notFrozen".to_owned()));
    let body = json!({ "reason": "an incident" });
    let frozen = post("/api/freeze", &body).by(ANN).of(&console).await.ok();
    assert_eq!(frozen["freezes"][0]["by"], "ann");
    assert_eq!(frozen["freezes"][0]["reach"], "tenant");
    assert_eq!(freezes(&console, BOB).await, frozen["freezes"]);
    assert_eq!(freezes(&console, "other-secret").await, json!([]), "it is none of theirs");
    // It is asked about and decided, and waits.
    gate.decide(request.approve().by("bob")).await.unwrap();
    assert_eq!(record(&gate, request.id).await.state(), hitl::CallState::Approved);
    let again = post("/api/freeze", &json!({ "reason": "mine" })).by(BOB).of(&console).await.ok();
    assert_eq!(again["freezes"], frozen["freezes"], "the first one stays");
    for word in ["", "Thaw!", "yes"] {
        let refused = post("/api/thaw", &json!({ "confirm": word })).by(BOB).of(&console).await;
        assert_eq!(refused.refused(), (422, "confirm".to_owned()), "{word}");
    }
    let typed = json!({ "confirm": "thaw" });
    post("/api/thaw", &typed).by("other-secret").of(&console).await.ok();
    assert_eq!(freezes(&console, ANN).await, frozen["freezes"], "another tenant's stays");
    for _ in 0..2 {
        let thawed = post("/api/thaw", &typed).by(BOB).of(&console).await.ok();
        assert_eq!(thawed["freezes"], json!([]));
    }
    let lines = audit.records();
    let events: Vec<(String, String)> = lines
        .iter()
        .filter(|line| matches!(line.event.to_string().as_str(), "frozen" | "thawed"))
        .map(|line| (line.event.to_string(), line.by.as_ref().unwrap().to_string()))
        .collect();
    let expected = [("frozen", "ann"), ("thawed", "bob")];
    assert_eq!(events, expected.map(|(event, by)| (event.to_owned(), by.to_owned())));
}

#[tokio::test]
async fn invariant_5_a_freeze_of_all_tenants_is_shown_and_stays() {
    let (gate, console, _audit) = console().await;
    gate.freeze(FreezeScope::All, "an incident", "eve").await.unwrap();
    for token in [ANN, "other-secret"] {
        let shown = freezes(&console, token).await;
        assert_eq!((&shown[0]["reach"], &shown[0]["by"]), (&json!("all"), &json!("eve")));
        let typed = json!({ "confirm": "thaw" });
        let after = post("/api/thaw", &typed).by(token).of(&console).await.ok();
        assert_eq!(after["freezes"], shown, "a reviewer of one tenant does not thaw the others");
    }
}

#[tokio::test]
async fn pages_learn_that_something_was_frozen_and_thawed() {
    let (gate, console, _audit) = console().await;
    let address = listen(console.clone()).await;
    let mut events = Events::open(address, "other-secret", None).await;
    events.next_of("hello").await;
    gate.freeze(FreezeScope::All, "why", "eve").await.unwrap();
    events.next_of("freeze").await;
    gate.thaw(&FreezeScope::All, "eve").await.unwrap();
    events.next_of("freeze").await;
}
