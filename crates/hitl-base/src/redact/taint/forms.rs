//! The forms of a secret that are searched for verbatim.

use std::fmt::Write as _;

use super::{DISGUISED, HALVED, SHORTEST};
use crate::json::whole;
use crate::redact::natural_text;

/// Returns a secret as it is, and as it is inside a JSON string or Debug output.
pub(super) fn verbatim(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    let debug = secret.escape_debug().to_string();
    forms.extend((debug != secret).then_some(debug));
    forms.extend(halves(secret).into_iter().flatten().map(str::to_owned));
    forms.extend(numbers(secret));
    forms
}

/// Returns a secret in the encodings that programs commonly use.
pub(super) fn encodings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let hex = hex(bytes);
    let mut forms = vec![percent(bytes, true), percent(bytes, false), hex.to_uppercase(), hex];
    for alphabet in [STANDARD, URL_SAFE] {
        forms.push(base64(bytes, alphabet));
        forms.extend((0..3).map(|offset| base64_inside(bytes, offset, alphabet)));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// Returns the halves of a secret that is long enough, each if it is telling.
pub(super) fn halves(secret: &str) -> [Option<&str>; 2] {
    let length = secret.chars().count();
    if length < HALVED {
        return [None, None];
    }
    let middle = secret.char_indices().nth(length / 2).map_or(0, |(at, _)| at);
    let (first, second) = secret.split_at(middle);
    [first, second].map(|half| is_drawn(half).then_some(half))
}

/// Returns whether a part of a secret does not occur by chance: it is no word and no phrase.
fn is_drawn(part: &str) -> bool {
    part.chars().any(char::is_numeric) && part.chars().any(char::is_alphabetic)
        || !natural_text::is_name(part)
}

/// Returns a whole number as people and programs write it: in groups of three, digit by digit, in
/// hexadecimal.
fn numbers(secret: &str) -> Vec<String> {
    let digits = secret.strip_prefix('-').unwrap_or(secret);
    let count = digits.len();
    if !(4..=38).contains(&count) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let mut forms = Vec::new();
    if !digits.starts_with('0') {
        for mark in [",", ".", " ", "'", "_", "\u{a0}", "\u{202f}", "\u{2009}"] {
            forms.push(grouped(digits, mark));
        }
        let value = whole(digits).map(|number| number.magnitude).filter(|_| count >= 6);
        forms.extend(
            value.into_iter().flat_map(|value| [format!("0x{value:x}"), format!("0x{value:X}")]),
        );
    }
    // Longer ones are found with any separator between their digits.
    if count < DISGUISED {
        for mark in [" ", "-", ", ", ","] {
            forms.push(digits.chars().map(String::from).collect::<Vec<_>>().join(mark));
        }
    }
    forms
}

fn grouped(digits: &str, mark: &str) -> String {
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push_str(mark);
        }
        out.push(digit);
    }
    out
}

pub(super) const STANDARD: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(super) const URL_SAFE: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Returns base64 without padding (RFC 4648), which is found whether padding follows or not.
pub(super) fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .enumerate()
            .fold(0_u32, |group, (i, byte)| group | u32::from(*byte) << (16 - 8 * i));
        for i in 0..=chunk.len() {
            let digit = (group >> (18 - 6 * i)) & 0x3F;
            out.push(char::from(alphabet[digit as usize]));
        }
    }
    out
}

/// Returns the base64 digits that depend on these bytes alone, when `offset` bytes of their group
/// come before them; empty if too few are left to be telling.
pub(super) fn base64_inside(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> String {
    let padded = [&[0; 2][..offset], bytes].concat();
    let all = base64(&padded, alphabet);
    // The first digits hold bits of the text before, the last may hold bits of the text after.
    let from = (offset * 8).div_ceil(6);
    let until = padded.len() * 8 / 6;
    let inside = all.get(from..until.min(all.len())).unwrap_or_default();
    if inside.len() >= 8 { inside.to_owned() } else { String::new() }
}

/// Returns the base32 digits (RFC 4648) that depend on these bytes alone, when `offset` bytes of
/// their group come before them.
pub(super) fn base32_inside(bytes: &[u8], offset: usize) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut out = String::with_capacity(bytes.len() * 2);
    let (mut group, mut bits) = (0_u32, offset * 8 % 5);
    for byte in bytes {
        group = (group << 8 | u32::from(*byte)) & 0xFFF;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(DIGITS[(group >> bits & 0x1F) as usize]));
        }
    }
    // The first digit may hold bits of the text before.
    if (offset * 8).is_multiple_of(5) { out } else { out.split_off(1) }
}

/// Percent-encodes everything but unreserved characters (RFC 3986).
pub(super) fn percent(bytes: &[u8], upper: bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = if upper { write!(out, "%{byte:02X}") } else { write!(out, "%{byte:02x}") };
        }
    }
    out
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Rotates an ASCII letter by thirteen places.
pub(super) fn rot13(c: char) -> char {
    let turned = |first: u8| char::from((c as u8 - first + 13) % 26 + first);
    match c {
        'a'..='z' => turned(b'a'),
        'A'..='Z' => turned(b'A'),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes(), STANDARD), encoded);
        }
        assert_eq!(base64(&[0xFB, 0xFF], URL_SAFE), "-_8");
    }

    #[test]
    fn base32_is_that_of_rfc_4648_inside_a_longer_text() {
        assert_eq!(base32_inside(b"fooba", 0), "mzxw6ytb");
        // "xfooba" is PBTG633CME.
        assert_eq!(base32_inside(b"fooba", 1), "tg633cm");
    }

    #[test]
    fn a_number_is_known_in_groups_and_digit_by_digit() {
        assert!(numbers("1234567").contains(&"1,234,567".to_owned()));
        assert!(numbers("1234567").contains(&"0x12d687".to_owned()));
        assert!(numbers("9731").contains(&"9 7 3 1".to_owned()));
        assert!(numbers("973").is_empty() && numbers("97a1").is_empty());
    }
}
