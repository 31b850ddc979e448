//! Text that reads as a number.

use std::borrow::Cow;
use std::cmp::Ordering;

use hitl_base::json::compare_numbers;

/// Returns whether `is` holds for any number that `text` may mean. `None` if it is not a number in
/// any reading.
///
/// `1,001` is a thousand and one to some and little more than one to others, and so is `1.001`:
/// both readings count. Currency signs, spaces and underscores are ignored.
pub(super) fn any_reading(text: &str, than: &str, is: impl Fn(Ordering) -> bool) -> Option<bool> {
    let plain = plain(text);
    let mut found = None;
    let mut read = |text: &str| {
        if let Some(order) = compare_numbers(text, than) {
            found = Some(found.unwrap_or(false) || is(order));
        }
    };
    let (commas, dots) = (plain.matches(',').count(), plain.matches('.').count());
    if commas == 0 {
        read(&plain);
    } else {
        read(&plain.replace(',', ""));
        if commas == 1 {
            read(&plain.replace('.', "").replace(',', "."));
        }
    }
    if commas == 0 && (dots > 1 || (dots == 1 && thousands(&plain))) {
        read(&plain.replace('.', ""));
    }
    found
}

/// Returns the text without decorations of a number.
fn plain(text: &str) -> Cow<'_, str> {
    let decorates =
        |c: char| c.is_whitespace() || matches!(c, '_' | '\'' | '$' | '€' | '£' | '¥' | '+');
    // A plus sign in an exponent stays.
    if compare_numbers(text, "0").is_some() || !text.contains(decorates) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !decorates(*c)).collect())
}

/// Returns whether the dot may separate thousands: one to three digits before it and three after.
fn thousands(text: &str) -> bool {
    text.trim_start_matches('-').split_once('.').is_some_and(|(whole, fraction)| {
        (1..=3).contains(&whole.len()) && whole != "0" && fraction.len() == 3
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading_of_a_text_counts() {
        let over = |text: &str| any_reading(text, "1000", Ordering::is_gt);
        for (text, expected) in [
            ("5000", Some(true)),
            ("500", Some(false)),
            ("1,001", Some(true)),
            ("1.001", Some(true)),
            ("0.001", Some(false)),
            ("1.5", Some(false)),
            ("999.99", Some(false)),
            ("$ 5 000", Some(true)),
            ("€1.234,56", Some(true)),
            ("1,234.56", Some(true)),
            ("1.000.000", Some(true)),
            ("1e9", Some(true)),
            ("1e+9", Some(true)),
            ("+12", Some(false)),
            ("-5000", Some(false)),
            ("lots", None),
            ("5k", None),
            ("", None),
        ] {
            assert_eq!(over(text), expected, "{text}");
        }
    }
}
