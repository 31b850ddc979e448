//! The options of `hitl mcp`, on the command line or in a file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use hitl_core::Risk;
use serde::Deserialize;

use crate::exit::{Exit, Failure};

/// The arguments of `mcp`.
#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct McpArgs {
    #[command(subcommand)]
    pub(super) command: Option<McpCommand>,
    /// A TOML file with options, named as here, and with servers: `[servers.files]` with `command`,
    /// `args` and `env`, or `url`. What the command line gives counts instead.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) options: McpOptions,
    /// The command that starts the server, after `--`.
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) server: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum McpCommand {
    /// List, compare and approve the definitions of tools.
    Pins {
        #[command(subcommand)]
        command: PinsCommand,
    },
    /// Wrap the servers that a client's configuration names, so that their calls pass through hitl.
    /// The file is copied first; a second time changes nothing.
    Install(InstallArgs),
    /// Take the wrapping back.
    Uninstall(InstallArgs),
}

/// What is done with pins.
#[derive(Debug, Subcommand)]
pub(super) enum PinsCommand {
    /// List the tools of all servers, and how they stand: pinned, new, changed or vanished.
    List,
    /// Show how the definitions of tools differ from what was approved, and what new ones say.
    Diff(PinSelection),
    /// Approve definitions as they are now. Needs a person.
    Approve(ApproveArgs),
}

/// Which tools.
#[derive(Debug, Args)]
pub(super) struct PinSelection {
    /// The names of tools at their server [default: all that are not as approved].
    #[arg(value_name = "TOOL")]
    pub(super) tools: Vec<String>,
    /// The server, as `pins list` names it [default: all].
    #[arg(long, value_name = "NAME")]
    pub(super) server: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    #[command(flatten)]
    pub(super) selection: PinSelection,
    /// The beginning of the digest that `pins diff` shows, 8 digits or more. Needed where nobody
    /// can be asked; then one tool is approved at a time.
    #[arg(long, value_name = "DIGEST")]
    pub(super) digest: Option<String>,
    /// Who approves [default: the operating system's user].
    #[arg(long = "as", env = "HITL_APPROVER", value_name = "NAME")]
    pub(super) name: Option<String>,
    /// A one-time code, where people have enrolled.
    #[arg(long, env = "HITL_CODE", hide_env_values = true, value_name = "CODE")]
    pub(super) code: Option<String>,
}

/// A program that starts MCP servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Client {
    ClaudeDesktop,
    ClaudeCode,
    Cursor,
    Vscode,
    Codex,
    Gemini,
}

#[derive(Debug, Args)]
pub(super) struct InstallArgs {
    /// The client whose configuration is changed.
    pub(super) client: Client,
    /// The configuration file [default: where the client keeps it].
    #[arg(long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Only these servers (repeatable) [default: all].
    #[arg(long, value_name = "NAME")]
    pub(super) server: Vec<String>,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Options of `hitl mcp` for each server, after `--`: `-- --trust-hints --console
    /// 127.0.0.1:7171`.
    #[arg(last = true, value_name = "OPTIONS")]
    pub(super) options: Vec<String>,
}

/// Every option; also the form of the file.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct McpOptions {
    /// The store, in a file of options: as --db.
    #[arg(skip)]
    pub(super) db: Option<String>,
    /// A rule file: which calls run, are asked about, or are denied.
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// The folder of the audit log.
    #[arg(long, env = "HITL_AUDIT", value_name = "FOLDER")]
    pub(super) audit: Option<PathBuf>,
    /// The person for whom the client's agent acts [default: the operating system's user].
    #[arg(long, value_name = "NAME")]
    pub(super) principal: Option<String>,
    /// Somebody else must approve what needs a full approval. Without this, the person for whom the
    /// agent acts may.
    #[arg(long)]
    pub(super) four_eyes: bool,
    /// The run of the calls [default: one of this gateway, which survives a crash].
    #[arg(long, value_name = "NAME")]
    pub(super) run: Option<String>,
    /// Seconds for which a waiting call is held before the client has to ask again [default:
    /// 45].
    #[arg(long, value_name = "SECONDS")]
    pub(super) hold: Option<u64>,
    /// Do not ask people in their client.
    #[arg(long)]
    pub(super) no_elicitation: bool,
    /// The file of pins [default: beside the store].
    #[arg(long, value_name = "FILE", global = true, help_heading = "Definitions of tools")]
    pub(super) pins: Option<PathBuf>,
    /// Pin the tools of a server as it first lists them. Without this, each call of a tool needs a
    /// full approval until `hitl mcp pins approve`.
    #[arg(long, help_heading = "Definitions of tools")]
    pub(super) pin_first_use: bool,
    /// Believe what servers say of their pinned tools: that they only read, for example.
    #[arg(long, help_heading = "Definitions of tools")]
    pub(super) trust_hints: bool,
    /// Serve the reviewers' page at this address of this machine: 127.0.0.1:7171. The link to sign
    /// in is printed on standard error.
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Console")]
    pub(super) console: Option<SocketAddr>,
    /// The file of tokens with which reviewers sign in; then nothing secret is printed.
    #[arg(long, value_name = "FILE", help_heading = "Console")]
    pub(super) console_tokens: Option<PathBuf>,
    /// The server behind a URL, instead of a command.
    #[arg(long = "server-url", value_name = "URL", help_heading = "The server")]
    pub(super) server_url: Option<String>,
    /// The variable with the bearer token for --server-url.
    #[arg(long, value_name = "NAME", help_heading = "The server")]
    pub(super) bearer_token_env: Option<String>,
    /// The file with the bearer token for --server-url.
    #[arg(long, value_name = "FILE", help_heading = "The server")]
    pub(super) bearer_token_file: Option<PathBuf>,
    /// The name of the server, in lists and pins [default: its command].
    #[arg(long = "server-name", value_name = "NAME", help_heading = "The server")]
    pub(super) server_name: Option<String>,
    /// Seconds after which the outcome of a call counts as unknown [default: 600].
    #[arg(long, value_name = "SECONDS", help_heading = "The server")]
    pub(super) timeout: Option<u64>,
    /// What becomes of a server's request to have the client's model write something [default:
    /// refuse].
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "The server")]
    pub(super) sampling: Option<SamplingOption>,
    /// What a file of options says of tools of the only server, by name or pattern.
    #[arg(skip)]
    pub(super) tools: BTreeMap<String, ToolOptions>,
    /// The servers of a file of options.
    #[arg(skip)]
    pub(super) servers: BTreeMap<String, ServerOptions>,
}

