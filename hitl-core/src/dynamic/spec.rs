//! What a tool that is known only at run time says about itself.

use super::{AnnotationTrust, McpAnnotations};
use crate::call::{ToolConfig, opted_in};

/// The owned twin of [`Spec`](crate::ToolSpec): name and description come from somewhere else, how
/// the gate treats the tool is the host's word.
///
/// ```
/// # use hitl_core::{ToolConfig, Risk};
/// # use hitl_core::dynamic::{McpAnnotations, DynSpec, AnnotationTrust};
/// let spec = DynSpec::new("crm_delete_contact", "Deletes a contact.")
///     .config(ToolConfig::DEFAULT.risk(Risk::High))
///     .annotations(McpAnnotations::default(), AnnotationTrust::OnlyTighten)
///     .sensitive("auth.token");
/// assert!(spec.config.hints.destructive, "the protocol assumes it where nothing is said");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynSpec {
    /// Its name, unlike that of any other tool of the gate: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub name: String,
    /// What it does, for the model and for the reviewer.
    pub description: String,
    /// Which arguments are secrets, as paths.
    pub sensitive: Vec<String>,
    /// Keywords of the schema that are not checked here.
    pub unchecked: Vec<String>,
    /// The version of its code. `None` if it has none to compare.
    pub version: Option<String>,
    /// How the gate treats it. Always the host's word: nothing of it comes from the tool's server
    /// but what [`annotations`](Self::annotations) lets through.
    pub config: ToolConfig,
}

impl DynSpec {
    /// A tool with the default configuration.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            sensitive: Vec::new(),
            unchecked: Vec::new(),
            version: None,
            config: ToolConfig::DEFAULT,
        }
    }

    /// Sets how the gate treats it. Say it before [`annotations`](Self::annotations).
    #[must_use]
    pub fn config(mut self, config: ToolConfig) -> Self {
        self.config = config;
        self
    }

    /// Adds what the tool's server says about it, as far as it is trusted.
    #[must_use]
    pub fn annotations(mut self, claimed: McpAnnotations, trust: AnnotationTrust) -> Self {
        self.config.hints = claimed.applied_to(self.config.hints, trust);
        self
    }

    /// Names an argument that is a secret: it runs, and it is never shown. Names are joined by
    /// dots, `[]` stands for the items of a list and `*` for every entry of a map: `auth.token`,
    /// `cards[].number`, `headers.*`. Properties whose schema says `"writeOnly": true` or
    /// `"x-sensitive": true` are secrets without being named.
    #[must_use]
    pub fn sensitive(mut self, path: impl Into<String>) -> Self {
        self.sensitive.push(path.into());
        self
    }

    /// Accepts a keyword in the schema that the gate does not know, and does not check it:
    /// `pattern`, say, which the tool's server checks itself. Without it, a schema that restricts
    /// values in a way that the gate cannot check is refused.
    #[must_use]
    pub fn unchecked(mut self, keyword: impl Into<String>) -> Self {
        self.unchecked.push(keyword.into());
        self
    }
    /// Sets the version of its code, as its server gives it. `"any"` is no version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        let version = version.into();
        self.version = opted_in(&version).is_some().then_some(version);
        self
    }
}
