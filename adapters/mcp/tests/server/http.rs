//! Serving over HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use hitl_mcp::server::{
    Caller, HttpSettings, Identity, McpHttpService, McpServer, RunOf, UnknownCaller,
};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::client::{Fixture, RUN, all, forms, says};

/// An answer whose body is to be read.
type HttpAnswer = Response<BoxBody<Bytes, Infallible>>;

fn service(fixture: &Fixture) -> McpHttpService {
    service_that_holds(fixture, Duration::from_secs(45))
}

/// Serves the fixture to the person whom the header `authorization` names.
fn service_that_holds(fixture: &Fixture, hold: Duration) -> McpHttpService {
    let identity = Identity::of_request(|request| {
        let token = request.headers.get("authorization").and_then(|token| token.to_str().ok());
        match token {
            Some("Bearer ann-token") => Ok(Caller::new("ann")),
            Some("Bearer bob-token") => Ok(Caller::new("bob")),
            _ => Err(UnknownCaller::new("sign in first")),
        }
    });
    let server = McpServer::builder(fixture.gate.clone(), identity).run(RunOf::fixed(RUN));
    server.hold(hold).build().unwrap().http_service(HttpSettings::default())
}

fn request(who: &str, body: String) -> http::request::Builder {
    let method = serde_json::from_str::<Value>(&body)
        .ok()
        .and_then(|body| Some(body["method"].as_str()?.to_owned()));
    let request = Request::post("http://localhost/")
        .header("host", "localhost")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {who}-token"));
    match method {
        Some(method) => request.header("mcp-method", method),
        None => request,
    }
}

/// A client of 2026-07-28.
#[derive(Clone)]
struct Stateless {
    service: McpHttpService,
    who: &'static str,
    capabilities: Value,
}

impl Stateless {
    fn meta(&self) -> Value {
        json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
        })
    }

    async fn call(&self, tool: &str, mut params: Value) -> Value {
        params["name"] = json!(tool);
        answer(&whole(self.begin("tools/call", tool, params).await).await)
    }

    /// Sends a request, and returns the answer before its body is read.
    async fn begin(&self, method: &str, name: &str, mut params: Value) -> HttpAnswer {
        params["_meta"] = self.meta();
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = request(self.who, body.to_string())
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-name", name)
            .body(Body::from(body.to_string()));
        self.service.clone().oneshot(request.unwrap()).await.unwrap()
    }

    /// Begins a call that another program approves once it waits.
    async fn begin_approved(&self, fixture: &Fixture) -> HttpAnswer {
        let client = self.clone();
        let params = json!({"name": "delete_account", "arguments": {"id": "7"}});
        let begun =
            tokio::spawn(async move { client.begin("tools/call", "delete_account", params).await });
        while fixture.waiting().await.is_empty() {
            tokio::task::yield_now().await;
        }
        fixture.approve().await;
        begun.await.unwrap()
    }

    async fn call_text(&self, tool: &str, arguments: &str) -> Response<String> {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},"_meta":{}}}}}"#,
            self.meta()
        );
        let request = request(self.who, "{}".to_owned())
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool);
        send(&self.service, request, body).await
    }
}

async fn send(
    service: &McpHttpService,
    request: http::request::Builder,
    body: String,
) -> Response<String> {
    let request = request.body(Body::from(body)).unwrap();
    whole(service.clone().oneshot(request).await.unwrap()).await
}

/// Reads the body of an answer to its end.
async fn whole(answered: HttpAnswer) -> Response<String> {
    let (head, body) = answered.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(body.to_vec()).unwrap())
}

/// Returns the last JSON-RPC message of a body, whether it is JSON or a stream of events.
fn answer(response: &Response<String>) -> Value {
    let body = response.body();
    let mut data = body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    let last = data.rfind(|data| !data.is_empty()).unwrap_or(body);
    serde_json::from_str(last).unwrap_or_else(|_| panic!("{:?}: {body}", response.status()))
}

