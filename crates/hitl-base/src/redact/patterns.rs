//! All patterns of redaction, and searches with a bounded reach.
//!
//! A pattern is compiled nowhere else, so the tests of this module see each of them: a new one
//! cannot escape the test that doubles its text.

use std::sync::{LazyLock, OnceLock};

use regex::{Captures, Regex, RegexBuilder};

/// The longest match, in bytes. A longer one is masked to its end all the same: see
/// [`Found::is_cut`].
pub(super) const REACH: usize = 1_024;

/// The longest match at the start of a text, in bytes.
const START: usize = 160;

/// The length of text searched at once, in bytes. Without a bound, each search may read to the end
/// of the text for a match that it does not return, and again for the next one.
const WINDOW: usize = 4 * REACH;

/// The size of the engine's cache for a pattern; when it is full the engine clears it and builds it
/// again. The large patterns need about half of it; each redacting thread keeps as much as it has
/// needed.
const LEARNT: usize = 8 * 1024 * 1024;

/// Every pattern.
#[cfg(test)]
static ALL: &[(&str, &Pattern)] = &[
    ("place", &super::contexts::PLACE),
    ("shape", &super::shapes::SHAPE),
    ("pair", &super::key_value::PAIR),
    ("stem", &super::prefilter::STEM),
    ("mark", &super::issuer_tokens::MARK),
];

/// A regular expression: alternatives, tried in order.
pub(super) struct Pattern {
    /// The alternatives. Each has a name for readers of the tests.
    alternatives: LazyLock<Vec<(&'static str, String)>>,
    /// The prefix of the whole pattern.
    anchor: &'static str,
    regex: OnceLock<Regex>,
}

impl Pattern {
    /// Returns a pattern that may match anywhere.
    pub(super) const fn anywhere(alternatives: fn() -> Vec<(&'static str, String)>) -> Self {
        Self { alternatives: LazyLock::new(alternatives), anchor: "", regex: OnceLock::new() }
    }

    /// Returns a pattern that must match at the start of the search.
    pub(super) const fn at_once(alternatives: fn() -> Vec<(&'static str, String)>) -> Self {
        Self { alternatives: LazyLock::new(alternatives), anchor: "^", regex: OnceLock::new() }
    }

    fn regex(&self) -> &Regex {
        self.regex.get_or_init(|| {
            let parts: Vec<&str> =
                self.alternatives.iter().map(|(_, source)| source.as_str()).collect();
            // ASCII word boundaries: the fast engine has no others.
            let any = parts.join("|").replace(r"\b", r"(?-u:\b)");
            #[expect(clippy::expect_used, reason = "literals: the tests compile them")]
            RegexBuilder::new(&format!("{}(?:{any})", self.anchor))
                .dfa_size_limit(LEARNT)
                .build()
                .expect("the alternatives are a valid regular expression")
        })
    }

    /// Returns the match that begins with the text.
    pub(super) fn start<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        // The fast engine finds the end of the match, the slow one its groups.
        let whole = self.regex().find(&text[..floor(text, START)])?;
        self.regex().captures(whole.as_str())
    }

    /// Returns the next match that begins at or after `at`, which must be a character boundary.
    pub(super) fn find<'t>(&self, text: &'t str, at: usize) -> Option<Found<'t>> {
        search(text, at, |window, at| {
            let found = self.regex().captures_at(window, at)?;
            let whole = found.get(0)?;
            Some((whole.start(), whole.end(), found))
        })
        .map(|(end, captures)| Found { captures, end })
    }

    /// Returns the start and end of the next match, which is cheaper.
    pub(super) fn place(&self, text: &str, at: usize) -> Option<(usize, usize)> {
        search(text, at, |window, at| {
            let found = self.regex().find_at(window, at)?;
            Some((found.start(), found.end(), (found.start(), found.end())))
        })
        .map(|(_, place)| place)
    }
}

/// Searches one window after the other, and returns the match with the end of its window.
fn search<'t, F>(
    text: &'t str,
    mut at: usize,
    find: impl Fn(&'t str, usize) -> Option<(usize, usize, F)>,
) -> Option<(usize, F)> {
    loop {
        let end = floor(text, at.saturating_add(WINDOW));
        // A match that begins later may continue beyond the window.
        let sure = if end == text.len() { end } else { floor(text, end - REACH) };
        match find(&text[..end], at) {
            Some((start, _, found)) if start <= sure => return Some((end, found)),
            _ if end == text.len() => return None,
            Some((start, ..)) => at = start,
            None => at = sure,
        }
    }
}

/// A match, and the window in which it was found.
pub(super) struct Found<'t> {
    captures: Captures<'t>,
    /// The end of the window.
    end: usize,
}

impl<'t> Found<'t> {
    /// Returns the captured groups.
    pub(super) const fn captures(&self) -> &Captures<'t> {
        &self.captures
    }

    /// Returns whether something that ends at `at` may continue beyond the window.
    pub(super) const fn is_cut(&self, at: usize) -> bool {
        at == self.end
    }
}

/// Returns the alternatives of a list.
pub(super) fn named(list: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    list.iter().map(|(name, source)| (*name, (*source).to_owned())).collect()
}

/// Returns the alternatives of a list, case-insensitive.
pub(super) fn folded(list: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    list.iter().map(|(name, source)| (*name, format!("(?i:{source})"))).collect()
}

/// Returns the last character boundary at or before `at`.
pub(super) fn floor(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    let mut at = at;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Returns the first character boundary at or after `at`.
pub(super) fn ceil(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
#[path = "patterns_tests.rs"]
mod tests;
