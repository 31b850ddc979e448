//! Comparison of two rule sets by strictness, and the stricter of two. Pure.
//!
//! The comparison is conservative: only what can be proven from the rules as they are written
//! counts as at least as strict, and everything else counts as laxer. Names, reasons, comments,
//! versions and tests do not count.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{Rule, RuleConditions, RuleEffect, RuleSet};
#[cfg(any(test, feature = "policy-files"))]
use crate::confidence::CallView;
use crate::grant::Envelope;

/// One way in which a rule set may be laxer than another. Its `Display` is one line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relaxation {
    /// The kind of difference.
    pub kind: RelaxationKind,
    /// The rule's name; `break_glass` for an envelope.
    pub rule: Arc<str>,
    /// Its effect; `auto` for an envelope.
    pub effect: RuleEffect,
    /// Its line in its file, from 1: in the newer file, or in the older for a rule that is gone.
    pub line: Option<usize>,
}

/// The kind of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RelaxationKind {
    /// A rule that tightens was removed, or may apply to fewer calls.
    Weaker,
    /// An `auto` rule is new, or may apply to more calls.
    Wider,
    /// An envelope of break-glass is new, or may cover more.
    Envelope,
    /// A rule that takes channels away lets more of them approve.
    Channels,
}

impl fmt::Display for Relaxation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, effect, .. } = self;
        match self.kind {
            RelaxationKind::Weaker => {
                write!(f, "the {effect} rule `{rule}` is gone, or applies to fewer calls")?;
            }
            RelaxationKind::Wider => {
                write!(f, "the {effect} rule `{rule}` is new, or applies to more calls")?;
            }
            RelaxationKind::Channels => {
                write!(f, "the {effect} rule `{rule}` lets more channels approve")?;
            }
            RelaxationKind::Envelope => {
                f.write_str("an envelope of `break_glass` is new, or covers more")?;
            }
        }
        match self.line {
            Some(line) => write!(f, " (line {line})"),
            None => Ok(()),
        }
    }
}

impl RuleSet {
    /// Returns the ways in which this set may be laxer than an `older` one; empty if it is at least
    /// as strict for every call.
    pub fn relaxations_of(&self, older: &Self) -> Vec<Relaxation> {
        let told = |kind, rule: &Rule| Relaxation {
            kind,
            rule: Arc::clone(&rule.name),
            effect: rule.effect,
            line: rule.line(),
        };
        // Each rule is compared only with rules that have the same conditions, and with those that
        // apply to every call.
        let (mine, theirs) = (Alike::new(self), Alike::new(older));
        let everything: Vec<&Rule> = tightening(self).filter(|is| is.when.is_empty()).collect();
        let weaker = tightening(older).filter_map(|was| {
            let rules = || {
                let rules = mine.to(was).chain(everything.iter().copied());
                rules.filter(|is| is.effect != RuleEffect::Auto && covers(is, was))
            };
            let kind = if rules().next().is_none() {
                RelaxationKind::Weaker
            } else if rules().any(|is| restricts(is, was)) {
                return None;
            } else {
                RelaxationKind::Channels
            };
            Some(told(kind, was))
        });
        let wider = relaxing(self)
            .filter(|is| {
                !theirs.to(is).any(|was| was.effect == RuleEffect::Auto && is_within(is, was))
            })
            .map(|is| told(RelaxationKind::Wider, is));
        let is_covered = |is: &&Envelope| older.envelopes.iter().any(|was| is.is_within(was));
        let envelopes = self.envelopes.iter().filter(|is| !is_covered(is)).map(|_| Relaxation {
            kind: RelaxationKind::Envelope,
            rule: "break_glass".into(),
            effect: RuleEffect::Auto,
            line: None,
        });
        weaker.chain(wider).chain(envelopes).collect()
    }

    /// Returns the rule that decides when both sets apply: the stricter of their individual
    /// decisions. A rule that relaxes does so only if both sets have one.
    #[cfg(any(test, feature = "policy-files"))]
    pub(super) fn stricter_of<'r>(
        &'r self,
        other: &'r Self,
        call: &CallView<'_>,
    ) -> Option<(&'r Self, &'r Rule)> {
        let mine = self.deciding(call).map(|rule| (self, rule));
        let theirs = other.deciding(call).map(|rule| (other, rule));
        match (mine, theirs) {
            (Some(one), Some(two)) if two.1.effect > one.1.effect => Some(two),
            (Some(one), Some(_)) => Some(one),
            (one, two) => one.or(two).filter(|(_, rule)| rule.effect != RuleEffect::Auto),
        }
    }
}

fn tightening(rules: &RuleSet) -> impl Iterator<Item = &Rule> {
    rules.rules().iter().filter(|rule| rule.effect != RuleEffect::Auto)
}

fn relaxing(rules: &RuleSet) -> impl Iterator<Item = &Rule> {
    rules.rules().iter().filter(|rule| rule.effect == RuleEffect::Auto)
}

/// Rules by their conditions, so that each is compared with few others.
struct Alike<'r>(HashMap<String, Vec<&'r Rule>>);

impl<'r> Alike<'r> {
    fn new(rules: &'r RuleSet) -> Self {
        let mut alike = HashMap::<String, Vec<&Rule>>::new();
        for rule in rules.rules() {
            let same = alike.entry(key_of(&rule.when, rule.unless.as_ref())).or_default();
            // One rule of each effect and with these channels represents the others.
            let known = |it: &&Rule| {
                (it.effect, &it.channels) == (rule.effect, &rule.channels)
                    && it.when == rule.when
                    && it.unless == rule.unless
            };
            if !same.iter().any(known) {
                same.push(rule);
            }
        }
        Self(alike)
    }

    /// Returns the rules that may have the same conditions as this one, with its exceptions or
    /// without any.
    fn to<'s>(&'s self, rule: &Rule) -> impl Iterator<Item = &'r Rule> + use<'r, 's> {
        let excepting = rule.unless.as_ref().map(|unless| key_of(&rule.when, Some(unless)));
        let keys = excepting.into_iter().chain([key_of(&rule.when, None)]);
        keys.flat_map(|key| self.0.get(&key).into_iter().flatten().copied())
    }
}

/// Returns a key for rules that may be alike; they are then compared as values.
fn key_of(when: &RuleConditions, unless: Option<&RuleConditions>) -> String {
    format!("{when:?}{unless:?}")
}

/// Returns whether `is` stops every call that `was` stopped, at least as firmly.
fn covers(is: &Rule, was: &Rule) -> bool {
    let wider = is.when.is_empty() || is.when == was.when;
    let excepts = match (&is.unless, &was.unless) {
        (None, _) => true,
        (is, was) => is == was,
    };
    is.effect >= was.effect && wider && excepts
}

/// Returns whether no channel approves calls under `is` that did not under `was`. Nobody approves
/// what is denied.
fn restricts(is: &Rule, was: &Rule) -> bool {
    is.effect == RuleEffect::Deny || was.channels.contain(&is.channels)
}

/// Returns whether `is` lets only calls run that `was` let run.
fn is_within(is: &Rule, was: &Rule) -> bool {
    let excepts = match (&is.unless, &was.unless) {
        (_, None) => true,
        (is, was) => is == was,
    };
    is.when == was.when && excepts
}

#[cfg(test)]
#[path = "strictness_tests.rs"]
mod tests;
