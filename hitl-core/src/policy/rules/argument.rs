//! Conditions on one argument, or on every value under a path.

use std::cmp::Ordering;

use hitl_base::Json;
use hitl_base::json::compare_numbers;
use regex::{Regex, RegexBuilder};

use super::check::{Check, Expression};
use super::path::Path;
use super::{Side, Texts, Undecidable};
use crate::confidence::CallView;
use crate::policy::matcher::{
    Match, NumberRange, PATH_NAMES, PathMatcher, UrlMatcher, has_word, is_for_an_interpreter,
    is_plain,
};

/// The most bytes of a compiled regular expression.
const REGEX_BYTES: usize = 1 << 20;

/// The way in which an argument is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: there are six.
pub enum Comparison {
    /// The argument is equal.
    Eq,
    /// The argument differs.
    Ne,
    /// The argument is less.
    Lt,
    /// The argument is less or equal.
    Le,
    /// The argument is greater.
    Gt,
    /// The argument is greater or equal.
    Ge,
}

impl Comparison {
    pub(super) fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
        }
    }
}

/// The value with which an argument is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operand {
    /// Text, compared character by character.
    Text(String),
    /// A decimal number of any length, as JSON writes it. Never rounded.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
}

impl Operand {
    /// Returns a decimal number, like `12.50`.
    pub fn number(lexeme: impl Into<String>) -> Self {
        Self::Number(lexeme.into())
    }
}

impl From<&str> for Operand {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Operand {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Operand {
    fn from(number: i64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<bool> for Operand {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

/// A condition on the values under a path of the arguments.
///
/// Of several values (`payments[*].amount`, `**.amount`), one that satisfies everything is enough
/// for a rule that tightens; for one that relaxes, all of them must. A number in text is read as
/// that number where the rule tightens; where it relaxes, only a real number counts. Likewise, a
/// wildcard, a regular expression or a part of text matches only plain text where the rule relaxes,
/// unless the argument is [`inert`](Self::inert); see [`file`](Self::file), [`url`](Self::url),
/// [`number`](Self::number) and [`one_of`](Self::one_of) for alternatives.
///
/// ```
/// use hitl::policy::{Argument, Comparison, Operand, Rule, RuleConditions};
///
/// let large = Argument::at("amount").exists().is(Comparison::Gt, Operand::number("999.99"));
/// let rule = Rule::full("large payments").when(RuleConditions::tool("pay_*").argument(large));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    target: Target,
    checks: Vec<Check>,
    /// The mistakes in its input, for the author of the rule set.
    mistakes: Vec<String>,
    /// True if the host declares that nothing interprets its text.
    inert: bool,
}

/// The values that are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// The values under a path.
    At { path: Result<Path, String>, written: String },
    /// Every text, at any place.
    Anywhere,
}

/// Words in the names of arguments that are URLs.
const URL_NAMES: &[&str] =
    &["endpoint", "href", "link", "site", "uri", "uris", "url", "urls", "webhook", "website"];

impl Argument {
    /// Returns a condition on the values under a path: `amount`, `to.country`, `items[0]`,
    /// `payments[*].amount`, or `**.amount` for this key at any depth. A key with dots in it is
    /// quoted: `headers."x.y"`.
    pub fn at(path: &str) -> Self {
        Self::new(Target::At { path: Path::parse(path), written: path.to_owned() })
    }

    /// Returns a condition on every text in the arguments, for [`file`](Self::file) and
    /// [`url`](Self::url) alone: a rule that tightens applies to a call in which one of them
    /// matches. One that relaxes needs at least one match, a match of every text that is a path (or
    /// URL) by its name or form, and every other text to be plain.
    pub fn anywhere() -> Self {
        Self::new(Target::Anywhere)
    }

    fn new(target: Target) -> Self {
        Self { target, checks: Vec::new(), mistakes: Vec::new(), inert: false }
    }

    /// Declares that nothing interprets the text of this argument: no shell, file system, browser,
    /// database or template ever reads it. Then a wildcard, a regular expression or a part of text
    /// matches any text, also where the rule relaxes.
    #[must_use]
    pub fn inert(mut self) -> Self {
        self.inert = true;
        self
    }

