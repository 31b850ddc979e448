//! What a tool says about itself, checked at compile time.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::version::{is_sound, opted_in};
use super::{InvalidSpec, StateRequirement};
use crate::approval::Choice;
use crate::policy::{Deciders, Eyes};

/// How bad it is when the call was wrong.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Easily undone, or of little weight.
    Low,
    /// What a tool is that does not say otherwise.
    #[default]
    Medium,
    /// Reaches Auto only where the tool sets `auto_threshold` itself.
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

/// From which confidence on a call needs less of a human. Both are 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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

/// What a tool does to the world, in the words of the Model Context Protocol's tool annotations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent hints, named as the protocol names them"
)]
pub struct Hints {
    /// It changes nothing. Only then may an Auto call run without a record in the store.
    pub read_only: bool,
    /// It may destroy something.
    pub destructive: bool,
    /// Doing it twice with the same key does it once.
    pub idempotent: bool,
    /// It reaches systems that the host does not know.
    pub open_world: bool,
}

/// One stage of a tool's quorum: so many different people, in a role or in any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageSpec {
    /// The role; any when there is none.
    pub role: Option<&'static str>,
    /// How many people, at least one.
    pub people: u32,
}

impl StageSpec {
    /// So many people of this role.
    pub const fn of(role: &'static str, people: u32) -> Self {
        Self { role: Some(role), people }
    }

    /// So many people of any role.
    pub const fn people(people: u32) -> Self {
        Self { role: None, people }
    }
}

/// Who is asked when nobody has decided in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escalate {
    /// The role that must approve from then on; anybody when there is none.
    pub role: Option<&'static str>,
    /// How long they have.
    pub within: Duration,
}

/// How the gate treats a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HitlConfig {
    /// What kind of approval it is: `contract`, `deletion`, `financial`, `communication`, or your
    /// own word. Front ends choose a card by it.
    pub approval_type: &'static str,
    /// How bad a wrong call is.
    pub risk: Risk,
    /// The confidence before any signal, 0 to 100.
    pub base_confidence: u8,
    /// The tool's own threshold for Auto; 85 when it sets none.
    pub auto_threshold: Option<u8>,
    /// The tool's own threshold for Quick; 60 when it sets none.
    pub quick_threshold: Option<u8>,
    /// A rejection must say why.
    pub requires_reason: bool,
    /// What a human may answer.
    pub decisions: &'static [Choice],
    /// Whether the requester, and an editor of the call, may approve it.
    pub eyes: Eyes,
    /// Who may answer, beside humans.
    pub deciders: Deciders,
    /// Who must approve, stage after stage; without one, one person.
    pub stages: &'static [StageSpec],
    /// Who is asked when nobody has decided in time. Without it, the call expires.
    pub escalate: Option<Escalate>,
    /// How often an idempotent tool is tried in all when an outcome is not known. Of no use to other
    /// tools: they are tried once, and a human settles the rest.
    pub attempts: u32,
    /// How long an approval may take. After it, nothing runs. Without one, the queue's due time for
    /// the risk is the limit.
    pub expires: Option<Duration>,
    /// The body's own time budget. A body that runs out is `OutcomeUnknown`, not failed.
    pub timeout: Option<Duration>,
    /// What the approving button says.
    pub approve_label: &'static str,
    /// What the rejecting button says.
    pub reject_label: &'static str,
    /// One line that says what would happen, with `{parameter}` where an argument belongs.
    pub describe: Option<&'static str>,
    /// What the tool does to the world.
    pub hints: Hints,
    /// Arguments whose text nobody interprets: no shell, file system, browser, database or template.
    /// Written as in a rule: `note`, `to.comment`, `items[*].text`.
    pub inert: &'static [&'static str],
}

impl HitlConfig {
    /// The configuration of a tool that says nothing: medium risk, base confidence 70, thresholds
    /// 85 and 60.
    pub const DEFAULT: Self = Self {
        approval_type: "general",
        risk: Risk::Medium,
        base_confidence: 70,
        auto_threshold: None,
        quick_threshold: None,
        requires_reason: false,
        decisions: &[Choice::Approve, Choice::Edit, Choice::Reject, Choice::Respond, Choice::Abort],
        eyes: Eyes::ByLevel,
        deciders: Deciders::HUMANS,
        stages: &[],
        escalate: None,
        attempts: 3,
        expires: None,
        timeout: None,
        approve_label: "Approve",
        reject_label: "Reject",
        describe: None,
        hints: Hints { read_only: false, destructive: false, idempotent: false, open_world: false },
        inert: &[],
    };

