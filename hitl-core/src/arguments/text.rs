//! Checks that a text which a type spells differently still has its original content.
//!
//! Types have spellings of their own: a URL gets its slash, an identifier its lower case. These are
//! shown, and are fine. A silent change is refused only for a number in the text, and for the
//! amount of text.

use std::borrow::Cow;

use hitl_base::json::same_number;

use super::{ArgumentError, ArgumentErrorKind};

/// Refuses a text with a number other than the given one, or with only the beginning of the given
/// text.
pub(super) fn keeps_text(given: &str, kept: &str) -> Result<(), ArgumentError> {
    if given == kept {
        return Ok(());
    }
    if let (Some(a), Some(b)) = (as_number(given), as_number(kept)) {
        return if same_number(&a, &b) { Ok(()) } else { Err(changed()) };
    }
    let given = given.trim();
    if let Some(rest) = given.strip_prefix(kept.trim())
        && rest.chars().any(char::is_alphanumeric)
    {
        let why = "the tool keeps the beginning of this text only";
        return Err(ArgumentError::new(ArgumentErrorKind::Inexact, why));
    }
    if same_words(given, kept) && !same_numbers(given, kept) {
        return Err(changed());
    }
    Ok(())
}

fn changed() -> ArgumentError {
    let why = "a number in this text would be changed by the tool; write one that fits it \
               exactly";
    ArgumentError::new(ArgumentErrorKind::Inexact, why)
}

/// Returns a text that is nothing but a number, as JSON spells it. Types accept `+5`, `.5`, `5.`
/// and `1_000`.
fn as_number(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    if same_number(text, text) {
        return Some(Cow::Borrowed(text));
    }
    let plain: String = text.strip_prefix('+').unwrap_or(text).replace('_', "");
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", plain.as_str()),
    };
    let zero = if digits.starts_with('.') { "0" } else { "" };
    let number = format!("{sign}{zero}{digits}");
    let number = number.strip_suffix('.').map(str::to_owned).unwrap_or(number);
    same_number(&number, &number).then_some(Cow::Owned(number))
}

/// Returns the numbers in a text, in order: digits with at most one point between them.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let digits = |c: char| !(c.is_ascii_digit() || c == '.');
    text.split(digits).filter(|piece| piece.bytes().any(|byte| byte.is_ascii_digit()))
}

fn same_numbers(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (numbers(a), numbers(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(x), Some(y)) => {
                // A text with several points is not a number: a version, an address.
                let (x, y) = (x.trim_matches('.'), y.trim_matches('.'));
                if x != y && !same_number(x, y) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// Returns whether two texts are equal except for their numbers and letter case.
fn same_words(a: &str, b: &str) -> bool {
    let words = |text: &str| -> String {
        let mut words = String::with_capacity(text.len());
        let mut in_number = false;
        for c in text.chars() {
            let digit = c.is_ascii_digit() || c == '.';
            if digit && !in_number {
                words.push('0');
            } else if !digit {
                words.extend(c.to_lowercase());
            }
            in_number = digit;
        }
        words
    };
    words(a) == words(b)
}

#[cfg(test)]
mod tests {
    use super::keeps_text;

    #[test]
    fn a_spelling_of_the_type_s_own_is_fine() {
        for (given, kept) in [
            ("5e3", "5000"),
            ("+5", "5"),
            (".50", "0.5"),
            ("1_000", "1000"),
            ("007", "7"),
            ("https://x.example", "https://x.example/"),
            ("https://x.example/", "https://x.example"),
            ("67E55044-10B1-426F-9247-BB680E5FE0C8", "67e55044-10b1-426f-9247-bb680e5fe0c8"),
            ("67e5504410b1426f9247bb680e5fe0c8", "67e55044-10b1-426f-9247-bb680e5fe0c8"),
            ("2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00Z"),
            ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00+00:00"),
            (" padded ", "padded"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("low", "LOW"),
            ("1.2.3", "1.2.3"),
            ("", "none"),
        ] {
            assert_eq!(keeps_text(given, kept), Ok(()), "{given} {kept}");
        }
    }

    #[test]
    fn invariant_2_a_number_in_a_text_is_not_changed_nor_a_text_cut() {
        for (given, kept) in [
            ("0.12345678901234567890123456789012345", "0.1234567890123456789012345679"),
            ("79228162514264337593543950336", "79228162514264337593543950335"),
            ("12.345%", "12.35%"),
            ("EUR 10.005", "eur 10.01"),
            ("2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.123456Z"),
            ("a name that is long", "a name that"),
            ("2024-01-01T10:00:00", "2024-01-01"),
            ("1.5", "1"),
            ("-5", "5"),
        ] {
            assert!(keeps_text(given, kept).is_err(), "{given} {kept}");
        }
    }
}
