//! Tasks: a call that waits has a handle, which outlives the connection and the server.

use serde_json::{Value, json};

use super::client::{Client, Fixture, all, code, forms, says, state};

fn account() -> Value {
    json!({"id": "7"})
}

async fn task(client: &mut Client) -> String {
    let made = client.call("delete_account", account()).await;
    assert_eq!(made["result"]["resultType"], "task", "{made}");
    assert_eq!(made["result"]["status"], "working");
    assert_eq!(made["result"]["ttlMs"], Value::Null);
    made["result"]["taskId"].as_str().unwrap().to_owned()
}

async fn get(client: &mut Client, id: &str) -> Value {
    client.request("tasks/get", json!({"taskId": id})).await
}

/// Asks until the task has ended.
async fn ended(client: &mut Client, id: &str) -> Value {
    loop {
        let task = get(client, id).await;
        if task["result"]["status"] != "working" {
            return task["result"].clone();
        }
    }
}

#[tokio::test]
async fn a_full_review_is_a_task_that_completes_with_the_result() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), all());
    let id = task(&mut client).await;
    assert_eq!(id, fixture.only_waiting().await.id.to_string());
    let working = get(&mut client, &id).await;
    assert_eq!(working["result"]["status"], "working");
    assert!(working["result"]["statusMessage"].as_str().unwrap().contains("human"), "{working}");
    fixture.approve().await;
    let done = ended(&mut client, &id).await;
    assert_eq!(done["status"], "completed");
    assert_eq!(done["result"]["structuredContent"], json!({"ran": "delete_account"}));
    assert_eq!(done["result"]["resultType"], "complete");
    // It can be had again, and nothing runs twice.
    let again = ended(&mut client, &id).await;
    assert_eq!((&again["status"], &again["result"]), (&done["status"], &done["result"]));
    assert_eq!(fixture.runs(), 1);
}

#[tokio::test]
async fn a_rejected_task_is_completed_with_an_error() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), all());
    let id = task(&mut client).await;
    let request = fixture.only_waiting().await;
    fixture.gate.decide(request.reject("no").by("bob")).await.unwrap();
    let done = ended(&mut client, &id).await;
    assert_eq!(
        (done["status"].clone(), done["result"]["isError"].clone()),
        (json!("completed"), json!(true))
    );
    assert_eq!(fixture.runs(), 0);
}

#[tokio::test]
async fn a_cancelled_task_is_withdrawn() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), all());
    let id = task(&mut client).await;
    let cancelled = client.request("tasks/cancel", json!({"taskId": id})).await;
    assert!(cancelled.get("result").is_some(), "{cancelled}");
    assert_eq!(ended(&mut client, &id).await["status"], "cancelled");
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (0, 0));
}

#[tokio::test]
async fn the_same_call_is_the_same_task() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), all());
    let id = task(&mut client).await;
    assert_eq!(task(&mut client).await, id);
    let mut other = Client::stateless(fixture.server(), all());
    assert_eq!(task(&mut other).await, id);
    fixture.approve().await;
    ended(&mut other, &id).await;
    assert_eq!(fixture.runs(), 1);
    // Its outcome was delivered: a further call is another one.
    assert_ne!(task(&mut client).await, id);
}

#[tokio::test]
async fn tasks_are_for_clients_that_declared_them_and_for_their_caller() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), all());
    let id = task(&mut client).await;
    for unknown in ["", "nothing", "01890000-0000-7000-8000-000000000000"] {
        assert_eq!(code(&get(&mut client, unknown).await), -32602, "{unknown}");
    }
    let mut without = Client::stateless(fixture.server(), forms());
    assert_eq!(code(&get(&mut without, &id).await), -32021);
    let identity = hitl_mcp::server::Identity::fixed("bob");
    let bobs = hitl_mcp::server::McpServer::builder(fixture.gate.clone(), identity);
    let mut bob = Client::stateless(bobs, all());
    assert_eq!(code(&get(&mut bob, &id).await), -32602, "it is nobody else's");
    assert_eq!(code(&bob.request("tasks/cancel", json!({"taskId": id})).await), -32602);
    assert_eq!(fixture.waiting().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_declined_form_becomes_a_task() {
    let fixture = Fixture::new().await;
    let mut client = Client::stateless(fixture.server(), all());
    let note = json!({"text": "hi"});
    let asked = client.call("write_note", note.clone()).await;
    let declined = json!({"action": "decline"});
    let made = client.retry("write_note", note.clone(), &state(&asked), declined).await;
    assert_eq!(made["result"]["resultType"], "task", "{made}");
    // The form may still be answered.
    let done = client.retry("write_note", note, &state(&asked), says("approve")).await;
    assert_eq!(done["result"]["isError"], false, "{done}");
    assert_eq!(fixture.runs(), 1);
}
