//! Records the masked secrets, so that a reviewer can see what a mask covers.
//!
//! While it records, each mask is a placeholder with a number of its own, in the form of a mask, so
//! that no pattern takes it for something else. A mask never covers syntax: characters that a shell
//! would act on stay where they are, and the runs between them are masked one by one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};

use super::STRINGS_IN_STRINGS;
use super::mask::{MaskReason, leading_mask};
use crate::display::is_unseen;
use crate::json::Json;
use crate::sync::lock;

/// The most runs of a document that are masked one by one. Later ones are masked whole: a text of
/// only syntax would otherwise grow many times.
const MAX_RUNS: usize = 10_000;

/// The secrets behind the placeholders.
#[derive(Default)]
pub(super) struct Recorder(Mutex<Records>);

#[derive(Default)]
struct Records {
    /// Numbers that occur in the original text: no placeholder uses them.
    taken: HashSet<u64>,
    next: u64,
    /// The secrets in the order of their numbers.
    masked: Vec<RecordedSecret>,
}

/// A secret and the reason why it is masked.
#[derive(Clone)]
pub(super) struct RecordedSecret {
    number: u64,
    pub(super) secret: String,
    pub(super) reason: MaskReason,
}

impl Recorder {
    /// Returns a recorder for this document.
    pub(super) fn new(tree: &Json) -> Self {
        let mut records = Records::default();
        own_numbers(tree, &mut records.taken);
        Self(Mutex::new(records))
    }

    /// Returns a recorder for this text.
    pub(super) fn from_text(text: &str) -> Self {
        let mut records = Records::default();
        numbers_in(text, &mut records.taken);
        Self(Mutex::new(records))
    }

    /// Replaces each run of the secret that is not syntax with a placeholder.
    pub(super) fn mask(&self, secret: &str, reason: MaskReason) -> String {
        let mut out = String::with_capacity(secret.len().min(1_024));
        let mut records = self.records();
        let mut rest = secret;
        while !rest.is_empty() {
            let length = fixed(rest);
            if length > 0 {
                out.push_str(&rest[..length]);
                rest = &rest[length..];
                continue;
            }
            if records.masked.len() >= MAX_RUNS {
                let (many, next) = rest.split_at(records.before_placeholder(rest));
                out.push_str(&records.placeholder(many, reason));
                rest = next;
                continue;
            }
            let run = &rest[..run(rest)];
            let inner = run.trim();
            let lead = run.len() - run.trim_start().len();
            out.push_str(&run[..lead]);
            if !inner.is_empty() {
                out.push_str(&records.placeholder(inner, reason));
            }
            out.push_str(&run[lead + inner.len()..]);
            rest = &rest[run.len()..];
        }
        out
    }

    /// Returns the placeholder that a text begins with, and the secret behind it.
    pub(super) fn leading<'t>(&self, text: &'t str) -> Option<(&'t str, RecordedSecret)> {
        let mask = leading_mask(text)?;
        Some((mask, self.records().find(number(mask)?)?))
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        lock(&self.0)
    }
}

impl Records {
    fn placeholder(&mut self, secret: &str, reason: MaskReason) -> String {
        while self.taken.contains(&self.next) {
            self.next += 1;
        }
        let number = self.next;
        self.next += 1;
        self.masked.push(RecordedSecret { number, secret: secret.to_owned(), reason });
        format!("[redacted:{number:010x}]")
    }

    /// Returns the length of the text before the next placeholder of this recorder.
    fn before_placeholder(&self, text: &str) -> usize {
        let own = |at: &usize| {
            let number = leading_mask(&text[*at..]).and_then(number);
            number.is_some_and(|number| self.at(number).is_some())
        };
        text.match_indices("[redacted:").map(|(at, _)| at).find(own).unwrap_or(text.len())
    }

    fn at(&self, number: u64) -> Option<usize> {
        self.masked.binary_search_by_key(&number, |masked| masked.number).ok()
    }

    fn find(&self, number: u64) -> Option<RecordedSecret> {
        Some(self.masked[self.at(number)?].clone())
    }
}

