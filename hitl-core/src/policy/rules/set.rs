//! Rule sets: all rules of a policy, indexed by the tool's name, the strictest first.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::rule_test::{RuleTest, TestReport};
use super::{Rule, RuleConditions, RuleEffect, RuleError, RuleErrorKind, RuleErrors, RuleWarning};
use crate::confidence::{Assessment, CallView};
use crate::grant::Envelope;
use crate::hex::hex;
use crate::policy::{
    ApprovalLevel, DecisionChannels, Effect, Policy, PolicyAnswer, PolicyVersion, RuleRef, Ruling,
};

/// The rules of a policy, with a name and a version. It is a [`Policy`].
///
/// Of the rules that apply to a call the strictest decides (deny, full, quick, auto); of several
/// with the same effect, the first. A rule set whose own tests fail denies every call; run them
/// with [`self_test`](Self::self_test), or let [`tested`](Self::tested) refuse the set.
///
/// Built in code ([`builder`](Self::builder)), or read from TOML (`parse`, feature `policy-files`).
#[derive(Clone, Debug)]
pub struct RuleSet {
    version: PolicyVersion,
    rules: Vec<Rule>,
    tests: Vec<RuleTest>,
    /// The envelopes in which a person may break the glass.
    pub(super) envelopes: Vec<Envelope>,
    /// Rules that name their tools exactly, by tool; strictest first.
    by_tool: HashMap<Box<str>, Vec<usize>>,
    /// All others; strictest first.
    others: Vec<usize>,
    /// Those that take channels away.
    restricting: Vec<usize>,
    /// True if one of its own tests fails.
    broken: bool,
    warnings: Vec<RuleWarning>,
}

/// A builder of a [`RuleSet`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct RuleSetBuilder {
    name: String,
    version: String,
    pub(super) rules: Vec<Rule>,
    pub(super) tests: Vec<RuleTest>,
    pub(super) envelopes: Vec<Envelope>,
}

impl RuleSetBuilder {
    /// Adds a rule.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Declares what a person may let run by breaking the glass. Without any, nobody may break it.
    pub fn break_glass(mut self, envelope: Envelope) -> Self {
        self.envelopes.push(envelope);
        self
    }

    /// Adds a test.
    pub fn test(mut self, test: RuleTest) -> Self {
        self.tests.push(test);
        self
    }

    #[cfg(feature = "policy-files")]
    pub(super) fn named(mut self, name: Option<String>) -> Self {
        self.name = name.unwrap_or(self.name);
        self
    }

    #[cfg(feature = "policy-files")]
    pub(super) fn versioned(mut self, version: Option<String>) -> Self {
        self.version = version.unwrap_or(self.version);
        self
    }

    /// Checks the input and reports every mistake. The tests do not run yet: a set that fails them
    /// can be inspected, and denies everything.
    pub fn build(self) -> Result<RuleSet, RuleErrors> {
        // Not stable across versions of hitl; two equal sets in one program have the same digest.
        let mut declared = format!("{:?}", self.rules);
        if !self.envelopes.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(declared, "{:?}", self.envelopes);
        }
        let digest = Sha256::digest(declared.as_bytes());
        let wrong = self.envelopes.iter().filter_map(|envelope| envelope.check().err());
        let wrong = wrong.map(|why| RuleError::new(RuleErrorKind::Value, why.to_string()));
        let wrong = wrong.collect();
        self.build_as(&hex(&digest), wrong)
    }

    pub(super) fn build_as(
        self,
        digest: &str,
        mut errors: Vec<RuleError>,
    ) -> Result<RuleSet, RuleErrors> {
        let mut names = HashSet::new();
        for rule in &self.rules {
            check(rule, &mut errors);
            if !names.insert(&*rule.name) {
                let why = format!("two rules are named `{}`", rule.name);
                errors.push(placed(rule, RuleError::new(RuleErrorKind::Duplicate, why)));
            }
        }
        RuleErrors::check(errors)?;
        let version = PolicyVersion {
            name: self.name.into(),
            version: self.version.into(),
            digest: digest.into(),
        };
        let (by_tool, others) = index(&self.rules);
        let is_restricting = |at: &usize| !self.rules[*at].channels.is_any();
        let restricting = (0..self.rules.len()).filter(is_restricting).collect();
        let warnings = super::warning::warnings(&self.rules);
        let mut set = RuleSet {
            version,
            rules: self.rules,
            tests: self.tests,
            envelopes: self.envelopes,
            by_tool,
            others,
            restricting,
            broken: false,
            warnings,
        };
        set.broken = set.self_test().iter().any(|report| !report.passed());
        Ok(set)
    }
}

