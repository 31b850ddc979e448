//! A text as it is read: invisible characters removed, escapes and lookalikes replaced by what they
//! represent. Secrets in disguised spellings are found in it and masked in the original.

use std::ops::Range;

use memchr::memmem;

use super::mask::leading_mask;
use super::patterns::floor;
use super::secret_names::plain;
use crate::display::is_unseen;

/// The longest sequence that sets a terminal's colour, title or link, in bytes.
const SEQUENCE: usize = 256;
/// The most backslashes before one escape.
const SLASHES: usize = 8;

/// A text as it is read, and the position of each part in the text as it is written.
pub(super) struct Folded {
    text: String,
    /// The pieces in text order.
    pieces: Vec<Piece>,
}

/// A part of the text that is read as it is written, or as something else.
struct Piece {
    /// Its start in the text as it is read.
    at: usize,
    /// Its range in the text as it is written.
    written: Range<usize>,
    verbatim: bool,
}

impl Folded {
    /// Returns the text as it is read; `None` if it is read as it is written.
    pub(super) fn new(text: &str) -> Option<Self> {
        let (odd, equals) = kinds(text.as_bytes());
        let wrapped = equals && memmem::find(text.as_bytes(), b"=3D").is_some();
        if !odd && !wrapped {
            return None;
        }
        let mut folded = Self { text: String::new(), pieces: Vec::new() };
        let (mut copied, mut at) = (0, 0);
        // The end of the current word and whether it has an ASCII letter: computed once for each
        // word.
        let mut word = (0, false);
        while at < text.len() {
            if !may_be_read_otherwise(text.as_bytes()[at]) {
                at += 1;
                continue;
            }
            if at >= word.0 {
                word = word_at(text, at);
            }
            let Some((length, read)) = reading(&text[at..], wrapped, word.1) else {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
                continue;
            };
            let read = match read {
                // A capital lookalike after a lower-case letter does not start a new word of a
                // camel-case name.
                Read::As(c) if text[..at].ends_with(char::is_lowercase) => {
                    Read::As(c.to_ascii_lowercase())
                }
                read => read,
            };
            folded.push(text, copied..at, None);
            folded.push(text, at..at + length, Some(read));
            at += length;
            copied = at;
        }
        if folded.pieces.is_empty() {
            return None;
        }
        folded.push(text, copied..text.len(), None);
        Some(folded)
    }

    fn push(&mut self, text: &str, written: Range<usize>, read: Option<Read>) {
        if written.is_empty() {
            return;
        }
        let (at, verbatim) = (self.text.len(), read.is_none());
        match read {
            None => self.text.push_str(&text[written.clone()]),
            Some(Read::As(c)) => self.text.push(c),
            Some(Read::Nothing) => {}
        }
        self.pieces.push(Piece { at, written, verbatim });
    }

    /// Returns the text as it is read.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the range in the written text of a range in the read text.
    pub(super) fn written(&self, read: &Range<usize>) -> Range<usize> {
        let first = self.pieces.partition_point(|piece| piece.at <= read.start).saturating_sub(1);
        let last = self.pieces.partition_point(|piece| piece.at < read.end).saturating_sub(1);
        let (first, last) = (&self.pieces[first], &self.pieces[last]);
        let start = if first.verbatim {
            first.written.start + (read.start - first.at)
        } else {
            first.written.start
        };
        let end = if last.verbatim {
            last.written.start + (read.end - last.at)
        } else {
            last.written.end
        };
        start..end.max(start)
    }
}

/// The reading of a part of the text.
enum Read {
    Nothing,
    As(char),
}

/// Returns whether text that begins with this byte may be read differently from its spelling.
const fn may_be_read_otherwise(byte: u8) -> bool {
    kind(byte) != 0
}

const ODD: u8 = 1;
const EQUALS: u8 = 2;

#[expect(clippy::needless_bitwise_bool, reason = "without a branch")]
const fn kind(byte: u8) -> u8 {
    let control = (byte < b' ') & (byte != b'\n') & (byte != b'\t') & (byte != b'\r');
    let escape = (byte == b'\\') | (byte == b'&') | (byte == b'%');
    let odd = control | (byte >= 0x7F) | escape;
    ((odd as u8) * ODD) | (((byte == b'=') as u8) * EQUALS)
}

