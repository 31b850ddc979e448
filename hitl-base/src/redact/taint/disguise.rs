//! Secrets in a disguise: in another case, backwards, with something between their characters.

use std::ops::Range;

use super::{DISGUISED, GAP, LONGEST};

/// A secret as what counts of it: its letters, digits and signs in lower case, without blanks.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Disguise {
    pub(super) letters: Vec<char>,
    /// For each place the longest beginning that ends there too (Knuth, Morris and Pratt): no
    /// character of a text is looked at twice.
    borders: Vec<usize>,
}

impl Disguise {
    /// A secret's, forwards and backwards; nothing where it is too short or too long.
    pub(super) fn all(secret: &str) -> [Option<Self>; 2] {
        let letters: Vec<char> = secret.chars().filter_map(counted).collect();
        let says = letters.iter().filter(|c| c.is_alphanumeric()).count();
        let words = secret.chars().all(|c| c.is_alphabetic() || c.is_whitespace());
        if says < DISGUISED || letters.len() > LONGEST || words && letters.len() < 2 * DISGUISED {
            return [None, None];
        }
        let backwards = letters.iter().rev().copied().collect();
        [Some(Self::of(letters)), Some(Self::of(backwards))]
    }

    fn of(letters: Vec<char>) -> Self {
        let mut borders = vec![0; letters.len()];
        let mut length = 0;
        for at in 1..letters.len() {
            while length > 0 && letters[at] != letters[length] {
                length = borders[length - 1];
            }
            length += usize::from(letters[at] == letters[length]);
            borders[at] = length;
        }
        Self { letters, borders }
    }

    /// Where it stands in the characters of a text, of which none is in two places.
    pub(super) fn find(&self, chars: &[Counted]) -> Vec<Range<usize>> {
        let (mut places, mut length) = (Vec::new(), 0);
        for (at, next) in chars.iter().enumerate() {
            if next.far {
                length = 0;
            }
            while length > 0 && next.letter != self.letters[length] {
                length = self.borders[length - 1];
            }
            length += usize::from(next.letter == self.letters[length]);
            if length == self.letters.len() {
                places.push(at + 1 - length..at + 1);
                length = 0;
            }
        }
        places
    }
}

/// A character that counts, and where it stands.
pub(super) struct Counted {
    pub(super) letter: char,
    pub(super) at: usize,
    pub(super) end: usize,
    /// Whether too much stands before it for both to be parts of one secret.
    pub(super) far: bool,
}

/// The characters of a text that count. What is percent-encoded counts as what it stands for.
pub(super) fn characters(text: &str) -> Vec<Counted> {
    let mut all = Vec::with_capacity(text.len());
    let (mut gap, mut skip) = (0, 0);
    for (at, c) in text.char_indices() {
        if at < skip {
            continue;
        }
        let (c, end) = unescaped(text, at, c);
        skip = end;
        match counted(c) {
            Some(letter) => {
                all.push(Counted { letter, at, end, far: gap > GAP });
                gap = 0;
            }
            None => gap += 1,
        }
    }
    all
}

/// The character that begins here, and where it ends.
fn unescaped(text: &str, at: usize, c: char) -> (char, usize) {
    let code = text.get(at + 1..at + 3).filter(|_| c == '%');
    match code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(u8::is_ascii) {
        Some(byte) => (char::from(byte), at + 3),
        None => (c, at + c.len_utf8()),
    }
}

/// What of a character counts: its lower case; nothing of one that only keeps others apart.
fn counted(c: char) -> Option<char> {
    let apart = c.is_whitespace()
        || c.is_control()
        || matches!(c, '-' | '_' | '.' | ',' | '|' | '/' | '*' | '+' | '\u{b7}' | '"' | '\'')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{2010}'..='\u{2015}');
    (!apart).then(|| c.to_lowercase().next().unwrap_or(c))
}

/// Where any of the disguises stands, in order; what overlaps is one place.
pub(super) fn find_disguises(text: &str, disguises: &[Disguise]) -> Vec<Range<usize>> {
    if disguises.is_empty() || text.len() < DISGUISED {
        return Vec::new();
    }
    let chars = characters(text);
    let in_text = |place: Range<usize>| chars[place.start].at..chars[place.end - 1].end;
    let found = disguises.iter().flat_map(|disguise| disguise.find(&chars)).map(in_text);
    joined(found.collect())
}

/// Places in order, those that overlap as one.
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
