//! The size of an amount: a number, a text, or an object with its parts.

use hitl_base::Json;

use super::amount_text::{largest_reading, whole_text};
use super::currency::is_currency_code;

/// The most items of a list of amounts. A longer list is not read.
const MAX_ITEMS: usize = 1000;

/// The size of an amount, without its sign.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) enum Size {
    Number(f64),
    /// A text that cannot be read as a number for sure, or a list too long to read.
    Unreadable,
}

impl Size {
    pub(super) fn is_above(self, limit: f64) -> bool {
        self > Self::Number(limit)
    }

    pub(super) fn max(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
}

/// Returns the size of the largest amount in a value: it may come with its currency, or in parts.
pub(super) fn size(value: &Json) -> Size {
    match value {
        Json::String(text) => text_size(text),
        Json::Number(_) => value.as_f64().map_or(Size::Unreadable, |n| Size::Number(n.abs())),
        Json::Array(items) if items.len() > MAX_ITEMS => Size::Unreadable,
        Json::Array(items) => largest(items.iter().map(size)),
        Json::Object(entries) => largest(entries.iter().map(|(key, part)| part_size(key, part))),
        Json::Null | Json::Bool(_) => Size::Number(0.0),
    }
}

/// Returns whether an argument is the unit of an amount, not an amount: `amount_currency`.
pub(super) fn is_unit(key: &str, value: &Json) -> bool {
    let names = |word: &str| {
        let part = |part: &[u8]| part.eq_ignore_ascii_case(word.as_bytes());
        key.as_bytes().windows(word.len()).any(part)
    };
    let Json::String(text) = value else { return false };
    // A text with digits may be an amount all the same.
    !text.chars().any(char::is_numeric) && (names("currency") || names("unit"))
}

fn largest(sizes: impl Iterator<Item = Size>) -> Size {
    sizes.fold(Size::Number(0.0), Size::max)
}

fn text_size(text: &str) -> Size {
    match largest_reading(text) {
        _ if text.trim().is_empty() => Size::Number(0.0),
        None => Size::Unreadable,
        // What a tool that leaves out commas and signs reads.
        Some(number) => Size::Number(whole_text(text).map_or(number, |it| it.abs().max(number))),
    }
}

/// Returns the size of a part of an amount, which may be its currency.
fn part_size(key: &str, value: &Json) -> Size {
    let is_currency = |text: &str| is_currency_code(text) && text != "ALL";
    match value {
        Json::String(text) if is_currency(text) || is_unit(key, value) => Size::Number(0.0),
        value => size(value),
    }
}

#[cfg(test)]
mod tests {
    use hitl_base::json::parse_json;
    use proptest::prelude::*;

    use super::*;

    fn size_of(json: &str) -> Size {
        size(&parse_json(json).unwrap())
    }

    #[test]
    fn an_object_is_as_large_as_its_largest_part() {
        for (json, number) in [
            (r#"{"value":5,"currency":"EUR"}"#, 5.0),
            (r#"{"value":"5","code":"KWD"}"#, 5.0),
            (r#"{"value":-5,"currencyCode":"doubloons"}"#, 5.0),
            (r#"[1,{"value":[2,"3"]}]"#, 3.0),
            ("null", 0.0),
            (r#"" ""#, 0.0),
        ] {
            assert_eq!(size_of(json), Size::Number(number), "{json}");
        }
        for unread in [
            r#"{"value":"five thousand","currency":"EUR"}"#,
            r#"{"value":"MMM","currency":"EUR"}"#,
            r#"{"value":"ALL"}"#,
            r#"{"value":5,"unit":"10^9"}"#,
            r#"{"value":5,"currency":"①"}"#,
            r#"{"value":5,"times":"many"}"#,
            r#""EUR""#,
        ] {
            assert_eq!(size_of(unread), Size::Unreadable, "{unread}");
        }
        let long = format!("[{}1]", "1,".repeat(MAX_ITEMS));
        assert_eq!(size_of(&long), Size::Unreadable);
    }

    proptest! {
        #[test]
        fn invariant_5_no_text_is_read_as_less_than_a_tool_may_read(
            text in "[0-9.,eE+ $kK-]{0,12}",
        ) {
            let tool = whole_text(&text).map_or(0.0, f64::abs);
            prop_assert!(text_size(&text) >= Size::Number(tool));
        }
    }
}