/// Returns the number of leading bytes that are never masked: one piece of syntax, or a mask.
fn fixed(text: &str) -> usize {
    if let Some(mask) = leading_mask(text) {
        return mask.len();
    }
    if let [b'%', high, low, ..] = text.as_bytes() {
        let digits = [*high, *low];
        let byte =
            std::str::from_utf8(&digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        // An encoded percent sign may in turn encode syntax.
        let is_coded = |byte: u8| byte == b'%' || is_syntax(char::from(byte));
        return match byte {
            Some(byte) if is_coded(byte) => 3,
            Some(_) => 0,
            // `%NAME%` is a variable of `cmd`.
            None => 1,
        };
    }
    match text.chars().next() {
        Some(c) if is_syntax(c) => c.len_utf8(),
        _ => 0,
    }
}

/// Returns the number of bytes before the next piece that is never masked.
fn run(text: &str) -> usize {
    text.char_indices().map(|(at, _)| at).find(|at| fixed(&text[*at..]) > 0).unwrap_or(text.len())
}

/// Returns whether a shell or similar program acts on this character, or it is invisible.
fn is_syntax(c: char) -> bool {
    // Some programs convert between full-width and plain forms.
    let plain = match u32::from(c) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(c),
        _ => c,
    };
    matches!(
        plain,
        '$' | '`' | ';' | '|' | '&' | '<' | '>' | '(' | ')' | '{' | '}' | '"' | '\'' | '\\'
            // Globs, home directories, history, and the escape and expansion characters of `cmd`.
            | '*' | '?' | '~' | '!' | '^'
    ) || matches!(
        c,
        '\n' | '\r' | '\u{37E}' | '\u{2018}'..='\u{201F}' | '\u{2032}'..='\u{2037}' | '\u{FE54}'
            | '\u{FE59}'..='\u{FE5C}' | '\u{FE60}' | '\u{FE64}' | '\u{FE65}' | '\u{FE68}' | '\u{FE69}'
    ) || c != ' ' && is_unseen(c)
}

fn own_numbers(tree: &Json, taken: &mut HashSet<u64>) {
    match tree {
        Json::String(text) => numbers_in(text, taken),
        Json::Array(items) => items.iter().for_each(|item| own_numbers(item, taken)),
        Json::Object(entries) => entries.iter().for_each(|(key, value)| {
            numbers_in(key, taken);
            own_numbers(value, taken);
        }),
        _ => {}
    }
}

/// Collects the numbers in a text that could pass for those of placeholders, in any spelling: JSON
/// nested in text may escape any character.
fn numbers_in(text: &str, taken: &mut HashSet<u64>) {
    let mut spelling = Cow::Borrowed(text);
    // The text as it is, and as it is read in each string in which it may be nested.
    for _ in 0..=STRINGS_IN_STRINGS {
        plain_numbers_in(&spelling, taken);
        match unescaped(&spelling) {
            Some(next) => spelling = Cow::Owned(next),
            None => return,
        }
    }
    plain_numbers_in(&spelling, taken);
}

fn plain_numbers_in(text: &str, taken: &mut HashSet<u64>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if length == 10 {
            taken.extend(u64::from_str_radix(&text[at..at + 10], 16).ok());
        }
        at += length.max(1);
    }
}

/// Returns the text with its numeric character escapes resolved, of which only ASCII ones matter;
/// `None` if there is none.
fn unescaped(text: &str) -> Option<String> {
    const ESCAPE: &str = "\\u";
    let mut rest = text;
    let mut out = String::new();
    while let Some(at) = rest.find(ESCAPE) {
        let digits = rest.get(at + ESCAPE.len()..at + ESCAPE.len() + 4);
        let code = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        out.push_str(&rest[..at]);
        let Some(code) = code else {
            out.push_str(ESCAPE);
            rest = &rest[at + ESCAPE.len()..];
            continue;
        };
        // The escape may itself be escaped.
        out.truncate(out.trim_end_matches('\\').len());
        out.push(char::from_u32(code).filter(char::is_ascii).unwrap_or(' '));
        rest = &rest[at + ESCAPE.len() + 4..];
    }
    (rest.len() < text.len()).then(|| out + rest)
}

fn number(mask: &str) -> Option<u64> {
    u64::from_str_radix(mask.strip_prefix("[redacted:")?.strip_suffix(']')?, 16).ok()
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
