//! Secrets by name in text: `key=value`, headers, URL queries, flags.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::is_secret_key;
use super::mask::{Masker, is_mask};

/// A name, what joins it to its value, and the value: quoted, or up to white space or a separator.
const PAIR: &str = concat!(
    r#"(?P<name>(?:--?)?[A-Za-z\u{FF21}-\u{FF5A}][A-Za-z0-9_.\u{FF10}-\u{FF5A}-]{1,63})"#,
    r#"(?P<join>["'`]?(?:[ \t]*(?:=>|:=|[=:])[ \t]*|[ \t]+))"#,
    r#"(?P<scheme>(?i:bearer|basic|token|digest)[ \t]+)?"#,
    r#"(?:"(?P<double>[^"\r\n]+)"|'(?P<single>[^'\r\n]+)'|(?P<bare>[^\s"'`,;&<>(){}\[\]]+|\[redacted(?::[0-9a-f]{10})?\]))"#,
);

static PAIRS: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a literal: the tests compile it")]
    Regex::new(PAIR).expect("the pairs are a valid regular expression")
});

pub(super) fn mask<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    if !text.bytes().any(|byte| matches!(byte, b'=' | b':')) && !text.contains("--") {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = PAIRS.captures_at(text, at) {
        let (Some(whole), Some(value)) = (found.get(0), value(&found)) else { break };
        // A pair that is none may hide another one in what was taken for its value.
        at = found.name("join").map_or(whole.end(), |join| join.end());
        if is_secret(&found, value.as_str()) {
            out.push_str(&text[copied..value.start()]);
            out.push_str(&masker.mask(value.as_str()));
            copied = value.end();
            at = whole.end();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

fn value<'t>(found: &Captures<'t>) -> Option<regex::Match<'t>> {
    ["double", "single", "bare"].iter().find_map(|group| found.name(group))
}

fn is_secret(found: &Captures<'_>, value: &str) -> bool {
    let name = found.name("name").map_or("", |name| name.as_str());
    let join = found.name("join").map_or("", |join| join.as_str());
    let flag = name.starts_with("--");
    let key = name.trim_start_matches('-');
    if is_mask(value) || !may_be_secret(key) || !is_secret_key(key) {
        return false;
    }
    if found.name("scheme").is_some() || found.name("bare").is_none() {
        // `Authorization: Bearer ..`, or a value in quotes: `password "hunter2"` is still prose.
        return flag || !join.trim().is_empty();
    }
    match join.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`')) {
        // Only a flag has its value after a space: `--password hunter2`, but `the password is`.
        "" => flag && !value.starts_with('-'),
        // `password: the one you know` is prose; `password: hunter2` is not.
        ":" => {
            flag || value.len() >= 6 && !value.bytes().all(|b| b.is_ascii_alphabetic())
                || value.len() >= 16
        }
        _ => value.len() >= 3,
    }
}

/// A quick look before the slow one: what every secret's name has in it.
fn may_be_secret(key: &str) -> bool {
    const STEMS: [&str; 18] = [
        "pass", "pwd", "secret", "token", "key", "auth", "cred", "cookie", "pin", "otp", "cvv",
        "cvc", "ssn", "jwt", "bearer", "mnemonic", "session", "string",
    ];
    !key.is_ascii() || {
        let lower = key.to_ascii_lowercase();
        STEMS.iter().any(|stem| lower.contains(stem))
            || lower.contains("seed")
            || lower.contains("code")
            || lower.contains("card")
    }
}
