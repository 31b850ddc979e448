//! Rules: their effect, the calls to which they apply, and the exceptions.

use std::fmt;
use std::sync::Arc;

use hitl_base::Timestamp;
use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::{Argument, Side, Texts, TimeWindow};
use crate::call::Risk;
use crate::confidence::CallView;
use crate::policy::matcher::has_plain_letters;
use crate::policy::{DecisionChannel, DecisionChannels};

/// The effect of a rule on the calls to which it applies. Ordered: more is stricter, and the
/// strictest of the rules that apply decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// Exhaustive: the order is a guard; code that does not handle a variant must not compile.
pub enum RuleEffect {
    /// The score alone need not stop the call. See [`Effect::Auto`](crate::Effect::Auto) for what
    /// this lifts, and what it never lifts.
    Auto,
    /// At least a quick yes or no.
    Quick,
    /// A full review.
    Full,
    /// The call does not run, and nobody is asked.
    Deny,
}

impl RuleEffect {
    /// Returns its name in a rule file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Quick => "quick",
            Self::Full => "full",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for RuleEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The calls to which a rule applies: those for which every condition holds. A condition given more
/// than once (`tool`, `principal`, `role`, `tenant`, `time`) holds if one of its values does.
///
/// Two are equal if they have the same conditions in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleConditions {
    pub(super) tools: Vec<Pattern>,
    pub(super) risk_at_least: Option<Risk>,
    pub(super) risk_at_most: Option<Risk>,
    read_only: Option<bool>,
    destructive: Option<bool>,
    idempotent: Option<bool>,
    open_world: Option<bool>,
    principals: Vec<Pattern>,
    roles: Vec<Pattern>,
    tenants: Vec<Pattern>,
    pub(super) arguments: Vec<Argument>,
    pub(super) times: Vec<TimeWindow>,
    said: usize,
}

/// A test that a hint is set, or that it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: a value for each of the four annotations.
pub enum AnnotationTest {
    /// The tool changes nothing.
    ReadOnly,
    /// The tool may destroy something.
    Destructive,
    /// A repeated call has no further effect.
    Idempotent,
    /// The tool reaches systems that the host does not know.
    OpenWorld,
    /// The tool may change something.
    NotReadOnly,
    /// The tool destroys nothing.
    NotDestructive,
    /// A repeated call may have a further effect.
    NotIdempotent,
    /// The tool stays within systems that the host knows.
    NotOpenWorld,
}

impl RuleConditions {
    /// Returns the conditions that every call meets.
    pub fn always() -> Self {
        Self::default()
    }

    /// Returns the condition that the call is of this tool; `*` and `?` are wildcards.
    pub fn tool(name: &str) -> Self {
        Self::default().or_tool(name)
    }

    /// Also includes calls of this tool.
    #[must_use]
    pub fn or_tool(mut self, name: &str) -> Self {
        self.tools.push(Pattern::new(name));
        self.say()
    }

    /// Requires at least this risk. Only where the rule tightens: a rule must not become laxer as
    /// the risk rises.
    #[must_use]
    pub fn risk_at_least(mut self, risk: Risk) -> Self {
        self.risk_at_least = Some(risk);
        self.say()
    }

    /// Requires at most this risk. Only where the rule relaxes.
    #[must_use]
    pub fn risk_at_most(mut self, risk: Risk) -> Self {
        self.risk_at_most = Some(risk);
        self.say()
    }

    /// Requires a tool with this hint.
    #[must_use]
    pub fn hint(mut self, hint: AnnotationTest) -> Self {
        match hint {
            AnnotationTest::ReadOnly => self.read_only = Some(true),
            AnnotationTest::Destructive => self.destructive = Some(true),
            AnnotationTest::Idempotent => self.idempotent = Some(true),
            AnnotationTest::OpenWorld => self.open_world = Some(true),
            AnnotationTest::NotReadOnly => self.read_only = Some(false),
            AnnotationTest::NotDestructive => self.destructive = Some(false),
            AnnotationTest::NotIdempotent => self.idempotent = Some(false),
            AnnotationTest::NotOpenWorld => self.open_world = Some(false),
        }
        self.say()
    }

    /// Requires this principal; `*` and `?` are wildcards.
    #[must_use]
    pub fn principal(mut self, name: &str) -> Self {
        self.principals.push(Pattern::new(name));
        self.say()
    }

    /// Requires a principal with this role; `*` and `?` are wildcards.
    #[must_use]
    pub fn role(mut self, name: &str) -> Self {
        self.roles.push(Pattern::new(name));
        self.say()
    }

    /// Requires this tenant; `*` and `?` are wildcards.
    #[must_use]
    pub fn tenant(mut self, name: &str) -> Self {
        self.tenants.push(Pattern::new(name));
        self.say()
    }

    /// Requires such an argument. If given several times, all must hold.
    #[must_use]
    pub fn argument(mut self, argument: Argument) -> Self {
        self.arguments.push(argument);
        self.say()
    }

    /// Requires a call at this time.
    #[must_use]
    pub fn time(mut self, window: TimeWindow) -> Self {
        self.times.push(window);
        self.say()
    }

    fn say(mut self) -> Self {
        self.said += 1;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.said == 0
    }

