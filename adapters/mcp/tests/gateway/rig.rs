//! A gateway with a client, for tests.

use std::path::PathBuf;
use std::time::Duration;

use hitl_core::dynamic::AnnotationTrust;
use hitl_core::{ApprovalRequest, CallContext, Gate, RunId, Tenant};
use hitl_mcp::gateway::{FirstUse, Gateway, UpstreamCommand, UpstreamSpec};
use hitl_mcp::pins::PinFile;
use hitl_mcp::server::{CallClients, Elicitation, Identity, McpServer, RunOf};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::task::JoinHandle;

/// The variable with the options of the fixture, one a line.
pub(crate) const FIXTURE: &str = "FIXTURE_UPSTREAM";
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const RUN: &str = "a run";

/// How the gateway is set up.
pub(crate) struct Setup {
    pub(crate) first_use: FirstUse,
    pub(crate) trust: AnnotationTrust,
    pub(crate) modern: bool,
    pub(crate) names: &'static [&'static str],
    pub(crate) timeout: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            first_use: FirstUse::Pin,
            trust: AnnotationTrust::Believe,
            modern: false,
            names: &["fixture"],
            timeout: PATIENCE,
        }
    }
}

/// A gateway over the fixture.
pub(crate) struct Rig {
    pub(crate) folder: TempDir,
    pub(crate) gate: Gate,
    pub(crate) gateway: Gateway,
    pub(crate) client: Client,
}

/// The command of the fixture: this program, as one test.
pub(crate) fn fixture(options: &[String]) -> UpstreamCommand {
    let program = std::env::current_exe().unwrap().display().to_string();
    UpstreamCommand::new(program, ["--exact", "fixture_upstream", "--nocapture"])
        .env(FIXTURE, format!("\n{}", options.join("\n")))
}

