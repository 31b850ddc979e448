//! A client of raw JSON-RPC, and the gate that it calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hitl_base::JsonText;
use hitl_core::call::{Permit, ToolConfig};
use hitl_core::dynamic::{DynArguments, DynSpec, DynTool};
use hitl_core::{ApprovalRequest, Gate, GateBuilder, Risk, RunId, Tenant};
use hitl_mcp::server::{Identity, McpServer, McpServerBuilder, RunOf};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};

/// The run of every call.
pub(crate) const RUN: &str = "test";

/// A gate that counts the runs of its tools: `read_note` runs at once, `write_note` needs a quick
/// yes, `delete_account` a full review.
pub(crate) struct Fixture {
    pub(crate) gate: Gate,
    runs: Arc<Runs>,
}

#[derive(Default)]
struct Runs {
    number: AtomicUsize,
    last: std::sync::Mutex<String>,
}

const NOTE: &str = r#"{"type":"object","properties":{"text":{"type":"string"},"number":{"type":"number"}},"required":["text"]}"#;
const ID: &str = r#"{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}"#;

pub(crate) fn auto() -> ToolConfig {
    let mut config = ToolConfig::DEFAULT.risk(Risk::Low).base_confidence(99);
    config.hints.read_only = true;
    config
}

pub(crate) fn quick() -> ToolConfig {
    ToolConfig::DEFAULT.risk(Risk::Medium).base_confidence(70)
}

pub(crate) fn full() -> ToolConfig {
    ToolConfig::DEFAULT.risk(Risk::Critical).base_confidence(5)
}

fn tools(runs: &Arc<Runs>, description: &str) -> Vec<DynTool> {
    let tool = |name: &'static str, schema: &str, config: ToolConfig| {
        let runs = Arc::clone(runs);
        let body = move |permit: Permit<DynArguments>| {
            let (arguments, _) = permit.open();
            runs.number.fetch_add(1, Ordering::SeqCst);
            arguments.json().clone_into(&mut runs.last.lock().unwrap());
            let output = format!(r#"{{"ran":"{name}"}}"#);
            async move { JsonText::new(output) }
        };
        DynTool::new(DynSpec::new(name, description).config(config), schema, body).unwrap()
    };
    vec![
        tool("read_note", r#"{"type":"object"}"#, auto()),
        tool("write_note", NOTE, quick()),
        tool("delete_account", ID, full()),
    ]
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::over(Gate::builder()).await
    }

    pub(crate) async fn over(builder: GateBuilder) -> Self {
        let runs = Arc::new(Runs::default());
        let tools = tools(&runs, "A tool.");
        let gate = tools.into_iter().fold(builder, GateBuilder::dyn_tool).build().await.unwrap();
        Self { gate, runs }
    }

    /// Replaces the tools by others that are described in another way.
    pub(crate) async fn describe_tools(&self, description: &str) {
        self.gate.replace_dyn_tools(tools(&self.runs, description)).await.unwrap();
    }

    pub(crate) fn server(&self) -> McpServerBuilder {
        McpServer::builder(self.gate.clone(), Identity::fixed("ann")).run(RunOf::fixed(RUN))
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.number.load(Ordering::SeqCst)
    }

    /// The arguments of the last run.
    pub(crate) fn last_arguments(&self) -> String {
        self.runs.last.lock().unwrap().clone()
    }

    /// The requests that wait.
    pub(crate) async fn waiting(&self) -> Vec<ApprovalRequest> {
        let (tenant, run) = (Tenant::default(), RunId::new(RUN));
        self.gate.waiting_in_run(&tenant, &run, 100).await.unwrap()
    }

    /// The only request that waits.
    pub(crate) async fn only_waiting(&self) -> ApprovalRequest {
        let mut waiting = self.waiting().await;
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        waiting.remove(0)
    }

    /// Approves what waits, in another program.
    pub(crate) async fn approve(&self) {
        let request = self.only_waiting().await;
        self.gate.decide(request.approve().by("bob")).await.unwrap();
    }
}

/// A client of raw JSON-RPC.
pub(crate) struct Client {
    read: Lines<BufReader<ReadHalf<DuplexStream>>>,
    write: Option<WriteHalf<DuplexStream>>,
    next: i64,
    capabilities: Value,
    /// `None` for a client with a handshake.
    meta: Option<Value>,
    pub(crate) served: tokio::task::JoinHandle<Result<(), hitl_mcp::server::ServeError>>,
}

