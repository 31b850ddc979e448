//! Sets of characters, as ranges of code points.

use std::fmt::Write as _;

/// The last code point.
const LAST: u32 = 0x0010_FFFF;

/// A set of characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CharSet(Vec<(u32, u32)>);

impl CharSet {
    /// Returns the set of a class escape (`d`, `w`, `s`, and their opposites in capitals), as
    /// ECMA-262 defines them.
    pub(super) fn of_escape(letter: char) -> Option<Self> {
        let ranges: &[(u32, u32)] = match letter.to_ascii_lowercase() {
            'd' => &[(0x30, 0x39)],
            'w' => &[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)],
            // White space and line terminators: the category Zs, and these.
            's' => &[
                (0x09, 0x0D),
                (0x20, 0x20),
                (0xA0, 0xA0),
                (0x1680, 0x1680),
                (0x2000, 0x200A),
                (0x2028, 0x2029),
                (0x202F, 0x202F),
                (0x205F, 0x205F),
                (0x3000, 0x3000),
                (0xFEFF, 0xFEFF),
            ],
            _ => return None,
        };
        let set = Self(ranges.to_vec());
        Some(if letter.is_ascii_uppercase() { set.complement() } else { set })
    }

    /// Returns the set of `.`: all but the four line terminators.
    pub(super) fn of_dot() -> Self {
        Self(vec![(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)]).complement()
    }

    /// Adds the characters from `first` to `last`.
    pub(super) fn add(&mut self, first: char, last: char) {
        self.0.push((first.into(), last.into()));
    }

    /// Adds another set.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Returns the characters that are not in this set.
    pub(super) fn complement(&self) -> Self {
        let mut free = Vec::new();
        let mut next = 0;
        for (first, last) in self.merged() {
            if next < first {
                free.push((next, first - 1));
            }
            next = last + 1;
        }
        if next <= LAST {
            free.push((next, LAST));
        }
        Self(free)
    }

    fn merged(&self) -> Vec<(u32, u32)> {
        let mut ranges = self.0.clone();
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        merged
    }

    /// Writes the set as a class of the `regex` crate.
    pub(super) fn write(&self, out: &mut String) {
        let ranges = self.merged();
        if ranges.is_empty() {
            // No character.
            out.push_str(r"[^\x{0}-\x{10FFFF}]");
            return;
        }
        out.push('[');
        for (first, last) in ranges {
            // The ends of complements may touch the surrogates, which no text contains.
            let first = if (0xD800..0xE000).contains(&first) { 0xE000 } else { first };
            let last = if (0xD800..0xE000).contains(&last) { 0xD7FF } else { last };
            if first <= last {
                let _ = write!(out, r"\x{{{first:X}}}-\x{{{last:X}}}");
            }
        }
        out.push(']');
    }
}
