//! A search for any of several literals in a text, in one pass and case-insensitive.
//!
//! The three rarest consecutive bytes of each literal are looked up in a table for every three
//! bytes of the text; only where they match is anything compared. An automaton of the same literals
//! takes longer, because each of its steps waits for the one before: the table pays 61 % of the
//! time of "redaction, 4 KB of prose without secrets" (cargo xtask bench redaction).

use std::borrow::Cow;
use std::ops::ControlFlow;

/// The number of bits kept of a byte: the case of a letter is not one of them.
const BITS: usize = 5;
const OF_A_BYTE: u64 = (1 << BITS) - 1;
const OF_THREE: u64 = (1 << (3 * BITS)) - 1;
/// The number of distinct groups of three bytes.
const PLACES: usize = 1 << (3 * BITS);
/// The number of bytes processed together.
const BLOCK: usize = 8;

/// A literal to search for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<K> {
    /// The bytes; letters are in lower case.
    text: &'static [u8],
    /// The position of its three rarest bytes.
    rare: usize,
    /// Its meaning to the caller.
    pub(super) kind: K,
}

impl<K> Literal<K> {
    /// Returns a literal whose three rarest bytes begin at `rare`.
    pub(super) const fn new(text: &'static [u8], rare: usize, kind: K) -> Self {
        Self { text, rare, kind }
    }

    /// Returns the literal as text, lossily if it is not UTF-8.
    pub(super) fn text(&self) -> Cow<'static, str> {
        String::from_utf8_lossy(self.text)
    }

    /// Returns the position of its rarest bytes.
    #[cfg(test)]
    pub(super) const fn rare(&self) -> usize {
        self.rare
    }

    /// Returns its length in bytes.
    pub(super) const fn len(&self) -> usize {
        self.text.len()
    }
}

/// A searcher for literals.
pub(super) struct Literals<K: 'static> {
    all: &'static [Literal<K>],
    /// For each group of three bytes, the number of the first literal that has it, from 1 on; 0 for
    /// none.
    first: Box<[u8; PLACES]>,
    /// For each literal, the number of the next one with the same three bytes.
    next: Vec<u8>,
}

/// The place of a search in a text.
struct Blocks {
    /// The bytes before the place, packed.
    before: u64,
    /// The start of the next block.
    at: usize,
}

impl<K> Literals<K> {
    /// Returns a searcher for at most 255 literals, each of two bytes or more.
    pub(super) fn new(all: &'static [Literal<K>]) -> Self {
        #[expect(clippy::expect_used, reason = "it has this very length")]
        let mut first = Box::<[u8; PLACES]>::try_from(vec![0; PLACES]).expect("so many places");
        let mut next = vec![0; all.len()];
        let mut numbered: Vec<(u8, &Literal<K>)> = (1..).zip(all).collect();
        debug_assert_eq!(numbered.len(), all.len(), "at most 255");
        // Literals of two bytes take many slots, so only literals of two bytes may come before
        // them.
        numbered.sort_by_key(|(_, literal)| literal.text.len());
        for (number, literal) in numbered {
            let known = &literal.text[literal.rare..];
            let bits = |byte: u8| u64::from(byte) & OF_A_BYTE;
            // Any byte may follow a literal of two bytes.
            let third = known.get(2).map_or(0..=OF_A_BYTE, |byte| bits(*byte)..=bits(*byte));
            for third in third {
                let place = index((bits(known[0]) << BITS | bits(known[1])) << BITS | third);
                next[usize::from(number) - 1] = std::mem::replace(&mut first[place], number);
            }
        }
        Self { all, first, next }
    }

