//! The shapes of secret values.

use std::borrow::Cow;
use std::ops::Range;

use regex::Captures;

use super::forms::is_drawn;
use super::mask::{MaskReason, Masker};
use super::patterns::{Found, Pattern};
use super::placeholder::is_template;
use super::prefilter::signs;
use super::{
    encoded, entropy, identifiers, issuer_tokens, key_value, natural_text, patterns, pem,
    secret_names,
};

/// Well-known shapes without an issuer's prefix. The formats are from the issuers' public
/// documentation.
const SHAPES: &[(&str, &str)] = &[
    (
        "what is public",
        r"(?P<keep>\bdata:[a-z]+/[a-z0-9.+-]+;base64,[A-Za-z0-9+/=]*|\bsha(?:1|224|256|384|512)[-:][A-Za-z0-9+/=]+|\bh1:[A-Za-z0-9+/]{43}=|\bSHA256:[A-Za-z0-9+/]{43}=?)",
    ),
    ("JSON Web Token", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    ("its encrypted kind", r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){4}"),
    ("authorization", r"\b(?i:bearer|basic) +(?P<bearer>[A-Za-z0-9._~+/=-]{12,})"),
    // A private key in base64 (PKCS #1, PKCS #8, SEC 1), without its marker lines.
    ("private key", r"\bMI[IG][A-Za-z0-9+/]{1,4}(?:IBA|gEAM)[A-Za-z0-9+/]{30,}={0,2}"),
    ("private key of a curve", r"\bMHcCAQEE[A-Za-z0-9+/]{30,}={0,2}"),
    ("Slack and Zapier", r"(?:https://)?\bhooks\.(?:slack|zapier)\.com/[A-Za-z0-9+/_-]{20,}"),
    ("Teams", r"https://[a-z0-9.-]+\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/_-]{30,}"),
    ("Outlook", r"https://outlook\.office\.com/webhook/[A-Za-z0-9@/_-]{30,}"),
    (
        "Discord hook",
        r"https://(?:ptb\.|canary\.)?discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{30,}",
    ),
    ("Discord bot", r"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}\b"),
    ("Telegram bot", r"\b[0-9]{8,10}:A[A-Za-z0-9_-]{33,35}\b"),
    ("Mailchimp", r"\b[0-9a-f]{32}-us[0-9]{1,2}\b"),
    ("Mailgun", r"\b[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}\b"),
    ("Azure client", r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
    ("Azure service", r"\b[A-Za-z0-9]{40,}JQQJ99[A-Za-z0-9]{10,}={0,2}"),
    ("Facebook app", r"\b[0-9]{13,17}\|[A-Za-z0-9_-]{27}\b"),
    ("SoftLayer", r"\bsoftlayer\.com/[^\s'\x22]{0,64}?/[0-9a-f]{64}"),
    ("social security number", r"(?P<ssn>\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b)"),
    ("Terraform", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}"),
    ("Airtable", r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    (
        "a password's hash",
        r"\$(?:apr1|1|2[abxy]|[5-9]|g?y|md5|sha1|scrypt|argon2id?|pbkdf2[a-z0-9-]*)[$,][./A-Za-z0-9$=,+-]{20,}",
    ),
    ("a PEM in base64", r"\bLS0tLS1CRUdJTi(?P<pem>[A-Za-z0-9+/]{40,}={0,2})"),
    ("Zoho", r"\b1000\.[0-9a-f]{32}\.[0-9a-f]{32}\b"),
    ("anybody's hook", r"/(?:web)?hooks?/(?P<hook>[A-Za-z0-9/_.=-]{24,})"),
    ("Kerberos", r"\$krb5(?:asrep|tgs|pa)\$[^\s'\x22]{40,}"),
    ("Azure storage", r"\bAccountKey=[A-Za-z0-9+/]{40,}={0,2}"),
    (
        "token in a URL",
        r"(?P<address>\b[A-Za-z][A-Za-z0-9+.-]*://)(?P<as_user>[A-Za-z0-9_.~%-]{16,})@",
    ),
    (
        "password in a URL",
        r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:)(?P<password>[^\s/?#'\x22`<>]+)@",
    ),
    ("payment card", r"(?P<card>\b\d(?:[ -]?\d){12,18}\b)"),
];

/// The pattern of all shapes.
pub(super) static SHAPE: Pattern = Pattern::anywhere(|| patterns::named(SHAPES));

/// Masks everything that has a secret's shape.
pub(super) fn mask<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    match tokens_masked(text, masker) {
        Cow::Borrowed(text) => shapes_masked(text, masker),
        Cow::Owned(text) => Cow::Owned(shapes_masked(&text, masker).into_owned()),
    }
}

/// Masks only tokens with an issuer's prefix.
pub(super) fn tokens_masked<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    let mut out = String::new();
    let mut copied = 0;
    while let Some((start, end)) = issuer_tokens::find(text, copied) {
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
    for block in pem::blocks(text) {
        let between = outside_blocks(&text[copied..block.place.start], masker);
        let whole = &text[block.place.clone()];
        let clean =
            if block.private { Cow::Owned(masker.mask(whole)) } else { Cow::Borrowed(whole) };
        changed |= matches!(between, Cow::Owned(_)) || matches!(clean, Cow::Owned(_));
        out.push_str(&between);
        out.push_str(&clean);
        copied = block.place.end;
    }
    let rest = outside_blocks(&text[copied..], masker);
    if copied == 0 {
        return rest;
    }
    if !changed && matches!(rest, Cow::Borrowed(_)) {
        return Cow::Borrowed(text);
    }
    out.push_str(&rest);
    Cow::Owned(out)
}

fn outside_blocks<'t>(text: &'t str, masker: &Masker) -> Cow<'t, str> {
    let mut out = String::new();
    let (mut copied, mut changed) = (0, false);
    while let Some(found) = SHAPE.find(text, copied) {
        let Some(whole) = found.captures().get(0) else { break };
        let end = end_of(text, &found, whole.end());
        let between = runs_masked(text, copied..whole.start(), masker);
        let before = &text[..whole.start()];
        let other = found.captures().name("card").is_some()
            && (follows_a_click(before)
                || is_of_another_number(before)
                || is_a_path(before, whole.as_str()));
        let clean = if other {
            Cow::Borrowed(&text[whole.start()..end])
        } else {
            shape_masked(found.captures(), &text[whole.start()..end], masker)
        };
        changed |= matches!(between, Cow::Owned(_)) || matches!(clean, Cow::Owned(_));
        out.push_str(&between);
        out.push_str(&clean);
        copied = end;
    }
    let rest = runs_masked(text, copied..text.len(), masker);
    if !changed && matches!(rest, Cow::Borrowed(_)) {
        return Cow::Borrowed(text);
    }
    out.push_str(&rest);
    Cow::Owned(out)
}

/// Returns the end of a shape whose searched part ends at `end`: its last part may continue.
fn end_of(text: &str, found: &Found<'_>, end: usize) -> usize {
    if !found.is_cut(end) {
        return end;
    }
    let part = |b: &u8| b.is_ascii_alphanumeric() || b"+/=_-.~$,%@:".contains(b);
    end + text.as_bytes()[end..].iter().take_while(|b| part(b)).count()
}

/// The base64 of a certificate and of public keys, after the dashes and `BEGIN`.
const OPEN: &[&str] = &["BDRVJU", "BQVUJMSU", "BTU0gyIFBVQkxJ"];

fn shape_masked<'t>(found: &Captures<'t>, whole: &'t str, masker: &Masker) -> Cow<'t, str> {
    if found.name("keep").is_some() {
        return Cow::Borrowed(whole);
    }
    if let (Some(scheme), Some(password)) = (found.name("scheme"), found.name("password")) {
        let password = password.as_str();
        if super::mask::is_mask(password) || is_template(password) {
            return Cow::Borrowed(whole);
        }
        return Cow::Owned(format!("{}{}@", scheme.as_str(), masker.mask(password)));
    }
    if let (Some(address), Some(token)) = (found.name("address"), found.name("as_user")) {
        let token = token.as_str();
        let shown = !is_drawn(token) || is_template(token) || identifiers::is_known(token);
        return if shown {
            Cow::Borrowed(whole)
        } else {
            Cow::Owned(format!("{}{}@", address.as_str(), masker.mask(token)))
        };
    }
    if found.name("bearer").is_some_and(|token| {
        issuer_tokens::is_filler(token.as_str().as_bytes()) || natural_text::is_name(token.as_str())
    }) {
        return Cow::Borrowed(whole);
    }
    if let (Some(path), Some(found)) = (found.name("hook"), found.get(0)) {
        let path = &whole[path.start() - found.start()..];
        let secret = path.split('/').any(|part| part.len() >= 16 && !natural_text::is_name(part));
        let before = &whole[..whole.len() - path.len()];
        return if secret {
            Cow::Owned(format!("{before}{}", masker.mask(path)))
        } else {
            Cow::Borrowed(whole)
        };
    }
    if found.name("pem").is_some_and(|pem| OPEN.iter().any(|open| pem.as_str().starts_with(open))) {
        return Cow::Borrowed(whole);
    }
    if found.name("ssn").is_some_and(|digits| !is_social_security_number(digits.as_str())) {
        return Cow::Borrowed(whole);
    }
    if found.name("card").is_some_and(|digits| !is_card_number(digits.as_str())) {
        return Cow::Borrowed(whole);
    }
    Cow::Owned(masker.mask(whole))
}

/// Returns whether the digits may be a United States social security number: no part of one is
/// zero, and some areas were never assigned.
fn is_social_security_number(text: &str) -> bool {
    let (area, rest) = text.split_at(3);
    !matches!(area, "000" | "666")
        && !area.starts_with('9')
        && &rest[1..3] != "00"
        && &rest[4..] != "0000"
}

/// Masks long runs of letters and digits that look random, and base64 runs that decode to a secret.
fn runs_masked<'t>(whole: &'t str, part: Range<usize>, masker: &Masker) -> Cow<'t, str> {
    let text = &whole[..part.end];
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut copied, mut at) = (part.start, part.start);
    while at < bytes.len() {
        let part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-');
        let length = bytes[at..].iter().take_while(|byte| part(byte)).count();
        let padding = bytes[at + length..].iter().take(2).take_while(|byte| **byte == b'=').count();
        let end = at + length + padding;
        let skip = match length {
            encoded::SHORTEST.. if holds_a_secret(&text[at..end], ENCODED) => Some(0),
            entropy::SHORTEST.. if is_mailed(&text[..at], &whole[end..]) => None,
            entropy::SHORTEST.. => random_part(&text[..end], at),
            _ => None,
        };
        if let Some(skip) = skip {
            let start = at + skip;
            let start = start - joined_before(&text[copied..start]);
            out.push_str(&text[copied..start]);
            out.push_str(&masker.mask_for(&text[start..end], MaskReason::Entropy));
            copied = end;
        }
        at = end.max(at + 1);
    }
    if copied == part.start {
        return Cow::Borrowed(&text[part.start..]);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Returns the length of the first half of a token whose second half comes next: sixteen bytes in
/// base64 and a colon.
fn joined_before(before: &str) -> usize {
    const HALF: usize = 22;
    let Some(half) = before.strip_suffix("==:") else { return 0 };
    let of_base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let length = half.bytes().rev().take(HALF + 1).take_while(of_base64).count();
    if length == HALF { before.len() - half.len() + HALF } else { 0 }
}

/// The most layers of encoding in which a secret is searched for.
const ENCODED: usize = 3;

/// Returns whether a run is base64 of a text with a secret in it: `cGluPTQ3MTE=`.
fn holds_a_secret(run: &str, times: usize) -> bool {
    let Some(text) = encoded::text(run) else { return false };
    if times > 1 && holds_a_secret(text.trim_end(), times - 1) {
        return true;
    }
    // The masking here only tests for a secret, so it is not recorded.
    let masker = &Masker::default();
    let signs = signs(&text);
    (signs.stem || signs.place) && matches!(key_value::mask(&text, signs, masker), Cow::Owned(_))
        || is_login(&text)
        || signs.shape && matches!(tokens_masked(&text, masker), Cow::Owned(_))
        || pem::blocks(&text).any(|block| block.private)
}

/// Returns whether a decoded text is a name and a password: `ann:h4nter2`.
fn is_login(text: &str) -> bool {
    let Some((user, password)) = text.split_once(':') else { return false };
    let one = |c: char| !c.is_whitespace() && c.is_ascii();
    (1..=64).contains(&user.len())
        && (6..=128).contains(&password.len())
        && text.chars().all(one)
        && !password.contains([':', '/'])
        && password.bytes().any(|b| b.is_ascii_digit())
        && password.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Returns the start of the secret in the run from `at` to the end of `text`, if it has one.
fn random_part(text: &str, at: usize) -> Option<usize> {
    let run = &text[at..];
    if let Some(begins) = after_its_name(run) {
        return Some(begins);
    }
    let secret = entropy::is_random(run) || entropy::is_like_a_uuid(run) || ends_as_issued(run);
    (secret && !is_public(&text[..at]) && !identifiers::is_known(run)).then_some(0)
}

/// Returns the start of the secret in a run that names it: `x-token-<uuid>`, `x_SECRET_1a2b3c..`,
/// `sdk-<uuid>`, `/token/1a2b3c..`.
fn after_its_name(run: &str) -> Option<usize> {
    const NAMES: &[&str] = &["secret", "token", "password", "apikey", "private", "access", "key"];
    let lower = run.to_ascii_lowercase();
    let begins = |name: &str| {
        let begins = lower.rfind(name)? + name.len();
        // Many other things are found below `/key/` and `/access/`.
        let path =
            !matches!(name, "access" | "key" | "private") && lower[begins..].starts_with('/');
        (path || lower[begins..].starts_with(['-', '_'])).then_some(begins + 1)
    };
    let issued = ["sdk-", "api-", "mob-"].iter().any(|mark| lower.starts_with(mark)).then_some(4);
    let begins = NAMES.iter().filter_map(|name| begins(name)).max().or(issued)?;
    let secret = &run[begins..];
    let sure = !lower[..begins].contains("cache") && !lower[..begins].contains("public");
    let drawn = secret.len() >= 24
        && secret.bytes().all(|b| b.is_ascii_alphanumeric())
        && secret.bytes().any(|b| b.is_ascii_digit())
        && !super::natural_text::is_name(secret);
    (sure
        && (entropy::is_uuid(secret)
            || entropy::is_like_a_uuid(secret)
            || drawn && issued.is_none()))
    .then_some(begins)
}

/// Returns whether a run ends with an issuer's suffix: those of New Relic and `MaxMind`.
fn ends_as_issued(run: &str) -> bool {
    run.len() == 40 && (run.ends_with("NRAL") || run.ends_with("_mmk"))
}

/// Returns whether the text between is the first part of a mail address or of a message id.
fn is_mailed(before: &str, after: &str) -> bool {
    after.starts_with('@') && !before.ends_with(['/', ':'])
}

/// Returns whether the text before marks the next value as public, or as an identifier: `public_key
/// = `, `gclid=`, `/d/`.
fn is_public(before: &str) -> bool {
    /// The longest name that is checked, in bytes.
    const NAME: usize = 64;
    const PATHS: &[&str] = &[
        "/d/",
        "/folders/",
        "/files/",
        "/file/",
        "/items/",
        "/blob/",
        "/commit/",
        "/ipfs/",
        "/address/",
        "/tx/",
        "/account/",
        "b!",
        ":/s/",
    ];
    let near = &before[patterns::ceil(before, before.len().saturating_sub(NAME))..];
    let name = near.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let start = name
        .char_indices()
        .rev()
        .find(|(_, c)| !c.is_ascii_alphanumeric() && *c != '_' && *c != '-')
        .map(|(at, c)| at + c.len_utf8());
    let name = &name[start.unwrap_or(0)..];
    let joined = near.len() - near.trim_end().len() <= 1;
    // `?ttclid=E.C.P.`: a value may begin with other parts.
    let part = near.rsplit(|c: char| c.is_whitespace() || "?&;,\"'`".contains(c)).next();
    let of = part.and_then(|part| part.split_once('=')).map_or("", |(name, _)| name);
    if secret_names::is_public(of) || part.is_some_and(|part| part.starts_with("fb.1.")) {
        return true;
    }
    let key = name.eq_ignore_ascii_case("key")
        && near[..start.unwrap_or(0)].to_ascii_lowercase().ends_with("public ");
    joined && (key || secret_names::is_public(name))
        || PATHS.iter().any(|path| near.ends_with(path))
}

/// Returns whether the text before marks the next value as a click id: `yclid=`.
fn follows_a_click(before: &str) -> bool {
    let near = before.trim_end_matches([' ', '"', '\'', ':', '=']);
    before.len() - near.len() <= 6 && is_click(near)
}

/// Returns whether a name is that of a click id.
pub(super) fn is_click(name: &str) -> bool {
    name.ends_with("clid") || name.ends_with("Clid") || name.ends_with("CLID")
}

/// Returns whether the digits are an article number (EAN-13, ISO/IEC 15420).
fn is_article(digits: &[u32]) -> bool {
    let weighed =
        digits.iter().enumerate().map(|(at, digit)| if at % 2 == 0 { *digit } else { digit * 3 });
    digits.len() == 13 && weighed.sum::<u32>().is_multiple_of(10)
}

/// Returns whether the digits are an id at the end of a path and as long as the shortest card
/// number, a length that is no longer issued.
fn is_a_path(before: &str, digits: &str) -> bool {
    digits.len() == 13 && before.ends_with('/')
}

/// Returns whether the next digits belong to a telephone or bank account number: after a plus, or
/// after a country code and two digits.
fn is_of_another_number(before: &str) -> bool {
    let bytes = before.strip_suffix(' ').unwrap_or(before).as_bytes();
    let account = match bytes {
        [rest @ .., a, b, c, d] => {
            a.is_ascii_uppercase()
                && b.is_ascii_uppercase()
                && c.is_ascii_digit()
                && d.is_ascii_digit()
                && rest.last().is_none_or(|byte| !byte.is_ascii_alphanumeric())
        }
        _ => false,
    };
    account || before.ends_with('+')
}

/// Returns whether the digits have the prefix, the length and the check digit (Luhn, ISO/IEC
/// 7812-1) of a payment card.
pub(super) fn is_card_number(text: &str) -> bool {
    // Most numbers are short, and every call has some.
    if text.len() < 13 {
        return false;
    }
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() < 13 || text.contains(['.', 'e', 'E']) {
        return false;
    }
    let first = |n: usize| digits[..n].iter().fold(0, |number, digit| number * 10 + digit);
    let of_an_issuer = match digits.len() {
        // Most articles on sale have such a number, with a check digit of its own.
        13 => digits[0] == 4 && !is_article(&digits),
        14 => matches!(first(2), 36 | 38 | 39) || matches!(first(3), 300..=305),
        15 => matches!(first(2), 34 | 37),
        16 => {
            digits[0] == 4
                || matches!(first(2), 51..=55 | 62 | 65)
                || matches!(first(3), 644..=649)
                || matches!(first(4), 2221..=2720 | 3528..=3589 | 6011)
                || matches!(first(4), 5018 | 5020 | 5038 | 6304 | 6759 | 6761 | 6763)
        }
        // In one piece it is as long as the sequential ids of many databases.
        17..=19 => {
            matches!(first(2), 62)
                || digits[0] == 4 && digits.len() == 19 && text.len() > digits.len()
        }
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

#[cfg(test)]
#[path = "shapes_tests.rs"]
mod tests;