    pub(super) fn holds(&self, call: &CallView<'_>, side: Side) -> bool {
        let any = |patterns: &[Pattern], name: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, name, side))
        };
        let hints = call.config.hints;
        let as_wanted = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
        let cx = call.context;
        any(&self.tools, call.tool)
            && self.risk_at_least.is_none_or(|risk| call.config.risk >= risk)
            && self.risk_at_most.is_none_or(|risk| call.config.risk <= risk)
            && as_wanted(self.read_only, hints.read_only)
            && as_wanted(self.destructive, hints.destructive)
            && as_wanted(self.idempotent, hints.idempotent)
            && as_wanted(self.open_world, hints.open_world)
            && any(&self.principals, cx.principal.as_str())
            && any(&self.tenants, cx.tenant.as_str())
            && (self.roles.is_empty() || cx.roles.iter().any(|role| any(&self.roles, role)))
            && self.holds_at(call.at, side)
            && self.arguments.iter().all(|argument| argument.holds(call, side))
    }

    fn holds_at(&self, at: Option<Timestamp>, side: Side) -> bool {
        self.times.is_empty() || self.times.iter().any(|window| window.holds(at, side.doubt))
    }
}

/// Returns whether a name matches a pattern. With wildcards, a name that can be mistaken for
/// another one cannot be decided where the rule relaxes.
fn fits(pattern: &Pattern, name: &str, side: Side) -> bool {
    let is_form = pattern.exact().is_none() && !pattern.is_any();
    let sure = side.texts == Texts::Any || !is_form || has_plain_letters(name);
    if sure { pattern.matches(name) } else { side.doubt.holds() }
}

/// A rule of a [`RuleSet`](super::RuleSet).
///
/// ```
/// use hitl::policy::{Argument, Comparison, Rule, RuleSet, RuleConditions};
///
/// let rules = RuleSet::builder("payments", "2026-11")
///     .rule(Rule::deny("never abroad").because("Only to accounts in this country.").when(
///         RuleConditions::tool("pay").argument(Argument::at("to.country").is(Comparison::Ne, "DE")),
///     ))
///     .rule(Rule::auto("petty cash").when(
///         RuleConditions::tool("pay").argument(Argument::at("amount").is(Comparison::Le, 20)),
///     ))
///     .build()?;
/// # Ok::<(), hitl::policy::RuleErrors>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rule {
    pub(super) name: Arc<str>,
    pub(super) effect: RuleEffect,
    pub(super) reason: String,
    pub(super) when: RuleConditions,
    pub(super) unless: Option<RuleConditions>,
    /// The channels through which the calls may be approved.
    pub(super) channels: DecisionChannels,
    /// Line and column in its file.
    pub(super) place: Option<(usize, usize)>,
}

impl Rule {
    /// Returns a rule that applies to every call until [`when`](Self::when) restricts it.
    pub fn new(name: impl Into<Arc<str>>, effect: RuleEffect) -> Self {
        Self {
            name: name.into(),
            effect,
            reason: String::new(),
            when: RuleConditions::default(),
            unless: None,
            channels: DecisionChannels::ANY,
            place: None,
        }
    }

    /// Returns a rule that denies calls.
    pub fn deny(name: impl Into<Arc<str>>) -> Self {
        Self::new(name, RuleEffect::Deny)
    }

    /// Returns a rule that requires a full review.
    pub fn full(name: impl Into<Arc<str>>) -> Self {
        Self::new(name, RuleEffect::Full)
    }

    /// Returns a rule that requires at least a quick yes or no.
    pub fn quick(name: impl Into<Arc<str>>) -> Self {
        Self::new(name, RuleEffect::Quick)
    }

    /// Returns a rule for calls that their score alone need not stop.
    pub fn auto(name: impl Into<Arc<str>>) -> Self {
        Self::new(name, RuleEffect::Auto)
    }

    /// Sets the reason, for the reviewer and for the requester who is refused.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Sets the calls to which it applies.
    #[must_use]
    pub fn when(mut self, when: RuleConditions) -> Self {
        self.when = when;
        self
    }

    /// Sets the exceptions among them.
    #[must_use]
    pub fn unless(mut self, unless: RuleConditions) -> Self {
        self.unless = Some(unless);
        self
    }

    /// Lets the calls to which it applies be approved only through these channels. Other answers
    /// count from anywhere. Of several rules that apply, only the channels that all of them list
    /// are left; if none is left, nobody can approve the call. For rules with the effect Quick or
    /// Full.
    ///
    /// ```
    /// use hitl::approval::DecisionChannel;
    /// use hitl::policy::{Rule, RuleConditions, RuleSet};
    ///
    /// let desk = Rule::full("deployments at the desk")
    ///     .channels([DecisionChannel::CONSOLE, DecisionChannel::TERMINAL])
    ///     .when(RuleConditions::tool("deploy_*"));
    /// let rules = RuleSet::builder("acme", "1").rule(desk).build()?;
    /// # Ok::<(), hitl::policy::RuleErrors>(())
    /// ```
    #[must_use]
    pub fn channels(mut self, channels: impl IntoIterator<Item = DecisionChannel>) -> Self {
        self.channels = DecisionChannels::only(channels);
        self
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its effect.
    pub fn effect(&self) -> RuleEffect {
        self.effect
    }

    /// Returns the channels through which it lets calls be approved.
    pub fn allowed_channels(&self) -> &DecisionChannels {
        &self.channels
    }

    /// Returns its line in its file, from 1.
    pub fn line(&self) -> Option<usize> {
        self.place.map(|(line, _)| line)
    }

    pub(super) fn applies(&self, call: &CallView<'_>) -> bool {
        let side = Side::new(self.effect);
        self.when.holds(call, side)
            && !self.unless.as_ref().is_some_and(|unless| unless.holds(call, side.unless()))
    }
}
