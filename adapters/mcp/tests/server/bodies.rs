//! What passes between the body of a tool and the client of its call: progress, questions,
//! cancellation.

use std::sync::Arc;
use std::time::Duration;

use hitl_base::JsonText;
use hitl_core::Gate;
use hitl_core::call::{Permit, ToolConfig};
use hitl_core::dynamic::{DynArguments, DynSpec, DynTool};
use hitl_mcp::rmcp::model::{ElicitRequestParams, ElicitResult};
use hitl_mcp::server::{CallClient, CallClients, Identity, McpServer, McpServerBuilder, RunOf};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::client::{Client, RUN, all, auto, forms, full, says, state, text};

/// A server with one tool, `work`, whose body does this with its client.
async fn server<F, R>(config: ToolConfig, work: F) -> (Gate, McpServerBuilder)
where
    F: Fn(Option<CallClient>) -> R + Send + Sync + 'static,
    R: Future<Output = String> + Send + 'static,
{
    let clients = CallClients::default();
    let of_bodies = clients.clone();
    let body = move |permit: Permit<DynArguments>| {
        let working = work(of_bodies.of(permit.cx().key()));
        async move { JsonText::new(working.await) }
    };
    let spec = DynSpec::new("work", "Works.").config(config);
    let tool = DynTool::new(spec, r#"{"type": "object"}"#, body).unwrap();
    let gate = Gate::builder().dyn_tool(tool).build().await.unwrap();
    let builder = McpServer::builder(gate.clone(), Identity::fixed("ann"));
    (gate, builder.run(RunOf::fixed(RUN)).clients(clients))
}

/// The question of a body.
fn name() -> ElicitRequestParams {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let question = json!({"mode": "form", "message": "Which name?", "requestedSchema": schema});
    serde_json::from_value(question).unwrap()
}

fn said(answer: Option<ElicitResult>) -> String {
    let name = answer.and_then(|answer| Some(answer.content?["name"].as_str()?.to_owned()));
    serde_json::to_string(&name).unwrap()
}

async fn asks(client: Option<CallClient>) -> String {
    match client {
        Some(client) => said(client.elicit(name(), Duration::from_secs(60)).await),
        None => "\"nobody\"".to_owned(),
    }
}

fn anns() -> Value {
    json!({"action": "accept", "content": {"name": "Ann"}})
}

#[tokio::test(start_paused = true)]
async fn progress_is_passed_on_as_it_is() {
    let work = |client: Option<CallClient>| async move {
        let client = client.unwrap();
        for step in [0.0, 50.0, 50.0, 100.0] {
            client.progress(step, Some(100.0), Some(format!("step {step}")));
            // The latest one is passed on; give each its time.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        "\"done\"".to_owned()
    };
    let (_, server) = server(auto(), work).await;
    let mut client = Client::session(server, "2025-06-18", json!({})).await;
    let params = json!({"name": "work", "_meta": {"progressToken": 7}});
    let id = client.begin("tools/call", params).await;
    let mut seen = Vec::new();
    loop {
        let message = client.receive().await;
        if message["id"] == id {
            assert_eq!(text(&message), "done");
            break;
        }
        assert_eq!(message["params"]["total"], 100.0);
        seen.push(message["params"]["progress"].as_f64().unwrap());
    }
    assert_eq!(seen, [0.0, 50.0, 100.0]);
}

#[tokio::test]
async fn a_bodys_question_reaches_a_client_with_a_session() {
    let (_, server) = server(auto(), asks).await;
    let mut client = Client::session(server, "2025-06-18", forms()).await;
    let id = client.begin_call("work", json!({})).await;
    let question = client.receive().await;
    assert_eq!(question["params"]["message"], "Which name?");
    client.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": anns()})).await;
    assert_eq!(text(&client.answer(id).await), "Ann");
}

#[tokio::test]
async fn a_bodys_question_is_input_that_a_stateless_client_comes_back_with() {
    let (_, server) = server(auto(), asks).await;
    let mut client = Client::stateless(server, forms());
    let asked = client.call("work", json!({})).await;
    let question = &asked["result"]["inputRequests"]["tool-0"];
    assert_eq!(question["params"]["message"], "Which name?", "{asked}");
    let params = |responses: Value| json!({"name": "work", "arguments": {}, "requestState": state(&asked), "inputResponses": responses});
    // Without the answer it is asked again.
    let again = client.request("tools/call", params(json!({"other": anns()}))).await;
    assert_eq!(again["result"]["resultType"], "input_required", "{again}");
    let done = client.request("tools/call", params(json!({"tool-0": anns()}))).await;
    assert_eq!(text(&done), "Ann");
}

#[tokio::test]
async fn a_clients_answer_to_a_body_decides_nothing_at_the_gate() {
    let (gate, server) = server(super::client::quick(), asks).await;
    let mut client = Client::stateless(server, forms());
    let asked = client.call("work", json!({})).await;
    assert!(asked["result"]["inputRequests"].get("approval").is_some(), "{asked}");
    let ran = client.retry("work", json!({}), &state(&asked), says("approve")).await;
    assert!(ran["result"]["inputRequests"].get("tool-0").is_some(), "{ran}");
    let params = json!({"name": "work", "arguments": {}, "requestState": state(&ran),
        "inputResponses": {"tool-0": anns()}});
    let done = client.request("tools/call", params).await;
    assert_eq!(text(&done), "Ann");
    drop(gate);
}

#[tokio::test]
async fn a_bodys_question_is_the_input_of_its_task() {
    let (gate, server) = server(full(), asks).await;
    let mut client = Client::stateless(server, all());
    let made = client.call("work", json!({})).await;
    let id = made["result"]["taskId"].clone();
    let tenant = hitl_core::Tenant::default();
    let waiting = gate.waiting_in_run(&tenant, &hitl_core::RunId::new(RUN), 10).await.unwrap();
    gate.decide(waiting[0].approve().by("bob")).await.unwrap();
    let asked = loop {
        let task = client.request("tasks/get", json!({"taskId": id})).await["result"].clone();
        if task["status"] != "working" {
            break task;
        }
    };
    assert_eq!(asked["status"], "input_required", "{asked}");
    assert_eq!(asked["inputRequests"]["tool-0"]["params"]["message"], "Which name?");
    let answers = json!({"taskId": id, "inputResponses": {"tool-0": anns(), "other": 7}});
    client.request("tasks/update", answers).await;
    let done = loop {
        let task = client.request("tasks/get", json!({"taskId": id})).await["result"].clone();
        if task["status"] == "completed" {
            break task;
        }
    };
    assert_eq!(done["result"]["content"][0]["text"], "Ann");
}

#[tokio::test]
async fn a_client_without_forms_is_not_asked() {
    let (_, server) = server(auto(), asks).await;
    let mut client = Client::session(server, "2025-06-18", json!({})).await;
    let done = client.call("work", json!({})).await;
    assert_eq!(done["result"]["isError"], false, "{done}");
    assert!(!text(&done).contains("Ann"));
}

#[tokio::test]
async fn a_cancellation_reaches_the_body() {
    let (began, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, ends) = (Arc::clone(&began), Arc::clone(&ended));
    let work = move |client: Option<CallClient>| {
        let (begins, ends) = (Arc::clone(&begins), Arc::clone(&ends));
        async move {
            begins.notify_one();
            client.unwrap().cancelled().await;
            ends.notify_one();
            "null".to_owned()
        }
    };
    let (_, server) = server(auto(), work).await;
    let mut client = Client::session(server, "2025-06-18", json!({})).await;
    let id = client.begin_call("work", json!({})).await;
    began.notified().await;
    client.notify("notifications/cancelled", json!({"requestId": id})).await;
    ended.notified().await;
}
