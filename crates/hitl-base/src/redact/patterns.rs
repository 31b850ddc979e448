//! Every pattern that redaction has, and how each is looked for: within a bounded reach.
//!
//! A pattern is compiled nowhere else, so that the tests of this module see each of them: one that
//! is new cannot escape the test that doubles its text.

use std::sync::{LazyLock, OnceLock};

use regex::{Captures, Regex, RegexBuilder};

/// So far may a match go on from where it begins, in bytes. What goes on further is masked to its
/// end all the same: see [`Found::is_cut`].
pub(super) const REACH: usize = 1_024;

/// So long may a match be that begins with the text, in bytes.
const START: usize = 160;

/// So much of a text is searched at once, from where the search begins. Without a bound each search
/// may read to the end of the text for a match that it does not return, and reads it again for the
/// next one.
const WINDOW: usize = 4 * REACH;

/// The engine forgets what it has learnt of a pattern when this is full, and learns it again. The
/// large patterns need about half of it; a thread that redacts keeps as much as it has needed.
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

/// What is looked for: any of some alternatives, the first one first.
pub(super) struct Pattern {
    /// The alternatives. Each has a name for those who read the tests.
    alternatives: LazyLock<Vec<(&'static str, String)>>,
    /// What stands before all of them.
    anchor: &'static str,
    regex: OnceLock<Regex>,
}

impl Pattern {
    /// A pattern that may begin anywhere.
    pub(super) const fn anywhere(alternatives: fn() -> Vec<(&'static str, String)>) -> Self {
        Self { alternatives: LazyLock::new(alternatives), anchor: "", regex: OnceLock::new() }
    }

    /// A pattern that begins where the search does.
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

    /// The match that begins with the text.
    pub(super) fn start<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        // Where it ends is found by the fast engine, its parts by the slow one.
        let whole = self.regex().find(&text[..floor(text, START)])?;
        self.regex().captures(whole.as_str())
    }

    /// The next match that begins at or after `at`, where a character begins.
    pub(super) fn find<'t>(&self, text: &'t str, at: usize) -> Option<Found<'t>> {
        search(text, at, |window, at| {
            let found = self.regex().captures_at(window, at)?;
            let whole = found.get(0)?;
            Some((whole.start(), whole.end(), found))
        })
        .map(|(end, captures)| Found { captures, end })
    }

    /// Where the next match begins and ends, which is the cheaper question.
    pub(super) fn place(&self, text: &str, at: usize) -> Option<(usize, usize)> {
        search(text, at, |window, at| {
            let found = self.regex().find_at(window, at)?;
            Some((found.start(), found.end(), (found.start(), found.end())))
        })
        .map(|(_, place)| place)
    }
}

/// Searches one window after the other, and tells where that of the match ends.
fn search<'t, F>(
    text: &'t str,
    mut at: usize,
    find: impl Fn(&'t str, usize) -> Option<(usize, usize, F)>,
) -> Option<(usize, F)> {
    loop {
        let end = floor(text, at.saturating_add(WINDOW));
        // What begins later may go on beyond the window.
        let sure = if end == text.len() { end } else { floor(text, end - REACH) };
        match find(&text[..end], at) {
            Some((start, _, found)) if start <= sure => return Some((end, found)),
            _ if end == text.len() => return None,
            Some((start, ..)) => at = start,
            None => at = sure,
        }
    }
}

/// A match, and the window that it was found in.
pub(super) struct Found<'t> {
    captures: Captures<'t>,
    /// Where the window ends.
    end: usize,
}

impl<'t> Found<'t> {
    /// What was captured.
    pub(super) const fn captures(&self) -> &Captures<'t> {
        &self.captures
    }

    /// Whether something that ends at `at` may go on beyond the window.
    pub(super) const fn is_cut(&self, at: usize) -> bool {
        at == self.end
    }
}

/// Alternatives that stand in a list.
pub(super) fn named(list: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    list.iter().map(|(name, source)| (*name, (*source).to_owned())).collect()
}

/// The same, whatever their case.
pub(super) fn folded(list: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    list.iter().map(|(name, source)| (*name, format!("(?i:{source})"))).collect()
}

/// The last place at or before `at` where a character begins.
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

/// The first place at or after `at` where a character begins.
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