#[tokio::test]
async fn a_call_is_asked_about_and_runs_in_the_name_of_the_token() {
    let fixture = Fixture::new().await;
    let client = Stateless { service: service(&fixture), who: "ann", capabilities: forms() };
    let asked = client.call("write_note", json!({"arguments": {"text": "hi"}})).await;
    let state = asked["result"]["requestState"].clone();
    assert!(state.is_string(), "{asked}");
    assert_eq!(fixture.only_waiting().await.principal.as_str(), "ann");
    // The state is ann's, and nobody else decides with it.
    let retry = json!({
        "arguments": {"text": "hi"}, "requestState": state,
        "inputResponses": {"approval": says("approve")},
    });
    let bob = Stateless { who: "bob", service: client.service.clone(), capabilities: forms() };
    assert_eq!(bob.call("write_note", retry.clone()).await["error"]["code"], -32602);
    assert_eq!(fixture.runs(), 0);
    let done = client.call("write_note", retry).await;
    assert_eq!(done["result"]["structuredContent"], json!({"ran": "write_note"}), "{done}");
    assert_eq!(fixture.runs(), 1);
}

#[tokio::test]
async fn invariant_7_without_a_known_caller_nothing_is_answered() {
    let fixture = Fixture::new().await;
    let client = Stateless { service: service(&fixture), who: "mallory", capabilities: all() };
    let refused = client.call_text("read_note", "{}").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.body(), "sign in first");
    assert_eq!(fixture.runs(), 0);
}

