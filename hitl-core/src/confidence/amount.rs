//! Amounts as people write them: `5.000,50`, `USD 5000`, `5 000`, `1e4`, `5k`.
//!
//! One text may have several readings: `1.500` is one and a half or fifteen hundred. A signal that
//! stops large amounts uses the largest.

use hitl_base::Json;

/// The size of an amount, without its sign.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) enum Size {
    Number(f64),
    /// A text that cannot be read as a number, or a list too long to read.
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
        Json::String(text) if text.trim().is_empty() => Size::Number(0.0),
        Json::String(text) => largest(text).map_or(Size::Unreadable, Size::Number),
        other => size_inside(other),
    }
}

/// Does the same for a part of an amount. Text without a number is its currency.
fn size_inside(value: &Json) -> Size {
    let largest_of =
        |sizes: &mut dyn Iterator<Item = Size>| sizes.fold(Size::Number(0.0), Size::max);
    match value {
        Json::Number(_) => value.as_f64().map_or(Size::Unreadable, |n| Size::Number(n.abs())),
        Json::String(text) => match largest(text) {
            Some(number) => Size::Number(number),
            // A currency has no digits, in any script.
            None if text.chars().any(char::is_numeric) => Size::Unreadable,
            None => Size::Number(0.0),
        },
        Json::Array(items) if items.len() > 1000 => Size::Unreadable,
        Json::Array(items) => largest_of(&mut items.iter().map(size)),
        Json::Object(entries) => largest_of(&mut entries.iter().map(|(_, part)| size_inside(part))),
        Json::Null | Json::Bool(_) => Size::Number(0.0),
    }
}

/// Characters that may separate digits of one number.
const SEPARATORS: [char; 9] =
    ['.', ',', '_', '\'', '\u{2019}', ' ', '\u{A0}', '\u{202F}', '\u{2009}'];

/// Returns the largest number that a person may read in this text. Returns `None` if no number can
/// be read, or if it contains digits of another script, which are not read here.
fn largest(text: &str) -> Option<f64> {
    if text.chars().any(|c| c.is_numeric() && !c.is_ascii_digit()) {
        return None;
    }
    let mut largest = whole_text(text).map(f64::abs);
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (number, after) = split(&rest[start..]);
        let read = readings(number).fold(0.0, f64::max) * scale(after);
        largest = Some(largest.map_or(read, |largest| largest.max(read)));
        rest = after;
    }
    largest
}

/// Returns the value of a text that is a number as a whole, with the usual separators and currency
/// signs.
pub(super) fn whole_text(text: &str) -> Option<f64> {
    let unread = |c: &char| matches!(c, ',' | '_' | ' ' | '$' | '\u{20AC}' | '\u{A3}');
    let plain: String = text.chars().filter(|c| !unread(c)).collect();
    plain.parse().ok().filter(|number: &f64| !number.is_nan())
}

/// Splits a text after its leading digits, separators and exponent.
fn split(text: &str) -> (&str, &str) {
    let digits = |text: &str| {
        text.find(|c: char| !(c.is_ascii_digit() || SEPARATORS.contains(&c))).unwrap_or(text.len())
    };
    let end = digits(text);
    let exponent = text[end..].strip_prefix(['e', 'E']).map_or(0, |power| {
        let signed = power.strip_prefix(['+', '-']).unwrap_or(power);
        let length = signed.find(|c: char| !c.is_ascii_digit()).unwrap_or(signed.len());
        if length == 0 { 0 } else { 1 + (power.len() - signed.len()) + length }
    });
    text.split_at(end + exponent)
}

/// Returns the readings of digits with separators: the last separator may be the decimal point, or
/// none is.
fn readings(number: &str) -> impl Iterator<Item = f64> + '_ {
    let (digits, exponent) = match number.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent),
        None => (number, "0"),
    };
    let digits = digits.trim_end_matches(SEPARATORS);
    let last = digits.rfind(SEPARATORS);
    let plain = |text: &str| text.replace(SEPARATORS, "");
    let pointed = last.map(|at| {
        let (whole, fraction) = digits.split_at(at);
        format!("{}.{}", plain(whole), plain(fraction))
    });
    // Groups have three digits: `999.99` is not read as 99999, nor `1.2345` as 12345.
    let grouped = last.is_none_or(|at| plain(&digits[at..]).len() == 3);
    let whole = (grouped || pointed.is_none()).then(|| plain(digits));
    [pointed, whole]
        .into_iter()
        .flatten()
        .filter_map(move |text| format!("{text}e{exponent}").parse().ok())
}

/// Returns the factor that a word right after the digits stands for.
fn scale(after: &str) -> f64 {
    let word: String = after
        .trim_start_matches([' ', '\t', '\u{A0}', '\u{202F}', '-'])
        .chars()
        .take_while(|c| c.is_alphabetic())
        .collect();
    match word.to_lowercase().as_str() {
        "k" | "thousand" | "tsd" | "grand" => 1e3,
        "hundred" => 1e2,
        "lakh" | "lakhs" | "lac" => 1e5,
        "m" | "mm" | "mn" | "mio" | "mil" | "million" | "millions" => 1e6,
        "crore" | "crores" => 1e7,
        "b" | "bn" | "billion" | "billions" | "mrd" => 1e9,
        "tn" | "trillion" | "trillions" => 1e12,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_write_is_read() {
        for (text, number) in [
            ("5.000,50", 5000.5),
            ("5,000.50", 5000.5),
            ("USD 5000", 5000.0),
            ("5000 EUR", 5000.0),
            ("1e4", 1e4),
            ("1E+4 USD", 1e4),
            ("5 000", 5000.0),
            ("5\u{202F}000,00 \u{20AC}", 5000.0),
            ("5'000.-", 5000.0),
            ("5_000", 5000.0),
            ("1.500", 1500.0),
            ("1.000.000", 1e6),
            ("12,34,567.89", 1_234_567.89),
            ("$5k", 5000.0),
            ("2 million dollars", 2e6),
            ("1.5m", 1.5e6),
            ("-5000", 5000.0),
            ("between 10 and 2000", 2000.0),
            ("999.99", 999.99),
            ("999,99", 99_999.0), // As it always was: commas were left out.
            ("0.5", 0.5),
        ] {
            assert_eq!(largest(text), Some(number), "{text}");
        }
        for unread in ["all of it", "five thousand", "\u{FF15}000", "\u{661}\u{662}", ""] {
            assert_eq!(largest(unread), None, "{unread}");
        }
        assert_eq!(largest("1e999"), Some(f64::INFINITY));
    }

    proptest! {
        #[test]
        fn invariant_5_no_text_is_read_as_less_than_before(text in "[0-9.,eE+ $kK-]{0,12}") {
            let before = whole_text(&text).map_or(0.0, f64::abs);
            prop_assert!(largest(&text).is_none_or(|now| now >= before));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            let _ = largest(&text);
        }
    }
}
