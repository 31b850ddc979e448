//! The declaration of a tool that is known only at run time.

use std::time::Duration;

use super::{AnnotationTrust, McpAnnotations};
use crate::approval::Choice;
use crate::call::{Escalation, OwnTerms, ToolConfig, opted_in};
use crate::policy::Stage;

/// The owned counterpart of [`Spec`](crate::ToolSpec): name and description come from elsewhere;
/// the host decides how the gate treats the tool.
///
/// ```
/// # use hitl::{call::ToolConfig, Risk};
/// # use hitl::policy::Stage;
/// # use hitl::dynamic::{McpAnnotations, DynSpec, AnnotationTrust};
/// let spec = DynSpec::new("crm_delete_contact", "Deletes a contact.")
///     .config(ToolConfig::DEFAULT.risk(Risk::High))
///     .annotations(McpAnnotations::default(), AnnotationTrust::OnlyTighten)
///     .sensitive("auth.token")
///     // Words may come from a file: they need not live as long as the program.
///     .describe(format!("Delete {{id}} from {}", "the CRM"))
///     .labels("Delete", "Keep")
///     .stages([Stage::role("sales-lead", 1)]);
/// assert!(spec.config.hints.destructive, "the protocol assumes it where nothing is said");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynSpec {
    /// Its name, unique among the tools of the gate: 1 to 128 characters of `A-Z a-z 0-9 _ - .`, as
    /// in the Model Context Protocol. Most providers of models accept 64 characters without the
    /// dot: a host that offers the tool to a model itself may have to rename it.
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
    /// The words and lists that replace those of the configuration.
    pub(crate) terms: OwnTerms,
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
            terms: OwnTerms::default(),
        }
    }

    /// Sets the rules by which the gate treats it. Call it before
    /// [`annotations`](Self::annotations).
    #[must_use]
    pub fn config(mut self, config: ToolConfig) -> Self {
        self.config = config;
        self
    }

    /// Applies the claims of the tool's server, to the extent that it is trusted. Its title becomes
    /// the tool's, if that has none yet.
    #[must_use]
    pub fn annotations(mut self, claimed: McpAnnotations, trust: AnnotationTrust) -> Self {
        self.config.hints = claimed.applied_to(self.config.hints, trust);
        self.terms.title = self.terms.title.or(claimed.title);
        self
    }

    /// Sets the tool's name for people. Where there is no [`describe`](Self::describe), cards and
    /// lists show it in quotes beside the exact name: it may have been chosen by a server.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.terms.title = Some(title.into());
        self
    }

    /// Sets the line that describes what would happen, with `{argument}` in place of an argument,
    /// in the place of the configuration's.
    #[must_use]
    pub fn describe(mut self, template: impl Into<String>) -> Self {
        self.terms.describe = Some(template.into());
        self
    }

    /// Sets the kind of approval, in the place of the configuration's.
    #[must_use]
    pub fn approval_type(mut self, approval_type: impl Into<String>) -> Self {
        self.terms.approval_type = Some(approval_type.into());
        self
    }

    /// Sets the labels of the two buttons, in the place of the configuration's.
    #[must_use]
    pub fn labels(mut self, approve: impl Into<String>, reject: impl Into<String>) -> Self {
        self.terms.labels = Some((approve.into(), reject.into()));
        self
    }

    /// Sets the answers that a human may give, in the place of the configuration's. One of them
    /// must be a way to say no.
    #[must_use]
    pub fn decisions(mut self, decisions: impl IntoIterator<Item = Choice>) -> Self {
        self.terms.choices = Some(decisions.into_iter().collect());
        self
    }

    /// Sets the stages of approval, in order, in the place of the configuration's.
    #[must_use]
    pub fn stages(mut self, stages: impl IntoIterator<Item = Stage>) -> Self {
        self.terms.stages = Some(stages.into_iter().collect());
        self
    }

    /// Sets the role to ask when nobody has decided in time, in the place of the configuration's;
    /// `None` for any role.
    #[must_use]
    pub fn escalate(mut self, role: Option<impl Into<String>>, within: Duration) -> Self {
        self.terms.escalation = Some(Escalation { role: role.map(Into::into), within });
        self
    }

    /// Names the arguments whose text nothing ever interprets, in the place of the configuration's;
    /// see [`ToolConfig::inert`].
    #[must_use]
    pub fn inert<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.terms.inert = Some(arguments.into_iter().map(Into::into).collect());
        self
    }

    /// Names the arguments that are amounts, each with the limit up to which it is ordinary, in the
    /// place of the configuration's; see [`AmountSpec`](crate::call::AmountSpec).
    #[must_use]
    pub fn amounts<A: Into<String>>(mut self, amounts: impl IntoIterator<Item = (A, u64)>) -> Self {
        let amounts = amounts.into_iter();
        self.terms.amounts = Some(amounts.map(|(name, limit)| (name.into(), limit)).collect());
        self
    }

    /// Names the consequence in the world that must not happen twice, in the place of the
    /// configuration's; see [`ToolConfig::effect`].
    #[must_use]
    pub fn effect(mut self, template: impl Into<String>) -> Self {
        self.terms.effect = Some(template.into());
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

    /// Accepts a keyword in the schema where the gate cannot check it: for example
    /// `unevaluatedProperties`, or a `pattern` with a look-ahead, which the tool's server checks
    /// itself. Without it, a schema that restricts values in a way that the gate cannot check is
    /// refused. Where the gate can check the keyword, it does.
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