/// Returns whether a text has an odd byte, and whether it has an equals sign. Every byte is
/// compared with every kind, in lanes and without a branch, so that the processor compares many at
/// once.
// Pays 58 % of the time of "redaction, 4 KB of prose without secrets"
// (cargo xtask bench redaction).
fn kinds(text: &[u8]) -> (bool, bool) {
    const LANES: usize = 32;
    let (chunks, rest) = text.as_chunks::<LANES>();
    let mut found = [0; LANES];
    for chunk in chunks {
        for (found, byte) in found.iter_mut().zip(chunk) {
            *found |= kind(*byte);
        }
    }
    let found = found.into_iter().chain(rest.iter().map(|byte| kind(*byte)));
    let found = found.fold(0, |found, kind| found | kind);
    (found & ODD != 0, found & EQUALS != 0)
}

/// Returns the end of the word that begins at `at`, and whether it has an ASCII letter just before
/// `at` or later.
fn word_at(text: &str, at: usize) -> (usize, bool) {
    let before = text[..at].chars().next_back().is_some_and(|c| c.is_ascii_alphabetic());
    let length: usize =
        text[at..].chars().take_while(|c| c.is_alphabetic()).map(char::len_utf8).sum();
    let word = &text[at..at + length];
    (at + length.max(1), before || word.bytes().any(|byte| byte.is_ascii_alphabetic()))
}

/// Returns the length and the reading of the first part of a text, if it is read differently from
/// its spelling.
fn reading(text: &str, wrapped: bool, mixed: bool) -> Option<(usize, Read)> {
    let c = text.chars().next()?;
    match c {
        '\u{1B}' => Some((sequence(text), Read::Nothing)),
        '\\' => escaped(text),
        '&' => referred(text),
        '%' => percent(text),
        '=' if wrapped => soft(text),
        '=' => None,
        '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => {
            Some((c.len_utf8(), Read::As(' ')))
        }
        '\u{85}' | '\u{2028}' | '\u{2029}' => Some((c.len_utf8(), Read::As('\n'))),
        '\u{FF01}'..='\u{FF5E}' => {
            let narrow = char::from_u32(u32::from(c) - 0xFEE0)?;
            Some((c.len_utf8(), Read::As(narrow)))
        }
        '\u{370}'.. if mixed && plain(c).is_ascii() => Some((c.len_utf8(), Read::As(plain(c)))),
        _ if is_unseen(c) => Some((c.len_utf8(), Read::Nothing)),
        _ => None,
    }
}

/// Returns the length of the terminal control sequence (ECMA-48) that the text begins with.
pub(super) fn sequence(text: &str) -> usize {
    let near = &text[..floor(text, SEQUENCE)];
    let bytes = near.as_bytes();
    let end = match bytes.get(1) {
        // A mask is not a control sequence.
        Some(b'[') if leading_mask(&near[1..]).is_none() => {
            let last = bytes[2..].iter().position(|byte| (0x40..0x7F).contains(byte));
            last.filter(|last| bytes[2..2 + last].iter().all(|byte| (0x20..0x40).contains(byte)))
                .map(|last| last + 3)
        }
        Some(b']') => {
            let bell = bytes.iter().position(|byte| *byte == 0x07).map(|at| at + 1);
            let ended = memmem::find(bytes, b"\x1b\\").map(|at| at + 2);
            bell.into_iter().chain(ended).min()
        }
        _ => None,
    };
    end.unwrap_or(1)
}

/// Reads `\u0070`, `\u{70}`, `\x70`, with one backslash or more: nested strings double them.
fn escaped(text: &str) -> Option<(usize, Read)> {
    let slashes = text.bytes().take(SLASHES).take_while(|byte| *byte == b'\\').count();
    let rest = &text[slashes..];
    let (digits, length) = if let Some(rest) = rest.strip_prefix("u{") {
        let digits = rest.get(..rest.bytes().take(7).position(|byte| byte == b'}')?)?;
        (digits, digits.len() + 3)
    } else if rest.starts_with('u') {
        (rest.get(1..5)?, 5)
    } else if rest.starts_with('x') {
        (rest.get(1..3)?, 3)
    } else {
        return None;
    };
    Some((slashes + length, Read::As(of_a_name(u32::from_str_radix(digits, 16).ok()?)?)))
}

