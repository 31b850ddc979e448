//! Official clients as real processes, driven step by step.

use serde_json::{Value, json};

use crate::installed::Installed;
use crate::lines::Lines;

/// An official client, and how it negotiates the version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The TypeScript SDK, version 1.
    TypeScript1,
    /// The TypeScript SDK, version 2, which asks the server.
    TypeScript2,
    /// The same, pinned to 2026-07-28.
    TypeScript2Pinned,
    /// The Python SDK, which asks the server.
    Python,
    /// The same, in the era of sessions.
    PythonLegacy,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::TypeScript1,
        Self::TypeScript2,
        Self::TypeScript2Pinned,
        Self::Python,
        Self::PythonLegacy,
    ];

    /// Returns whether it speaks 2026-07-28 with a server that knows it.
    pub(crate) fn is_modern(self) -> bool {
        !matches!(self, Self::TypeScript1 | Self::PythonLegacy)
    }

    fn version(self) -> &'static str {
        match self {
            Self::TypeScript1 | Self::TypeScript2 | Self::Python => "auto",
            Self::TypeScript2Pinned => "2026-07-28",
            Self::PythonLegacy => "legacy",
        }
    }

    fn command(self, installed: &Installed) -> Vec<String> {
        match self {
            Self::TypeScript1 => installed.script("client_v1.js"),
            Self::TypeScript2 | Self::TypeScript2Pinned => installed.script("client_v2.js"),
            Self::Python | Self::PythonLegacy => {
                let script = installed.script("client.py").pop().unwrap();
                vec![crate::installed::text(&installed.python()), script]
            }
        }
    }
}

/// The address of a server, for a client that starts it or one that finds it.
pub(crate) enum Address {
    /// A command, for standard input and output.
    Command(Vec<String>),
    /// A URL of streamable HTTP.
    Url(String),
}

/// What the client can do for the server.
#[derive(Clone, Copy, Default)]
pub(crate) struct Abilities {
    /// It asks its user by forms, as the script of a call says.
    pub(crate) forms: bool,
    /// It follows tasks.
    pub(crate) tasks: bool,
}

/// A client that asks its user by forms.
pub(crate) const FORMS: Abilities = Abilities { forms: true, tasks: false };

/// A connected client.
pub(crate) struct Client {
    lines: Lines,
    /// What the server said about itself, and the version that was negotiated.
    pub(crate) about: Value,
}

/// A call that has been sent.
pub(crate) struct Call(Value);

impl Call {
    pub(crate) fn new(name: &str, arguments: Value) -> Self {
        Self(json!({"do": "call", "name": name, "arguments": arguments}))
    }

    /// Answers the next question of the server.
    pub(crate) fn answer(mut self, answer: Value) -> Self {
        match self.0.get_mut("answers").and_then(Value::as_array_mut) {
            Some(answers) => answers.push(answer),
            None => self.0["answers"] = json!([answer]),
        }
        self
    }

    /// The client gives up after so many milliseconds, as SDKs do after a minute.
    pub(crate) fn timeout(mut self, milliseconds: u32) -> Self {
        self.0["timeout"] = json!(milliseconds);
        self
    }

    /// Its user aborts after so many milliseconds.
    pub(crate) fn abort(mut self, milliseconds: u32) -> Self {
        self.0["abort"] = json!(milliseconds);
        self
    }
}

/// The result of a step, as the client's own code sees it.
#[derive(Debug)]
pub(crate) struct Seen(pub(crate) Value);

impl Seen {
    /// Returns the texts of the result's content.
    pub(crate) fn text(&self) -> String {
        let content = self.0["result"]["content"].as_array();
        let content = content.unwrap_or_else(|| panic!("no content: {}", self.0));
        content.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn is_error(&self) -> bool {
        self.0["result"]["isError"] == true
    }

    /// Returns the message of the error that the client's code caught.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.0["error"]["message"].as_str()
    }

    /// Returns the questions that the client's user was asked.
    pub(crate) fn asked(&self) -> &[Value] {
        self.0["asked"].as_array().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn progress(&self) -> &[Value] {
        self.0["progress"].as_array().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn events(&self) -> &[Value] {
        self.0["events"].as_array().map_or(&[], Vec::as_slice)
    }
}

impl Client {
    pub(crate) fn connect(
        installed: &Installed,
        kind: Kind,
        address: &Address,
        abilities: Abilities,
    ) -> Self {
        match Self::try_connect(installed, kind, address, abilities) {
            Ok(client) => client,
            Err(error) => panic!("{kind:?} did not connect: {error}"),
        }
    }

    /// Connects, or returns the error that the client's code caught.
    pub(crate) fn try_connect(
        installed: &Installed,
        kind: Kind,
        address: &Address,
        Abilities { forms, tasks }: Abilities,
    ) -> Result<Self, Value> {
        let server = match address {
            Address::Command(command) => json!({"command": command[0], "args": command[1..]}),
            Address::Url(url) => json!({"url": url}),
        };
        let mut lines = Lines::start(&kind.command(installed));
        let connect = json!({
            "server": server, "version": kind.version(), "elicitation": forms, "tasks": tasks,
        });
        lines.send(&connect.to_string());
        let mut seen = lines.receive();
        if seen.get("error").is_some() {
            return Err(seen);
        }
        Ok(Self { lines, about: seen["about"].take() })
    }

    /// Returns the version that was negotiated.
    pub(crate) fn version(&self) -> &str {
        self.about["version"].as_str().unwrap_or_default()
    }

    pub(crate) fn list(&mut self) -> Vec<Value> {
        self.lines.send(&json!({"do": "list"}).to_string());
        let mut seen = self.lines.receive();
        match seen["tools"].take() {
            Value::Array(tools) => tools,
            _ => panic!("no tools: {seen}"),
        }
    }

    pub(crate) fn names(&mut self) -> Vec<String> {
        self.list().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn call(&mut self, call: &Call) -> Seen {
        self.send(call);
        self.seen()
    }

    /// Sends a call and returns while it waits; [`Client::seen`] returns its result.
    pub(crate) fn send(&mut self, call: &Call) {
        self.lines.send(&call.0.to_string());
    }

    pub(crate) fn seen(&self) -> Seen {
        Seen(self.lines.receive())
    }

    /// Sends a request of any method; of the TypeScript SDKs only.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Seen {
        let step = json!({"do": "request", "method": method, "params": params});
        self.lines.send(&step.to_string());
        self.seen()
    }

    /// Closes the client, and with it the server that it started.
    pub(crate) fn close(self) {
        assert!(self.lines.close(), "a client did not end");
    }
}
