//! A call's own secrets, found again where they do not belong: as they are, and in the encodings that
//! programs pass them on in.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::mask::MASK;
use crate::json::{Json, same_number};

/// Shorter secrets stand in ordinary text by chance.
const SHORTEST: usize = 3;
/// Shorter ones are looked for between other characters than letters and digits only: a PIN is not
/// part of an order's number.
const WITHIN: usize = 6;

/// Secrets that are known, to find them where they do not belong.
///
/// ```
/// # use hitl_base::redact::Taint;
/// let taint = Taint::new(["s3cret-word".to_owned(), "9731".to_owned()]);
/// assert_eq!(taint.text("it was s3cret-word, pin 9731"), "it was [redacted], pin [redacted]");
/// assert_eq!(taint.text("order 97310 of base64 czNjcmV0LXdvcmQ="), "order 97310 of base64 [redacted]=");
/// ```
#[derive(Clone, Default)]
pub struct Taint {
    /// Every form of every secret, the longest first: one inside another does not leave half of it.
    forms: Vec<String>,
    numbers: Vec<String>,
}

impl Taint {
    /// These secrets. Those of fewer than three characters are not looked for.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let (mut forms, mut numbers) = (Vec::new(), Vec::new());
        for secret in secrets.into_iter().filter(|secret| secret.chars().count() >= SHORTEST) {
            if secret.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
                numbers.push(secret.clone());
            }
            forms.extend(encodings(&secret));
        }
        if forms.len() < 2 {
            return Self { forms, numbers };
        }
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self { forms, numbers }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The length in bytes of the longest form.
    pub fn longest(&self) -> usize {
        self.forms.first().map_or(0, String::len)
    }

    /// `text` without any of the secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.forms.iter().fold(Cow::Borrowed(text), |text, form| {
            if !text.contains(form.as_str()) {
                text
            } else if form.len() >= WITHIN {
                Cow::Owned(text.replace(form.as_str(), MASK))
            } else {
                Cow::Owned(replace_words(&text, form))
            }
        })
    }

    /// A copy of `tree` without any of the secrets, in keys, texts and numbers.
    pub fn json(&self, tree: &Json) -> Json {
        match tree {
            Json::String(text) => Json::String(self.text(text).into_owned()),
            Json::Number(number)
                if self.numbers.iter().any(|secret| same_number(secret, number)) =>
            {
                Json::String(MASK.to_owned())
            }
            Json::Array(items) => Json::Array(items.iter().map(|item| self.json(item)).collect()),
            Json::Object(entries) => {
                let clean =
                    |(key, value): &(String, Json)| (self.text(key).into_owned(), self.json(value));
                Json::Object(super::apart(entries.iter().map(clean).collect()))
            }
            other => other.clone(),
        }
    }
}

impl std::fmt::Debug for Taint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Taint({} forms)", self.forms.len())
    }
}

/// Replaces `word` where no letter or digit is beside it.
fn replace_words(text: &str, word: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, _) in text.match_indices(word) {
        let end = at + word.len();
        let before = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let after = text[end..].chars().next().is_some_and(char::is_alphanumeric);
        if !before && !after {
            out.push_str(&text[copied..at]);
            out.push_str(MASK);
            copied = end;
        }
    }
    out.push_str(&text[copied..]);
    out
}

fn encodings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let hex = hex(bytes);
    let mut forms = vec![
        secret.to_owned(),
        percent(bytes, true),
        percent(bytes, false),
        hex.to_uppercase(),
        hex,
        // As it stands inside a JSON string or a Debug output.
        secret.escape_debug().to_string(),
    ];
    for alphabet in [STANDARD, URL_SAFE] {
        // Inside a longer text it may begin at any of three places of a group.
        forms.extend((0..3).map(|offset| base64_inside(bytes, offset, alphabet)));
        forms.push(base64(bytes, alphabet));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 without padding (RFC 4648): what is found whether padding follows or not.
fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
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

/// The digits of base64 that depend on these bytes alone, when `offset` bytes of their group come
/// before them; empty when too few are left to tell.
fn base64_inside(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> String {
    let padded = [&[0; 2][..offset], bytes].concat();
    let all = base64(&padded, alphabet);
    // The first digits hold bits of what is before, the last may hold bits of what is after.
    let from = (offset * 8).div_ceil(6);
    let until = padded.len() * 8 / 6;
    let inside = all.get(from..until.min(all.len())).unwrap_or_default();
    if inside.len() >= 8 { inside.to_owned() } else { String::new() }
}

/// Percent encoding (RFC 3986) of everything but unreserved characters.
fn percent(bytes: &[u8], upper: bool) -> String {
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::scan;

    #[test]
    fn invariant_8_a_secret_is_scrubbed_in_every_encoding() {
        let taint = Taint::new(["p\u{e4}ss w/ord?".to_owned(), "9731".to_owned(), "no".to_owned()]);
        for text in [
            "it was p\u{e4}ss w/ord? and 9731",
            "b64 cMOkc3Mgdy9vcmQ/ and OTczMQ==",
            "url p%C3%A4ss%20w%2Ford%3F p%c3%a4ss%20w%2ford%3f",
            "hex 70c3a4737320772f6f72643f 70C3A4737320772F6F72643F 39373331",
        ] {
            let clean = taint.text(text);
            for left in
                ["ss w", "9731", "cMOkc3", "OTczMQ", "C3%A4", "c3%a4", "70c3", "70C3", "39373331"]
            {
                assert!(!clean.contains(left), "{left}: {clean}");
            }
            assert!(clean.contains(MASK));
        }
        assert_eq!(taint.text("no, nothing"), "no, nothing");
    }

    #[test]
    fn invariant_8_a_secret_inside_a_longer_base64_text_is_found() {
        let secret = "correct-horse-battery";
        let taint = Taint::new([secret.to_owned()]);
        for before in ["", "u:", "user:", "x-y:"] {
            let whole = base64(format!("{before}{secret}&z=1").as_bytes(), STANDARD);
            let clean = taint.text(&whole).into_owned();
            assert!(clean.contains(MASK) && clean.len() < whole.len(), "{before}: {whole} {clean}");
        }
    }

    #[test]
    fn numbers_and_keys_are_scrubbed_and_what_only_contains_them_is_not() {
        let taint = Taint::new(["1234".to_owned(), "hunter2".to_owned()]);
        let tree =
            scan(r#"{"hunter2":1,"a":1234.0,"b":12345,"c":"C-1234","d":["x12345"]}"#).unwrap();
        assert_eq!(
            taint.json(&tree).to_text(),
            r#"{"[redacted]":1,"a":"[redacted]","b":12345,"c":"C-[redacted]","d":["x12345"]}"#
        );
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes(), STANDARD), encoded);
        }
        assert_eq!(base64(&[0xFB, 0xFF], URL_SAFE), "-_8");
    }
}
