//! A quick search for the stretches of a text that may contain a pattern: most texts have none.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::DISGUISED;

/// The length of a gram in letters.
const GRAM: usize = 6;
/// The distance between looked-up grams: any match contains at least one of them.
const STEP: usize = DISGUISED - GRAM + 1;

/// The grams of some patterns.
pub(super) struct Grams {
    /// Their fingerprints; zero is a free slot, and at least half are free.
    table: Vec<u32>,
    /// A random factor, so that nobody can predict collisions.
    factor: u64,
}

impl Grams {
    pub(super) fn new(patterns: &[(Vec<char>, usize)]) -> Self {
        let count: usize = patterns.iter().map(|(pattern, _)| pattern.len()).sum();
        let table = vec![0; (2 * count).next_power_of_two()];
        let mut grams = Self { table, factor: RandomState::new().hash_one(0) | 1 };
        for gram in patterns.iter().flat_map(|(pattern, _)| pattern.windows(GRAM)) {
            let (at, fingerprint) = grams.place(gram.iter().copied());
            grams.table[at] = fingerprint;
        }
        grams
    }

    /// Returns the slot of this gram, or its free slot, and its fingerprint.
    fn place(&self, gram: impl Iterator<Item = char>) -> (usize, u32) {
        let mix = |hash: u64, c| (hash.rotate_left(23) ^ u64::from(c)).wrapping_mul(self.factor);
        let hash = gram.fold(0, mix);
        let mask = self.table.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "its halves")]
        let (mut at, fingerprint) = ((hash >> 32) as usize & mask, (hash >> 8) as u32 | 1);
        while self.table[at] != 0 && self.table[at] != fingerprint {
            at = (at + 1) & mask;
        }
        (at, fingerprint)
    }

    /// Returns the stretches of a text that may contain part of a pattern, in order.
    pub(super) fn candidates<C>(
        &self,
        text: &[C],
        letter: impl Fn(&C) -> char,
    ) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for at in (0..(text.len() + 1).saturating_sub(GRAM)).step_by(STEP) {
            let gram = text[at..at + GRAM].iter().map(&letter);
            if self.table[self.place(gram).0] == 0 {
                continue;
            }
            let start = at.saturating_sub(STEP - 1);
            let end = (at + GRAM + STEP - 1).min(text.len());
            match found.last_mut() {
                Some(last) if last.end >= start => last.end = end,
                _ => found.push(start..end),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_and_each_part_of_it_is_in_a_candidate() {
        let pattern: Vec<char> = "q3zk8rtw1ypv7lmx0djs".chars().collect();
        let grams = Grams::new(&[(pattern.clone(), DISGUISED)]);
        for before in 0..7 {
            for long in DISGUISED..=pattern.len() {
                for first in 0..=pattern.len() - long {
                    let part = &pattern[first..first + long];
                    let text = [&vec!['-'; before][..], part, &['-'; 20]].concat();
                    let found = grams.candidates(&text, |c| *c);
                    assert_eq!(found.len(), 1);
                    assert!(found[0].start <= before && found[0].end >= before + long);
                }
            }
        }
        let prose: Vec<char> = "the quick brown fox jumps over the lazy dog".chars().collect();
        assert!(grams.candidates(&prose, |c| *c).is_empty());
    }
}
