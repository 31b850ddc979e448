//! The places in a configuration's text that name servers. Pure.

use std::ops::Range;

use super::ClientConfig;

/// The error for a configuration that is not understood. Nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(super) String);

/// A string in the text: its place, quotes included, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) at: Range<usize>,
    pub(super) value: String,
}

/// The joint of an entry that is added after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// In JSON.
    Json,
    /// In a table of TOML with a line for each key.
    TomlLine,
    /// In an inline table of TOML.
    TomlInline,
}

impl Join {
    /// Returns the text before the value of added arguments. No formatter writes it in just this
    /// way, so it tells what was added from what was empty.
    pub(super) const fn arguments(self) -> &'static str {
        match self {
            Self::Json => ", \"args\": ",
            Self::TomlLine => "\nargs = ",
            Self::TomlInline => ", args = ",
        }
    }
}

/// A server in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) name: String,
    pub(super) command: Option<Literal>,
    /// The array of arguments, brackets included, and its items, if all are strings.
    pub(super) arguments: Option<(Range<usize>, Vec<Literal>)>,
    pub(super) url: Option<Literal>,
    /// The object in which all that stands.
    pub(super) object: Range<usize>,
    /// The keys of the object.
    pub(super) keys: Vec<String>,
    pub(super) join: Join,
}

/// Finds the servers in a text.
pub(super) fn find(client: ClientConfig, text: &str) -> Result<Vec<Site>, ConfigError> {
    match client {
        ClientConfig::Codex => super::toml::find(client.places(), text),
        _ => super::json::find(client.places(), text),
    }
}
