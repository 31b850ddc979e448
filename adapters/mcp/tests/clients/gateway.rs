//! `hitl mcp` before a server, with a store, a policy and pins of its own.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::client::Address;
use crate::installed::text;
use crate::program::hitl;

/// The reviewer who decides from the command line.
const REVIEWER: &str = "bob";

/// A rule file whose only rule is that this level is needed at least, for calls of tools that
/// write.
pub(crate) fn writes_need(effect: &str) -> String {
    format!(
        "schema = 1\nversion = \"1\"\n\n[[rule]]\nname = \"writes\"\neffect = \"{effect}\"\n\
         hints = {{ read_only = false }}\n"
    )
}

/// A gateway's files, and the command that starts it.
pub(crate) struct Gateway {
    folder: TempDir,
    upstream: Vec<String>,
    options: Vec<String>,
}

impl Gateway {
    pub(crate) fn before(upstream: Vec<String>) -> Self {
        let gateway = Self { folder: tempfile::tempdir().unwrap(), upstream, options: Vec::new() };
        gateway.policy(&writes_need("quick"));
        gateway
    }

    /// Replaces the rules.
    pub(crate) fn policy(&self, rules: &str) {
        std::fs::write(self.folder.path().join("policy.toml"), rules).unwrap();
    }

    /// Adds options of `hitl mcp`.
    pub(crate) fn options(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> String {
        text(&self.folder.path().join(name))
    }

    /// Returns the command that clients start.
    pub(crate) fn command(&self) -> Vec<String> {
        let mut command = vec![text(&hitl()), "mcp".to_owned()];
        for (option, file) in
            [("--db", "hitl.db"), ("--policy", "policy.toml"), ("--pins", "pins.json")]
        {
            command.extend([option.to_owned(), self.path(file)]);
        }
        let settings = ["--principal", "ann", "--pin-first-use", "--trust-hints"];
        command.extend(settings.map(str::to_owned));
        command.extend(self.options.iter().cloned());
        command.push("--".to_owned());
        command.extend(self.upstream.iter().cloned());
        command
    }

    pub(crate) fn address(&self) -> Address {
        Address::Command(self.command())
    }

    /// Runs `hitl` on the gateway's store, as a person at a terminal would. Returns what it
    /// printed.
    pub(crate) fn hitl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(hitl());
        for name in ["HITL_DB", "HITL_URL", "HITL_APPROVER", "HITL_AUDIT", "HITL_KEY_FILE"] {
            command.env_remove(name);
        }
        command.args(["--db", &self.path("hitl.db")]).args(arguments);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "hitl {arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `hitl mcp pins` on the gateway's pins. Returns what it printed.
    pub(crate) fn pins(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(hitl());
        command.args(["mcp", "pins"]).args(arguments).args(["--pins", &self.path("pins.json")]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        // `diff` tells by its exit code that there is a difference.
        assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the calls that wait for a decision.
    pub(crate) fn pending(&self) -> Vec<Value> {
        let listed = self.hitl(&["queue", "--json"]);
        listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until exactly one call waits for a decision, and returns it.
    pub(crate) fn the_pending_call(&self) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let mut pending = self.pending();
            assert!(pending.len() <= 1, "{} calls wait: {pending:?}", pending.len());
            if let Some(call) = pending.pop() {
                return call;
            }
            assert!(Instant::now() < until, "no call waits");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// A reviewer approves a call that they have looked at.
    pub(crate) fn approve(&self, call: &Value) {
        let (id, binding) = (call["id"].as_str().unwrap(), call["binding"].as_str().unwrap());
        self.hitl(&["approve", id, "--binding", binding, "--as", REVIEWER]);
    }

    /// A reviewer rejects a call.
    pub(crate) fn reject(&self, call: &Value, reason: &str) {
        let id = call["id"].as_str().unwrap();
        self.hitl(&["reject", id, "--reason", reason, "--as", REVIEWER]);
    }
}