    /// Requires the path of a file that matches.
    #[must_use]
    pub fn file(mut self, paths: PathMatcher) -> Self {
        match paths.compile() {
            Ok(program) => self.with(Check::File(program)),
            Err(mistake) => {
                self.mistakes.push(mistake);
                self
            }
        }
    }

    /// Requires a URL that matches.
    #[must_use]
    pub fn url(mut self, urls: UrlMatcher) -> Self {
        match urls.compile() {
            Ok(program) => self.with(Check::Url(program)),
            Err(mistake) => {
                self.mistakes.push(mistake);
                self
            }
        }
    }

    /// Requires a number in this range.
    #[must_use]
    pub fn number(mut self, range: NumberRange) -> Self {
        if let Some(mistake) = range.mistake() {
            self.mistakes.push(mistake.to_owned());
        }
        self.with(Check::Number(range))
    }

    /// Requires a comparison to hold. Comparisons by size (`Lt`, `Le`, `Gt`, `Ge`) need a number.
    #[must_use]
    pub fn is(mut self, compare: Comparison, with: impl Into<Operand>) -> Self {
        let with = with.into();
        self.look_at(&with);
        let by_size = !matches!(compare, Comparison::Eq | Comparison::Ne);
        if by_size && !matches!(with, Operand::Number(_)) {
            self.mistakes.push("only numbers are compared by size".to_owned());
        }
        self.with(Check::Comparison(compare, with))
    }

    /// Requires one of these values.
    #[must_use]
    pub fn one_of<O: Into<Operand>>(mut self, these: impl IntoIterator<Item = O>) -> Self {
        let these: Vec<Operand> = these.into_iter().map(Into::into).collect();
        if these.is_empty() {
            self.mistakes.push("a list of what it may be is empty".to_owned());
        }
        for operand in &these {
            self.look_at(operand);
        }
        self.with(Check::OneOf(these))
    }

    /// Requires a list that contains this, or text that contains this text.
    #[must_use]
    pub fn contains(mut self, what: impl Into<Operand>) -> Self {
        let what = what.into();
        self.look_at(&what);
        self.with(Check::Contains(what))
    }

    /// Requires text that this regular expression matches as a whole. `.` matches line breaks too,
    /// so that they hide nothing from a rule.
    #[must_use]
    pub fn matches(mut self, expression: &str) -> Self {
        let compiled = RegexBuilder::new(&format!("^(?:{expression})$"))
            .dot_matches_new_line(true)
            .size_limit(REGEX_BYTES)
            .build();
        // Compiled on its own first, so that it cannot close the group around it.
        if let (Ok(_), Ok(regex)) = (Regex::new(expression), compiled) {
            return self.with(Check::Matches(Expression(regex)));
        }
        self.mistakes.push("this is no regular expression, or one that is too large".to_owned());
        self
    }

    /// Requires a list of this length.
    #[must_use]
    pub fn length(self, compare: Comparison, items: u64) -> Self {
        self.with(Check::Length(compare, items.to_string()))
    }

    /// Requires the argument to be present and not `null`. With another condition: if the argument
    /// is absent, the rule does not apply.
    #[must_use]
    pub fn exists(self) -> Self {
        self.with(Check::Exists)
    }

    /// Requires the argument to be absent or `null`.
    #[must_use]
    pub fn missing(self) -> Self {
        self.with(Check::Missing)
    }

