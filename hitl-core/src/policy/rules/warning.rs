//! Warnings about conditions that do less than they seem to. The policy loads, and its authors
//! should check them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::check::Check;
use super::{Argument, Rule, RuleConditions, RuleEffect, Side};
use crate::policy::matcher::is_for_an_interpreter;
use crate::policy::{DecisionChannel, DecisionChannels};

/// The kind of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleWarningKind {
    /// A condition that relaxes matches plain text only.
    PlainTextOnly,
    /// A condition that relaxes requires text that is never plain, so it is never met.
    NeverMet,
    /// A condition that relaxes is about text for a shell or another interpreter, so those calls
    /// are always asked about.
    Interpreted,
    /// No channel is left that may approve the calls of a rule.
    NoChannel,
}

/// A condition in a policy that does less than it seems to. Its `Display` is one line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleWarning {
    /// The kind of warning.
    pub kind: RuleWarningKind,
    /// The rule's name.
    pub rule: Arc<str>,
    /// The argument, as the rule writes it; `channels` for a warning about them.
    pub argument: String,
    place: Option<(usize, usize)>,
}

impl RuleWarning {
    /// Returns the rule's line in its file, from 1.
    pub fn line(&self) -> Option<usize> {
        self.place.map(|(line, _)| line)
    }
}

impl fmt::Display for RuleWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        let argument = &self.argument;
        write!(f, "the rule `{}`: ", self.rule)?;
        if self.kind != RuleWarningKind::NoChannel {
            write!(f, "what it says of `{argument}` ")?;
        }
        f.write_str(match self.kind {
            RuleWarningKind::PlainTextOnly => {
                "takes plain text only, because it relaxes; \
                 say `inert = true` where nobody interprets this text"
            }
            RuleWarningKind::NeverMet => {
                "is never met: it relaxes, so it takes plain text only, and speaks of text with \
                 signs that somebody interprets; use `path`, `url` or `one_of`"
            }
            RuleWarningKind::Interpreted => {
                "is never met: it relaxes, and an interpreter reads this text; list what is meant \
                 with `in`"
            }
            RuleWarningKind::NoChannel => {
                "no channel is left that may approve its calls, so nobody can: its channels, those \
                 of other rules and its effect have none in common"
            }
        })
    }
}

/// Returns the warnings about these rules, in their order.
pub(super) fn warnings(rules: &[Rule]) -> Vec<RuleWarning> {
    let mut found: Vec<_> = rules.iter().flat_map(of_rule).collect();
    found.extend(without_channel(rules));
    found
}

/// Returns the warnings about rules whose calls nobody can approve, as far as the rules show it as
/// they are written: those with the same conditions, and those without any.
fn without_channel(rules: &[Rule]) -> Vec<RuleWarning> {
    // Of a full review, a form of the agent's own client is never enough.
    let own = |rule: &Rule| {
        let client = DecisionChannels::only([DecisionChannel::ELICITATION]);
        let none = DecisionChannels::only([]);
        let full = rule.effect == RuleEffect::Full && client.contain(&rule.channels);
        if full { none } else { rule.channels.clone() }
    };
    let is_restricting = |rule: &&Rule| !rule.channels.is_any();
    let is_always = |rule: &&Rule| rule.when.is_empty() && rule.unless.is_none();
    let everywhere = rules.iter().filter(is_restricting).filter(is_always);
    let everywhere = everywhere.fold(DecisionChannels::ANY, |left, rule| left.join(&own(rule)));
    let mut left: HashMap<String, DecisionChannels> = HashMap::new();
    let mut found = Vec::new();
    for rule in rules.iter().filter(is_restricting) {
        let key = format!("{:?}{:?}", rule.when, rule.unless);
        let left = left.entry(key).or_insert_with(|| everywhere.clone());
        *left = left.join(&own(rule));
        if left.is_empty() {
            let (kind, argument) = (RuleWarningKind::NoChannel, "channels".to_owned());
            let (rule, place) = (Arc::clone(&rule.name), rule.place);
            found.push(RuleWarning { kind, rule, argument, place });
        }
    }
    found
}

fn of_rule(rule: &Rule) -> Vec<RuleWarning> {
    let side = Side::new(rule.effect);
    let when = (rule.effect == RuleEffect::Auto).then_some((&rule.when, side));
    let unless = rule.unless.as_ref().map(|unless| (unless, side.unless()));
    let sides = when.into_iter().chain(unless);
    sides.flat_map(|(when, side)| of_condition(rule, when, side)).collect()
}

fn of_condition(rule: &Rule, when: &RuleConditions, side: Side) -> Vec<RuleWarning> {
    let tools: Vec<&str> = when.tools.iter().filter_map(|tool| tool.exact()).collect();
    let tools = if tools.is_empty() { vec![""] } else { tools };
    let warn = |argument: &Argument, check: &Check| {
        let written = argument.written()?;
        if argument.is_inert() || !check.takes_forms(side) {
            return None;
        }
        let interpreted = tools.iter().all(|tool| is_for_an_interpreter(tool, written));
        let kind = match (side.relaxes(), interpreted) {
            (true, true) => RuleWarningKind::Interpreted,
            (true, false) if check.is_never_plain() => RuleWarningKind::NeverMet,
            _ => RuleWarningKind::PlainTextOnly,
        };
        let (rule, place) = (Arc::clone(&rule.name), rule.place);
        Some(RuleWarning { kind, rule, argument: written.to_owned(), place })
    };
    let each = |argument| -> Vec<RuleWarning> {
        let argument: &Argument = argument;
        let mut found: Vec<_> =
            argument.checks().iter().filter_map(|check| warn(argument, check)).collect();
        found.dedup();
        found
    };
    when.arguments.iter().flat_map(each).collect()
}
