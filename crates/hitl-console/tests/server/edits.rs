//! The result of an edit, before it is sent.

use crate::support;

use axum::Router;
use hitl::Gate;
use hitl_console::{Reviewer, Tasks, Token, Tokens, router};
use hitl_wire::edit::EditPreview;
use serde_json::{Value, json};
use support::ask::{ANN, Answer, BOB, get, post};
use support::tools::{self, book_trip, deletion, record, submit};

async fn console() -> (Gate, Router) {
    let gate = tools::gate().await;
    let other = Reviewer::new("olga").of_tenant("other");
    let tokens = Tokens::new()
        .with("ann", &Token::from_secret(ANN))
        .with("bob", &Token::from_secret(BOB))
        .with(other, &Token::from_secret("other-secret"));
    (gate.clone(), router(gate, Tasks::none(), tokens))
}

fn body(request: &hitl::ApprovalRequest, patch: &Value) -> Value {
    json!({ "revision": request.revision, "binding": request.binding.to_string(), "patch": patch })
}

async fn preview(console: &Router, request: &hitl::ApprovalRequest, edit: Value) -> Answer {
    let path = format!("/api/calls/{}/edit/preview", request.id);
    post(path, &body(request, &edit)).by(ANN).of(console).await
}

#[tokio::test]
async fn a_preview_shows_the_result_of_an_edit_and_stores_nothing() {
    let (gate, console) = console().await;
    let request = submit(&gate, book_trip("Ann", "JFK", "SFO", 1, 99.0, true, "economy", "")).await;
    let edit = r#"{"bags": 2, "price": 120.50}"#;
    let answer = preview(&console, &request, json!(edit)).await;
    let text = answer.text.clone();
    let shown = answer.ok();
    assert_eq!(
        shown["changes"],
        json!([
            { "place": "bags", "before": "1", "after": "2" },
            { "place": "price", "before": "99.0", "after": "120.5" },
        ])
    );
    assert_eq!((&shown["state"], &shown["revision"]), (&json!("approved"), &json!(2)));
    assert!(shown["argumentsText"].as_str().unwrap().contains("120.5"));
    assert_eq!(shown["level"], "full");
    assert!(shown["confidence"].is_u64() && shown["reasons"].is_array(), "{shown}");
    assert_eq!(shown["rendered"]["revision"], 2);
    // It is what a client of the wire reads.
    let read: EditPreview = serde_json::from_str(&text).unwrap();
    assert_eq!(read.changes.len(), 2);
    assert!(read.rendered.is_some());
    let kept = record(&gate, request.id).await;
    assert_eq!((kept.version(), kept.request().revision), (1, 1), "a preview stores nothing");
    // The decision has the result that was shown.
    let path = format!("/api/calls/{}", request.id);
    let mut decision = body(&request, &json!(edit));
    decision["answer"] = json!("edit");
    let edited = post(format!("{path}/decide"), &decision).by(ANN).of(&console).await.ok();
    assert_eq!(edited["binding"], shown["binding"]);
    let card = get(path).by(BOB).of(&console).await.ok();
    assert_eq!(card["title"], shown["title"]);
    assert_eq!(card["argumentsText"], shown["argumentsText"]);
}

#[tokio::test]
async fn invariant_2_an_edit_counts_for_the_result_that_was_previewed() {
    let (gate, console) = console().await;
    let request = submit(&gate, book_trip("Ann", "JFK", "SFO", 1, 99.0, true, "economy", "")).await;
    let edit = r#"{"bags": 2}"#;
    let shown = preview(&console, &request, json!(edit)).await.ok();
    let path = format!("/api/calls/{}/decide", request.id);
    let mut decision = body(&request, &json!(edit));
    decision["answer"] = json!("edit");
    let other = preview(&console, &request, json!(r#"{"bags": 3}"#)).await.ok();
    for (binding, state) in [(&other["binding"], "approved"), (&shown["binding"], "pending")] {
        decision["previewed"] = json!({ "binding": binding, "state": state });
        let refused = post(&*path, &decision).by(ANN).of(&console).await;
        assert_eq!(refused.refused(), (409, "stale".to_owned()));
        assert_eq!(record(&gate, request.id).await.request().revision, 1);
    }
    decision["previewed"] = json!({ "binding": shown["binding"], "state": "approved" });
    // Only an edit has a preview.
    let mut approval = body(&request, &json!(null));
    approval["answer"] = json!("approve");
    approval["previewed"] = decision["previewed"].clone();
    let refused = post(&*path, &approval).by(ANN).of(&console).await;
    assert_eq!(refused.refused(), (400, "badRequest".to_owned()));
    post(&*path, &decision).by(ANN).of(&console).await.ok();
    assert_eq!(record(&gate, request.id).await.request().revision, 2);
}

#[tokio::test]
async fn a_preview_is_refused_as_the_edit_would_be() {
    let (gate, console) = console().await;
    let request = submit(&gate, book_trip("Ann", "JFK", "SFO", 1, 99.0, true, "economy", "")).await;
    for (patch, status, kind) in [
        (json!(r#"{"bags": "many"}"#), 422, "invalidArguments"),
        (json!(r#"{"bags": 1}"#), 422, "notEditable"),
        (json!(r#"{"unknown": 1}"#), 422, "invalidArguments"),
        (json!("nonsense"), 422, "invalidArguments"),
        (json!({ "bags": 2 }), 422, "badRequest"),
    ] {
        let refused = preview(&console, &request, patch.clone()).await;
        assert_eq!(refused.refused(), (status, kind.to_owned()), "{patch}");
    }
    // Another tenant's reviewer sees no such call.
    let path = format!("/api/calls/{}/edit/preview", request.id);
    let edit = body(&request, &json!(r#"{"bags": 2}"#));
    let refused = post(&*path, &edit).by("other-secret").of(&console).await;
    assert_eq!(refused.status.as_u16(), 404);
    let refused = post(&*path, &edit).by("nobody").of(&console).await;
    assert_eq!(refused.status.as_u16(), 401);
    // What is deleted is not edited.
    let deletion = deletion(&gate).await;
    let refused = preview(&console, &deletion, json!(r#"{"project_id": "zeus"}"#)).await;
    assert_eq!(refused.refused(), (422, "confirm".into()));
    // A revision that is not the present one has no preview.
    gate.decide(request.edit(r#"{"bags": 3}"#).by("bob")).await.unwrap();
    let refused = preview(&console, &request, json!(r#"{"bags": 2}"#)).await;
    assert_eq!(refused.status.as_u16(), 409);
}
