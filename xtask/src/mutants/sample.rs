//! The sample of mutants: the same ones each time, although lines move.

use std::collections::HashMap;

use serde::Deserialize;

/// The number of mutants in the sample.
const SAMPLE: usize = 200;
/// Changed, it selects another sample.
const SEED: u64 = 27;

/// A change of one place.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Mutant {
    pub(crate) file: String,
    /// The file, line and column, and the change.
    pub(crate) name: String,
}

impl Mutant {
    /// Returns the name without its line and column.
    pub(crate) fn description(&self) -> String {
        let rest = self.name.strip_prefix(&self.file).unwrap_or(&self.name);
        let change = rest.splitn(4, ':').last().unwrap_or(rest).trim();
        format!("{}: {change}", self.file)
    }

    /// Returns a regular expression that matches its name alone.
    pub(crate) fn pattern(&self) -> String {
        let mut pattern = String::from("^");
        for character in self.name.chars() {
            // Only these: `\<` would be the beginning of a word.
            if r"\.+*?()|[]{}^$".contains(character) {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('$');
        pattern
    }
}

/// Chooses the sample: the mutants whose descriptions have the smallest hashes.
pub(crate) fn choose(mutants: Vec<Mutant>) -> Vec<Mutant> {
    // The same change may be possible at several places of a function.
    let mut times: HashMap<String, u64> = HashMap::new();
    let mut ranked: Vec<(u64, Mutant)> = mutants
        .into_iter()
        .map(|mutant| {
            let time = times.entry(mutant.description()).or_default();
            *time += 1;
            (hash(&mutant.description(), *time), mutant)
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().take(SAMPLE).map(|(_, mutant)| mutant).collect()
}

/// FNV-1a, finished as splitmix64 is, so that similar descriptions are far apart.
fn hash(description: &str, time: u64) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ SEED ^ time.rotate_left(32);
    let mut hash = description
        .bytes()
        .fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

/// A part of the sample: every so many-th mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    index: usize,
    of: usize,
}

impl Part {
    pub(crate) const WHOLE: Self = Self { index: 0, of: 1 };

    /// Reads `2/4`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is no part: write 1/4, for example");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let (index, of): (usize, usize) =
            index.parse().ok().zip(of.parse().ok()).ok_or_else(wrong)?;
        if index == 0 || index > of {
            return Err(wrong());
        }
        Ok(Self { index: index - 1, of })
    }

    /// Returns the mutants of this part.
    pub(crate) fn of(self, sample: Vec<Mutant>) -> Vec<Mutant> {
        sample.into_iter().skip(self.index).step_by(self.of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(line: usize, change: &str) -> Mutant {
        Mutant { file: "a/b.rs".to_owned(), name: format!("a/b.rs:{line}:9: {change}") }
    }

    fn many(first_line: usize) -> Vec<Mutant> {
        (0..1000).map(|n| mutant(first_line + n, &format!("replace x::f{n} with 1"))).collect()
    }

    #[test]
    fn the_sample_is_the_same_after_lines_have_moved() {
        let descriptions = |sample: Vec<Mutant>| -> Vec<String> {
            sample.iter().map(Mutant::description).collect()
        };
        let (before, after) = (descriptions(choose(many(1))), descriptions(choose(many(77))));
        assert_eq!(before.len(), SAMPLE);
        assert_eq!(before, after);
        assert!(!before.windows(2).all(|pair| pair[0] < pair[1]), "not the first ones");
    }

    #[test]
    fn a_change_that_is_possible_twice_is_two_mutants() {
        let twice =
            vec![mutant(1, "replace && with || in f"), mutant(2, "replace && with || in f")];
        assert_eq!(choose(twice).len(), 2);
    }

    #[test]
    fn a_pattern_matches_every_sign_literally() {
        let pattern = mutant(1, "replace f -> Option<Cap> with Some(*x)").pattern();
        assert_eq!(pattern, r"^a/b\.rs:1:9: replace f -> Option<Cap> with Some\(\*x\)$");
    }

    #[test]
    fn the_parts_are_the_whole() {
        let whole: Vec<String> = many(1).into_iter().map(|mutant| mutant.name).collect();
        let mut parts: Vec<String> = (1..=3)
            .flat_map(|index| Part::parse(&format!("{index}/3")).expect("a part").of(many(1)))
            .map(|mutant| mutant.name)
            .collect();
        assert_eq!(parts.len(), whole.len());
        parts.sort();
        let mut sorted = whole;
        sorted.sort();
        assert_eq!(parts, sorted);
        for wrong in ["0/3", "4/3", "3", "a/b", ""] {
            assert!(Part::parse(wrong).is_err(), "{wrong}");
        }
    }
}
