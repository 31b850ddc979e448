//! The file: its head, its rules, its tests.

use std::ops::Range;

use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use super::super::{
    Rule, RuleConditions, RuleEffect, RuleError, RuleErrorKind, RuleErrors, RuleSet,
};
use super::channels::channels;
use super::effects::EFFECTS;
use super::reader::{Reader, Value};
use crate::hex::hex;
use crate::policy::DecisionChannels;

/// The only schema.
const SCHEMA: &str = "1";

const HEAD: &[&str] = &["schema", "version", "name", "rule", "test", "break_glass"];
const RULE: &[&str] = &[
    "name",
    "effect",
    "reason",
    "channels",
    "unless",
    "tool",
    "risk_at_least",
    "risk_at_most",
    "hints",
    "principal",
    "role",
    "tenant",
    "argument",
    "path",
    "url",
    "number",
    "one_of",
    "time",
];

impl RuleSet {
    /// Reads a rule set from the text of a rule file. Pure.
    ///
    /// Reports every mistake, in file order. The file's own tests do not run: see
    /// [`self_test`](Self::self_test) and [`tested`](Self::tested).
    ///
    /// ```
    /// use hitl::policy::RuleSet;
    ///
    /// let rules = RuleSet::parse(r#"
    ///     schema = 1
    ///     version = "2026-11-03"
    ///
    ///     [[rule]]
    ///     name = "freeze"
    ///     effect = "deny"
    ///     reason = "Nothing is deleted during the freeze."
    ///     tool = "delete_*"
    ///
    ///     [[test]]
    ///     name = "deletions are refused"
    ///     tool = "delete_project"
    ///     expect = "deny"
    /// "#)?.tested()?;
    ///
    /// let mistaken = RuleSet::parse("schema = 1\nversion = '1'\n[[rule]]\nnmae = 'x'\neffect = 'deny'");
    /// assert_eq!(
    ///     mistaken.unwrap_err().iter().next().unwrap().to_string(),
    ///     "line 3, column 1: `name` is missing: what reviewers and the audit call it",
    /// );
    /// # Ok::<(), hitl::policy::RuleErrors>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, RuleErrors> {
        Self::parse_named(text, "policy")
    }

    /// Reads a rule set that is called `name` if the text names none.
    pub(in crate::policy::rules) fn parse_named(
        text: &str,
        name: &str,
    ) -> Result<Self, RuleErrors> {
        let reader = Reader::new(text);
        let (head, syntax) = DeTable::parse_recoverable(text);
        if !syntax.is_empty() {
            for error in syntax {
                let span = error.span().unwrap_or(0..0);
                reader.wrong(
                    RuleErrorKind::Syntax,
                    span,
                    format!("this is not TOML: {}", error.message()),
                );
            }
            RuleErrors::check(reader.into_errors())?;
            return Err(RuleErrors::one(RuleError::new(RuleErrorKind::Syntax, "this is not TOML")));
        }
        let mut builder = Self::builder(name, "");
        let (mut schema, mut version) = (None, None);
        for (key, value) in head.get_ref() {
            match key.get_ref().as_ref() {
                "schema" => schema = Some(value),
                "version" => version = Some(value),
                "name" => builder = builder.named(reader.text(value)),
                "rule" => {
                    for value in tables(&reader, value) {
                        builder.rules.extend(rule(&reader, value));
                    }
                }
                "test" => {
                    for value in tables(&reader, value) {
                        builder.tests.extend(super::rule_test::test(&reader, value));
                    }
                }
                "break_glass" => {
                    for value in tables(&reader, value) {
                        builder.envelopes.extend(super::break_glass::envelope(&reader, value));
                    }
                }
                _ => reader.unknown(key, HEAD),
            }
        }
        match schema.map(|value| (value, value.get_ref())) {
            None => reader.missing(0..0, "schema", "write `schema = 1`"),
            Some((_, DeValue::Integer(number))) if number.as_str() == SCHEMA => {}
            Some((value, _)) => reader.bad_value(value, "this version of hitl reads `schema = 1`"),
        }
        match version {
            None => reader.missing(0..0, "version", "what you call this version, in quotes"),
            Some(value) => builder = builder.versioned(reader.text(value)),
        }
        let digest = hex(&Sha256::digest(text.as_bytes()));
        builder.build_as(&digest, reader.into_errors())
    }
}

/// Returns a list of tables; `[table]` counts as a list of one.
fn tables<'v, 't>(reader: &Reader<'t>, value: &'v Value<'t>) -> Vec<&'v Value<'t>> {
    reader.list(value).into_iter().filter(|item| reader.table(item).is_some()).collect()
}

fn rule<'t>(reader: &Reader<'t>, value: &Value<'t>) -> Option<Rule> {
    let table = value.get_ref().as_table()?;
    let (mut name, mut effect) = (None, None);
    let (mut reason, mut unless, mut when) = (None, None, RuleConditions::default());
    let mut allowed = DecisionChannels::ANY;
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "name" => name = Some(reader.text(value)),
            "effect" => effect = Some(effect_of(reader, value)),
            "reason" => reason = reader.text(value),
            "channels" => allowed = channels(reader, value),
            "unless" => {
                let Some(table) = reader.table(value) else { continue };
                let mut inside = RuleConditions::default();
                for (key, value) in table {
                    if !super::conditions::condition(reader, &mut inside, key, value) {
                        reader.unknown(key, super::conditions::CONDITIONS);
                    }
                }
                unless = Some(inside);
            }
            _ => {
                if !super::conditions::condition(reader, &mut when, key, value) {
                    reader.unknown(key, RULE);
                }
            }
        }
    }
    let span: Range<usize> = value.span();
    if name.is_none() {
        reader.missing(span.clone(), "name", "what reviewers and the audit call it");
    }
    if effect.is_none() {
        reader.missing(span.clone(), "effect", "`deny`, `full`, `quick` or `auto`");
    }
    let mut rule = Rule::new(name??, effect??).because(reason.unwrap_or_default()).when(when);
    rule.unless = unless;
    rule.channels = allowed;
    rule.place = Some(reader.place(&span));
    Some(rule)
}

fn effect_of(reader: &Reader<'_>, value: &Value<'_>) -> Option<RuleEffect> {
    reader.word(value, "effect", &EFFECTS)
}