    /// Sets the kind of approval.
    #[must_use]
    pub const fn approval_type(mut self, approval_type: &'static str) -> Self {
        self.approval_type = approval_type;
        self
    }

    /// Sets the risk.
    #[must_use]
    pub const fn risk(mut self, risk: Risk) -> Self {
        self.risk = risk;
        self
    }

    /// Sets the confidence before any signal.
    #[must_use]
    pub const fn base_confidence(mut self, points: u8) -> Self {
        self.base_confidence = points;
        self
    }

    /// Sets the tool's own threshold for Auto.
    #[must_use]
    pub const fn auto_threshold(mut self, points: u8) -> Self {
        self.auto_threshold = Some(points);
        self
    }

    /// Sets the tool's own threshold for Quick.
    #[must_use]
    pub const fn quick_threshold(mut self, points: u8) -> Self {
        self.quick_threshold = Some(points);
        self
    }

    /// A rejection must say why.
    #[must_use]
    pub const fn requires_reason(mut self) -> Self {
        self.requires_reason = true;
        self
    }

    /// Sets what a human may answer. There must be a way to say no.
    #[must_use]
    pub const fn decisions(mut self, decisions: &'static [Choice]) -> Self {
        self.decisions = decisions;
        self
    }

    /// Neither the requester nor whoever edits the call may approve it.
    #[must_use]
    pub const fn four_eyes(mut self) -> Self {
        self.eyes = Eyes::Four;
        self
    }

    /// The requester may approve their own call, at every level, and give a grant on it: two eyes are
    /// enough. Without this, Full and grants are another human's to give.
    #[must_use]
    pub const fn requester_may_decide(mut self) -> Self {
        self.eyes = Eyes::Two;
        self
    }

    /// Lets agents answer too, beside humans; see [`Principal::agent`](super::Principal::agent).
    #[must_use]
    pub const fn agents_may_decide(mut self) -> Self {
        self.deciders.agents = true;
        self
    }

    /// Lets services answer too, beside humans; see [`Principal::service`](super::Principal::service).
    #[must_use]
    pub const fn services_may_decide(mut self) -> Self {
        self.deciders.services = true;
        self
    }

    /// Sets who must approve, stage after stage.
    #[must_use]
    pub const fn stages(mut self, stages: &'static [StageSpec]) -> Self {
        self.stages = stages;
        self
    }

    /// Sets who is asked when nobody has decided in time, instead of letting the call expire.
    #[must_use]
    pub const fn escalate(mut self, role: Option<&'static str>, within: Duration) -> Self {
        self.escalate = Some(Escalate { role, within });
        self
    }

    /// Sets how often an idempotent tool is tried in all when an outcome is not known.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how long an approval may take.
    #[must_use]
    pub const fn expires(mut self, after: Duration) -> Self {
        self.expires = Some(after);
        self
    }

    /// Sets the body's own time budget.
    #[must_use]
    pub const fn timeout(mut self, budget: Duration) -> Self {
        self.timeout = Some(budget);
        self
    }

    /// Sets what the two buttons say.
    #[must_use]
    pub const fn labels(mut self, approve: &'static str, reject: &'static str) -> Self {
        self.approve_label = approve;
        self.reject_label = reject;
        self
    }

    /// Sets the line that says what would happen.
    #[must_use]
    pub const fn describe(mut self, template: &'static str) -> Self {
        self.describe = Some(template);
        self
    }

    /// It changes nothing.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.hints.read_only = true;
        self
    }

    /// It may destroy something.
    #[must_use]
    pub const fn destructive(mut self) -> Self {
        self.hints.destructive = true;
        self
    }

    /// Doing it twice with the same key does it once.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.hints.idempotent = true;
        self
    }

    /// It reaches systems that the host does not know.
    #[must_use]
    pub const fn open_world(mut self) -> Self {
        self.hints.open_world = true;
        self
    }

    /// Names arguments whose text nobody interprets, ever: rules and grants that relax take any text
    /// there that a wildcard or a regular expression matches, a shell's and a path's syntax included.
    #[must_use]
    pub const fn inert(mut self, arguments: &'static [&'static str]) -> Self {
        self.inert = arguments;
        self
    }

    /// Whether nobody interprets the text of this argument, written as in a rule.
    pub(crate) fn is_inert(&self, argument: &str) -> bool {
        self.inert.contains(&argument)
    }

    /// The thresholds in force: the tool's own, or 85 and 60.
    pub const fn thresholds(&self) -> Thresholds {
        Thresholds {
            auto: match self.auto_threshold {
                Some(points) => points,
                None => 85,
            },
            quick: match self.quick_threshold {
                Some(points) => points,
                None => 60,
            },
        }
    }
}

