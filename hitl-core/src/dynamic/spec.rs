//! The declaration of a tool that is known only at run time.

use super::{AnnotationTrust, McpAnnotations};
use crate::call::{ToolConfig, opted_in};

/// The owned counterpart of [`Spec`](crate::ToolSpec): name and description come from elsewhere;
/// the host decides how the gate treats the tool.
///
/// ```
/// # use hitl::{call::ToolConfig, Risk};
/// # use hitl::dynamic::{McpAnnotations, DynSpec, AnnotationTrust};
/// let spec = DynSpec::new("crm_delete_contact", "Deletes a contact.")
///     .config(ToolConfig::DEFAULT.risk(Risk::High))
///     .annotations(McpAnnotations::default(), AnnotationTrust::OnlyTighten)
///     .sensitive("auth.token");
/// assert!(spec.config.hints.destructive, "the protocol assumes it where nothing is said");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynSpec {
    /// Its name, unique among the tools of the gate: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    pub name: String,
    /// Its description, for the model and for the reviewer.
    pub description: String,
    /// The paths of arguments that are secrets.
    pub sensitive: Vec<String>,
    /// Keywords of the schema that are not checked here.
    pub unchecked: Vec<String>,
    /// The version of its code. `None` if it has no version to compare.
    pub version: Option<String>,
    /// The rules by which the gate treats it. They always come from the host: the tool's server
    /// influences only what [`annotations`](Self::annotations) allows.
    pub config: ToolConfig,
}

impl DynSpec {
    /// Creates a tool with the default configuration.
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

    /// Sets the rules by which the gate treats it. Call it before
    /// [`annotations`](Self::annotations).
    #[must_use]
    pub fn config(mut self, config: ToolConfig) -> Self {
        self.config = config;
        self
    }

    /// Applies the claims of the tool's server, to the extent that it is trusted.
    #[must_use]
    pub fn annotations(mut self, claimed: McpAnnotations, trust: AnnotationTrust) -> Self {
        self.config.hints = claimed.applied_to(self.config.hints, trust);
        self
    }

    /// Marks an argument as a secret: it runs, but is never shown. Names are joined by dots, `[]`
    /// means the items of a list and `*` every entry of a map: `auth.token`, `cards[].number`,
    /// `headers.*`. Properties whose schema has `"writeOnly": true` or `"x-sensitive": true` are
    /// secrets without being named.
    #[must_use]
    pub fn sensitive(mut self, path: impl Into<String>) -> Self {
        self.sensitive.push(path.into());
        self
    }

    /// Accepts a keyword in the schema that the gate does not know, without checking it: for
    /// example `pattern`, which the tool's server checks itself. Without it, a schema that
    /// restricts values in a way that the gate cannot check is refused.
    #[must_use]
    pub fn unchecked(mut self, keyword: impl Into<String>) -> Self {
        self.unchecked.push(keyword.into());
        self
    }
    /// Sets the version of its code, as its server reports it. `"any"` means no version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        let version = version.into();
        self.version = opted_in(&version).is_some().then_some(version);
        self
    }
}