#[tokio::test]
async fn arguments_are_exact_over_http_too() {
    let fixture = Fixture::new().await;
    let client = Stateless { service: service(&fixture), who: "ann", capabilities: forms() };
    for number in ["9007199254740993.0", "123456789012345678901234567890", "1e400", "-0.10"] {
        let arguments = format!(r#"{{"text": "{number}", "number": {number}}}"#);
        let asked = answer(&client.call_text("write_note", &arguments).await);
        let message = asked["result"]["inputRequests"]["approval"]["params"]["message"].as_str();
        match message {
            Some(message) => assert!(message.contains(&format!("number: {number}")), "{message}"),
            None => assert_eq!(asked["result"]["isError"], true, "{asked}"),
        }
    }
    let before = fixture.waiting().await.len();
    let twice = answer(&client.call_text("write_note", r#"{"text":"a","text":"b"}"#).await);
    assert!(twice["result"]["content"][0]["text"].as_str().unwrap().contains("twice"), "{twice}");
    let list = client.call_text("write_note", "[]").await;
    assert_eq!(list.status(), StatusCode::BAD_REQUEST);
    assert_eq!(answer(&list)["error"]["code"], -32602);
    assert_eq!((fixture.waiting().await.len(), fixture.runs()), (before, 0));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_whose_answer_was_not_written_is_given_once_more() {
    let fixture = Fixture::new().await;
    let client = Stateless { service: service(&fixture), who: "ann", capabilities: json!({}) };
    // The connection breaks when the answer is about to be written.
    drop(client.begin_approved(&fixture).await);
    let account = json!({"arguments": {"id": "7"}});
    let mut partly = client
        .begin(
            "tools/call",
            "delete_account",
            json!({"name": "delete_account", "arguments": {"id": "7"}}),
        )
        .await;
    // It breaks before the connection has asked whether that was all.
    assert!(partly.body_mut().frame().await.unwrap().unwrap().is_data());
    drop(partly);
    let done = client.call("delete_account", account.clone()).await;
    assert_eq!(done["result"]["structuredContent"], json!({"ran": "delete_account"}), "{done}");
    assert_eq!((fixture.runs(), fixture.waiting().await.len()), (1, 0));
    // That one was written, so the next call is another intention.
    let next = client.call("delete_account", account).await;
    assert_eq!(next["result"]["isError"], true, "{next}");
    assert_eq!((fixture.runs(), fixture.waiting().await.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_a_task_that_was_not_written_is_given_once_more() {
    let fixture = Fixture::new().await;
    let client = Stateless { service: service(&fixture), who: "ann", capabilities: all() };
    let account = json!({"arguments": {"id": "7"}});
    let made = client.call("delete_account", account.clone()).await;
    let id = made["result"]["taskId"].as_str().unwrap().to_owned();
    fixture.approve().await;
    while fixture.runs() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(client.begin("tasks/get", &id, json!({"taskId": id})).await);
    let done = client.call("delete_account", account.clone()).await;
    assert_eq!(done["result"]["structuredContent"], json!({"ran": "delete_account"}), "{done}");
    assert_eq!((fixture.runs(), fixture.waiting().await.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_while_the_answer_before_it_is_written_is_a_new_one() {
    let fixture = Fixture::new().await;
    let client = Stateless { service: service(&fixture), who: "ann", capabilities: json!({}) };
    let mut first = client.begin_approved(&fixture).await;
    assert!(first.body_mut().frame().await.unwrap().unwrap().is_data());
    let again = tokio::spawn(async move {
        client.call("delete_account", json!({"arguments": {"id": "7"}})).await
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    whole(first).await;
    let next = again.await.unwrap();
    assert_eq!(next["result"]["isError"], true, "{next}");
    assert_eq!((fixture.runs(), fixture.waiting().await.len()), (1, 1));
}

#[tokio::test]
async fn pages_of_other_origins_and_names_of_other_hosts_are_refused() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {}});
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        let mut request = request("ann", body.to_string());
        request.headers_mut().unwrap().insert(name, value.parse().unwrap());
        let refused = send(&service, request, body.to_string()).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{name}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let fixture = Fixture::new().await;
    let client = Stateless { service: service(&fixture), who: "ann", capabilities: forms() };
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(5 * 1024 * 1024));
    let refused = client.call_text("write_note", &long).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(fixture.waiting().await.len(), 0);
}

#[tokio::test]
async fn invariant_7_a_session_is_its_callers() {
    let fixture = Fixture::new().await;
    let service = service(&fixture);
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": forms(),
        "clientInfo": {"name": "test", "version": "1"},
    }});
    let opening = request("ann", hello.to_string());
    let opened = send_head(&service, opening, hello.to_string()).await;
    let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}});
    let within = |who: &str| {
        request(who, list.to_string())
            .header("mcp-session-id", session.as_str())
            .header("mcp-protocol-version", "2025-06-18")
    };
    let own = send_head(&service, within("ann"), list.to_string()).await;
    assert_eq!(own.status(), StatusCode::OK);
    let others = send_head(&service, within("bob"), list.to_string()).await;
    assert_eq!(others.status(), StatusCode::NOT_FOUND);
}

// Time is not paused: streams of events keep alive by the clock of the machine.
#[tokio::test]
async fn an_outcome_within_a_session_is_delivered_once_its_answer_was_written() {
    let fixture = Fixture::new().await;
    let service = service_that_holds(&fixture, Duration::from_secs(2));
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }});
    let opened = send_head(&service, request("ann", hello.to_string()), hello.to_string()).await;
    let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let begin = |message: Value| {
        let request = request("ann", message.to_string())
            .header("mcp-session-id", session.as_str())
            .header("mcp-protocol-version", "2025-06-18")
            .body(Body::from(message.to_string()));
        service.clone().oneshot(request.unwrap())
    };
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(begin(ready).await.unwrap().status(), StatusCode::ACCEPTED);
    let call = |id: i64| {
        let params = json!({"name": "delete_account", "arguments": {"id": "7"}});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
    };
    let first = begin(call(2)).await.unwrap();
    while fixture.waiting().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    fixture.approve().await;
    while fixture.runs() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(first);
    let done = answer(&whole(begin(call(3)).await.unwrap()).await);
    assert_eq!(done["result"]["isError"], false, "{done}");
    assert_eq!((fixture.runs(), fixture.waiting().await.len()), (1, 0));
    let next = answer(&whole(begin(call(4)).await.unwrap()).await);
    assert_eq!(next["result"]["isError"], true, "{next}");
    assert_eq!((fixture.runs(), fixture.waiting().await.len()), (1, 1));
}

/// Does what [`send`] does, for answers whose stream stays open.
async fn send_head(
    service: &McpHttpService,
    request: http::request::Builder,
    body: String,
) -> Response<()> {
    let request = request.body(Body::from(body)).unwrap();
    let answered = service.clone().oneshot(request).await.unwrap();
    let (head, body) = answered.into_parts();
    // Dropping it would end the request.
    drop(Arc::new(body));
    Response::from_parts(head, ())
}