/// One parameter of a tool.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name, as in the schema.
    pub name: &'static str,
    /// It is a secret: never shown, never logged, sealed at rest.
    pub sensitive: bool,
    /// It names a content that the gate reads, by [`Tool::contents`](super::Tool::contents).
    pub content_of: bool,
}

impl Parameter {
    /// A parameter that may be shown.
    pub const fn new(name: &'static str) -> Self {
        Self { name, sensitive: false, content_of: false }
    }

    /// A parameter that is a secret.
    pub const fn sensitive(name: &'static str) -> Self {
        Self { name, sensitive: true, content_of: false }
    }

    /// A parameter that names a content, which the gate reads: it shows it to reviewers, binds the
    /// decision to it, and compares it before the call runs.
    pub const fn content_of(name: &'static str) -> Self {
        Self { name, sensitive: false, content_of: true }
    }
}

/// What a tool says about itself.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Spec {
    /// Its name, unlike that of any other tool of the gate: 1 to 64 of `A-Z a-z 0-9 _ -`, which is
    /// what model providers accept.
    pub name: &'static str,
    /// What it does, for the model and for the reviewer.
    pub description: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// The host state that its body uses.
    pub states: &'static [StateRequirement],
    /// The version of its code. `None` if it has none to compare.
    pub version: Option<&'static str>,
    /// How the gate treats it.
    pub config: HitlConfig,
}

impl Spec {
    /// A tool with the default configuration.
    pub const fn new(name: &'static str, description: &'static str) -> Self {
        let config = HitlConfig::DEFAULT;
        Self { name, description, parameters: &[], states: &[], version: None, config }
    }

    /// Names its parameters, so that sensitive ones are known.
    #[must_use]
    pub const fn parameters(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Names the host state it needs, so that the gate can refuse to be built without.
    #[must_use]
    pub const fn states(mut self, states: &'static [StateRequirement]) -> Self {
        self.states = states;
        self
    }

    /// Sets the version of its code, for example `"2.1"`. `"any"` is no version.
    #[must_use]
    pub const fn version(mut self, version: &'static str) -> Self {
        self.version = opted_in(version);
        self
    }

    /// Sets the version of its crate, which Cargo gives: what `#[hitl_tool]` writes without a
    /// `version` of its own.
    #[must_use]
    pub const fn crate_version(mut self, version: Option<&'static str>) -> Self {
        self.version = version;
        self
    }

    /// Sets how the gate treats it.
    #[must_use]
    pub const fn config(mut self, config: HitlConfig) -> Self {
        self.config = config;
        self
    }

    /// Whether everything in it is sound.
    ///
    /// Where a tool is registered this is evaluated at compile time, so that a bad threshold in a
    /// hand-written spec does not compile either:
    ///
    /// ```
    /// # use hitl_core::{HitlConfig, InvalidSpec, Spec};
    /// let config = HitlConfig::DEFAULT.auto_threshold(50);
    /// let spec = Spec::new("pay", "Pays.").config(config);
    /// assert_eq!(spec.check(), Err(InvalidSpec::ThresholdsCrossed));
    /// ```
    pub const fn check(&self) -> Result<(), InvalidSpec> {
        check_spec(self.name, self.version, &self.config)
    }
}

/// Whether a name, a version and a configuration are sound, wherever they come from.
pub(crate) const fn check_spec(
    name: &str,
    version: Option<&str>,
    config: &HitlConfig,
) -> Result<(), InvalidSpec> {
    let name = name.as_bytes();
    if name.is_empty() || name.len() > 64 {
        return Err(InvalidSpec::Name);
    }
    let mut i = 0;
    while i < name.len() {
        if !(name[i].is_ascii_alphanumeric() || name[i] == b'_' || name[i] == b'-') {
            return Err(InvalidSpec::Name);
        }
        i += 1;
    }
    let Thresholds { auto, quick } = config.thresholds();
    if config.base_confidence > 100 || auto > 100 || quick > 100 {
        return Err(InvalidSpec::OutOfRange);
    }
    if quick > auto {
        return Err(InvalidSpec::ThresholdsCrossed);
    }
    if config.hints.read_only && config.hints.destructive {
        return Err(InvalidSpec::Hints);
    }
    if is_zero(config.expires) || is_zero(config.timeout) {
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