/// Reads `&#112;` and `&#x70;`.
fn referred(text: &str) -> Option<(usize, Read)> {
    let rest = text.strip_prefix("&#")?;
    let end = rest.bytes().take(9).position(|byte| byte == b';')?;
    let digits = &rest[..end];
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    Some((end + 3, Read::As(of_a_name(code.ok()?)?)))
}

/// Reads `%70`, and `%25` before two digits, which is an encoded percent sign.
fn percent(text: &str) -> Option<(usize, Read)> {
    let digits = |at: usize| {
        text.get(at..at + 2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let code = u32::from_str_radix(digits(1)?, 16).ok()?;
    if code == u32::from(b'%') {
        return digits(3).map(|_| (3, Read::As('%')));
    }
    let c = of_a_name(code).filter(|c| !matches!(c, '=' | ':'))?;
    Some((3, Read::As(c)))
}

/// Reads quoted-printable text (RFC 2045): `=3D` and soft line breaks.
fn soft(text: &str) -> Option<(usize, Read)> {
    if text.starts_with("=3D") {
        return Some((3, Read::As('=')));
    }
    let end = ["=\r\n", "=\n"].into_iter().find(|end| text.starts_with(end))?;
    Some((end.len(), Read::Nothing))
}

/// Returns the character with this code, if it can be part of a name or of the join between a name
/// and its value.
fn of_a_name(code: u32) -> Option<char> {
    let c = char::from_u32(code)?;
    (c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '=' | ':')).then_some(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_read_is_found_where_it_is_written() {
        for (written, read, found, place) in [
            ("a\u{200B}b", "ab", "ab", "a\u{200B}b"),
            ("x\u{1B}[31mab\u{1B}[0m", "xab", "ab", "ab"),
            (r"\u0070w=1", "pw=1", "pw", r"\u0070w"),
            ("p&#119;&#x3D;1", "pw=1", "w=", "&#119;&#x3D;"),
            ("%70w", "pw", "p", "%70"),
            ("a%2525b", "a%25b", "%", "%25"),
            ("a=3Db=\r\nc", "a=bc", "bc", "b=\r\nc"),
            ("\u{FF50}w", "pw", "p", "\u{FF50}"),
            ("p\u{0430}w", "paw", "a", "\u{0430}"),
            ("\u{1B}]8;;x\u{7}ab", "ab", "ab", "ab"),
        ] {
            let folded = Folded::new(written).unwrap();
            assert_eq!(folded.text(), read);
            let at = read.find(found).unwrap();
            assert_eq!(&written[folded.written(&(at..at + found.len()))], place, "{written:?}");
        }
        for same in
            ["", "a=b", "100 % of it", "C:\\x", "Übergröße", "пароль", "a & b", "=\nb", "%2F"]
        {
            assert!(Folded::new(same).is_none(), "{same}");
        }
    }

    /// Only the time of a plain text would tell, were its bytes taken for others.
    #[test]
    fn a_byte_is_seen_wherever_it_stands_and_plain_ones_are_not() {
        for length in 0..70 {
            let plain = "a".repeat(length);
            assert_eq!(kinds(plain.as_bytes()), (false, false), "{length}");
            for at in 0..length {
                for (byte, found) in [(b'=', (false, true)), (b'%', (true, false))] {
                    let mut text = plain.clone().into_bytes();
                    text[at] = byte;
                    assert_eq!(kinds(&text), found, "{length}, {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn every_part_stands_somewhere(text in "[a\u{200B}\u{1B}\\[\\\\u0pм%25&#;=3D\n]{0,60}", from in 0.0..1.0, long in 0.0..1.0) {
            if let Some(folded) = Folded::new(&text) {
                let read = folded.text().to_owned();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share")]
                let share = |of: usize, share: f64| (of as f64 * share) as usize;
                let start = floor(&read, share(read.len(), from));
                let end = floor(&read, start + share(read.len() - start, long));
                let written = folded.written(&(start..end));
                prop_assert!(text.get(written).is_some());
            }
        }
    }
}
