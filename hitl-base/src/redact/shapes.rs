//! Which values have the shape of a secret.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::mask::Masker;
use super::{entropy, marks, tokens};

/// Well-known shapes that do not begin with an issuer's mark. The formats are the issuers' own, from
/// their public documentation.
const SHAPES: &str = concat!(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    r"|(?P<keep>-----BEGIN [A-Z0-9 ]*(?:CERTIFICATE|PUBLIC KEY)[A-Z ]*-----[A-Za-z0-9+/=\s\\]*-----END [A-Z0-9 ]*-----",
    r"|\bdata:[a-z]+/[a-z0-9.+-]+;base64,[A-Za-z0-9+/=]*|\bsha(?:1|224|256|384|512)[-:][A-Za-z0-9+/=]+|\bh1:[A-Za-z0-9+/]{43}=",
    r"|\bSHA256:[A-Za-z0-9+/]{43}=?)",
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", // JSON Web Token
    r"|\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){4}",                // the encrypted kind
    r"|\b(?i:bearer|basic) +[A-Za-z0-9._~+/=-]{12,}",                 // Authorization header
    r"|https://hooks\.(?:slack|zapier)\.com/[A-Za-z0-9+/_-]{20,}",
    r"|https://[a-z0-9.-]+\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/_-]{30,}|https://outlook\.office\.com/webhook/[A-Za-z0-9@/_-]{30,}",
    r"|https://(?:ptb\.|canary\.)?discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{30,}",
    r"|\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}\b", // Discord bot
    r"|\b[0-9]{8,10}:A[A-Za-z0-9_-]{33,35}\b",                                 // Telegram bot
    r"|\b[0-9a-f]{32}-us[0-9]{1,2}\b",                                         // Mailchimp
    r"|\b[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}\b",                              // Mailgun
    r"|\b[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",                      // Azure client
    r"|\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}|\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}",
    r"|\$(?:apr1|1|2[abxy]|5|6|y|argon2id?)\$[./A-Za-z0-9$=,+]{20,}", // a password's hash
    r"|\bAccountKey=[A-Za-z0-9+/]{40,}={0,2}",                        // Azure storage
    r"|(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:)(?P<password>[^\s/@]+)@", // URL userinfo
    r"|(?P<card>\b\d(?:[ -]?\d){12,18}\b)",
);

static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a literal: the tests below compile it")]
    // ASCII word boundaries: the fast engine has no others.
    Regex::new(&SHAPES.replace(r"\b", r"(?-u:\b)"))
        .expect("the shapes are a valid regular expression")
});

pub(super) fn mask<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    if !may_have_shape(text) {
        return Cow::Borrowed(text);
    }
    match tokens_masked(text, masker) {
        Cow::Borrowed(text) => shapes_masked(text, masker),
        Cow::Owned(text) => Cow::Owned(shapes_masked(&text, masker).into_owned()),
    }
}

/// A quick look: every shape has a long run of letters and digits, many digits, or a mark of its own.
fn may_have_shape(text: &str) -> bool {
    marks::may_be_of_a_shape(text) || text.contains("-----BEGIN") || text.contains("://")
}

fn tokens_masked<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    let mut out = String::new();
    let mut copied = 0;
    while let Some((start, end)) = tokens::find(text, copied) {
        out.push_str(&text[copied..start]);
        out.push_str(&masker.mask(&text[start..end]));
        copied = end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

fn shapes_masked<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    let mut out = String::new();
    let (mut copied, mut changed) = (0, false);
    for found in SHAPE.captures_iter(text) {
        let Some(whole) = found.get(0) else { break };
        let between = runs_masked(&text[copied..whole.start()], masker);
        let clean = shape_masked(&found, masker);
        changed |= matches!(between, Cow::Owned(_)) || matches!(clean, Cow::Owned(_));
        out.push_str(&between);
        out.push_str(&clean);
        copied = whole.end();
    }
    let rest = runs_masked(&text[copied..], masker);
    if !changed && matches!(rest, Cow::Borrowed(_)) {
        return Cow::Borrowed(text);
    }
    out.push_str(&rest);
    Cow::Owned(out)
}

