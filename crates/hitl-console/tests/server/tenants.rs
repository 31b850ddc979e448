//! A reviewer of several tenants: each request names one of them.

use axum::Router;
use hitl::{CallContext, CallState, Gate, Tenant};
use hitl_console::{Reviewer, Tasks, Token, Tokens, router};
use serde_json::json;

use crate::support::ask::{ANN, BOB, get, post};
use crate::support::tools::{self, send_note, submit_as};

async fn console() -> (Gate, Router) {
    let gate = tools::gate().await;
    let ann = Reviewer::new("ann").of_tenant("acme").also_of_tenant("Übersee 100%").role("lead");
    let tokens = Tokens::new()
        .with(ann, &Token::from_secret(ANN))
        .with(Reviewer::new("bob").of_tenant("acme"), &Token::from_secret(BOB));
    (gate.clone(), router(gate, Tasks::none(), tokens))
}

const OTHER: &str = "%C3%9Cbersee%20100%25";

#[tokio::test]
async fn a_request_names_the_tenant_that_it_is_about() {
    let (gate, console) = console().await;
    let of = |tenant: &str| CallContext::new("agent").tenant(tenant);
    let ours = submit_as(&gate, send_note("eve", "a"), of("acme")).await;
    let theirs = submit_as(&gate, send_note("eve", "b"), of("Übersee 100%")).await;
    let me = get("/api/me").by(ANN).of(&console).await.ok();
    assert_eq!((&me["tenant"], &me["otherTenants"]), (&json!("acme"), &json!(["Übersee 100%"])));
    let me = get("/api/me").by(ANN).header("hitl-tenant", OTHER).of(&console).await.ok();
    assert_eq!((&me["tenant"], &me["otherTenants"]), (&json!("Übersee 100%"), &json!(["acme"])));

    let ids = |page: &serde_json::Value| {
        let calls = page["calls"].as_array().unwrap().iter();
        calls.map(|call| call["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let page = get("/api/calls").by(ANN).of(&console).await.ok();
    assert_eq!(ids(&page), [ours.id.to_string()]);
    let page = get("/api/calls").by(ANN).header("hitl-tenant", OTHER).of(&console).await.ok();
    assert_eq!(ids(&page), [theirs.id.to_string()]);

    // A call is decided in its own tenant alone.
    let path = format!("/api/calls/{}/decide", theirs.id);
    let binding = theirs.binding.to_string();
    let body = json!({ "revision": theirs.revision, "binding": binding, "answer": "approve" });
    assert_eq!(post(&*path, &body).by(ANN).of(&console).await.status.as_u16(), 404);
    post(&*path, &body).by(ANN).header("hitl-tenant", OTHER).of(&console).await.ok();
    let tenant = Tenant::new("Übersee 100%");
    let record = gate.unscoped().get(&tenant, theirs.id).await.unwrap().unwrap();
    assert_eq!(record.state(), CallState::Approved);
}

#[tokio::test]
async fn invariant_7_nobody_names_a_tenant_that_the_host_has_not_given_them() {
    let (gate, console) = console().await;
    let context = CallContext::new("agent").tenant("Übersee 100%");
    let call = submit_as(&gate, send_note("eve", "b"), context).await;
    let path = format!("/api/calls/{}", call.id);
    for (secret, named) in
        [(BOB, OTHER), (ANN, "globex"), (ANN, ""), (ANN, "%FF"), (ANN, "default")]
    {
        for path in ["/api/me", "/api/calls", "/api/events", "/api/stats", "/api/grants", &path] {
            let refused = get(path).by(secret).header("hitl-tenant", named).of(&console).await;
            assert_eq!(refused.refused(), (403, "tenant".to_owned()), "{named:?} {path}");
        }
    }
    // Whose token is wrong learns nothing of tenants.
    let nobody = get("/api/me").by("wrong").header("hitl-tenant", OTHER).of(&console).await;
    assert_eq!(nobody.status.as_u16(), 401);
}
