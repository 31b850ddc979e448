//! The forms of a value: a word, code, a link, or random characters.

use super::natural_text::is_name;

/// Returns the text up to a blank, a quote or a separator: the rest of a bare value.
pub(super) fn run(text: &str) -> &str {
    let ends =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '&' | '<' | '\\');
    &text[..text.find(ends).unwrap_or(text.len())]
}

/// Returns whether a value is the code between two strings: `"Password:",label:"..."`, `"+ token +
/// "`.
pub(super) fn is_between_strings(value: &str) -> bool {
    let inner = value.trim_matches(['"', '\'', '`', ' ']);
    let begins = value.starts_with([',', ')', ';', '}', '+']) || value.starts_with(" +");
    let ends = value.ends_with([':', '=', ',', '(', '{', '+', '[']) || value.ends_with("+ ");
    begins && ends || inner.starts_with('+') && inner.ends_with('+') && inner.len() > 2
}

/// Returns whether a value is a URL in which nothing looks like a secret.
pub(super) fn is_link(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    scheme.bytes().all(|b| b.is_ascii_alphabetic())
        && !rest.contains('@')
        && !rest
            .split(['/', '?', '=', '&', '#', ';'])
            .any(|part| part.len() >= 16 && is_drawn(part))
}

/// Returns whether a value has only letters, digits and underscores.
pub(super) fn is_plain(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Returns whether a value is in groups like a licence key: `A1B2C-D3E4F-..`.
pub(super) fn is_licence(value: &str) -> bool {
    let length = value.find('-').unwrap_or_default();
    let group = |group: &str| {
        group.len() == length && group.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    (3..=8).contains(&length) && value.split('-').count() >= 4 && value.split('-').all(group)
}

/// Returns whether a value cannot be words: it has letters and digits, and is no name.
pub(super) fn is_drawn(value: &str) -> bool {
    value.len() >= 8
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !is_name(value)
}

/// Returns whether a value after a secret's name and a blank is one piece of upper case, lower case
/// and digits that alternate too often for a name.
pub(super) fn is_mixed(value: &str) -> bool {
    let kind = |byte: u8| {
        usize::from(byte.is_ascii_lowercase()) + 2 * usize::from(byte.is_ascii_uppercase())
    };
    let has = |kind: fn(&u8) -> bool| value.bytes().filter(kind).count();
    let changes = value.as_bytes().windows(2).filter(|two| kind(two[0]) != kind(two[1])).count();
    (12..=64).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && has(u8::is_ascii_uppercase) >= 2
        && has(u8::is_ascii_lowercase) >= 2
        && has(u8::is_ascii_digit) >= 2
        && changes >= 5
        && !is_name(value)
}

/// Returns whether a value refers to a secret kept elsewhere: `` `cat /run/secrets/x` ``,
/// `arn:aws:..`.
pub(super) fn is_command(value: &str, ticked: bool) -> bool {
    ticked && value.contains(char::is_whitespace) || value.starts_with("arn:")
}

/// Returns whether a value has something that words lack: a digit, a sign that names do not have,
/// capitals anywhere. The names of encodings do not count.
pub(super) fn is_odd(value: &str) -> bool {
    const CODES: &[&str] =
        &["base64", "base32", "utf", "sha", "md5", "hs", "rs", "es", "ps", "aes", "latin", "iso"];
    let sign = |b: u8| b.is_ascii_punctuation() && !matches!(b, b'-' | b'_' | b'.' | b'/' | b':');
    let digit = value.bytes().any(|b| b.is_ascii_digit()) && !value.contains("://");
    let lower = value.to_ascii_lowercase();
    let code =
        value.len() <= 12 && CODES.iter().any(|code| lower.starts_with(code)) && is_name(value);
    let mixed = value.len() >= 10 && value.bytes().any(|b| b.is_ascii_uppercase());
    digit && !code && !(value.starts_with('/') && is_name(value))
        || value.bytes().any(sign)
        || mixed && value.bytes().any(|b| b.is_ascii_lowercase()) && !is_name(value)
}
