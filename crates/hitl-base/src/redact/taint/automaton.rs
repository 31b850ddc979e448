//! A search for many patterns, and long parts of them, in one pass over a text.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

/// A missing state or edge.
const NONE: u32 = u32::MAX;
/// The initial state.
const ROOT: u32 = 0;

/// An automaton of all parts of some patterns (a suffix automaton). A search takes time linear in
/// the text, whatever the number of patterns and the repetition in them.
#[derive(Default)]
pub(super) struct Automaton {
    states: Vec<State>,
    /// The outgoing symbols of each state, as linked lists.
    symbols: Vec<Symbol>,
    edges: Edges,
}

/// A set of parts of patterns that end at the same places.
#[derive(Clone)]
struct State {
    /// The length of the longest part.
    length: u32,
    /// The suffix link: the longest state that ends at more places.
    link: u32,
    /// The first outgoing symbol.
    symbol: u32,
    /// The least number of matched symbols that counts here, over all patterns.
    least: u32,
    /// This state, or the nearest one along its links, whose longest part counts.
    counts: u32,
}

#[derive(Clone, Copy)]
struct Symbol {
    symbol: char,
    next: u32,
}

/// The edges of all states: an open-addressing table in which mostly one slot is probed, whatever
/// the number of edges.
#[derive(Default)]
struct Edges {
    /// The slots, a power of two, at least half of them free.
    entries: Vec<(u64, u32)>,
    count: usize,
    /// A random factor, so that nobody can predict collisions.
    factor: u64,
}

impl Edges {
    fn with_room(edges: usize) -> Self {
        let entries = vec![(u64::MAX, NONE); (2 * edges).next_power_of_two().max(16)];
        Self { entries, count: 0, factor: RandomState::new().hash_one(0) | 1 }
    }

    /// Returns the key and the slot of this edge, or its free slot.
    fn entry(&self, from: u32, symbol: char) -> (u64, usize) {
        let key = u64::from(from) << 32 | u64::from(symbol);
        let mask = self.entries.len() - 1;
        // The upper half of a product depends on the whole key.
        let hash = key.wrapping_mul(self.factor).rotate_left(32);
        #[expect(clippy::cast_possible_truncation, reason = "the table is smaller")]
        let mut at = (hash ^ hash >> 32) as usize & mask;
        while self.entries[at].0 != key && self.entries[at].0 != u64::MAX {
            at = (at + 1) & mask;
        }
        (key, at)
    }

    fn get(&self, from: u32, symbol: char) -> u32 {
        self.entries[self.entry(from, symbol).1].1
    }

    fn set(&mut self, from: u32, symbol: char, to: u32) {
        let (key, at) = self.entry(from, symbol);
        self.count += usize::from(self.entries[at].0 != key);
        self.entries[at] = (key, to);
        if self.count * 2 > self.entries.len() {
            let larger = vec![(u64::MAX, NONE); 2 * self.entries.len()];
            for (key, to) in std::mem::replace(&mut self.entries, larger) {
                if let Some(symbol) = char::from_u32((key & 0xFFFF_FFFF) as u32) {
                    let at = self.entry((key >> 32) as u32, symbol).1;
                    self.entries[at] = (key, to);
                }
            }
        }
    }
}

impl Automaton {
    /// Returns an automaton that finds these patterns, and each part of one that has at least the
    /// given length.
    pub(super) fn new<P: IntoIterator<Item = char>>(
        patterns: impl IntoIterator<Item = (P, usize)>,
    ) -> Self {
        let mut all = Self { edges: Edges::with_room(256), ..Self::default() };
        all.state(0, NONE);
        for (pattern, least) in patterns {
            let least = u32::try_from(least).unwrap_or(NONE);
            let mut end = ROOT;
            for symbol in pattern {
                end = all.extend(end, symbol);
                let state = &mut all.states[end as usize];
                state.least = state.least.min(least);
            }
        }
        all.rank();
        all.symbols = Vec::new();
        all
    }

    /// Returns whether there is nothing to find.
    pub(super) fn is_empty(&self) -> bool {
        self.states.len() < 2
    }

    fn state(&mut self, length: u32, link: u32) -> u32 {
        // A pattern has fewer symbols than fit an index: its text was read into memory.
        let index = u32::try_from(self.states.len()).unwrap_or(NONE);
        self.states.push(State { length, link, symbol: NONE, least: NONE, counts: NONE });
        index
    }

    fn connect(&mut self, from: u32, symbol: char, to: u32) {
        let first = u32::try_from(self.symbols.len()).unwrap_or(NONE);
        let next = std::mem::replace(&mut self.states[from as usize].symbol, first);
        self.symbols.push(Symbol { symbol, next });
        self.edges.set(from, symbol, to);
    }

    /// Returns the state for the parts of `to` that are one symbol longer than those of `from`.
    fn split(&mut self, from: u32, symbol: char, to: u32) -> u32 {
        let length = self.states[from as usize].length + 1;
        if self.states[to as usize].length == length {
            return to;
        }
        let copy = self.state(length, self.states[to as usize].link);
        let mut next = self.states[to as usize].symbol;
        while let Some(&Symbol { symbol, next: after }) = self.symbols.get(next as usize) {
            self.connect(copy, symbol, self.edges.get(to, symbol));
            next = after;
        }
        self.states[to as usize].link = copy;
        let mut at = from;
        while at != NONE && self.edges.get(at, symbol) == to {
            self.edges.set(at, symbol, copy);
            at = self.states[at as usize].link;
        }
        copy
    }