pub(crate) fn all() -> Value {
    json!({"elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}})
}

pub(crate) fn forms() -> Value {
    json!({"elicitation": {"form": {}}})
}

impl Client {
    /// Connects without a word.
    pub(crate) fn silent(server: McpServerBuilder) -> Self {
        let built = server.build().unwrap();
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let serving = tokio::spawn(async move {
            let (read, write) = tokio::io::split(theirs);
            built.serve(read, write).await
        });
        Self { served: serving, ..Self::over(ours) }
    }

    /// A client without a word over a stream to a server that is served already.
    pub(crate) fn over(stream: DuplexStream) -> Self {
        let (read, write) = tokio::io::split(stream);
        let (read, served) = (BufReader::new(read).lines(), tokio::spawn(async { Ok(()) }));
        Self { read, write: Some(write), next: 1, capabilities: json!({}), meta: None, served }
    }

    /// A client of 2026-07-28.
    pub(crate) fn stateless(server: McpServerBuilder, capabilities: Value) -> Self {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        Self { meta: Some(meta), capabilities, ..Self::silent(server) }
    }

    /// A client of an older version, after its handshake.
    pub(crate) async fn session(
        server: McpServerBuilder,
        version: &str,
        capabilities: Value,
    ) -> Self {
        let mut client = Self { capabilities, ..Self::silent(server) };
        let hello = json!({
            "protocolVersion": version,
            "capabilities": client.capabilities,
            "clientInfo": {"name": "test", "version": "1"},
        });
        let answer = client.request("initialize", hello).await;
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        client.notify("notifications/initialized", json!({})).await;
        client
    }

    pub(crate) async fn send_line(&mut self, line: &str) {
        let write = self.write.as_mut().unwrap();
        write.write_all(line.as_bytes()).await.unwrap();
        write.write_all(b"\n").await.unwrap();
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string()).await;
    }

    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    /// Sends a request, and returns its id.
    pub(crate) async fn begin(&mut self, method: &str, mut params: Value) -> i64 {
        let id = self.next;
        self.next += 1;
        if let Some(meta) = &self.meta {
            for (key, value) in meta.as_object().unwrap() {
                params["_meta"][key] = value.clone();
            }
        }
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        id
    }

    /// Returns the next message. A server that is silent for an hour has none.
    pub(crate) async fn receive(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(3_600), self.read.next_line());
        let line = line.await.unwrap().unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Returns the answer to a request. What comes before it is dropped.
    pub(crate) async fn answer(&mut self, id: i64) -> Value {
        loop {
            let message = self.receive().await;
            let answers = message.get("result").is_some() || message.get("error").is_some();
            if answers && message["id"] == id {
                return message;
            }
        }
    }

    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params).await;
        self.answer(id).await
    }

    pub(crate) async fn begin_call(&mut self, tool: &str, arguments: Value) -> i64 {
        self.begin("tools/call", json!({"name": tool, "arguments": arguments})).await
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({"name": tool, "arguments": arguments})).await
    }

    /// Calls with arguments as this text.
    pub(crate) async fn call_text(&mut self, tool: &str, arguments: &str) -> Value {
        let id = self.next;
        self.next += 1;
        let meta = self.meta.clone().unwrap_or_else(|| json!({}));
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},"_meta":{meta}}}}}"#
        );
        self.send_line(&line).await;
        self.answer(id).await
    }

    /// Comes back with an answer to a question.
    pub(crate) async fn retry(
        &mut self,
        tool: &str,
        arguments: Value,
        state: &Value,
        answer: Value,
    ) -> Value {
        let id = self.begin_retry(tool, arguments, state, answer).await;
        self.answer(id).await
    }

    pub(crate) async fn begin_retry(
        &mut self,
        tool: &str,
        arguments: Value,
        state: &Value,
        answer: Value,
    ) -> i64 {
        let responses = json!({"approval": answer});
        let params = json!({
            "name": tool, "arguments": arguments, "requestState": state, "inputResponses": responses,
        });
        self.begin("tools/call", params).await
    }

    /// Closes what the server reads.
    pub(crate) async fn close(&mut self) {
        if let Some(mut write) = self.write.take() {
            let _ = write.shutdown().await;
        }
    }
}

/// The answer of a person who decides in a form.
pub(crate) fn says(decision: &str) -> Value {
    json!({"action": "accept", "content": {"decision": decision, "reason": "because"}})
}

/// The text of a result.
pub(crate) fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

/// The state with which to come back.
pub(crate) fn state(answer: &Value) -> Value {
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    answer["result"]["requestState"].clone()
}

pub(crate) fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{answer}"))
}
