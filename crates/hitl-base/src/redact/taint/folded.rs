//! A text as its letters and digits, in which disguised secrets are found.

use std::ops::Range;

use super::GAP;
use crate::display::{is_unseen, lookalike};
use crate::redact::folded::sequence;
use crate::redact::secret_names::plain;

/// The most backslashes, or repeated encodings of a percent sign, before an escape.
const DEPTH: usize = 8;

/// A letter or digit and its position.
pub(super) struct Counted {
    pub(super) letter: char,
    pub(super) at: usize,
    pub(super) end: usize,
    /// True if too much precedes it for both to be parts of one secret.
    pub(super) far: bool,
}

/// The reading of `=41`: verbatim, or as in quoted-printable text (RFC 2045).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Equals {
    Plain,
    Quoted,
}

/// Returns whether a text may be quoted-printable.
pub(super) fn may_be_quoted(text: &str) -> bool {
    memchr::memchr_iter(b'=', text.as_bytes()).any(|at| two_digits(text, at + 1).is_some())
}

/// Returns the letters and digits of a text, in lower case and without accents. An escape counts as
/// the character it represents, an ASCII lookalike as its letter, and everything else only
/// separates.
pub(super) fn characters(text: &str, equals: Equals) -> Vec<Counted> {
    let mut all = Vec::with_capacity(text.len());
    let (mut gap, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at).copied() {
        if byte.is_ascii_alphanumeric() {
            let letter = char::from(byte.to_ascii_lowercase());
            all.push(Counted { letter, at, end: at + 1, far: gap > GAP });
            (gap, at) = (0, at + 1);
            continue;
        }
        if byte == 0x1B {
            at += sequence(&text[at..]);
            continue;
        }
        let escaped = match byte {
            b'%' => percent(text, at),
            b'\\' => backslash(text, at),
            b'&' => entity(text, at),
            b'=' if equals == Equals::Quoted => {
                two_digits(text, at + 1).filter(u8::is_ascii).map(|byte| (char::from(byte), at + 3))
            }
            _ => None,
        };
        let Some(c) = text[at..].chars().next() else { break };
        let (c, end) = escaped.unwrap_or((c, at + c.len_utf8()));
        let mut counts = false;
        for letter in folded(c) {
            all.push(Counted { letter, at, end, far: gap > GAP });
            (gap, counts) = (0, true);
        }
        // Invisible characters do not separate.
        gap += usize::from(!(counts || is_joined(c) || c != '\n' && is_unseen(c)));
        at = end;
    }
    all
}

/// Returns the letters of a secret.
pub(super) fn letters(secret: &str) -> Vec<char> {
    secret.chars().flat_map(folded).collect()
}

/// Returns the letters or digits that a character is read as; none for a separator.
pub(super) fn folded(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        _ if c.is_ascii() => (Some(c.to_ascii_lowercase()), None),
        '\u{df}' | '\u{1e9e}' => (Some('s'), Some('s')),
        '\u{e6}' | '\u{c6}' => (Some('a'), Some('e')),
        '\u{153}' | '\u{152}' => (Some('o'), Some('e')),
        '\u{fb00}' => (Some('f'), Some('f')),
        '\u{fb01}' => (Some('f'), Some('i')),
        '\u{fb02}' => (Some('f'), Some('l')),
        '\u{fb05}' | '\u{fb06}' => (Some('s'), Some('t')),
        _ if is_joined(c) || is_unseen(c) => (None, None),
        _ => (Some(base(c)), None),
    };
    first.into_iter().chain(second).filter(|c| c.is_alphanumeric())
}

/// Returns a letter beyond ASCII without its case and accent, and as a Latin one if it looks like
/// it.
fn base(c: char) -> char {
    let lower = match c {
        '\u{3c2}' => '\u{3c3}',
        c => c.to_lowercase().next().unwrap_or(c),
    };
    let accent = |c: char| Some(plain(c)).filter(|plain| *plain != c);
    let latin = |c: char| matches!(c, '\u{c0}'..='\u{24f}').then(|| accent(c)).flatten();
    // A letter that looks Latin in one case only is read as Latin in both.
    let upper = || {
        let mut upper = lower.to_uppercase();
        upper.next().filter(|_| upper.next().is_none()).and_then(lookalike)
    };
    let read = latin(lower).or_else(|| lookalike(lower)).or_else(|| lookalike(c)).or_else(upper);
    read.unwrap_or(lower).to_ascii_lowercase()
}

/// Returns whether a character is a mark over the letter before it.
fn is_joined(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

fn two_digits(text: &str, at: usize) -> Option<u8> {
    let digits = text.get(at..at + 2)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| all)
}

/// Reads `%41`, `%2541`, `%C3%A4`: returns the character and its end.
fn percent(text: &str, at: usize) -> Option<(char, usize)> {
    let (first, mut end) = percent_byte(text, at)?;
    let length = match first {
        ..0x80 => 1,
        0xC2..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..0xF5 => 4,
        _ => return None,
    };
    let mut bytes = [first; 4];
    for byte in &mut bytes[1..length] {
        (*byte, end) = percent_byte(text, end)?;
    }
    let c = std::str::from_utf8(&bytes[..length]).ok()?.chars().next()?;
    Some((c, end))
}

fn percent_byte(text: &str, at: usize) -> Option<(u8, usize)> {
    if text.as_bytes().get(at) != Some(&b'%') {
        return None;
    }
    let mut at = at + 1;
    for _ in 0..DEPTH {
        if !text.as_bytes()[at..].starts_with(b"25") || two_digits(text, at + 2).is_none() {
            break;
        }
        at += 2;
    }
    Some((two_digits(text, at)?, at + 2))
}

/// Reads `\u0041`, `\u{41}`, `\x41`, `\101`, `\n`, with one backslash or more: nested strings
/// double them.
fn backslash(text: &str, at: usize) -> Option<(char, usize)> {
    let slashes = text[at..].bytes().take(DEPTH).take_while(|byte| *byte == b'\\').count();
    let at = at + slashes;
    let (digits, end, radix) = match text.as_bytes().get(at)? {
        b'u' if text.as_bytes().get(at + 1) == Some(&b'{') => {
            let length = text[at + 2..].bytes().take(7).position(|byte| byte == b'}')?;
            (text.get(at + 2..at + 2 + length)?, at + 3 + length, 16)
        }
        b'u' => (text.get(at + 1..at + 5)?, at + 5, 16),
        b'x' => (text.get(at + 1..at + 3)?, at + 3, 16),
        b'0'..=b'3' => (text.get(at..at + 3)?, at + 3, 8),
        b'n' | b'r' | b't' => return Some(('\n', at + 1)),
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((char::from_u32(u32::from_str_radix(digits, radix).ok()?)?, end))
}

/// Reads `&#65;` and `&#x41;`.
fn entity(text: &str, at: usize) -> Option<(char, usize)> {
    let rest = text[at..].strip_prefix("&#")?;
    let end = rest.bytes().take(9).position(|byte| byte == b';')?;
    let digits = &rest[..end];
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    Some((char::from_u32(code.ok()?)?, at + end + 3))
}

/// Sorts places and merges those that overlap.
pub(super) fn joined(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_by_key(|place| place.start);
    places.dedup_by(|next, last| {
        let overlaps = next.start < last.end;
        if overlaps {
            last.end = last.end.max(next.end);
        }
        overlaps
    });
    places
}
