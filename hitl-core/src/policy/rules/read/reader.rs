//! Values with their places. A mistake is noted, and reading continues.

use std::cell::RefCell;
use std::ops::Range;

use hitl_base::display::{clip, visible};
use hitl_base::json::compare_numbers;
use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeString, DeTable, DeValue};

use super::super::{Operand, RuleError, RuleErrorKind};
use crate::arguments::known_instead;
use crate::call::Risk;

pub(super) type Value<'t> = Spanned<DeValue<'t>>;
pub(super) type Key<'t> = Spanned<DeString<'t>>;

/// The text, and the mistakes found so far.
pub(super) struct Reader<'t> {
    text: &'t str,
    errors: RefCell<Vec<RuleError>>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, errors: RefCell::default() }
    }

    pub(super) fn into_errors(self) -> Vec<RuleError> {
        self.errors.into_inner()
    }

    /// Returns line and column, from 1, columns in characters.
    pub(super) fn place(&self, span: &Range<usize>) -> (usize, usize) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    pub(super) fn wrong(&self, kind: RuleErrorKind, span: Range<usize>, why: impl Into<String>) {
        let (line, column) = self.place(&span);
        self.errors.borrow_mut().push(RuleError::new(kind, why).at(line, column));
    }

    pub(super) fn bad_value(&self, value: &Value<'_>, why: impl Into<String>) {
        self.wrong(RuleErrorKind::Value, value.span(), why);
    }

    fn bad_type(&self, value: &Value<'_>, wanted: &str) {
        let found = value.get_ref().type_str();
        self.wrong(
            RuleErrorKind::WrongType,
            value.span(),
            format!("expected {wanted}, found a value of type {found}"),
        );
    }

    pub(super) fn missing(&self, span: Range<usize>, key: &str, what: &str) {
        self.wrong(RuleErrorKind::Missing, span, format!("`{key}` is missing: {what}"));
    }

    pub(super) fn unknown(&self, key: &Key<'_>, known: &[&str]) {
        let why = format!(
            "`{}` means nothing here; {}",
            quoted(key.get_ref()),
            known_instead(key.get_ref(), known.iter().copied())
        );
        self.wrong(RuleErrorKind::UnknownKey, key.span(), why);
    }

    pub(super) fn text(&self, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.bad_type(value, "text in quotes");
        }
        text
    }

    pub(super) fn yes_or_no(&self, value: &Value<'_>) -> Option<bool> {
        let yes = value.get_ref().as_bool();
        if yes.is_none() {
            self.bad_type(value, "`true` or `false`");
        }
        yes
    }

    pub(super) fn table<'v>(&self, value: &'v Value<'t>) -> Option<&'v DeTable<'t>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.bad_type(value, "a table");
        }
        table
    }

    /// Returns a list, or a single value as a list of one.
    pub(super) fn list<'v>(&self, value: &'v Value<'t>) -> Vec<&'v Value<'t>> {
        match value.get_ref() {
            DeValue::Array(items) => {
                if items.is_empty() {
                    self.bad_value(value, "this list is empty; leave the key out instead");
                }
                items.iter().collect()
            }
            _ => vec![value],
        }
    }

    pub(super) fn texts(&self, value: &Value<'t>) -> Vec<String> {
        self.list(value).into_iter().filter_map(|item| self.text(item)).collect()
    }

    /// Reads one of a few words.
    pub(super) fn word<T: Copy>(
        &self,
        value: &Value<'_>,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(value)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.bad_value(
                value,
                format!("`{}` is no {what}; {}", quoted(&text), known_instead(&text, known)),
            );
        }
        found
    }

    pub(super) fn risk(&self, value: &Value<'_>) -> Option<Risk> {
        let words = [
            ("low", Risk::Low),
            ("medium", Risk::Medium),
            ("high", Risk::High),
            ("critical", Risk::Critical),
        ];
        self.word(value, "risk", &words)
    }

    pub(super) fn operand(&self, value: &Value<'_>) -> Option<Operand> {
        match value.get_ref() {
            DeValue::String(text) => Some(Operand::Text(text.to_string())),
            DeValue::Boolean(yes) => Some(Operand::Bool(*yes)),
            DeValue::Integer(_) | DeValue::Float(_) => self.number(value).map(Operand::Number),
            _ => {
                self.bad_type(value, "text, a number, `true` or `false`");
                None
            }
        }
    }

    /// Returns a number as JSON writes it, to the last digit.
    pub(super) fn number(&self, value: &Value<'_>) -> Option<String> {
        let lexeme = match value.get_ref() {
            DeValue::Integer(number) => integer(number),
            DeValue::Float(number) => float(number),
            _ => {
                self.bad_type(value, "a number");
                return None;
            }
        };
        if lexeme.is_none() {
            self.bad_value(value, "this number cannot be compared; write it in decimal digits");
        }
        lexeme
    }

    pub(super) fn count(&self, value: &Value<'_>) -> Option<u64> {
        let number = self.number(value)?;
        let count = number.parse().ok();
        if count.is_none() {
            self.bad_value(value, "a length is a whole number, zero or more");
        }
        count
    }
}

fn integer(number: &DeInteger<'_>) -> Option<String> {
    let digits = number.as_str().trim_start_matches('+').replace('_', "");
    let lexeme = match number.radix() {
        10 => digits,
        radix => u128::from_str_radix(&digits, radix).ok()?.to_string(),
    };
    compare_numbers(&lexeme, "0").map(|_| lexeme)
}

fn float(number: &DeFloat<'_>) -> Option<String> {
    let lexeme = number.as_str().trim_start_matches('+').replace('_', "");
    compare_numbers(&lexeme, "0").map(|_| lexeme)
}

/// Returns text from the file for a message: visible, and not too long.
pub(super) fn quoted(text: &str) -> String {
    clip(&visible(text), 60).into_owned()
}
