//! Serving over HTTP.

use std::sync::Arc;

use axum::body::Body;
use hitl_mcp::server::{
    Caller, HttpSettings, Identity, McpHttpService, McpServer, RunOf, UnknownCaller,
};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::client::{Fixture, RUN, all, forms, says};

/// Serves the fixture to the person whom the header `authorization` names.
fn service(fixture: &Fixture) -> McpHttpService {
    let identity = Identity::of_request(|request| {
        let token = request.headers.get("authorization").and_then(|token| token.to_str().ok());
        match token {
            Some("Bearer ann-token") => Ok(Caller::new("ann")),
            Some("Bearer bob-token") => Ok(Caller::new("bob")),
            _ => Err(UnknownCaller::new("sign in first")),
        }
    });
    let server = McpServer::builder(fixture.gate.clone(), identity).run(RunOf::fixed(RUN));
    server.build().unwrap().http_service(HttpSettings::default())
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
struct Stateless {
    service: McpHttpService,
    who: &'static str,
    capabilities: Value,
}

impl Stateless {
    async fn post(&self, body: String, name: Option<&str>) -> Response<String> {
        let mut request =
            request(self.who, body.clone()).header("mcp-protocol-version", "2026-07-28");
        if let Some(name) = name {
            request = request.header("mcp-name", name);
        }
        send(&self.service, request, body).await
    }

    fn meta(&self) -> Value {
        json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
        })
    }

    async fn call(&self, tool: &str, mut params: Value) -> Value {
        params["name"] = json!(tool);
        params["_meta"] = self.meta();
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        answer(&self.post(body.to_string(), Some(tool)).await)
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
    let answered = service.clone().oneshot(request).await.unwrap();
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