    fn with(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    fn look_at(&mut self, operand: &Operand) {
        if let Operand::Number(lexeme) = operand
            && compare_numbers(lexeme, "0").is_none()
        {
            self.mistakes.push("a number is written like `12.50`".to_owned());
        }
    }

    pub(super) fn mistakes(&self) -> impl Iterator<Item = &str> {
        let path = match &self.target {
            Target::At { path, .. } => path.as_ref().err().map(String::as_str),
            Target::Anywhere => {
                let typed = |check: &Check| matches!(check, Check::File(_) | Check::Url(_));
                (!self.checks.iter().all(typed))
                    .then_some("only a path or a URL is looked for everywhere; name the argument")
            }
        };
        let none = "nothing is said about the argument; compare it, or say `exists`";
        let empty = (self.checks.is_empty() && self.mistakes.is_empty()).then_some(none);
        path.into_iter().chain(self.mistakes.iter().map(String::as_str)).chain(empty)
    }

    /// Returns the mistakes in a condition where it relaxes.
    pub(super) fn relaxing_mistakes(&self) -> impl Iterator<Item = &'static str> {
        self.checks.iter().filter_map(|check| match check {
            Check::File(path) if path.names_a_home() => {
                Some("`~` is another folder for another user; write the folder where this relaxes")
            }
            Check::Number(range) if range.max.is_none() => {
                Some("a range of numbers that relaxes needs `max`")
            }
            _ => None,
        })
    }

    /// Returns the path of the argument as the rule spells it; `None` if it covers every text.
    pub(super) fn written(&self) -> Option<&str> {
        match &self.target {
            Target::At { written, .. } => Some(written),
            Target::Anywhere => None,
        }
    }

    pub(super) fn is_inert(&self) -> bool {
        self.inert
    }

    pub(super) fn checks(&self) -> &[Check] {
        &self.checks
    }

    pub(super) fn holds(&self, call: &CallView<'_>, side: Side) -> bool {
        let doubt = side.doubt;
        let Target::At { path, written } = &self.target else {
            return self.holds_anywhere(call.arguments.tree(), side);
        };
        // A rule set with an invalid path was refused.
        let Ok(path) = path else { return doubt.holds() };
        let inert = self.inert || call.is_inert(written);
        let texts = if inert { Texts::Any } else { side.texts };
        let side = Side { texts, ..side };
        let interpreted = texts == Texts::Plain && is_for_an_interpreter(call.tool, written);
        let (mut any, mut all) = (false, true);
        path.visit(call.arguments.tree(), &mut |value| {
            let value = value.filter(|value| **value != Json::Null);
            let holds = self.checks.iter().all(|check| check.holds(value, side, interpreted));
            any |= holds;
            all &= holds;
        });
        match doubt {
            Undecidable::Met => any,
            Undecidable::Unmet => all,
        }
    }

    fn holds_anywhere(&self, arguments: &Json, side: Side) -> bool {
        self.checks.iter().all(|check| {
            let judge = |text: &str| match check {
                Check::File(path) => path.judge(text, side.reading()),
                Check::Url(url) => url.judge(text, side.reading()),
                _ => Match::Unknown,
            };
            let is_url = matches!(check, Check::Url(_));
            let (names, form): (_, fn(&str) -> bool) = if is_url {
                (URL_NAMES, |text| text.contains("://"))
            } else {
                (PATH_NAMES, |text| text.contains(['/', '\\']) && !text.contains("://"))
            };
            let (mut one, mut all) = (false, true);
            each_text(None, arguments, &mut |key, text| {
                let by_name = key.is_some_and(|key| has_word(key, names));
                let found = judge(text);
                one |= match side.doubt {
                    Undecidable::Met => found == Match::Yes || (found == Match::Unknown && by_name),
                    Undecidable::Unmet => found == Match::Yes && (by_name || form(text)),
                };
                all &= found == Match::Yes || !(by_name || form(text)) && is_plain(text);
            });
            match side.doubt {
                Undecidable::Met => one,
                Undecidable::Unmet => one && all,
            }
        })
    }
}

/// Calls `see` with every text in a tree and the name above it.
fn each_text<'j>(
    key: Option<&'j str>,
    tree: &'j Json,
    see: &mut dyn FnMut(Option<&'j str>, &'j str),
) {
    match tree {
        Json::String(text) => see(key, text),
        Json::Array(items) => {
            for item in items {
                each_text(key, item, see);
            }
        }
        Json::Object(entries) => {
            for (key, value) in entries {
                each_text(Some(key), value, see);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "argument_tests.rs"]
mod tests;
