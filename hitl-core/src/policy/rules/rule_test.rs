//! Tests that a rule set carries, and must pass before it is used.

use std::fmt;

use hitl_base::json::parse_json;
use hitl_base::{Json, Timestamp};

use super::{RuleEffect, RuleError, RuleErrorKind, RuleSet};
use crate::call::{CallContext, Risk, ToolAnnotations, ToolConfig};
use crate::confidence::CallView;
use crate::policy::{DecisionChannel, DecisionChannels};

/// A call, and the expected answer of the rules.
///
/// Only the rules are tested: the tool's own score, thresholds and risk are added when a call is
/// routed.
#[derive(Clone, Debug)]
pub struct RuleTest {
    pub(super) name: String,
    pub(super) place: Option<(usize, usize)>,
    pub(super) tool: String,
    pub(super) arguments: Json,
    pub(super) config: ToolConfig,
    pub(super) context: CallContext,
    pub(super) at: Option<Timestamp>,
    pub(super) expected: Option<RuleEffect>,
    pub(super) rule: Option<String>,
    pub(super) channels: Option<DecisionChannels>,
}

impl RuleTest {
    /// Returns a test of a call of `tool` by somebody without roles, without arguments, of medium
    /// risk, at no known time, to which no rule should apply.
    pub fn new(name: impl Into<String>, tool: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            place: None,
            tool: tool.into(),
            arguments: Json::Object(Vec::new()),
            config: ToolConfig::DEFAULT,
            context: CallContext::new("somebody"),
            at: None,
            expected: None,
            rule: None,
            channels: None,
        }
    }

    /// Sets the arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: Json) -> Self {
        self.arguments = arguments;
        self
    }

    /// Sets the arguments from JSON text.
    pub fn arguments_text(self, json: &str) -> Result<Self, hitl_base::json::ParseJsonError> {
        Ok(self.arguments(parse_json(json)?))
    }

    /// Sets the tool's risk.
    #[must_use]
    pub fn risk(mut self, risk: Risk) -> Self {
        self.config = self.config.risk(risk);
        self
    }

    /// Sets the tool's hints.
    #[must_use]
    pub fn hints(mut self, hints: ToolAnnotations) -> Self {
        self.config.hints = hints;
        self
    }

    /// Sets the principal and context of the call.
    #[must_use]
    pub fn by(mut self, context: impl Into<CallContext>) -> Self {
        self.context = context.into();
        self
    }

    /// Sets the time of the call.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Sets the effect of the rule that should decide.
    #[must_use]
    pub fn expects(mut self, effect: RuleEffect) -> Self {
        self.expected = Some(effect);
        self
    }

    /// Sets the name of the rule that should decide.
    #[must_use]
    pub fn by_rule(mut self, name: impl Into<String>) -> Self {
        self.rule = Some(name.into());
        self
    }

    /// Sets the channels that the rules should leave.
    #[must_use]
    pub fn expects_channels(mut self, channels: impl IntoIterator<Item = DecisionChannel>) -> Self {
        self.channels = Some(DecisionChannels::only(channels));
        self
    }

    pub(super) fn run(&self, rules: &RuleSet) -> TestReport {
        let mut call = CallView::new(&self.tool, &self.config, &self.arguments, &self.context);
        call.at = self.at;
        let decided = rules.deciding(&call);
        let rule_fits = match (&self.rule, decided) {
            (Some(wanted), Some(rule)) => wanted == rule.name(),
            (Some(_), None) => false,
            (None, _) => true,
        };
        TestReport {
            name: self.name.clone(),
            place: self.place,
            expected: self.expected,
            expected_rule: self.rule.clone(),
            found: decided.map(super::Rule::effect),
            rule: decided.map(|rule| rule.name().to_owned()),
            rule_fits,
            expected_channels: self.channels.clone(),
            channels: rules.channels_for(&call),
        }
    }
}

/// The result of one of a rule set's own tests. Its `Display` is one line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TestReport {
    /// The test's name.
    pub name: String,
    place: Option<(usize, usize)>,
    /// The expected effect of a rule, or none.
    pub expected: Option<RuleEffect>,
    /// The expected rule, if the test names one.
    pub expected_rule: Option<String>,
    /// The effect that the rules had.
    pub found: Option<RuleEffect>,
    /// The rule that decided.
    pub rule: Option<String>,
    rule_fits: bool,
    /// The channels that should be left, if the test names them.
    pub expected_channels: Option<DecisionChannels>,
    /// The channels that the rules left.
    pub channels: DecisionChannels,
}

impl TestReport {
    /// Returns whether the rules answered as expected.
    pub fn passed(&self) -> bool {
        let channels_fit = self.expected_channels.as_ref().is_none_or(|it| *it == self.channels);
        self.expected == self.found && self.rule_fits && channels_fit
    }

    /// Returns its line in the file, from 1.
    pub fn line(&self) -> Option<usize> {
        self.place.map(|(line, _)| line)
    }

    pub(super) fn error(&self) -> RuleError {
        let error = RuleError::new(RuleErrorKind::SelfTest, self.to_string());
        match self.place {
            Some((line, column)) => error.at(line, column),
            None => error,
        }
    }
}

impl fmt::Display for TestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |effect: Option<RuleEffect>| effect.map_or("none", RuleEffect::name);
        write!(f, "the test `{}`", self.name)?;
        if self.passed() {
            return write!(f, " holds: {}", name(self.found));
        }
        write!(f, " expected {}", name(self.expected))?;
        if let Some(rule) = &self.expected_rule {
            write!(f, " by the rule `{rule}`")?;
        }
        if let Some(channels) = &self.expected_channels {
            write!(f, " through {channels}")?;
        }
        write!(f, ", but the rules say {}", name(self.found))?;
        if self.expected_channels.is_some() {
            write!(f, " through {}", self.channels)?;
        }
        match &self.rule {
            Some(rule) => write!(f, ", by the rule `{rule}`"),
            None => write!(f, ": no rule applies"),
        }
    }
}
