//! Checks of a single value.

use std::cmp::Ordering;

use hitl_base::Json;
use hitl_base::json::compare_numbers;
use regex::Regex;

use super::number::any_reading;
use super::{Comparison, Operand, Side, Texts, Undecidable};
use crate::policy::matcher::{Match, NumberRange, PathProgram, Reading, UrlProgram, is_plain};

/// One comparison of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Comparison(Comparison, Operand),
    OneOf(Vec<Operand>),
    Contains(Operand),
    Matches(Expression),
    Length(Comparison, String),
    Exists,
    Missing,
    File(PathProgram),
    Url(UrlProgram),
    Number(NumberRange),
}

/// A regular expression, compared by its source: all are built with the same settings.
#[derive(Clone, Debug)]
pub(super) struct Expression(pub(super) Regex);

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Expression {}

impl Check {
    /// Returns whether a value satisfies it. `interpreted`: an interpreter reads this argument, so
    /// that no text in it is plain.
    pub(super) fn holds(&self, value: Option<&Json>, side: Side, interpreted: bool) -> bool {
        let doubt = side.doubt;
        let value = match (self, value) {
            (Self::Exists, value) => return value.is_some(),
            (Self::Missing, value) => return value.is_none(),
            (_, None) => return doubt.holds(),
            (_, Some(value)) => value,
        };
        let texts = Reader { side, interpreted };
        match self {
            Self::Comparison(Comparison::Ne, with) => !texts.turned().equal(value, with),
            Self::Comparison(Comparison::Eq, with) => texts.equal(value, with),
            Self::Comparison(compare, Operand::Number(with)) => {
                sized(value, with, |order| compare.accepts(order), doubt)
            }
            Self::OneOf(these) => these.iter().any(|operand| texts.equal(value, operand)),
            Self::Contains(what) => texts.contains(value, what),
            Self::Matches(Expression(regex)) => match value {
                Json::String(text) if texts.takes(text) => regex.is_match(text),
                _ => doubt.holds(),
            },
            Self::Length(compare, length) => match value {
                Json::Array(items) => length
                    .parse::<usize>()
                    .map_or(doubt.holds(), |length| compare.accepts(items.len().cmp(&length))),
                _ => doubt.holds(),
            },
            Self::File(path) => text_of(value)
                .map_or(doubt.holds(), |text| side.takes(path.judge(text, side.reading()))),
            Self::Url(url) => text_of(value)
                .map_or(doubt.holds(), |text| side.takes(url.judge(text, side.reading()))),
            Self::Number(range) => match (value, doubt) {
                (Json::Number(lexeme), _) => {
                    range.holds(lexeme, side.relaxes()).unwrap_or(doubt.holds())
                }
                (Json::String(text), Undecidable::Met) => in_range(text, range),
                _ => doubt.holds(),
            },
            // A rule set with such a comparison was refused; the others were handled above.
            Self::Comparison(..) | Self::Exists | Self::Missing => doubt.holds(),
        }
    }

    /// Returns whether it matches text by a part or form of it, so that only plain text matches
    /// where the rule relaxes.
    pub(super) fn takes_forms(&self, side: Side) -> bool {
        match self {
            Self::Matches(_) | Self::Contains(Operand::Text(_)) => true,
            Self::Comparison(Comparison::Ne, Operand::Text(_)) => side.relaxes(),
            Self::Comparison(Comparison::Eq, Operand::Text(_)) => !side.relaxes(),
            Self::OneOf(these) => {
                !side.relaxes() && these.iter().any(|one| matches!(one, Operand::Text(_)))
            }
            _ => false,
        }
    }

    /// Returns whether it never matches where the rule relaxes: it requires text that is never
    /// plain.
    pub(super) fn is_never_plain(&self) -> bool {
        let sign = |text: &str| text.chars().any(|c| "/%;&|<>$`~\"'".contains(c));
        match self {
            Self::Matches(Expression(regex)) => {
                let written = regex.as_str();
                // Without the group that is written around every expression.
                sign(written.trim_start_matches("^(?:").trim_end_matches(")$"))
            }
            Self::Contains(Operand::Text(text)) => !is_plain(text.trim()),
            _ => false,
        }
    }
}

impl Side {
    pub(super) const fn reading(self) -> Reading {
        if self.relaxes() { Reading::Strict } else { Reading::Loose }
    }

    pub(super) const fn takes(self, found: Match) -> bool {
        match found {
            Match::Yes => true,
            Match::No => false,
            Match::Unknown => self.doubt.holds(),
        }
    }
}

/// A reader of text for one side.
#[derive(Clone, Copy)]
struct Reader {
    side: Side,
    interpreted: bool,
}

impl Reader {
    fn turned(self) -> Self {
        Self { side: self.side.turned(), ..self }
    }

    /// Returns whether a form of text can be decided for this text.
    fn takes(self, text: &str) -> bool {
        self.side.texts == Texts::Any || (!self.interpreted && is_plain(text))
    }

    fn equal(self, value: &Json, with: &Operand) -> bool {
        let doubt = self.side.doubt;
        match (value, with) {
            (Json::String(text), Operand::Text(with)) => match (self.side.texts, doubt) {
                // To be unequal, a text must differ for any reader.
                (Texts::Plain, Undecidable::Met) => {
                    !self.takes(text) || text.to_lowercase() == with.to_lowercase()
                }
                _ => text == with,
            },
            (Json::Bool(yes), Operand::Bool(with)) => yes == with,
            (value, Operand::Number(with)) => sized(value, with, Ordering::is_eq, doubt),
            _ => doubt.holds(),
        }
    }

    fn contains(self, value: &Json, what: &Operand) -> bool {
        match (value, what) {
            (Json::String(text), Operand::Text(part)) => match (self.side.texts, self.side.doubt) {
                (Texts::Plain, _) if !self.takes(text) => self.side.doubt.holds(),
                (Texts::Plain, Undecidable::Met) => {
                    text.to_lowercase().contains(&part.to_lowercase())
                }
                _ => text.contains(part.as_str()),
            },
            (Json::Array(items), what) => {
                // The list's other items are free, so they must be harmless too.
                let decided = |item: &Json| match item {
                    Json::String(text) => self.takes(text),
                    Json::Array(_) | Json::Object(_) => false,
                    _ => true,
                };
                if self.side.texts == Texts::Plain && !items.iter().all(decided) {
                    return self.side.doubt.holds();
                }
                items.iter().any(|item| self.equal(item, what))
            }
            _ => self.side.doubt.holds(),
        }
    }
}

fn text_of(value: &Json) -> Option<&str> {
    match value {
        Json::String(text) => Some(text),
        _ => None,
    }
}

/// Returns whether a number in text may be in the range, where the rule tightens.
fn in_range(text: &str, range: &NumberRange) -> bool {
    let min = range.min.as_ref().map(|min| any_reading(text, min, Ordering::is_ge));
    let max = range.max.as_ref().map(|max| any_reading(text, max, Ordering::is_le));
    [min, max].into_iter().flatten().all(|holds| holds.unwrap_or(true))
}

fn sized(value: &Json, with: &str, is: impl Fn(Ordering) -> bool, doubt: Undecidable) -> bool {
    match (value, doubt) {
        (Json::Number(lexeme), _) => compare_numbers(lexeme, with).map_or(doubt.holds(), is),
        (Json::String(text), Undecidable::Met) => any_reading(text, with, is).unwrap_or(true),
        _ => doubt.holds(),
    }
}