fn shape_masked<'t>(found: &Captures<'t>, masker: &Masker) -> Cow<'t, str> {
    let whole = found.get(0).map_or("", |whole| whole.as_str());
    if found.name("keep").is_some() {
        return Cow::Borrowed(whole);
    }
    if let (Some(scheme), Some(password)) = (found.name("scheme"), found.name("password")) {
        let password = password.as_str();
        if super::mask::is_mask(password) || is_placeholder(password) {
            return Cow::Borrowed(whole);
        }
        return Cow::Owned(format!("{}{}@", scheme.as_str(), masker.mask(password)));
    }
    if found.name("card").is_some_and(|digits| !is_card_number(digits.as_str())) {
        return Cow::Borrowed(whole);
    }
    Cow::Owned(masker.mask(whole))
}

/// Masks long runs of letters and digits that look random.
fn runs_masked<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        let part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-');
        let length = bytes[at..].iter().take_while(|byte| part(byte)).count();
        let padding = bytes[at + length..].iter().take(2).take_while(|byte| **byte == b'=').count();
        let end = at + length + padding;
        if length >= entropy::SHORTEST && entropy::is_random(&text[at..end]) {
            out.push_str(&text[copied..at]);
            out.push_str(&masker.mask(&text[at..end]));
            copied = end;
        }
        at = end.max(at + 1);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// What stands where a secret will be: `${PASSWORD}`, `<token>`, `********`.
pub(super) fn is_placeholder(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "null",
        "none",
        "nil",
        "true",
        "false",
        "undefined",
        "string",
        "str",
        "int",
        "number",
        "boolean",
        "bool",
        "required",
        "optional",
        "redacted",
        "hidden",
        "example",
        "include",
        "omit",
        "same-origin",
        "yes",
        "no",
        "bearer",
        "basic",
        "text",
        "password",
        "secret",
        "token",
        "varchar",
        "char",
        "object",
        "any",
        "todo",
        "tbd",
        "n/a",
        "unset",
        "empty",
        "self",
        "this",
    ];
    let lower = value.to_ascii_lowercase();
    let bare = lower.trim_matches(|c: char| c.is_ascii_punctuation());
    bare.is_empty()
        || value.starts_with(['$', '<', '{', '['])
        || value.starts_with("%(")
        || value.starts_with("%{")
        || value == "%s"
        || value.starts_with("#{")
        || lower.bytes().all(|byte| matches!(byte, b'x' | b'*' | b'.' | b'-' | b'_' | b'?'))
        || WORDS.contains(&bare)
        || ["your", "my-", "my_", "enter", "insert", "replace"]
            .iter()
            .any(|start| bare.starts_with(start))
            && !value.bytes().any(|b| b.is_ascii_digit())
}

/// Whether the digits have the first digits, the length and the check digit (Luhn, ISO/IEC 7812-1)
/// of a payment card.
pub(super) fn is_card_number(text: &str) -> bool {
    if text.len() < 13 {
        return false;
    }
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() < 13 || text.contains(['.', 'e', 'E']) {
        return false;
    }
    let first = |n: usize| digits[..n].iter().fold(0, |number, digit| number * 10 + digit);
    let of_an_issuer = match digits.len() {
        13 => digits[0] == 4,
        14 => matches!(first(2), 36 | 38 | 39) || matches!(first(3), 300..=305),
        15 => matches!(first(2), 34 | 37),
        16 => {
            digits[0] == 4
                || matches!(first(2), 51..=55 | 62 | 65)
                || matches!(first(3), 644..=649)
                || matches!(first(4), 2221..=2720 | 3528..=3589 | 6011)
                || matches!(first(4), 5018 | 5020 | 5038 | 6304 | 6759 | 6761 | 6763)
        }
        17..=19 => matches!(first(2), 62) || digits[0] == 4 && digits.len() == 19,
        _ => false,
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| if i % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 })
        .sum();
    of_an_issuer && sum.is_multiple_of(10)
}
