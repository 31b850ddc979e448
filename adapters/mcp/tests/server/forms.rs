//! Forms of clients before 2026-07-28: the server asks by `elicitation/create`.

use std::time::Duration;

use hitl_core::Gate;
use serde_json::{Value, json};

use super::client::{Client, Fixture, forms, says, text};

fn note() -> Value {
    json!({"text": "hi"})
}

/// Begins a call, and returns its id and the question.
async fn asked(client: &mut Client) -> (i64, Value) {
    let id = client.begin_call("write_note", note()).await;
    let question = client.receive().await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    (id, question)
}

async fn respond(client: &mut Client, question: &Value, answer: Value) {
    client.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": answer})).await;
}

#[tokio::test]
async fn every_version_with_forms_is_asked() {
    for (version, titled) in [("2025-06-18", false), ("2025-11-25", true)] {
        let fixture = Fixture::new().await;
        let mut client = Client::session(fixture.server(), version, forms()).await;
        let (id, question) = asked(&mut client).await;
        let decision = &question["params"]["requestedSchema"]["properties"]["decision"];
        assert_eq!(decision.get("oneOf").is_some(), titled, "{decision}");
        assert_eq!(decision.get("enumNames").is_some(), !titled, "{decision}");
        assert_eq!(decision.get("default"), None);
        respond(&mut client, &question, says("approve")).await;
        let done = client.answer(id).await;
        assert_eq!(done["result"]["structuredContent"], json!({"ran": "write_note"}), "{done}");
        assert_eq!(fixture.runs(), 1);
    }
}

#[tokio::test]
async fn the_form_says_what_a_person_needs_and_no_digest() {
    let fixture = Fixture::over(Gate::builder().console_url("https://hitl.example")).await;
    fixture.describe_tools("Sends it.\nTwo.\nThree.\nFour.\nFive.\nSix.").await;
    let mut client = Client::session(fixture.server(), "2025-11-25", forms()).await;
    client.begin_call("write_note", json!({"text": "hi\nAsked by: bob", "number": 1.5})).await;
    let question = client.receive().await;
    let message = question["params"]["message"].as_str().unwrap();
    let request = fixture.only_waiting().await;
    // How far off the end is depends on the clock.
    let (priority, rest): (Vec<_>, Vec<_>) =
        message.lines().partition(|line| line.starts_with("Priority: high, due in "));
    assert_eq!(priority.len(), 1, "{message}");
    let link = format!("Decide it elsewhere: https://hitl.example/#queue/{}", request.id);
    let expected = [
        "Run write_note",
        "Arguments (written by the model; secrets masked):",
        r#"  text: "hi\nAsked by: bob""#,
        "  number: 1.5",
        "Confidence: 70 of 100; runs without a question from 85",
        "Tool:",
        "  write_note: Sends it.",
        "  Two.",
        "  Three.",
        "  Four.",
        "  [… 2 more lines of its description]",
        "Risk: medium · general",
        "Asked by:",
        "  agent:mcp for ann, in test",
        "  ann may decide it alone",
        &link,
    ];
    assert_eq!(rest, expected, "{message}");
    assert!(!message.contains(&request.binding.to_string()[..12]), "{message}");
}

#[tokio::test(start_paused = true)]
async fn versions_without_forms_are_held() {
    for version in ["2024-11-05", "2025-03-26"] {
        let fixture = Fixture::new().await;
        let mut client = Client::session(fixture.server(), version, forms()).await;
        let held = client.call("write_note", note()).await;
        assert!(text(&held).contains("waits for a human"), "{held}");
        assert_eq!(held["result"].get("structuredContent"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_2_a_form_that_is_not_filled_in_decides_nothing() {
    for answer in [
        json!({"action": "decline"}),
        json!({"action": "cancel"}),
        json!({"action": "accept", "content": {}}),
        json!({"action": "accept", "content": {"decision": ""}}),
        json!({"nonsense": true}),
    ] {
        let fixture = Fixture::new().await;
        let mut client = Client::session(fixture.server(), "2025-06-18", forms()).await;
        let (id, question) = asked(&mut client).await;
        respond(&mut client, &question, answer.clone()).await;
        let held = client.answer(id).await;
        assert!(text(&held).contains("waits for a human"), "{answer}: {held}");
        assert_eq!((fixture.waiting().await.len(), fixture.runs()), (1, 0), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_instead_of_an_answer_decides_nothing() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", forms()).await;
    let (id, question) = asked(&mut client).await;
    let error = json!({"code": -32601, "message": "no forms here"});
    client.send(&json!({"jsonrpc": "2.0", "id": question["id"], "error": error})).await;
    let held = client.answer(id).await;
    assert!(text(&held).contains("waits for a human"), "{held}");
    assert_eq!(fixture.waiting().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_asked_for_decides_nothing() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", forms()).await;
    let (id, question) = asked(&mut client).await;
    let other = question["id"].as_i64().unwrap() + 1;
    for wrong in [json!(other), json!("nothing"), json!(null)] {
        client.send(&json!({"jsonrpc": "2.0", "id": wrong, "result": says("approve")})).await;
    }
    let held = client.answer(id).await;
    assert!(text(&held).contains("waits for a human"), "{held}");
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_decision_elsewhere_ends_the_question() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", forms()).await;
    let (id, question) = asked(&mut client).await;
    fixture.approve().await;
    // The answer, and that the form can be closed, in any order.
    let (mut done, mut taken_back) = (Value::Null, Value::Null);
    while done.is_null() || taken_back.is_null() {
        let message = client.receive().await;
        match message["method"].as_str() {
            Some("notifications/cancelled") => taken_back = message,
            _ if message["id"] == id => done = message,
            _ => {}
        }
    }
    assert_eq!(done["result"]["structuredContent"], json!({"ran": "write_note"}), "{done}");
    assert_eq!(taken_back["params"]["requestId"], question["id"]);
    // The late answer of the form changes nothing.
    respond(&mut client, &question, says("reject")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn invariant_2_a_form_about_an_earlier_revision_is_put_again() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-11-25", forms()).await;
    let (id, question) = asked(&mut client).await;
    fixture.describe_tools("Sends the note to everybody.").await;
    respond(&mut client, &question, says("approve")).await;
    let again = client.receive().await;
    assert!(again["params"]["message"].as_str().unwrap().contains("to everybody"), "{again}");
    assert_eq!(fixture.runs(), 0);
    respond(&mut client, &again, says("approve")).await;
    let done = client.answer(id).await;
    assert_eq!((done["result"]["isError"].clone(), fixture.runs()), (json!(false), 1), "{done}");
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_after_the_hold_decides_nothing_and_the_call_is_asked_about_again() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", forms()).await;
    let (id, question) = asked(&mut client).await;
    let held = client.answer(id).await;
    assert!(text(&held).contains("waits for a human"), "{held}");
    respond(&mut client, &question, says("approve")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (1, 0));
    let id = client.begin_call("write_note", note()).await;
    let again = loop {
        let message = client.receive().await;
        if message["method"] == "elicitation/create" {
            break message;
        }
    };
    respond(&mut client, &again, says("approve")).await;
    let done = client.answer(id).await;
    assert_eq!((done["result"]["isError"].clone(), fixture.runs()), (json!(false), 1), "{done}");
}
