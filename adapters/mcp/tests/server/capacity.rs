//! More requests than a server serves at a time, and upstreams that never answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hitl_mcp::server::ServerFeatures;
use rmcp::model::{
    ReadResourceRequestParams, ReadResourceResponse, ResourcesCapability, ServerCapabilities,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::json;

use super::client::{Client, Fixture, code, text};

/// Upstreams that never answer. Counts those that are asked now.
#[derive(Default)]
struct Silent(Arc<AtomicUsize>);

struct Asked(Arc<AtomicUsize>);

impl Silent {
    async fn wait(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        let _asked = Asked(Arc::clone(&self.0));
        std::future::pending::<()>().await;
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ServerFeatures for Silent {
    fn capabilities(&self, mut own: ServerCapabilities) -> ServerCapabilities {
        own.resources = Some(ResourcesCapability::default());
        own
    }

    async fn prepare_call(&self, _tool: &str) {
        self.wait().await;
    }

    async fn read_resource(
        &self,
        _request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.wait().await;
        Err(ErrorData::internal_error("never", None))
    }
}

async fn served() -> (Fixture, Client, Arc<AtomicUsize>) {
    let fixture = Fixture::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let server = fixture.server().features(Arc::new(Silent(Arc::clone(&asked))));
    let client = Client::session(server, "2025-11-25", json!({})).await;
    (fixture, client, asked)
}

async fn until(asked: &AtomicUsize, number: usize) {
    while asked.load(Ordering::SeqCst) != number {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_their_upstream_have_a_place_each() {
    let (fixture, mut client, asked) = served().await;
    for _ in 0..4_096 {
        client.begin_call("read_note", json!({})).await;
    }
    until(&asked, 4_096).await;
    let busy = client.call("read_note", json!({})).await;
    assert!(text(&busy).starts_with("The server is busy"), "{busy}");
    assert_eq!(fixture.runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn invariant_13_calls_are_limited_by_the_size_of_their_arguments() {
    let fixture = Fixture::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let features = Arc::new(Silent(Arc::clone(&asked)));
    let server = fixture.server().features(features).build().unwrap();
    let connect = || {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let server = server.clone();
        tokio::spawn(async move {
            let (read, write) = tokio::io::split(theirs);
            server.serve(read, write).await
        });
        Client::over(ours)
    };
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let long = json!({"text": "x".repeat(4_000_000)});
    // One client alone takes at most 64 MiB, and all together 96 MiB.
    let (mut one, mut other) = (connect(), connect());
    for (client, calls, answer) in [(&mut one, 16, "of this client"), (&mut other, 9, "is busy")] {
        client.request("initialize", hello.clone()).await;
        client.notify("notifications/initialized", json!({})).await;
        let before = asked.load(Ordering::SeqCst);
        for number in 1..=calls {
            client.begin_call("write_note", long.clone()).await;
            until(&asked, before + number).await;
        }
        let refused = client.call("write_note", long.clone()).await;
        assert!(refused.to_string().contains(answer), "{refused}");
    }
    assert_eq!((fixture.runs(), fixture.waiting().await.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_before_it_was_submitted_is_not() {
    let (fixture, mut client, asked) = served().await;
    let id = client.begin_call("write_note", json!({"text": "hi"})).await;
    until(&asked, 1).await;
    client.notify("notifications/cancelled", json!({"requestId": id})).await;
    until(&asked, 0).await;
    assert_eq!((fixture.runs(), fixture.waiting().await.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_resource_is_waited_for_until_it_is_cancelled_or_too_late() {
    let (_fixture, mut client, asked) = served().await;
    let id = client.begin("resources/read", json!({"uri": "a:b"})).await;
    until(&asked, 1).await;
    client.notify("notifications/cancelled", json!({"requestId": id})).await;
    until(&asked, 0).await;
    let began = tokio::time::Instant::now();
    let late = client.request("resources/read", json!({"uri": "a:b"})).await;
    assert_eq!((code(&late), began.elapsed().as_secs()), (-32603, 60), "{late}");
    until(&asked, 0).await;
}

#[tokio::test(start_paused = true)]
async fn resources_take_no_place_from_calls() {
    let (_fixture, mut client, asked) = served().await;
    for _ in 0..1_024 {
        client.begin("resources/read", json!({"uri": "a:b"})).await;
    }
    until(&asked, 1_024).await;
    let busy = client.request("resources/read", json!({"uri": "a:b"})).await;
    assert!(busy["error"]["message"].as_str().unwrap().contains("busy"), "{busy}");
    client.begin_call("read_note", json!({})).await;
    until(&asked, 1_025).await;
}