    /// Reports the start of each literal, in the order of their rarest bytes in the text, until
    /// `told` breaks.
    pub(super) fn each(
        &self,
        text: &[u8],
        mut told: impl FnMut(usize, &'static Literal<K>) -> ControlFlow<()>,
    ) {
        let mut blocks = Blocks { before: 0, at: 0 };
        while let Some((at, threes)) = self.next_block(text, &mut blocks) {
            for (byte, three) in threes.into_iter().enumerate() {
                if self.here(text, at + byte, self.first[three], &mut told).is_break() {
                    return;
                }
            }
        }
    }

    /// Returns the start of the next block in which a literal's three bytes end, and the table's
    /// index for each byte of it. Nearly all time is spent here: apart from the caller's closure,
    /// everything fits into registers.
    // Pays 11 % of the time of "redaction, 4 KB of prose without secrets"
    // (cargo xtask bench redaction).
    #[inline(never)]
    fn next_block(&self, text: &[u8], blocks: &mut Blocks) -> Option<(usize, [usize; BLOCK])> {
        let Blocks { mut before, mut at } = *blocks;
        // The loop runs past the end, so that a literal of two bytes at the end has its third byte.
        while at <= text.len() {
            let (block, rest) = text[at..].as_chunks::<BLOCK>();
            let block = block.first().copied().unwrap_or_else(|| {
                let mut last = [0; BLOCK];
                last[..rest.len()].copy_from_slice(rest);
                last
            });
            before = before << (BITS * BLOCK) | packed(block);
            let threes: [usize; BLOCK] =
                std::array::from_fn(|byte| index(before >> (BITS * (BLOCK - 1 - byte))));
            at += BLOCK;
            if threes.iter().fold(0, |found, three| found | self.first[*three]) != 0 {
                *blocks = Blocks { before, at };
                return Some((at - BLOCK, threes));
            }
        }
        None
    }

    /// Reports the literals whose three bytes end here.
    fn here(
        &self,
        text: &[u8],
        end: usize,
        mut number: u8,
        told: &mut impl FnMut(usize, &'static Literal<K>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        while let Some(at) = usize::from(number).checked_sub(1) {
            let literal = &self.all[at];
            let start = end.checked_sub(literal.rare + 2);
            let is = |start: &usize| {
                text.get(*start..*start + literal.len())
                    .is_some_and(|here| here.eq_ignore_ascii_case(literal.text))
            };
            if let Some(start) = start.filter(is) {
                told(start, literal)?;
            }
            number = self.next[at];
        }
        ControlFlow::Continue(())
    }
}

/// Packs five bits of each byte, the first byte highest.
const fn packed(bytes: [u8; BLOCK]) -> u64 {
    let word = u64::from_be_bytes(bytes) & 0x1F1F_1F1F_1F1F_1F1F;
    let twos = word & 0x001F_001F_001F_001F | (word & 0x1F00_1F00_1F00_1F00) >> 3;
    let fours = twos & 0x0000_03FF_0000_03FF | (twos & 0x03FF_0000_03FF_0000) >> 6;
    fours & 0xF_FFFF | (fours & 0x000F_FFFF_0000_0000) >> 12
}

/// Returns the table index of the last three bytes.
fn index(bytes: u64) -> usize {
    usize::try_from(bytes & OF_THREE).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: &[Literal<()>] = &[
        Literal::new(b"ab", 0, ()),
        Literal::new(b"abc", 0, ()),
        Literal::new(b"cab", 0, ()),
        Literal::new(b"-ba", 0, ()),
        Literal::new(b"bcabc", 2, ()),
        Literal::new("é".as_bytes(), 0, ()),
    ];

    proptest! {
        #[test]
        fn each_is_told_wherever_it_stands(text in "[abcABCé-]{0,40}") {
            let mut told = Vec::new();
            Literals::new(ALL).each(text.as_bytes(), |start, literal| {
                told.push((start, literal.text));
                ControlFlow::Continue(())
            });
            let lower = text.to_ascii_lowercase();
            let mut plainly = Vec::new();
            for start in 0..lower.len() {
                let here = &lower.as_bytes()[start..];
                plainly.extend(ALL.iter().filter(|l| here.starts_with(l.text)).map(|l| (start, l.text)));
            }
            told.sort_unstable();
            plainly.sort_unstable();
            prop_assert_eq!(told, plainly);
        }
    }
}
