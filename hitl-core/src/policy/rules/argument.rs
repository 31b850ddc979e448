//! Conditions on one argument, or on every value under a path.

use std::cmp::Ordering;

use hitl_base::Json;
use hitl_base::json::compare_numbers;
use regex::{Regex, RegexBuilder};

use super::Doubt;
use super::number::any_reading;
use super::path::Path;

/// The most that a compiled regular expression may take.
const REGEX_BYTES: usize = 1 << 20;

/// How an argument is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// It is this.
    Eq,
    /// It is something else.
    Ne,
    /// It is less.
    Lt,
    /// It is not more.
    Le,
    /// It is more.
    Gt,
    /// It is not less.
    Ge,
}

impl Compare {
    fn accepts(self, order: Ordering) -> bool {
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

/// What an argument is compared with.
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
    /// A decimal number, like `12.50`.
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

#[derive(Clone, Debug)]
enum Check {
    Compare(Compare, Operand),
    OneOf(Vec<Operand>),
    Contains(Operand),
    Matches(Regex),
    Length(Compare, String),
    Exists,
    Missing,
}

/// What must hold of the values under a path of the arguments.
///
/// Of several values (`payments[*].amount`, `**.amount`), one that satisfies everything is enough for
/// a rule that tightens; for one that relaxes, all of them must. A number in text is read as that
/// number where this tightens; where it relaxes, only a real number counts.
///
/// ```
/// use hitl_core::policy::{Argument, Compare, Operand, Rule, When};
///
/// let large = Argument::at("amount").exists().is(Compare::Gt, Operand::number("999.99"));
/// let rule = Rule::full("large payments").when(When::tool("pay_*").argument(large));
/// ```
#[derive(Clone, Debug)]
pub struct Argument {
    path: Result<Path, String>,
    checks: Vec<Check>,
    /// What was wrong with what it was given, for whoever builds the rule set.
    mistakes: Vec<String>,
}

impl Argument {
    /// The values under a path: `amount`, `to.country`, `items[0]`, `payments[*].amount`, or
    /// `**.amount` for this key at any depth. A key with dots in it is quoted: `headers."x.y"`.
    pub fn at(path: &str) -> Self {
        Self { path: Path::parse(path), checks: Vec::new(), mistakes: Vec::new() }
    }

    /// Compares it. By size (`Lt`, `Le`, `Gt`, `Ge`) only with a number.
    #[must_use]
    pub fn is(mut self, compare: Compare, with: impl Into<Operand>) -> Self {
        let with = with.into();
        self.look_at(&with);
        let by_size = !matches!(compare, Compare::Eq | Compare::Ne);
        if by_size && !matches!(with, Operand::Number(_)) {
            self.mistakes.push("only numbers are compared by size".to_owned());
        }
        self.with(Check::Compare(compare, with))
    }

    /// It is one of these.
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

    /// A list that contains this, or text that contains this text.
    #[must_use]
    pub fn contains(mut self, what: impl Into<Operand>) -> Self {
        let what = what.into();
        self.look_at(&what);
        self.with(Check::Contains(what))
    }

    /// Text that this regular expression matches from its beginning to its end. `.` matches line
    /// breaks too, so that none of them hides anything from a rule.
    #[must_use]
    pub fn matches(mut self, expression: &str) -> Self {
        let compiled = RegexBuilder::new(&format!("^(?:{expression})$"))
            .dot_matches_new_line(true)
            .size_limit(REGEX_BYTES)
            .build();
        // On its own, so that it cannot close the group around it.
        if let (Ok(_), Ok(regex)) = (Regex::new(expression), compiled) {
            return self.with(Check::Matches(regex));
        }
        self.mistakes.push("this is no regular expression, or one that is too large".to_owned());
        self
    }

    /// A list of this length.
    #[must_use]
    pub fn length(self, compare: Compare, items: u64) -> Self {
        self.with(Check::Length(compare, items.to_string()))
    }

    /// It is there, and not `null`. Beside another condition: where it is not there, the rule does
    /// not apply.
    #[must_use]
    pub fn exists(self) -> Self {
        self.with(Check::Exists)
    }

    /// It is not there, or `null`.
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
        let path = self.path.as_ref().err();
        let none = "nothing is said about the argument; compare it, or say `exists`";
        let empty = (self.checks.is_empty() && self.mistakes.is_empty()).then_some(none);
        path.map(String::as_str)
            .into_iter()
            .chain(self.mistakes.iter().map(String::as_str))
            .chain(empty)
    }

    pub(super) fn holds(&self, arguments: &Json, doubt: Doubt) -> bool {
        // A rule set with a path that is none was refused.
        let Ok(path) = &self.path else { return doubt.holds() };
        let (mut any, mut all) = (false, true);
        path.visit(arguments, &mut |value| {
            let value = value.filter(|value| **value != Json::Null);
            let holds = self.checks.iter().all(|check| check.holds(value, doubt));
            any |= holds;
            all &= holds;
        });
        match doubt {
            Doubt::Met => any,
            Doubt::Unmet => all,
        }
    }
}

impl Check {
    fn holds(&self, value: Option<&Json>, doubt: Doubt) -> bool {
        let value = match (self, value) {
            (Self::Exists, value) => return value.is_some(),
            (Self::Missing, value) => return value.is_none(),
            (_, None) => return doubt.holds(),
            (_, Some(value)) => value,
        };
        match self {
            Self::Compare(Compare::Ne, with) => !equal(value, with, doubt.turned()),
            Self::Compare(Compare::Eq, with) => equal(value, with, doubt),
            Self::Compare(compare, Operand::Number(with)) => {
                sized(value, with, |order| compare.accepts(order), doubt)
            }
            Self::OneOf(these) => these.iter().any(|operand| equal(value, operand, doubt)),
            Self::Contains(what) => match (value, what) {
                (Json::String(text), Operand::Text(part)) => text.contains(part.as_str()),
                (Json::Array(items), what) => items.iter().any(|item| equal(item, what, doubt)),
                _ => doubt.holds(),
            },
            Self::Matches(regex) => match value {
                Json::String(text) => regex.is_match(text),
                _ => doubt.holds(),
            },
            Self::Length(compare, length) => match value {
                Json::Array(items) => length
                    .parse::<usize>()
                    .map_or(doubt.holds(), |length| compare.accepts(items.len().cmp(&length))),
                _ => doubt.holds(),
            },
            // A rule set with such a comparison was refused; the others were answered above.
            Self::Compare(..) | Self::Exists | Self::Missing => doubt.holds(),
        }
    }
}

fn equal(value: &Json, with: &Operand, doubt: Doubt) -> bool {
    match (value, with) {
        (Json::String(text), Operand::Text(with)) => text == with,
        (Json::Bool(yes), Operand::Bool(with)) => yes == with,
        (value, Operand::Number(with)) => sized(value, with, Ordering::is_eq, doubt),
        _ => doubt.holds(),
    }
}

fn sized(value: &Json, with: &str, is: impl Fn(Ordering) -> bool, doubt: Doubt) -> bool {
    match (value, doubt) {
        (Json::Number(lexeme), _) => compare_numbers(lexeme, with).map_or(doubt.holds(), is),
        (Json::String(text), Doubt::Met) => any_reading(text, with, is).unwrap_or(true),
        _ => doubt.holds(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::scan;

    fn holds(argument: &Argument, arguments: &str) -> (bool, bool) {
        assert_eq!(argument.mistakes().count(), 0);
        let tree = scan(arguments).unwrap();
        (argument.holds(&tree, Doubt::Met), argument.holds(&tree, Doubt::Unmet))
    }

    const YES: (bool, bool) = (true, true);
    const NO: (bool, bool) = (false, false);
    /// It tightens, and does not relax.
    const UNSURE: (bool, bool) = (true, false);

    #[test]
    fn numbers_compare_exactly() {
        let large = Argument::at("n").is(Compare::Gt, Operand::number("9007199254740992"));
        assert_eq!(holds(&large, r#"{"n": 9007199254740993}"#), YES);
        assert_eq!(holds(&large, r#"{"n": 9007199254740992.0}"#), NO);
        let cents = Argument::at("n").is(Compare::Eq, Operand::number("0.1"));
        assert_eq!(holds(&cents, r#"{"n": 1e-1}"#), YES);
        assert_eq!(holds(&cents, r#"{"n": 0.1000000000000000055511151231257827}"#), NO);
        for (compare, less, same, more) in [
            (Compare::Lt, YES, NO, NO),
            (Compare::Le, YES, YES, NO),
            (Compare::Ge, NO, YES, YES),
            (Compare::Gt, NO, NO, YES),
            (Compare::Eq, NO, YES, NO),
            (Compare::Ne, YES, NO, YES),
        ] {
            let argument = Argument::at("n").is(compare, 5);
            assert_eq!(holds(&argument, r#"{"n": 4.9}"#), less);
            assert_eq!(holds(&argument, r#"{"n": 5.0}"#), same);
            assert_eq!(holds(&argument, r#"{"n": 50e-1}"#), same);
            assert_eq!(holds(&argument, r#"{"n": 5.1}"#), more);
        }
    }

    #[test]
    fn invariant_5_a_number_in_text_tightens_and_never_relaxes() {
        let large = Argument::at("n").is(Compare::Gt, 1000);
        let small = Argument::at("n").is(Compare::Le, 1000);
        for (text, is_large, is_small) in [
            ("5000", UNSURE, NO),
            ("500", NO, UNSURE),
            ("1,001", UNSURE, UNSURE),
            ("lots", UNSURE, UNSURE),
        ] {
            let call = format!(r#"{{"n": "{text}"}}"#);
            assert_eq!(holds(&large, &call), is_large, "{text}");
            assert_eq!(holds(&small, &call), is_small, "{text}");
        }
        let other = Argument::at("n").is(Compare::Ne, 5);
        assert_eq!(holds(&other, r#"{"n": "5"}"#), UNSURE);
    }

    #[test]
    fn invariant_5_what_cannot_be_decided_tightens_and_never_relaxes() {
        let path = || Argument::at("a");
        for argument in [
            path().is(Compare::Eq, "x"),
            path().is(Compare::Ne, "x"),
            path().is(Compare::Lt, 5),
            path().is(Compare::Ne, true),
            path().one_of(["x", "y"]),
            path().contains("x"),
            path().matches("x"),
            path().length(Compare::Gt, 3),
        ] {
            for call in ["{}", r#"{"a": null}"#, r#"{"a": {"b": 1}}"#, r#"{"b": 1}"#, "[]"] {
                assert_eq!(holds(&argument, call), UNSURE, "{argument:?} {call}");
            }
            let there =
                Argument { checks: [vec![Check::Exists], argument.checks].concat(), ..argument };
            assert_eq!(holds(&there, "{}"), NO);
        }
        assert_eq!(holds(&path().missing(), "{}"), YES);
        assert_eq!(holds(&path().missing(), r#"{"a": 1}"#), NO);
        assert_eq!(holds(&path().exists(), r#"{"a": null}"#), NO);
    }

    #[test]
    fn one_value_is_enough_to_tighten_and_all_are_needed_to_relax() {
        let each = |compare| Argument::at("p[*].n").is(compare, 100);
        assert_eq!(holds(&each(Compare::Gt), r#"{"p": [{"n": 1}, {"n": 200}]}"#), UNSURE);
        assert_eq!(holds(&each(Compare::Le), r#"{"p": [{"n": 1}, {"n": 2}]}"#), YES);
        assert_eq!(holds(&each(Compare::Le), r#"{"p": [{"n": 1}, {}]}"#), UNSURE);
        assert_eq!(holds(&each(Compare::Gt), r#"{"p": [{"n": 1}, {"n": 2}]}"#), NO);
        assert_eq!(holds(&each(Compare::Le), r#"{"p": []}"#), UNSURE);
        let deep = Argument::at("**.n").is(Compare::Gt, 100);
        assert_eq!(holds(&deep, r#"{"p": [{"q": {"n": 101}}]}"#), YES);
    }

    #[test]
    fn lists_and_texts() {
        let contains = Argument::at("a").contains("x");
        assert_eq!(holds(&contains, r#"{"a": "axb"}"#), YES);
        assert_eq!(holds(&contains, r#"{"a": ["y", "x"]}"#), YES);
        assert_eq!(holds(&contains, r#"{"a": ["xx"]}"#), NO);
        assert_eq!(holds(&Argument::at("a").contains(5), r#"{"a": [5.0]}"#), YES);
        let matches = Argument::at("a").matches("/tmp/.*");
        assert_eq!(holds(&matches, r#"{"a": "/tmp/x\n/etc"}"#), YES);
        assert_eq!(holds(&matches, r#"{"a": "/etc;/tmp/x"}"#), NO);
        assert_eq!(holds(&Argument::at("a").matches("x|y"), r#"{"a": "xz"}"#), NO);
        assert_eq!(holds(&Argument::at("a").length(Compare::Ge, 2), r#"{"a": [1, 2]}"#), YES);
        assert_eq!(holds(&Argument::at("a").one_of(["x", "y"]), r#"{"a": "y"}"#), YES);
        for bad in [
            Argument::at("a").matches("("),
            Argument::at("a").matches("x)|(y"),
            Argument::at("a").is(Compare::Gt, "x"),
            Argument::at("a").is(Compare::Eq, Operand::number("x")),
            Argument::at("a").one_of(Vec::<Operand>::new()),
            Argument::at("a"),
            Argument::at("a[").exists(),
        ] {
            assert!(bad.mistakes().count() >= 1, "{bad:?}");
        }
    }
}