impl RuleSet {
    /// Returns a builder for a rule set with a name, and a version that is meaningful to its
    /// authors.
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> RuleSetBuilder {
        RuleSetBuilder {
            name: name.into(),
            version: version.into(),
            rules: Vec::new(),
            tests: Vec::new(),
            envelopes: Vec::new(),
        }
    }

    /// Returns this set, if all of its own tests pass.
    pub fn tested(self) -> Result<Self, RuleErrors> {
        let failed = self.self_test().into_iter().filter(|report| !report.passed());
        RuleErrors::check(failed.map(|report| report.error()).collect())?;
        Ok(self)
    }

    /// Returns its name, version and digest, which are recorded with each call.
    pub fn id(&self) -> &PolicyVersion {
        &self.version
    }

    /// Returns its rules, in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns its warnings, in file order: rules that do less than they seem to. The set can be
    /// used all the same.
    pub fn warnings(&self) -> &[RuleWarning] {
        &self.warnings
    }

    /// Runs its own tests. Pure.
    pub fn self_test(&self) -> Vec<TestReport> {
        self.tests.iter().map(|test| test.run(self)).collect()
    }

    /// Returns the rule that decides about a call, if any applies.
    pub fn deciding(&self, call: &CallView<'_>) -> Option<&Rule> {
        let first = |list: &[usize], above: Option<usize>| {
            list.iter()
                .copied()
                .take_while(|at| above.is_none_or(|above| self.rank(*at) < self.rank(above)))
                .find(|at| self.rules[*at].applies(call))
        };
        let named = self.by_tool.get(call.tool).and_then(|list| first(list, None));
        // Of the others, only those that come before it.
        let at = first(&self.others, named).or(named)?;
        Some(&self.rules[at])
    }

    /// Returns the channels through which a call may be approved: those that every rule lists that
    /// applies and takes channels away.
    pub fn channels_for(&self, call: &CallView<'_>) -> DecisionChannels {
        let applying = self.restricting.iter().map(|at| &self.rules[*at]);
        let applying = applying.filter(|rule| rule.applies(call));
        applying.fold(DecisionChannels::ANY, |left, rule| left.join(&rule.channels))
    }

    /// Returns the sort key: the strictest first, then file order.
    fn rank(&self, at: usize) -> (std::cmp::Reverse<RuleEffect>, usize) {
        rank(&self.rules, at)
    }

    /// Returns the answer of a rule of this set.
    pub(super) fn answer_by(&self, rule: &Rule) -> PolicyAnswer {
        PolicyAnswer::new(Some(self.ruling(rule))).by(self.reference(rule))
    }

    fn ruling(&self, rule: &Rule) -> Ruling {
        let mut reason = self.reference(rule).to_string();
        if !rule.reason.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(reason, ": {}", rule.reason);
        }
        let effect = match rule.effect {
            RuleEffect::Auto => Effect::Auto,
            RuleEffect::Quick => Effect::AtLeast(ApprovalLevel::Quick),
            RuleEffect::Full => Effect::AtLeast(ApprovalLevel::Full),
            RuleEffect::Deny => Effect::Deny,
        };
        Ruling { effect, reason }
    }

    fn reference(&self, rule: &Rule) -> RuleRef {
        RuleRef { policy: self.version.clone(), rule: Arc::clone(&rule.name), line: rule.line() }
    }
}

impl Policy for RuleSet {
    /// A policy of the host's own may ask this in place of the answer: rules that fail their own
    /// tests deny here too.
    fn rule(&self, call: &CallView<'_>, assessment: &Assessment) -> Option<Ruling> {
        self.answer(call, assessment).into_ruling()
    }

