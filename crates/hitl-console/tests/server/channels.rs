//! The channel of a decision, as the console sets and shows it.

use crate::support;

use hitl::approval::DecisionChannel;
use hitl::policy::{Rule, RuleConditions, RuleSet};
use hitl::{ApprovalRequest, Gate};
use hitl_console::{Tasks, Token, Tokens, router};
use serde_json::{Value, json};
use support::ask::{ANN, get, post};
use support::tools::{self, note, record};

fn body(request: &ApprovalRequest, more: Value) -> Value {
    let binding = request.binding.to_string();
    let mut body = json!({ "revision": request.revision, "binding": binding, "answer": "approve" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn console(gate: &Gate) -> axum::Router {
    let tokens = Tokens::new().with("ann", &Token::from_secret(ANN));
    router(gate.clone(), Tasks::none(), tokens)
}

#[tokio::test]
async fn invariant_7_a_client_names_no_channel() {
    let gate = tools::gate().await;
    let console = console(&gate);
    let request = note(&gate).await;
    let path = format!("/api/calls/{}", request.id);
    for claim in ["channel", "through", "channels"] {
        let claimed = body(&request, json!({ claim: "terminal" }));
        let refused = post(format!("{path}/decide"), &claimed).by(ANN).of(&console).await;
        assert_eq!(refused.refused().0, 422, "{claim}");
        assert_eq!(record(&gate, request.id).await.decision(), None);
    }
    let plain = body(&request, json!({}));
    let decided = post(format!("{path}/decide"), &plain).by(ANN).of(&console).await.ok();
    assert_eq!(decided["decided"]["channel"], "console");
    let kept = record(&gate, request.id).await;
    assert_eq!(kept.decision().unwrap().channel, Some(DecisionChannel::CONSOLE));
    let shown = get(&path).by(ANN).of(&console).await.ok();
    assert_eq!(shown["decided"]["channel"], "console");
    let history = get(format!("{path}/audit")).by(ANN).of(&console).await.ok();
    let entries = history["entries"].as_array().unwrap();
    let decided = entries.iter().find(|entry| entry["event"] == "decide").unwrap();
    assert_eq!(decided["channel"], "console");
}

#[tokio::test]
async fn invariant_5_where_the_console_is_taken_away_it_approves_nothing() {
    let rules = RuleSet::builder("desk", "1").rule(
        Rule::quick("at the terminal")
            .channels([DecisionChannel::TERMINAL])
            .when(RuleConditions::tool("*")),
    );
    let gate =
        tools::register(Gate::builder()).policy(rules.build().unwrap()).build().await.unwrap();
    let console = console(&gate);
    let request = note(&gate).await;
    let path = format!("/api/calls/{}", request.id);
    let shown = get(&path).by(ANN).of(&console).await.ok();
    assert_eq!(shown["request"]["channels"], json!(["terminal"]));
    let refused =
        post(format!("{path}/decide"), &body(&request, json!({}))).by(ANN).of(&console).await;
    assert_eq!(refused.refused(), (403, "channel".into()));
    assert_eq!(record(&gate, request.id).await.decision(), None);
    let no = body(&request, json!({ "answer": "reject", "reason": "no" }));
    let rejected = post(format!("{path}/decide"), &no).by(ANN).of(&console).await.ok();
    assert_eq!(rejected["state"], "rejected");
}