/// A server in a file of options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServerOptions {
    pub(super) command: Option<String>,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) url: Option<String>,
    pub(super) bearer_token_env: Option<String>,
    pub(super) bearer_token_file: Option<PathBuf>,
    pub(super) trust_hints: Option<bool>,
    pub(super) timeout: Option<u64>,
    pub(super) sampling: Option<SamplingOption>,
    pub(super) tools: BTreeMap<String, ToolOptions>,
}

/// The treatment of a server's requests for sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SamplingOption {
    /// The server gets an error.
    Refuse,
    /// The client of the call is asked, if it has declared sampling; no gate sees what its model
    /// writes.
    Forward,
}

/// A tool, or the tools that match a pattern, in a file of options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ToolOptions {
    pub(super) title: Option<String>,
    pub(super) labels: Option<LabelOptions>,
    pub(super) approval_type: Option<String>,
    pub(super) risk: Option<Risk>,
    pub(super) trust_hints: Option<bool>,
}

/// The labels of the two buttons.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelOptions {
    pub(super) approve: String,
    pub(super) reject: String,
}

impl McpOptions {
    /// Reads a file of options.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        Self::parse(&text)
            .map_err(|why| Failure::new(Exit::Usage, format!("{}: {why}", path.display())))
    }

    /// Parses a file of options. The error names the line, and quotes none: `env` holds secrets.
    /// Pure.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |at| text[..at.start].matches('\n').count() + 1);
            format!("line {line}: {}", error.message())
        })
    }

    /// Returns these options, and those of the file where there is none here. Pure.
    pub(super) fn or(self, file: Self) -> Self {
        Self {
            db: self.db.or(file.db),
            policy: self.policy.or(file.policy),
            audit: self.audit.or(file.audit),
            principal: self.principal.or(file.principal),
            four_eyes: self.four_eyes || file.four_eyes,
            run: self.run.or(file.run),
            hold: self.hold.or(file.hold),
            no_elicitation: self.no_elicitation || file.no_elicitation,
            pins: self.pins.or(file.pins),
            pin_first_use: self.pin_first_use || file.pin_first_use,
            trust_hints: self.trust_hints || file.trust_hints,
            console: self.console.or(file.console),
            console_tokens: self.console_tokens.or(file.console_tokens),
            server_url: self.server_url.or(file.server_url),
            bearer_token_env: self.bearer_token_env.or(file.bearer_token_env),
            bearer_token_file: self.bearer_token_file.or(file.bearer_token_file),
            server_name: self.server_name.or(file.server_name),
            timeout: self.timeout.or(file.timeout),
            sampling: self.sampling.or(file.sampling),
            tools: if self.tools.is_empty() { file.tools } else { self.tools },
            servers: if self.servers.is_empty() { file.servers } else { self.servers },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_options_by_their_names_and_servers() {
        let file = McpOptions::parse(
            r#"
            db = "calls.db"
            principal = "ann"
            pin-first-use = true
            console = "127.0.0.1:7171"
            [servers.files]
            command = "npx"
            args = ["-y", "server-filesystem", "/tmp"]
            env = { KEY = "x" }
            [servers.tickets]
            url = "https://tickets.example/mcp"
            bearer-token-env = "TICKETS"
            trust-hints = true
            "#,
        )
        .unwrap();
        assert_eq!(file.servers["files"].args.len(), 3);
        assert_eq!(file.servers["tickets"].trust_hints, Some(true));
        let mine = McpOptions { principal: Some("bob".to_owned()), ..McpOptions::default() };
        let both = mine.or(file);
        assert_eq!(
            (both.principal.as_deref(), both.db.as_deref()),
            (Some("bob"), Some("calls.db"))
        );
        assert_eq!(both.servers.len(), 2);
    }

    #[test]
    fn invariant_5_a_misspelt_option_is_an_error_that_quotes_no_secret() {
        for wrong in [
            "principle = 'x'",
            "console = 'x'",
            "[servers.a]\ncomand = 'x'",
            "[servers.a.tools.x]\ntitel = 'x'",
            "[servers.a.tools.x]\nrisk = 'huge'",
            "[servers.a.tools.x]\nlabels = { approve = 'x' }",
            "[tools.x]\nlabels = ['x']",
            "[servers.a]\nenv = { KEY = 3 } # s3cret",
            "[servers.a]\nenv = { KEY = 's3cret }",
        ] {
            let why = McpOptions::parse(wrong).expect_err(wrong);
            assert!(why.starts_with("line ") && !why.contains("s3cret"), "{why}");
        }
    }
}
