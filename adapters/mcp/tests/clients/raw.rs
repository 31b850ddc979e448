//! A client without an SDK: JSON-RPC, to the byte.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::lines::Lines;

/// A connection of the modern era, which has no handshake, or of the older one.
pub(crate) struct Raw {
    pub(crate) lines: Lines,
    next: u64,
    /// Responses to requests other than the awaited one.
    early: HashMap<u64, Value>,
    /// Notifications, in the order in which they came.
    pub(crate) notifications: Vec<Value>,
}

/// What a modern client says of itself with each request.
pub(crate) fn meta(capabilities: &Value) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "hitl-test-raw", "version": "1.0.0"},
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    })
}

/// The capabilities of a client that has forms.
pub(crate) fn forms() -> Value {
    json!({"elicitation": {"form": {}}})
}

/// The capabilities of a client that follows tasks.
pub(crate) fn tasks() -> Value {
    json!({"extensions": {"io.modelcontextprotocol/tasks": {}}})
}

impl Raw {
    pub(crate) fn start(command: &[String]) -> Self {
        Self {
            lines: Lines::start(command),
            next: 1,
            early: HashMap::new(),
            notifications: Vec::new(),
        }
    }

    /// Starts a server and shakes hands as clients of 2025-11-25 do.
    pub(crate) fn initialized(command: &[String], capabilities: &Value) -> Self {
        let mut raw = Self::start(command);
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": {"name": "hitl-test-raw", "version": "1.0.0"},
        });
        let answer = raw.ask("initialize", params);
        assert!(answer.get("result").is_some(), "{answer}");
        raw.lines.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        raw
    }

    /// Sends a request; returns its id.
    pub(crate) fn send(&mut self, method: &str, params: Value) -> u64 {
        let id = self.take_id();
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.lines.send(&request.to_string());
        id
    }

    /// Returns the id of the next request, for one that is written by hand.
    pub(crate) fn take_id(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        id
    }

    /// Returns the response to a request.
    pub(crate) fn response(&mut self, id: u64) -> Value {
        loop {
            if let Some(response) = self.early.remove(&id) {
                return response;
            }
            let message = self.lines.receive();
            match message["id"].as_u64() {
                Some(other) if message.get("method").is_none() => {
                    self.early.insert(other, message);
                }
                _ => self.notifications.push(message),
            }
        }
    }

    /// Sends a request and returns its response.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        self.response(id)
    }
}

/// The parameters of a call by a modern client.
pub(crate) fn call(name: &str, arguments: &Value, capabilities: &Value) -> Value {
    json!({"name": name, "arguments": arguments, "_meta": meta(capabilities)})
}

/// The parameters of the same call once more, with the answers to its questions.
pub(crate) fn answered(call: &Value, question: &Value, answer: &Value) -> Value {
    let mut again = call.clone();
    let keys = question["inputRequests"].as_object().unwrap().keys();
    let answers = keys.map(|key| (key.clone(), answer.clone())).collect::<serde_json::Map<_, _>>();
    again["inputResponses"] = Value::Object(answers);
    if let Some(state) = question.get("requestState") {
        again["requestState"] = state.clone();
    }
    again
}
