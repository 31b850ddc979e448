//! A call's own secrets, found again where they do not belong: as they are, and in the encodings
//! that programs pass them on in.

mod disguise;
mod split;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use super::mask::MASK;
use crate::json::{Json, same_number};
use disguise::{Disguise, find_disguises};

/// Shorter secrets stand in ordinary text by chance.
const SHORTEST: usize = 3;
/// Shorter ones are looked for between other characters than letters and digits only: a PIN is not
/// part of an order's number.
const WITHIN: usize = 6;
/// Of shorter ones no half is looked for, in characters: a half has eight at least.
const HALVED: usize = 16;
/// Shorter ones are looked for neither spaced, reversed, nor in another case, in characters.
const DISGUISED: usize = 8;
/// So many characters may stand between two of a spaced secret.
const GAP: usize = 6;
/// Longer secrets are looked for as they are and encoded, and not in a disguise.
const LONGEST: usize = 4_096;
/// So many secrets are looked for in a disguise: each is one more pass over the text.
const DISGUISES: usize = 64;

/// Secrets that are known, to find them where they do not belong.
///
/// They are found as they are, in the encodings that programs pass them on in, and, from eight
/// characters on, in any case, backwards, and with blanks or signs between their characters; from
/// sixteen on, by either half. [`json`](Self::json) finds one that is split over neighbouring
/// texts, too.
///
/// ```
/// # use hitl_base::redact::Taint;
/// let taint = Taint::new(["s3cret-word".to_owned(), "9731".to_owned()]);
/// assert_eq!(taint.text("it was s3cret-word, pin 9731"), "it was [redacted], pin [redacted]");
/// assert_eq!(taint.text("order 97310 of base64 czNjcmV0LXdvcmQ="), "order 97310 of base64 [redacted]=");
/// assert_eq!(taint.text("in parts: S 3 C R E T - W O R D."), "in parts: [redacted].");
/// ```
#[derive(Clone, Default)]
pub struct Taint {
    /// Every form of every secret, the longest first: one inside another does not leave half of it.
    forms: Vec<String>,
    /// The halves of long ones. They are looked for last: where one is masked, the rest is no
    /// longer a whole secret.
    halves: Vec<String>,
    numbers: Vec<String>,
    /// The letters and digits of each secret in lower case, and the same backwards.
    disguises: Vec<Disguise>,
}

impl Taint {
    /// These secrets. Those of fewer than three characters are not looked for.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let (mut forms, mut parts) = (Vec::new(), Vec::new());
        let (mut numbers, mut disguises) = (Vec::new(), Vec::new());
        for secret in secrets.into_iter().filter(|secret| secret.chars().count() >= SHORTEST) {
            if secret.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
                numbers.push(secret.clone());
            }
            disguises.extend(Disguise::all(&secret).into_iter().flatten());
            parts.extend(halves(&secret).into_iter().flatten().map(str::to_owned));
            forms.extend(encodings(&secret));
        }
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        disguises.sort();
        disguises.dedup();
        // The longest say most.
        disguises.sort_by_key(|disguise| std::cmp::Reverse(disguise.letters.len()));
        disguises.truncate(2 * DISGUISES);
        Self { forms, halves: parts, numbers, disguises }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The length in bytes of the longest form.
    pub fn longest(&self) -> usize {
        let spaced = |disguise: &Disguise| disguise.letters.len() * 4 * (1 + GAP);
        let disguised = self.disguises.iter().map(spaced).max().unwrap_or_default();
        self.forms.first().map_or(0, String::len).max(disguised)
    }

    /// `text` without any of the secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = without(Cow::Borrowed(text), &self.forms);
        let found = find_disguises(&text, &self.disguises);
        let text = if found.is_empty() { text } else { Cow::Owned(replace_places(&text, found)) };
        without(text, &self.halves)
    }

    /// A copy of `tree` without any of the secrets, in keys, texts and numbers; nor one that is
    /// split over texts that stand beside one another.
    pub fn json(&self, tree: &Json) -> Json {
        if self.disguises.is_empty() {
            return self.each(tree);
        }
        // First what is split: where a half is masked, the rest of the secret is no longer whole.
        self.each(&split::mask(tree.clone(), &self.disguises))
    }

    fn each(&self, tree: &Json) -> Json {
        match tree {
            Json::String(text) => Json::String(self.text(text).into_owned()),
            Json::Number(number)
                if self.numbers.iter().any(|secret| same_number(secret, number)) =>
            {
                Json::String(MASK.to_owned())
            }
            Json::Array(items) => Json::Array(items.iter().map(|item| self.each(item)).collect()),
            Json::Object(entries) => {
                let clean =
                    |(key, value): &(String, Json)| (self.text(key).into_owned(), self.each(value));
                Json::Object(super::tree::apart(entries.iter().map(clean).collect()))
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

/// A text without these forms of secrets.
fn without<'t>(text: Cow<'t, str>, forms: &[String]) -> Cow<'t, str> {
    forms.iter().fold(text, |text, form| {
        if !text.contains(form.as_str()) {
            text
        } else if form.len() >= WITHIN {
            Cow::Owned(text.replace(form.as_str(), MASK))
        } else {
            Cow::Owned(replace_words(&text, form))
        }
    })
}

/// Both halves of a secret that is long enough for each to say something.
fn halves(secret: &str) -> [Option<&str>; 2] {
    let length = secret.chars().count();
    if length < HALVED {
        return [None, None];
    }
    let middle = secret.char_indices().nth(length / 2).map_or(0, |(at, _)| at);
    let (first, second) = secret.split_at(middle);
    [first, second].map(|half| is_drawn(half).then_some(half))
}

/// Whether a part of a secret stands nowhere by chance: it is no word.
fn is_drawn(part: &str) -> bool {
    part.chars().any(|c| !c.is_alphabetic()) && part.chars().any(char::is_alphabetic)
        || !super::natural_text::is_name(part)
}

fn replace_places(text: &str, places: Vec<Range<usize>>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for place in places {
        out.push_str(&text[copied..place.start]);
        out.push_str(MASK);
        copied = place.end;
    }
    out.push_str(&text[copied..]);
    out
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
#[path = "taint/tests.rs"]
mod tests;
