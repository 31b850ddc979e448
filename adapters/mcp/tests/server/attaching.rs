//! Clients that give up and call again: one intention runs once.

use std::time::Duration;

use hitl_mcp::server::{Elicitation, OnCancel};
use serde_json::{Value, json};

use super::client::{Client, Fixture, forms, text};

fn account() -> Value {
    json!({"id": "7"})
}

#[tokio::test(start_paused = true)]
async fn a_held_call_is_answered_when_it_is_decided() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", json!({})).await;
    let id = client.begin_call("delete_account", account()).await;
    while fixture.waiting().await.is_empty() {
        tokio::task::yield_now().await;
    }
    fixture.approve().await;
    let done = client.answer(id).await;
    assert_eq!(done["result"]["structuredContent"], json!({"ran": "delete_account"}));
    assert_eq!(text(&done), r#"{"ran":"delete_account"}"#, "nothing is said of another call");
    assert_eq!(done["result"].get("resultType"), None, "older clients do not know it");
    assert_eq!(fixture.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_call_again_gets_the_outcome_that_came_in_between() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", json!({})).await;
    let began = tokio::time::Instant::now();
    let pending = client.call("delete_account", account()).await;
    assert_eq!(began.elapsed().as_secs(), 45, "before clients give up");
    assert_eq!(pending["result"]["isError"], true);
    let request = fixture.only_waiting().await;
    assert!(text(&pending).contains(&request.id.to_string()), "{pending}");
    // It attaches, and still is one question.
    let id = client.begin_call("delete_account", account()).await;
    let again = client.answer(id).await;
    assert!(text(&again).contains(&request.id.to_string()));
    assert_eq!(fixture.only_waiting().await, request);
    fixture.approve().await;
    let done = client.call("delete_account", account()).await;
    assert_eq!((done["result"]["isError"].clone(), fixture.runs()), (json!(false), 1));
    let note = format!(
        "This is the outcome of the same call that you made before (call {}). It did not run \
         again. To run it again, call the tool once more.",
        request.id
    );
    assert_eq!(text(&done), note);
    assert_eq!(done["result"]["content"][1]["text"], r#"{"ran":"delete_account"}"#);
    // That outcome is delivered, so the next one is another intention.
    let next = client.call("delete_account", account()).await;
    assert!(text(&next).contains("waits for a human"), "{next}");
    assert_ne!(fixture.only_waiting().await.id, request.id);
    assert_eq!(fixture.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_reaches_the_client_that_calls_again() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-06-18", json!({})).await;
    client.call("delete_account", account()).await;
    let request = fixture.only_waiting().await;
    fixture.gate.decide(request.reject("never").by("bob")).await.unwrap();
    let done = client.call("delete_account", account()).await;
    let note = text(&done);
    assert!(note.contains("made before") && !note.contains("once more"), "{done}");
    let refusal = done["result"]["content"][1]["text"].as_str().unwrap();
    assert!(refusal.contains("never"), "{done}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_times_out_leaves_the_question_and_gets_the_outcome_later() {
    let fixture = Fixture::new().await;
    let mut client = Client::session(fixture.server(), "2025-11-25", json!({})).await;
    for round in 0..3 {
        let id = client.begin_call("delete_account", account()).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let reason = "McpError: MCP error -32001: Request timed out";
        client.notify("notifications/cancelled", json!({"requestId": id, "reason": reason})).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(fixture.waiting().await.len(), 1, "round {round}");
    }
    fixture.approve().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let done = client.call("delete_account", account()).await;
    assert_eq!((done["result"]["isError"].clone(), fixture.runs()), (json!(false), 1), "{done}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_leaves_the_question() {
    for on_cancel in [OnCancel::Keep, OnCancel::Withdraw] {
        let fixture = Fixture::new().await;
        let server = fixture.server().on_cancel(on_cancel);
        let mut client = Client::session(server, "2025-11-25", json!({})).await;
        client.begin_call("delete_account", account()).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        client.close().await;
        client.served.await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(fixture.waiting().await.len(), 1, "{on_cancel:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_withdrawn_where_the_operator_wants_it() {
    let fixture = Fixture::new().await;
    let server = fixture.server().on_cancel(OnCancel::Withdraw);
    let mut client = Client::session(server, "2025-11-25", json!({})).await;
    let id = client.begin_call("delete_account", account()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    client.notify("notifications/cancelled", json!({"requestId": id})).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_for_which_another_request_waits_is_not_withdrawn() {
    for together in [false, true] {
        let fixture = Fixture::new().await;
        let server = fixture.server().on_cancel(OnCancel::Withdraw);
        let mut client = Client::session(server, "2025-11-25", json!({})).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(client.begin_call("delete_account", account()).await);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        client.notify("notifications/cancelled", json!({"requestId": ids[0]})).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(fixture.waiting().await.len(), 1);
        // The last ones withdraw it, also if both go at once.
        for id in &ids[1..] {
            client.notify("notifications/cancelled", json!({"requestId": id})).await;
            if !together {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!((fixture.waiting().await.len(), fixture.runs()), (0, 0), "{together}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_takes_no_outcome_from_another_that_waits() {
    let fixture = Fixture::new().await;
    let server = fixture.server().on_cancel(OnCancel::Withdraw);
    let mut client = Client::session(server, "2025-11-25", json!({})).await;
    let first = client.begin_call("delete_account", account()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let second = client.begin_call("delete_account", account()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    client.notify("notifications/cancelled", json!({"requestId": first})).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    fixture.approve().await;
    let done = client.answer(second).await;
    assert_eq!((done["result"]["isError"].clone(), fixture.runs()), (json!(false), 1), "{done}");
}

#[tokio::test(start_paused = true)]
async fn three_clients_with_one_call_are_one_question_and_one_run() {
    let fixture = Fixture::new().await;
    let server = || fixture.server().elicitation(Elicitation::Off);
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Client::stateless(server(), forms()));
    }
    let mut ids = Vec::new();
    for client in &mut clients {
        ids.push(client.begin_call("write_note", json!({"text": "hi"})).await);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    fixture.approve().await;
    for (client, id) in clients.iter_mut().zip(ids) {
        let done = client.answer(id).await;
        assert_eq!(done["result"]["structuredContent"], json!({"ran": "write_note"}), "{done}");
    }
    assert_eq!(fixture.runs(), 1);
}

#[tokio::test(start_paused = true)]
async fn progress_says_that_a_call_waits_and_where() {
    let fixture = Fixture::new().await;
    let server = fixture.server().console_url("http://127.0.0.1:7171/");
    let mut client = Client::session(server, "2025-06-18", json!({})).await;
    let params = json!({
        "name": "delete_account", "arguments": account(), "_meta": {"progressToken": "p"},
    });
    let id = client.begin("tools/call", params).await;
    let (mut last, mut number) = (f64::MIN, 0);
    let pending = loop {
        let message = client.receive().await;
        if message["id"] == id {
            break message;
        }
        assert_eq!(message["method"], "notifications/progress");
        assert_eq!(message["params"]["progressToken"], "p");
        let progress = message["params"]["progress"].as_f64().unwrap();
        assert!(progress > last, "{progress}");
        (last, number) = (progress, number + 1);
    };
    assert!(number >= 8, "{number}");
    let link = format!("http://127.0.0.1:7171/#queue/{}", fixture.only_waiting().await.id);
    assert!(text(&pending).contains(&link), "{pending}");
}
