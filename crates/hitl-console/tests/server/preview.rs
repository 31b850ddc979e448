//! What a card of the console has besides the arguments: a preview, what the model states, a link,
//! and the calls before.

use crate::support;

use hitl::call::CallPreview;
use hitl::prelude::*;
use hitl_console::{Console, Tasks, Token, Tokens};
use serde_json::{Value, json};
use support::ask::{ANN, get, post};

#[expect(clippy::unused_async, reason = "a preview is async")]
async fn would_refund(order: String) -> CallPreview {
    CallPreview::new()
        .fact("order", &order)
        .fact("note", "ghp_abcdefghijklmnopqrstuvwxyz0123456789")
        .difference("letter", "Dear\nAnn", "Dear\nBob")
}

/// Refunds an order.
#[hitl_tool(risk = "high", base_confidence = 20, preview = would_refund)]
async fn refund(order: String) {
    drop(order);
}

fn section<'c>(card: &'c Value, name: &str) -> &'c Vec<Value> {
    let sections = card["sections"].as_array().unwrap();
    let found = sections.iter().find(|section| section["name"] == name).unwrap();
    found["lines"].as_array().unwrap()
}

#[tokio::test]
async fn a_card_has_the_preview_what_the_model_states_a_link_and_the_calls_before() {
    let gate = Gate::builder().tool::<Refund>().build().await.unwrap();
    let tokens = Tokens::new().with("ann", &Token::from_secret(ANN));
    let console = Console::new(gate.clone(), Tasks::none(), tokens).router();
    let cx = || {
        CallContext::new("agent")
            .because("The parcel came back.")
            .conversation_url("https://chat.example.com/c/7")
    };
    for position in 0..7 {
        let _ = gate
            .submit(refund(format!("A-{position}")))
            .by(cx())
            .key("run", position)
            .await
            .unwrap();
    }
    let other = cx().tenant("acme");
    let _ = gate.submit(refund("elsewhere")).by(other).key("run", 7).await.unwrap();
    let submitted = gate.submit(refund("last")).by(cx()).key("run", 8).await.unwrap();
    let Submission::Pending(ticket) = submitted else { panic!("it needs a review") };
    let id = ticket.request().id;
    let call = get(format!("/api/calls/{id}")).by(ANN).of(&console).await.ok();
    let request = &call["request"];
    assert_eq!(request["statedReason"], "The parcel came back.");
    assert_eq!(request["conversationUrl"], "https://chat.example.com/c/7");
    assert_eq!(
        request["preview"]["items"][0],
        json!({ "is": "fact", "label": "order", "value": "last" })
    );
    assert_eq!(request["preview"]["found"], json!({ "is": "rendered" }));
    let rendered = &call["rendered"];
    assert_eq!(rendered["sections"][0]["name"], "preview");
    let values: Vec<_> = section(rendered, "preview").iter().map(|line| &line["value"]).collect();
    assert_eq!(values[0], "last");
    assert_eq!(values[3..], ["= Dear", "- Ann", "+ Bob"]);
    assert_eq!(section(rendered, "statedReason")[0]["value"], "| The parcel came back.");
    // The newest five of this tenant, and how many are before them.
    let earlier = &call["earlier"];
    let titles: Vec<_> =
        earlier["newest"].as_array().unwrap().iter().map(|one| one["state"].as_str()).collect();
    assert_eq!((titles, &earlier["more"]), (vec![Some("pending"); 5], &json!(2)));
    // The mask is in the preview, and is uncovered with those of the arguments.
    assert!(!call.to_string().contains("ghp_abcdef"));
    let body = json!({ "revision": call["revision"], "binding": call["binding"] });
    let open = post(format!("/api/calls/{id}/uncover"), &body).by(ANN).of(&console).await.ok();
    assert!(open["rendered"].to_string().contains("ghp_abcdef"), "{open}");
    // Everything of it is described.
    let document = get("/openapi.json").of(&console).await.ok();
    let described = &document["components"]["schemas"]["RequestDocument"]["properties"];
    for key in request.as_object().unwrap().keys() {
        assert!(described.get(key).is_some(), "request.{key} is not described");
    }
}