    fn answer(&self, call: &CallView<'_>, _: &Assessment) -> PolicyAnswer {
        if self.broken {
            let why = format!("{} fails its own tests, so every call is denied", self.version);
            return PolicyAnswer::failed(why).version(self.version.clone());
        }
        let found = self.deciding(call);
        let answer = found.map_or_else(|| PolicyAnswer::new(None), |rule| self.answer_by(rule));
        answer.version(self.version.clone()).channels(self.channels_for(call))
    }

    fn version(&self) -> Option<PolicyVersion> {
        Some(self.version.clone())
    }

    fn runs_inline(&self) -> bool {
        true
    }

    fn envelopes(&self) -> Vec<Envelope> {
        if self.broken { Vec::new() } else { self.envelopes.clone() }
    }
}

fn rank(rules: &[Rule], at: usize) -> (std::cmp::Reverse<RuleEffect>, usize) {
    (std::cmp::Reverse(rules[at].effect), at)
}

fn index(rules: &[Rule]) -> (HashMap<Box<str>, Vec<usize>>, Vec<usize>) {
    let mut order: Vec<usize> = (0..rules.len()).collect();
    order.sort_by_key(|at| rank(rules, *at));
    let (mut by_tool, mut others) = (HashMap::<Box<str>, Vec<usize>>::new(), Vec::new());
    for at in order {
        let names: Option<HashSet<&str>> =
            rules[at].when.tools.iter().map(|pattern| pattern.exact()).collect();
        match names {
            Some(names) if !names.is_empty() => {
                for name in names {
                    by_tool.entry(name.into()).or_default().push(at);
                }
            }
            _ => others.push(at),
        }
    }
    (by_tool, others)
}

fn check(rule: &Rule, errors: &mut Vec<RuleError>) {
    let mut wrong = |kind, why: String| errors.push(placed(rule, RuleError::new(kind, why)));
    let value = RuleErrorKind::Value;
    let name = &rule.name;
    if name.trim().is_empty() {
        wrong(value, "a rule needs a name: it is what reviewers and the audit read".to_owned());
    }
    match rule.effect {
        _ if rule.channels.is_any() => {}
        RuleEffect::Auto | RuleEffect::Deny => {
            let effect = rule.effect;
            wrong(
                value,
                format!(
                    "the rule `{name}` has the effect {effect}, so nobody approves its calls; `channels` belong to quick and full"
                ),
            );
        }
        RuleEffect::Quick | RuleEffect::Full if rule.channels.is_empty() => {
            wrong(
                value,
                format!("the rule `{name}` leaves no channel; name one, or use the effect deny"),
            );
        }
        RuleEffect::Quick | RuleEffect::Full => {}
    }
    let relaxes = rule.effect == RuleEffect::Auto;
    if relaxes && rule.when.is_empty() {
        wrong(
            value,
            format!("the rule `{name}` would let every call run; say which with conditions"),
        );
    }
    if rule.unless.as_ref().is_some_and(RuleConditions::is_empty) {
        wrong(
            value,
            format!("the rule `{name}` has an `unless` without conditions, so it never applies"),
        );
    }
    for (when, relaxes) in [(Some(&rule.when), relaxes), (rule.unless.as_ref(), !relaxes)] {
        let Some(when) = when else { continue };
        if relaxes && when.risk_at_least.is_some() {
            wrong(
                value,
                format!(
                    "the rule `{name}` would become laxer as the risk rises; use `risk_at_most` here"
                ),
            );
        }
        if !relaxes && when.risk_at_most.is_some() {
            wrong(
                value,
                format!(
                    "the rule `{name}` would become laxer as the risk rises; use `risk_at_least` here"
                ),
            );
        }
        let arguments = when.arguments.iter().flat_map(super::Argument::mistakes);
        for mistake in arguments {
            wrong(value, format!("the rule `{name}`: {mistake}"));
        }
        if relaxes {
            for mistake in when.arguments.iter().flat_map(super::Argument::relaxing_mistakes) {
                wrong(value, format!("the rule `{name}`: {mistake}"));
            }
        }
        for (kind, mistake) in when.times.iter().flat_map(|window| &window.mistakes) {
            wrong(*kind, format!("the rule `{name}`: {mistake}"));
        }
    }
}

fn placed(rule: &Rule, error: RuleError) -> RuleError {
    match rule.place {
        Some((line, column)) => error.at(line, column),
        None => error,
    }
}
