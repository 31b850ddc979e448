//! An upstream server, as the operator names it.

use std::time::Duration;

use hitl_core::dynamic::AnnotationTrust;

use super::child::UpstreamCommand;
use super::http::HttpUpstream;
use super::sampling::Sampling;
use super::tool_settings::{SettingsByTool, ToolSettings};

/// The time limit of a call without another one.
const CALL_TIMEOUT: Duration = Duration::from_secs(600);

/// Where an upstream is.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A program that the gateway starts.
    Command(UpstreamCommand),
    /// A server behind a URL.
    Http(HttpUpstream),
}

/// An upstream server: how to reach it, and how far its claims are believed.
#[derive(Clone, Debug)]
pub struct UpstreamSpec {
    pub(super) name: String,
    pub(super) pin_name: String,
    pub(super) target: Target,
    pub(super) trust: AnnotationTrust,
    pub(super) timeout: Duration,
    pub(super) tools: SettingsByTool,
    pub(super) sampling: Sampling,
}

impl UpstreamSpec {
    /// An upstream that is a program, with a name for lists and logs.
    pub fn command(name: impl Into<String>, command: UpstreamCommand) -> Self {
        Self::new(name.into(), Target::Command(command))
    }

    /// An upstream behind a URL.
    pub fn http(name: impl Into<String>, upstream: HttpUpstream) -> Self {
        Self::new(name.into(), Target::Http(upstream))
    }

    fn new(name: String, target: Target) -> Self {
        let (trust, pin_name) = (AnnotationTrust::OnlyTighten, name.clone());
        let (tools, sampling) = (SettingsByTool::default(), Sampling::default());
        Self { name, pin_name, target, trust, timeout: CALL_TIMEOUT, tools, sampling }
    }

    /// Sets the name under which the pin file has this upstream. Without it, it is the name.
    #[must_use]
    pub fn pinned_as(mut self, name: impl Into<String>) -> Self {
        self.pin_name = name.into();
        self
    }

    /// Sets how far the server's claims about its tools count, once the tools are pinned. Tools
    /// that are not pinned are never believed.
    #[must_use]
    pub fn trust(mut self, trust: AnnotationTrust) -> Self {
        self.trust = trust;
        self
    }

    /// Sets the time after which the outcome of a call counts as unknown: 10 minutes without it.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what becomes of the server's requests to have the client's model write something;
    /// [`Sampling::Refuse`] without it.
    #[must_use]
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// Says how the gate treats a tool, by its name at the server or by a pattern: `*` stands for
    /// any characters. What is said of the name counts more than what is said of a pattern.
    ///
    /// What the server has no tool for is warned about on the log. If it would make calls stricter,
    /// each call of a tool whose risk nothing else sets needs a full approval: which tool was meant
    /// is not known. Words that do not fit a tool, like a placeholder that is none of its
    /// arguments, are left out with a warning.
    #[must_use]
    pub fn tool(mut self, pattern: impl Into<String>, settings: ToolSettings) -> Self {
        self.tools.set(pattern.into(), settings);
        self
    }

    /// Returns the variable of the gateway that holds the token of this server.
    pub(super) fn token_variable(&self) -> Option<String> {
        match &self.target {
            Target::Http(server) => server.token_variable().map(str::to_owned),
            Target::Command(_) => None,
        }
    }

    /// Keeps these variables of the gateway from a server that is a program.
    pub(super) fn without_env(mut self, names: &[String]) -> Self {
        if let Target::Command(command) = self.target {
            self.target = Target::Command(command.without_env(names));
        }
        self
    }

    /// Returns the name under which the pin file has it.
    pub fn pin_name(&self) -> &str {
        &self.pin_name
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
