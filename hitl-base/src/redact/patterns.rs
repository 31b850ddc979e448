//! How the large patterns are compiled.

use regex::{Error, Regex, RegexBuilder};

/// The engine forgets what it has learnt of a pattern when this is full, and learns it again. The large
/// patterns need about half of it; a thread that redacts keeps as much as it has needed.
const LEARNT: usize = 8 * 1024 * 1024;

/// A pattern of many alternatives.
pub(super) fn compile(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern).dfa_size_limit(LEARNT).build()
}
