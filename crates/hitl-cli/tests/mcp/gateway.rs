//! The program as a gateway, with a client that writes raw JSON.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The variable with the options of the fixture, one a line.
pub(crate) const FIXTURE: &str = "FIXTURE_UPSTREAM";

/// A folder with a store, pins and what the server notes.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn said(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Runs `hitl` on the store; the lines that it prints are JSON.
    pub(crate) fn hitl(&self, arguments: &[&str]) -> (i32, Vec<Value>, String) {
        let db = self.said("mcp.db");
        let all = [&["--db", &db, "--json"], arguments].concat();
        let done = program(&all).stdin(Stdio::null()).output().unwrap();
        let out = String::from_utf8(done.stdout).unwrap();
        let lines = out.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        (done.status.code().unwrap(), lines, String::from_utf8(done.stderr).unwrap())
    }

    /// Approves the only call that waits, from another process.
    pub(crate) fn approve_the_only_call(&self) {
        let (_, calls, err) = self.hitl(&["queue"]);
        let [call] = calls.as_slice() else { panic!("{calls:?} {err}") };
        let (id, binding) = (call["id"].as_str().unwrap(), call["binding"].as_str().unwrap());
        let (code, _, err) = self.hitl(&["approve", id, "--binding", binding, "--as", "ann"]);
        assert_eq!(code, 0, "{err}");
    }

    /// The lines that the server noted for each tool that ran.
    pub(crate) fn runs(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("runs")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// Returns the program, without any variable of this environment that it would read.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hitl"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HITL_") {
            command.env_remove(name);
        }
    }
    command.env("USER", "ann").args(arguments);
    command
}

/// A gateway that runs. It is killed when it is dropped, as with `kill -9`.
pub(crate) struct RunningGateway {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    log: Option<JoinHandle<String>>,
    next: u64,
}

impl RunningGateway {
    pub(crate) fn start(place: &Place, options: &[&str]) -> Self {
        let db = place.said("mcp.db");
        let fixed = ["--db", &db, "mcp", "--pin-first-use", "--trust-hints", "--hold", "0"];
        let fixture = std::env::current_exe().unwrap();
        let fixture = fixture.to_str().unwrap();
        let server = ["--", fixture, "--exact", "fixture_upstream", "--nocapture"];
        let noted = format!("--runs\n{}", place.said("runs"));
        let mut child = program(&[&fixed[..], options, &server].concat())
            .env(FIXTURE, noted)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            // What is no text is of the server.
            let _ = errors.read_to_string(&mut text);
            text
        });
        let output = BufReader::new(child.stdout.take().unwrap());
        let input = child.stdin.take();
        Self { child, input, output, log: Some(log), next: 1 }
    }

    /// Starts a gateway, and shakes hands with it as a client of 2025-11-25.
    pub(crate) fn greeted(place: &Place, options: &[&str]) -> Self {
        let mut gateway = Self::start(place, options);
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}});
        let answer = gateway.request("initialize", &hello);
        assert!(answer["result"].is_object(), "{answer}");
        gateway.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        gateway
    }

    fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{message}\n").as_bytes()).unwrap();
        input.flush().unwrap();
    }

    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).unwrap();
            if read == 0 {
                panic!("the gateway has ended: {}", self.log.take().unwrap().join().unwrap());
            }
            let message: Value = serde_json::from_str(&line).expect(&line);
            if message["id"] == json!(id) {
                return message;
            }
        }
    }

    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.request("tools/call", &json!({"name": tool, "arguments": arguments}))["result"].clone()
    }

    /// Repeats a call until it has an outcome.
    pub(crate) fn until_ended(&mut self, tool: &str, arguments: &Value) -> Value {
        loop {
            let result = self.call(tool, arguments);
            let said = text(&result);
            if !said.contains("waits for") && !said.contains("is running") {
                return result;
            }
            std::thread::yield_now();
        }
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Closes its input, and returns its exit code and what it has logged.
    pub(crate) fn close(mut self) -> (i32, String) {
        drop(self.input.take());
        let status = self.child.wait().unwrap();
        (status.code().unwrap_or(-1), self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for RunningGateway {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of a result.
pub(crate) fn text(result: &Value) -> String {
    result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}
