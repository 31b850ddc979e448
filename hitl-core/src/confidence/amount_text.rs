//! Amounts as people write them: `5.000,50`, `USD 5000`, `5 000`, `1e4`, `5k`.
//!
//! One text may have several readings: `1.500` is one and a half or fifteen hundred. A signal that
//! stops large amounts uses the largest. A text is read only if each character of it is understood:
//! one number, its sign, its scale and its currency. Anything else may change the number (`10^9`,
//! `5 dozen`, `1/2`, `5 x 1000`, `٥٠٠٠`), so such a text has no reading, which counts as more than
//! any number.

use super::currency::{is_currency_sign, is_currency_word};

/// Returns the largest number that a person may read in a text, without its sign. Returns `None` if
/// the text may mean anything else.
pub(super) fn largest_reading(text: &str) -> Option<f64> {
    let (before, rest) = text.split_at(text.find(|c: char| c.is_ascii_digit())?);
    let (digits, rest) = split_digits(rest);
    let (exponent, rest) = split_exponent(rest);
    let (scale, after) = split_scale(rest);
    // `5+` is five or more.
    let known = is_label(before) && is_label(after) && !after.contains('+');
    let number = format!("{}e{exponent}", largest_decimal(digits)?);
    known.then(|| number.parse().ok().map(|number: f64| number * scale)).flatten()
}

/// Returns the value of a text that is a number as a whole, with the usual separators and currency
/// signs left out.
pub(super) fn whole_text(text: &str) -> Option<f64> {
    let unread = |c: &char| matches!(c, ',' | '_' | ' ' | '$' | '\u{20AC}' | '\u{A3}');
    let plain: String = text.chars().filter(|c| !unread(c)).collect();
    plain.parse().ok().filter(|number: &f64| !number.is_nan())
}

/// Returns the kind of a character that may separate digits of one number.
fn separator(c: char) -> Option<char> {
    match c {
        '.' | ',' | '_' => Some(c),
        ' ' | '\t' | '\u{A0}' | '\u{2002}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => {
            Some(' ')
        }
        '\'' | '`' | '\u{2018}' | '\u{2019}' | '\u{2BC}' | '\u{2032}' => Some('\''),
        // Arabic, for thousands and for decimals.
        '\u{66C}' => Some(','),
        '\u{66B}' => Some('\u{66B}'),
        _ => None,
    }
}

/// Splits a text after its leading digits and the separators between them.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && separator(c).is_none());
    let digits = text[..end.unwrap_or(text.len())].trim_end_matches(|c| separator(c).is_some());
    text.split_at(digits.len())
}

/// Returns the power of ten right after the digits, and what follows.
fn split_exponent(text: &str) -> (&str, &str) {
    let Some(power) = text.strip_prefix(['e', 'E']) else { return ("0", text) };
    let unsigned = power.strip_prefix(['+', '-']).unwrap_or(power);
    let end = unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len());
    match end {
        0 => ("0", text),
        end => power.split_at(power.len() - unsigned.len() + end),
    }
}

/// Returns the product of the words after a number that scale it, and what follows.
fn split_scale(text: &str) -> (f64, &str) {
    let (mut product, mut rest) = (1.0, text);
    loop {
        let start = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '-');
        let end = start.find(|c: char| !c.is_alphabetic()).unwrap_or(start.len());
        let (word, after) = start.split_at(end);
        let Some(factor) = scale(word) else { return (product, rest) };
        product *= factor;
        rest = after;
    }
}

/// Returns the largest factor that a word stands for: a billion is a million millions to some.
fn scale(word: &str) -> Option<f64> {
    Some(match word.to_lowercase().as_str() {
        "dozen" => 12.0,
        "hundred" => 1e2,
        "k" | "thousand" | "thousands" | "tsd" | "tausend" | "grand" => 1e3,
        "lakh" | "lakhs" | "lac" | "lacs" => 1e5,
        "m" | "mm" | "mn" | "mio" | "mil" | "mill" | "million" | "millions" => 1e6,
        "crore" | "crores" | "cr" => 1e7,
        "mrd" | "milliard" | "milliards" => 1e9,
        "b" | "bn" | "bil" | "billion" | "billions" => 1e12,
        "t" | "tn" | "trillion" | "trillions" => 1e18,
        _ => return None,
    })
}

/// Returns whether a text beside a number leaves it as it is: signs, brackets and currencies.
fn is_label(text: &str) -> bool {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        if end > 0 {
            let (word, after) = rest.split_at(end);
            if !is_currency_word(word, after.chars().next()) {
                return false;
            }
            rest = after;
            continue;
        }
        let plain = matches!(c, '-' | '+' | '\u{2212}' | '\u{2013}' | '(' | ')' | '.' | ',' | ':');
        if !(plain || c.is_whitespace() || is_currency_sign(c)) {
            return false;
        }
        rest = &rest[c.len_utf8()..];
    }
    true
}

/// Returns the largest decimal number that digits with separators may be, or `None` if they are
/// grouped as no number is.
fn largest_decimal(text: &str) -> Option<String> {
    let separators: Vec<char> = text.chars().filter_map(separator).collect();
    let groups: Vec<&str> = text.split(|c| separator(c).is_some()).collect();
    let (last, front) = groups.split_last()?;
    let joined = || Some(groups.concat());
    let pointed = || Some(format!("{}.{last}", front.concat()));
    let Some((point, marks)) = separators.split_last() else { return joined() };
    let alike = |marks: &[char]| marks.windows(2).all(|pair| pair[0] == pair[1]);
    if !alike(marks) {
        return None;
    }
    match marks.last() {
        None if *point == '.' && last.len() != 3 => pointed(),
        // A tool that leaves out commas reads `999,99` as 99999.
        None if matches!(point, '.' | ',') => joined(),
        None => {
            if are_groups(&groups) {
                joined()
            } else {
                None
            }
        }
        Some(mark) if mark == point => {
            if are_groups(&groups) {
                joined()
            } else {
                None
            }
        }
        Some(_) if !are_groups(front) || !matches!(point, '.' | ',' | '\u{66B}') => None,
        Some(_) if last.len() == 3 => joined(),
        Some(_) => pointed(),
    }
}

/// Returns whether digits are grouped as in a whole number: by threes, by fours, or by twos before
/// the last three.
fn are_groups(groups: &[&str]) -> bool {
    let Some((first, rest)) = groups.split_first() else { return false };
    let Some((last, middle)) = rest.split_last() else { return !first.is_empty() };
    let all = |size: usize| middle.iter().all(|group| group.len() == size);
    let most = match last.len() {
        3 if all(3) => 3,
        3 if all(2) => 2,
        4 if all(4) => 4,
        _ => return false,
    };
    (1..=most).contains(&first.len())
}

#[cfg(test)]
#[path = "amount_text_tests.rs"]
mod tests;
