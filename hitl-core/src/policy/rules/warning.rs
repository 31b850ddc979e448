//! Warnings about conditions that do less than they seem to. The policy loads, and its authors
//! should check them.

use std::fmt;
use std::sync::Arc;

use super::check::Check;
use super::{Argument, Rule, RuleConditions, RuleEffect, Side};
use crate::policy::matcher::is_for_an_interpreter;

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
}

/// A condition in a policy that does less than it seems to. Its `Display` is one line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleWarning {
    /// The kind of warning.
    pub kind: RuleWarningKind,
    /// The rule's name.
    pub rule: Arc<str>,
    /// The argument, as the rule writes it.
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
        write!(f, "the rule `{}`: what it says of `{argument}` ", self.rule)?;
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
        })
    }
}

/// Returns the warnings about these rules, in their order.
pub(super) fn warnings(rules: &[Rule]) -> Vec<RuleWarning> {
    rules.iter().flat_map(of_rule).collect()
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