    fn extend(&mut self, last: u32, symbol: char) -> u32 {
        let known = self.edges.get(last, symbol);
        if known != NONE {
            return self.split(last, symbol, known);
        }
        let next = self.state(self.states[last as usize].length + 1, ROOT);
        let mut at = last;
        while at != NONE {
            let to = self.edges.get(at, symbol);
            if to != NONE {
                let link = self.split(at, symbol, to);
                self.states[next as usize].link = link;
                break;
            }
            self.connect(at, symbol, next);
            at = self.states[at as usize].link;
        }
        next
    }

    /// Computes the required match length of each state: a part of a pattern is also a part of the
    /// patterns whose links lead to it.
    fn rank(&mut self) {
        let mut order: Vec<u32> = (1..).take(self.states.len() - 1).collect();
        order.sort_unstable_by_key(|state| self.states[*state as usize].length);
        for &at in order.iter().rev() {
            let State { link, least, .. } = self.states[at as usize];
            let link = &mut self.states[link as usize];
            link.least = link.least.min(least);
        }
        for at in order {
            let State { link, least, length, .. } = self.states[at as usize];
            let counts = if length >= least { at } else { self.states[link as usize].counts };
            self.states[at as usize].counts = counts;
        }
    }

    /// Returns the places that count among these symbols; no match spans the start of a symbol with
    /// `true`. A place that `accept` refuses is not returned; a shorter one that ends with it may
    /// be.
    pub(super) fn find(
        &self,
        symbols: impl IntoIterator<Item = (char, bool)>,
        accept: impl Fn(&Range<usize>) -> bool,
    ) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        if self.is_empty() {
            return found;
        }
        let (mut at, mut length) = (ROOT, 0);
        for (index, (symbol, apart)) in symbols.into_iter().enumerate() {
            if apart {
                (at, length) = (ROOT, 0);
            }
            loop {
                let to = self.edges.get(at, symbol);
                if to != NONE {
                    (at, length) = (to, length + 1);
                    break;
                }
                if at == ROOT {
                    length = 0;
                    break;
                }
                at = self.states[at as usize].link;
                length = self.states[at as usize].length;
            }
            let state = &self.states[at as usize];
            let mut hit = (state.counts, state.length);
            if length >= state.least {
                hit = (at, length);
            } else if state.counts == at {
                hit.0 = self.states[state.link as usize].counts;
            }
            while hit.0 != NONE {
                if hit.0 != at {
                    hit.1 = self.states[hit.0 as usize].length;
                }
                let place = index + 1 - hit.1 as usize..index + 1;
                if accept(&place) {
                    push(&mut found, place);
                    break;
                }
                let link = self.states[hit.0 as usize].link;
                hit.0 = if link == NONE { NONE } else { self.states[link as usize].counts };
            }
        }
        found
    }
}

/// Adds a place that ends after all others, merged with those it overlaps.
fn push(found: &mut Vec<Range<usize>>, mut place: Range<usize>) {
    while let Some(last) = found.pop_if(|last| last.end > place.start) {
        place.start = place.start.min(last.start);
    }
    found.push(place);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(patterns: &[(&str, usize)], text: &str) -> Vec<String> {
        let all = Automaton::new(patterns.iter().map(|(pattern, least)| (pattern.chars(), *least)));
        let places = all.find(symbols(text), |_| true);
        let chars: Vec<char> = text.chars().collect();
        places.into_iter().map(|place| chars[place].iter().collect()).collect()
    }

    /// Returns the symbols of a text; a bar separates.
    fn symbols(text: &str) -> impl Iterator<Item = (char, bool)> {
        let before = [' '].into_iter().chain(text.chars());
        text.chars().zip(before).map(|(c, before)| (c, before == '|'))
    }

    #[test]
    fn patterns_and_their_parts_are_found() {
        assert_eq!(found(&[("abcdef", 4)], "xbcde abcdefg abc"), ["bcde", "abcdef"]);
        assert_eq!(found(&[("abcd", 4), ("xbc", 3)], "xbcd abc|d"), ["xbc"]);
        assert_eq!(found(&[("abcabd", 6)], "abcabcabd"), ["abcabd"]);
        assert_eq!(found(&[("aaaa", 4)], "aaaaaaa aaa"), ["aaaaaaa"]);
        assert_eq!(found(&[("longer-abc-one", 14), ("abc", 3)], "longer-abc-two"), ["abc"]);
        assert!(found(&[], "abc").is_empty());
    }

    proptest! {
        #[test]
        fn it_finds_what_a_plain_search_finds(
            patterns in prop::collection::vec(("[ab]{2,7}", 0_usize..3), 0..4),
            text in "[ab|]{0,40}",
        ) {
            let least = |pattern: &str, less: usize| (pattern.len() - less).max(2);
            let all = Automaton::new(
                patterns.iter().map(|(pattern, less)| (pattern.chars(), least(pattern, *less))),
            );
            let mut here = vec![false; text.len()];
            for (pattern, less) in &patterns {
                for long in least(pattern, *less)..=pattern.len() {
                    for part in 0..=pattern.len() - long {
                        let part = &pattern[part..part + long];
                        for at in 0..text.len() {
                            if text[at..].starts_with(part) {
                                here[at..at + long].fill(true);
                            }
                        }
                    }
                }
            }
            let mut masked = vec![false; text.len()];
            for place in all.find(symbols(&text), |_| true) {
                masked[place].fill(true);
            }
            prop_assert_eq!(masked, here);
        }
    }
}