impl Rig {
    pub(crate) async fn start(setup: Setup) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), setup).await
    }

    pub(crate) async fn start_in(folder: TempDir, setup: Setup) -> Self {
        let file = |name: &str| folder.path().join(name).display().to_string();
        let mut options = vec![
            "--runs".to_owned(),
            file("runs"),
            "--starts".to_owned(),
            file("starts"),
            "--tools".to_owned(),
            file("tools"),
        ];
        if setup.modern {
            options.push("--modern".to_owned());
        }
        let specs = setup.names.iter().map(|name| {
            let spec = UpstreamSpec::command(*name, fixture(&options));
            spec.trust(setup.trust).timeout(setup.timeout)
        });
        Self::over(folder, specs.collect(), setup.first_use).await
    }

    /// Starts a gateway over these servers.
    pub(crate) async fn over(
        folder: TempDir,
        specs: Vec<UpstreamSpec>,
        first_use: FirstUse,
    ) -> Self {
        Self::with_client(folder, specs, first_use, json!({"elicitation": {}})).await
    }

    /// Starts a gateway whose client declares these capabilities.
    pub(crate) async fn with_client(
        folder: TempDir,
        specs: Vec<UpstreamSpec>,
        first_use: FirstUse,
        capabilities: Value,
    ) -> Self {
        let gate = Gate::builder().requester_may_decide().build().await.unwrap();
        let clients = CallClients::default();
        let pins = PinFile::new(folder.path().join("pins.json"));
        let mut builder =
            Gateway::builder(gate.clone(), clients.clone(), pins).first_use(first_use);
        for spec in specs {
            builder = builder.upstream(spec);
        }
        let mut gateway = builder.start().await.unwrap();
        let server = McpServer::builder(gate.clone(), Identity::fixed(CallContext::new("ann")))
            .run(RunOf::fixed(RUN))
            .elicitation(Elicitation::Off)
            .hold(Duration::from_millis(1))
            .features(gateway.features())
            .clients(clients)
            .build()
            .unwrap();
        gateway.announce_to(server.clone());
        let client = Client::connect(server, capabilities).await;
        Self { folder, gate, gateway, client }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The lines that the fixture noted for each tool that ran.
    pub(crate) fn runs(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("runs")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn starts(&self) -> usize {
        std::fs::read_to_string(self.path("starts")).unwrap_or_default().lines().count()
    }

    pub(crate) fn pins(&self) -> PinFile {
        PinFile::new(self.path("pins.json"))
    }

    /// Writes what the fixture lists from now on.
    pub(crate) fn set_tools(&self, tools: &str) {
        std::fs::write(self.path("tools"), tools).unwrap();
    }

    pub(crate) async fn waiting(&self) -> Vec<ApprovalRequest> {
        self.gate.waiting_in_run(&Tenant::default(), &RunId::new(RUN), 10).await.unwrap()
    }

    /// Calls a tool that waits, approves it, and returns the result of the same call again.
    pub(crate) async fn call_approved(&mut self, tool: &str, arguments: &str) -> Value {
        let waits = self.client.call(tool, arguments).await;
        assert!(text(&waits).contains("waits for a human"), "{waits}");
        let waiting = self.waiting().await;
        let [request] = waiting.as_slice() else { panic!("{waiting:?}") };
        self.gate.decide(request.approve().by("ann")).await.unwrap();
        self.until_ended(tool, arguments).await
    }

    /// Repeats a call until it has an outcome.
    pub(crate) async fn until_ended(&mut self, tool: &str, arguments: &str) -> Value {
        let ended = async {
            loop {
                let result = self.client.call(tool, arguments).await;
                if !text(&result).contains("is running") && !text(&result).contains("waits for") {
                    return result;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("the call does not end")
    }
}

/// The text of a result.
pub(crate) fn text(result: &Value) -> String {
    result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

/// A client that writes raw JSON.
pub(crate) struct Client {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    write: WriteHalf<DuplexStream>,
    _serving: JoinHandle<()>,
    next: u64,
    pub(crate) notifications: Vec<Value>,
    /// What the user answers to a question.
    pub(crate) answer: Value,
    pub(crate) questions: Vec<Value>,
}

impl Client {
    async fn connect(server: McpServer, capabilities: Value) -> Self {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (read, write) = tokio::io::split(far);
        let serving = tokio::spawn(async move { drop(server.serve(read, write).await) });
        let (read, write) = tokio::io::split(near);
        let mut client = Self {
            lines: BufReader::new(read).lines(),
            write,
            _serving: serving,
            next: 1,
            notifications: Vec::new(),
            answer: json!({"action": "accept", "content": {"colour": "green"}}),
            questions: Vec::new(),
        };
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities,
            "clientInfo": {"name": "test", "version": "1"}});
        let answer = client.request("initialize", &hello.to_string()).await;
        assert!(answer["result"]["serverInfo"].is_object(), "{answer}");
        client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        client
    }

    pub(crate) async fn send(&mut self, line: &str) {
        self.write.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Sends a request, and returns the whole answer.
    pub(crate) async fn request(&mut self, method: &str, params: &str) -> Value {
        let id = self.next;
        self.next += 1;
        self.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#
        ))
        .await;
        loop {
            let message = self.next_message().await;
            if message["id"] == json!(id) && message.get("method").is_none() {
                return message;
            }
        }
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: &str) -> Value {
        let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
        let answer = self.request("tools/call", &params).await;
        answer.get("result").cloned().unwrap_or(answer)
    }

    pub(crate) async fn tools(&mut self) -> Vec<Value> {
        let answer = self.request("tools/list", "{}").await;
        answer["result"]["tools"].as_array().cloned().unwrap_or_default()
    }

    pub(crate) async fn tool_names(&mut self) -> Vec<String> {
        let tools = self.tools().await;
        tools.iter().map(|tool| tool["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Waits until exactly these tools are listed, after each word that the list has changed.
    pub(crate) async fn until_tools(&mut self, expected: &[&str]) {
        while self.tool_names().await != expected {
            self.notified("notifications/tools/list_changed").await;
        }
    }

    /// Waits for a notification of this method.
    pub(crate) async fn notified(&mut self, method: &str) -> Value {
        loop {
            let found = self.notifications.iter().position(|it| it["method"] == method);
            if let Some(at) = found {
                return self.notifications.remove(at);
            }
            self.next_message().await;
        }
    }

    async fn next_message(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.expect("no message comes").unwrap().expect("the server has gone");
        let message: Value = serde_json::from_str(&line).unwrap();
        match (message.get("method"), message.get("id")) {
            (Some(_), None) => self.notifications.push(message.clone()),
            (Some(method), Some(id)) if method == "elicitation/create" => {
                self.questions.push(message.clone());
                let answer = json!({"jsonrpc": "2.0", "id": id, "result": self.answer});
                self.send(&answer.to_string()).await;
            }
            (Some(method), Some(id)) if method == "sampling/createMessage" => {
                self.questions.push(message.clone());
                let written = json!({"role": "assistant", "model": "m",
                    "content": {"type": "text", "text": "hello"}});
                let answer = json!({"jsonrpc": "2.0", "id": id, "result": written});
                self.send(&answer.to_string()).await;
            }
            _ => {}
        }
        message
    }
}
