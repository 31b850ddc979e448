//! A tool's declaration of itself, checked at compile time.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::version::{is_sound, opted_in};
use super::{InvalidSpec, StateRequirement, ToolConfig};
use crate::approval::Choice;

/// The harm of a wrong call.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
// Exhaustive: guards depend on the order; code that does not handle every variant must not compile.
pub enum Risk {
    /// Easily undone, or of little consequence.
    Low,
    /// The default of a tool.
    #[default]
    Medium,
    /// Auto only if the tool sets `auto_threshold` itself.
    High,
    /// Never Auto and never Quick: always a full review.
    Critical,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// The confidence levels from which a call needs less human attention. Both are 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
// Exhaustive: tools set both.
pub struct Thresholds {
    /// At this confidence or above: Auto.
    pub auto: u8,
    /// At this confidence or above, below `auto`: Quick. Below: Full.
    pub quick: u8,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { auto: 85, quick: 60 }
    }
}

/// A tool's effects on the world, in the terms of the Model Context Protocol's tool annotations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent hints, named as the protocol names them"
)]
// Exhaustive: constants of tools are built field by field.
pub struct ToolAnnotations {
    /// True if it changes nothing. Only then may an Auto call run without a record in the store.
    pub read_only: bool,
    /// True if it may destroy something.
    pub destructive: bool,
    /// True if a repeated call with the same key takes effect once.
    pub idempotent: bool,
    /// True if it reaches systems that the host does not know.
    pub open_world: bool,
}

/// One stage of a tool's quorum: a number of different people, in one role or in any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: constants of tools are built field by field.
pub struct StageSpec {
    /// The role; `None` for any.
    pub role: Option<&'static str>,
    /// The number of people, at least one.
    pub people: u32,
}

impl StageSpec {
    /// Requires this number of people with this role.
    pub const fn role(role: &'static str, people: u32) -> Self {
        Self { role: Some(role), people }
    }

    /// Requires this number of people with any role.
    pub const fn people(people: u32) -> Self {
        Self { role: None, people }
    }
}

/// The role to ask when nobody has decided in time, and its time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: constants of tools are built field by field.
pub struct EscalationSpec {
    /// The role that must approve from then on; `None` for any.
    pub role: Option<&'static str>,
    /// The time that they have.
    pub within: Duration,
}

/// One parameter of a tool.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ParameterSpec {
    /// Its name, as in the schema.
    pub name: &'static str,
    /// True if it is a secret: never shown, never logged, sealed at rest.
    pub sensitive: bool,
    /// True if it names a content that the gate reads, by
    /// [`Tool::contents`](super::Tool::contents).
    pub content_of: bool,
}

impl ParameterSpec {
    /// Declares a parameter that may be shown.
    pub const fn new(name: &'static str) -> Self {
        Self { name, sensitive: false, content_of: false }
    }

    /// Declares a parameter that is a secret.
    pub const fn sensitive(name: &'static str) -> Self {
        Self { name, sensitive: true, content_of: false }
    }

    /// Declares a parameter that names a content, which the gate reads: the gate shows it to
    /// reviewers, binds the decision to it, and compares it before the call runs.
    pub const fn content_of(name: &'static str) -> Self {
        Self { name, sensitive: false, content_of: true }
    }
}

/// A tool's declaration of itself.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ToolSpec {
    /// Its name, unique among the tools of the gate: 1 to 64 characters of `A-Z a-z 0-9 _ -`, which
    /// is what model providers accept.
    pub name: &'static str,
    /// Its description, for the model and for the reviewer.
    pub description: &'static str,
    /// Its parameters.
    pub parameters: &'static [ParameterSpec],
    /// The host state that its body uses.
    pub states: &'static [StateRequirement],
    /// True if it renders a preview of its calls, by [`Tool::preview`](super::Tool::preview).
    pub previews: bool,
    /// The version of its code. `None` if it has no version to compare.
    pub version: Option<&'static str>,
    /// The rules by which the gate treats it.
    pub config: ToolConfig,
}

