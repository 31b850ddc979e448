//! An upstream whose tools a test writes, and which keeps every line that it receives.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::installed::{Installed, text};

/// The upstream's two files.
pub(crate) struct Upstream {
    folder: TempDir,
}

impl Upstream {
    pub(crate) fn with(tools: &Value) -> Self {
        let upstream = Self { folder: tempfile::tempdir().unwrap() };
        upstream.list(tools);
        std::fs::write(upstream.log(), "").unwrap();
        upstream
    }

    /// Tools that read and that write, as servers describe them.
    pub(crate) fn new() -> Self {
        Self::with(&json!([
            tool("read_note", true, "Reads a note."),
            tool("send_note", false, "Sends a note."),
            tool("drop_note", false, "Drops a note."),
        ]))
    }

    /// Changes the tools. A running server says so within a moment.
    pub(crate) fn list(&self, tools: &Value) {
        self.list_text(&tools.to_string());
    }

    /// Changes the tools to exactly this text.
    pub(crate) fn list_text(&self, tools: &str) {
        // As a whole: the server may read at any time.
        let new = self.folder.path().join("new.json");
        std::fs::write(&new, tools).unwrap();
        std::fs::rename(new, self.tools()).unwrap();
    }

    pub(crate) fn command(&self, installed: &Installed) -> Vec<String> {
        let mut command = installed.script("upstream.js");
        command.extend([text(&self.log()), text(&self.tools())]);
        command
    }

    /// Returns every line that the server received.
    pub(crate) fn received(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap()
    }

    /// Returns how often a tool ran.
    pub(crate) fn runs(&self, tool: &str) -> usize {
        let ran = format!("ran {tool}");
        self.received().lines().filter(|line| **line == *ran).count()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log.txt")
    }

    fn tools(&self) -> PathBuf {
        self.folder.path().join("tools.json")
    }
}

/// Returns the description of a tool that takes a text and a number.
pub(crate) fn tool(name: &str, read_only: bool, description: &str) -> Value {
    json!({
        "name": name,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": {"note": {"type": "string"}, "n": {"type": "number"}},
        },
        "annotations": {"readOnlyHint": read_only, "destructiveHint": false, "openWorldHint": false},
    })
}
