//! An approval that is taken back over REST.

use crate::support;

use hitl::prelude::*;
use hitl::{CallState, MemoryAudit};
use hitl_console::{Reviewer, Tasks, Token, Tokens, router};
use serde_json::json;
use support::ask::{ANN, BOB, get, post};
use support::tools::{self, note, record, submit};

/// Deploys a version.
#[hitl_tool(risk = "low", base_confidence = 70, grace = "2m", describe = "Deploy {version}")]
async fn deploy(version: String) -> String {
    format!("deployed {version}")
}

#[tokio::test]
async fn who_approved_takes_it_back_and_it_is_asked_about_again() {
    let audit = MemoryAudit::new();
    let builder = tools::register(Gate::builder()).tool::<Deploy>().audit(audit.clone());
    let gate = builder.build().await.unwrap();
    let tokens = Tokens::new()
        .with("ann", &Token::from_secret(ANN))
        .with("bob", &Token::from_secret(BOB))
        .with(Reviewer::new("olga").of_tenant("other"), &Token::from_secret("other-secret"));
    let console = router(gate.clone(), Tasks::none(), tokens);
    let (request, plain) = (submit(&gate, deploy("7".to_owned())).await, note(&gate).await);
    assert_eq!(request.grace_ms, Some(120_000));
    let body = json!({ "revision": 1, "binding": request.binding.to_string() });
    let path = format!("/api/calls/{}", request.id);
    let back = |token: &'static str| {
        let (path, body) = (format!("{path}/take-back"), body.clone());
        let console = console.clone();
        async move { post(path, &body).by(token).of(&console).await }
    };
    assert_eq!(back(ANN).await.refused(), (409, "decided".to_owned()), "nobody approved it");
    let mut decision = body.clone();
    decision["answer"] = json!("approve");
    let said = post(format!("{path}/decide"), &decision).by(ANN).of(&console).await.ok();
    assert!(said["claimableFrom"].is_string(), "{said}");
    let shown = get(&path).by(BOB).of(&console).await.ok();
    assert_eq!(shown["claimableFrom"], said["claimableFrom"]);
    assert_eq!(back(BOB).await.refused(), (403, "notEntitled".to_owned()));
    assert_eq!(back("other-secret").await.refused(), (404, "notFound".to_owned()));
    let asked = back(ANN).await.ok();
    assert_eq!((&asked["state"], &asked["revision"]), (&json!("pending"), &json!(2)));
    assert_eq!(asked["claimableFrom"], json!(null));
    // The approval that is sent again is about the earlier question.
    let again = post(format!("{path}/decide"), &decision).by(ANN).of(&console).await;
    assert_eq!(again.refused(), (409, "stale".to_owned()));
    assert_eq!(record(&gate, request.id).await.state(), CallState::Pending);
    let audited = audit.records();
    let taken: Vec<_> =
        audited.iter().filter(|line| line.event.to_string() == "takenBack").collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].by.as_ref().unwrap().to_string(), "ann");
    // A tool without a grace gives nothing back.
    let approved = gate.decide(plain.approve().by("ann")).await.unwrap();
    assert_eq!(approved.claimable_from(), None);
    let body = json!({ "revision": 1, "binding": plain.binding.to_string() });
    let path = format!("/api/calls/{}/take-back", plain.id);
    let late = post(path, &body).by(ANN).of(&console).await.refused();
    assert_eq!(late, (409, "graceOver".to_owned()));
}