impl ToolSpec {
    /// Creates a tool with the default configuration.
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        let config = ToolConfig::DEFAULT;
        Self {
            name,
            description,
            parameters: &[],
            states: &[],
            previews: false,
            version: None,
            config,
        }
    }

    /// Sets its parameters, so that sensitive ones are known.
    #[must_use]
    pub const fn parameters(mut self, parameters: &'static [ParameterSpec]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets the host state that it needs; the gate cannot be built without it.
    #[must_use]
    pub const fn states(mut self, states: &'static [StateRequirement]) -> Self {
        self.states = states;
        self
    }

    /// Declares that it renders a preview of its calls, by
    /// [`Tool::preview`](super::Tool::preview).
    #[must_use]
    pub const fn previews(mut self) -> Self {
        self.previews = true;
        self
    }

    /// Sets the version of its code, for example `"2.1"`. `"any"` means no version.
    #[must_use]
    pub const fn version(mut self, version: &'static str) -> Self {
        self.version = opted_in(version);
        self
    }

    /// Sets the version of its crate, from Cargo: `#[hitl_tool]` generates this if it has no
    /// `version` of its own.
    #[must_use]
    pub const fn crate_version(mut self, version: Option<&'static str>) -> Self {
        self.version = version;
        self
    }

    /// Sets the rules by which the gate treats it.
    #[must_use]
    pub const fn config(mut self, config: ToolConfig) -> Self {
        self.config = config;
        self
    }

    /// Checks that everything in it is valid.
    ///
    /// Registering a tool evaluates this at compile time, so that a bad threshold in a hand-written
    /// spec does not compile either:
    ///
    /// ```
    /// # use hitl::call::{ToolConfig, InvalidSpec, ToolSpec};
    /// let config = ToolConfig::DEFAULT.auto_threshold(50);
    /// let spec = ToolSpec::new("pay", "Pays.").config(config);
    /// assert_eq!(spec.check(), Err(InvalidSpec::ThresholdsCrossed));
    /// ```
    pub const fn check(&self) -> Result<(), InvalidSpec> {
        if !is_name(self.name, 64, b"") {
            return Err(InvalidSpec::Name);
        }
        check_config(self.version, &self.config)
    }
}

/// Returns whether a name is 1 to `most` of `A-Z a-z 0-9 _ -`, and of `also`.
const fn is_name(name: &str, most: usize, also: &[u8]) -> bool {
    let name = name.as_bytes();
    let mut i = 0;
    while i < name.len() {
        let mut known = name[i].is_ascii_alphanumeric() || name[i] == b'_' || name[i] == b'-';
        let mut j = 0;
        while j < also.len() {
            known = known || name[i] == also[j];
            j += 1;
        }
        if !known {
            return false;
        }
        i += 1;
    }
    !name.is_empty() && name.len() <= most
}

/// Checks the name of a tool that is known only at run time: what the Model Context Protocol
/// allows.
pub(crate) fn check_dyn_name(name: &str) -> Result<(), InvalidSpec> {
    if is_name(name, 128, b".") { Ok(()) } else { Err(InvalidSpec::DynName) }
}

/// Checks that a version and a configuration are valid, from any source.
pub(crate) const fn check_config(
    version: Option<&str>,
    config: &ToolConfig,
) -> Result<(), InvalidSpec> {
    let Thresholds { auto, quick } = config.thresholds();
    let base = match config.base_confidence {
        Some(points) => points,
        None => 0,
    };
    if base > 100 || auto > 100 || quick > 100 {
        return Err(InvalidSpec::OutOfRange);
    }
    if quick > auto {
        return Err(InvalidSpec::ThresholdsCrossed);
    }
    if config.hints.read_only && config.hints.destructive {
        return Err(InvalidSpec::Annotations);
    }
    if config.hints.read_only && config.effect.is_some() {
        return Err(InvalidSpec::Effect);
    }
    if is_zero(config.expires) || is_zero(config.timeout) || is_zero(config.grace) {
        return Err(InvalidSpec::ZeroDuration);
    }
    if let Some(escalate) = config.escalate
        && escalate.within.is_zero()
    {
        return Err(InvalidSpec::ZeroDuration);
    }
    if !can_say_no(config.decisions) {
        return Err(InvalidSpec::Decisions);
    }
    let mut i = 0;
    while i < config.stages.len() {
        if config.stages[i].people == 0 {
            return Err(InvalidSpec::Stages);
        }
        i += 1;
    }
    if config.attempts == 0 {
        return Err(InvalidSpec::Attempts);
    }
    if let Some(version) = version
        && !is_sound(version)
    {
        return Err(InvalidSpec::Version);
    }
    Ok(())
}

const fn can_say_no(decisions: &[Choice]) -> bool {
    let mut i = 0;
    while i < decisions.len() {
        if matches!(decisions[i], Choice::Reject | Choice::Respond | Choice::Abort) {
            return true;
        }
        i += 1;
    }
    false
}

const fn is_zero(duration: Option<Duration>) -> bool {
    match duration {
        Some(length) => length.is_zero(),
        None => false,
    }
}
