//! The disguises of secrets: in another case, backwards, encoded, in part, and with characters in
//! between.

use std::ops::Range;
use std::sync::OnceLock;

use super::automaton::Automaton;
use super::folded::{Equals, characters, letters};
use super::forms::{STANDARD, base32_inside, base64, halves, hex, rot13};
use super::grams::Grams;
use super::{DISGUISED, GAP, HALVED};
use crate::json::whole;

/// The longest secret that is searched for in disguises, in characters. Longer ones are searched
/// for verbatim and encoded.
const LONGEST: usize = 4_096;
/// The longest secret whose encodings are searched for in disguises, in bytes. Those of longer ones
/// are searched for verbatim.
const ENCODED: usize = 512;
/// The most letters of all patterns together. The most telling patterns come first.
const LETTERS: usize = 256 * 1024;
/// The least number of matched digits of a numeric secret: fewer are a date.
const DIGITS: usize = 12;

/// The patterns to search for in the letters and digits of a text.
pub(super) struct Disguises {
    grams: Grams,
    patterns: Vec<(Vec<char>, usize)>,
    /// Built from the patterns once a text may contain one.
    automaton: OnceLock<Automaton>,
}

impl Disguises {
    /// Returns the disguises of these secrets; `None` if none has one.
    pub(super) fn new(secrets: &[String]) -> Option<Self> {
        let patterns = patterns(secrets);
        if patterns.is_empty() {
            return None;
        }
        Some(Self { grams: Grams::new(&patterns), patterns, automaton: OnceLock::new() })
    }

    /// Returns the places of disguised secrets among these items, each of which has a letter and
    /// may be far from the previous one.
    pub(super) fn find<C>(
        &self,
        text: &[C],
        read: impl Fn(&C) -> (char, bool),
    ) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for part in self.grams.candidates(text, |c| read(c).0) {
            let automaton = self.automaton.get_or_init(|| {
                let patterns = self.patterns.iter();
                Automaton::new(patterns.map(|(letters, least)| (letters.iter().copied(), *least)))
            });
            let places = automaton.find(text[part.clone()].iter().map(&read), |_| true);
            found.extend(places.into_iter().map(|at| part.start + at.start..part.start + at.end));
        }
        found
    }
}

fn patterns(secrets: &[String]) -> Vec<(Vec<char>, usize)> {
    let known: Vec<(&String, Vec<char>)> = secrets
        .iter()
        .map(|secret| (secret, letters(secret)))
        .filter(|(secret, letters)| is_disguisable(secret, letters))
        .collect();
    let mut patterns = Vec::new();
    let mut room = LETTERS;
    let mut add = |pattern: Vec<char>| {
        if pattern.len() >= DISGUISED && pattern.len() <= room {
            room -= pattern.len();
            let least = least(&pattern);
            patterns.push((pattern, least));
        }
    };
    for (secret, letters) in &known {
        add(letters.clone());
        add(reversed(letters));
        // A secret that contains an escape is also read as other texts are.
        if secret.contains(['%', '\\', '&']) {
            add(characters(secret, Equals::Plain).into_iter().map(|c| c.letter).collect());
        }
    }
    for (secret, letters) in known.iter().filter(|(secret, _)| secret.len() <= ENCODED) {
        encoded(secret, letters).into_iter().for_each(&mut add);
    }
    patterns
}

/// Returns whether all encodings of a secret are searched for in disguises.
pub(super) fn covers_encodings(secret: &str) -> bool {
    secret.len() <= ENCODED && is_disguisable(secret, &letters(secret))
}

/// Returns the length in bytes of the longest text in which a disguised secret is found.
pub(super) fn longest(secret: &str) -> usize {
    let letters = letters(secret);
    if is_disguisable(secret, &letters) { letters.len() * 4 * (1 + GAP) } else { 0 }
}

fn is_disguisable(secret: &str, letters: &[char]) -> bool {
    let length = letters.len();
    if !(DISGUISED..=LONGEST).contains(&length) {
        return false;
    }
    // Words occur in other texts, too.
    if letters.iter().all(|c| c.is_alphabetic()) {
        let inside = secret.trim_matches(|c: char| !c.is_alphanumeric());
        let joined = inside.chars().any(|c| !c.is_alphabetic() && !c.is_whitespace());
        return length >= HALVED || joined && length >= DISGUISED + 2;
    }
    true
}

/// Returns how much of a pattern must match: all of a short one, half of a long one, but more if
/// that half could be a word, a date, or one repeated character.
fn least(pattern: &[char]) -> usize {
    let length = pattern.len();
    if length < HALVED {
        return length;
    }
    let longest = |same: &dyn Fn(char, char) -> bool| {
        pattern.chunk_by(|a, b| same(*a, *b)).map(<[char]>::len).max().unwrap_or_default()
    };
    let word = longest(&|a, b| a.is_alphabetic() && b.is_alphabetic());
    let digits = longest(&|a, b| a.is_ascii_digit() && b.is_ascii_digit());
    let same = longest(&|a, b| a == b);
    let half = length.div_ceil(2);
    half.max((word + 1).min(HALVED)).max((digits + 1).min(DIGITS)).max(same + 4).min(length)
}

fn reversed(letters: &[char]) -> Vec<char> {
    letters.iter().rev().copied().collect()
}

/// Returns the letters of a secret's encodings and other spellings.
fn encoded(secret: &str, letters: &[char]) -> Vec<Vec<char>> {
    let folded = |form: &str| super::folded::letters(form);
    let mut all = Vec::new();
    let mut variants = vec![
        secret.to_owned(),
        secret.to_uppercase(),
        secret.to_lowercase(),
        secret.chars().rev().collect(),
    ];
    variants.sort();
    variants.dedup();
    for variant in &variants {
        // Inside a longer text it may begin at any of the three positions of a group.
        let mut forms: Vec<String> = (0..3).map(|offset| base64_around(variant, offset)).collect();
        forms.push(hex(variant.as_bytes()));
        for form in forms {
            let pattern = folded(&form);
            all.push(reversed(&pattern));
            all.push(pattern);
        }
    }
    all.extend((0..5).map(|offset| folded(&base32_inside(secret.as_bytes(), offset))));
    let bytes = |write: &dyn Fn(&u8) -> String| -> Vec<char> {
        secret.as_bytes().iter().flat_map(|byte| write(byte).chars().collect::<Vec<_>>()).collect()
    };
    all.push(bytes(&u8::to_string));
    all.push(bytes(&|byte| format!("{byte:08b}")));
    all.push(bytes(&|byte| format!("0x{byte:02x}")));
    all.push(letters.iter().map(|c| rot13(*c)).collect());
    all.push(folded(&base64_around(&base64(secret.as_bytes(), STANDARD), 0)));
    for half in halves(secret).into_iter().flatten() {
        let pattern = folded(half);
        if pattern.iter().all(|c| c.is_alphabetic()) || pattern.len() < DISGUISED {
            continue;
        }
        let mut forms = vec![reversed(&pattern), pattern];
        forms.extend((0..3).map(|offset| folded(&base64_around(half, offset))));
        // Of longer ones a part would be found, which is too little of the secret.
        all.extend(forms.into_iter().filter(|form| form.len() < HALVED));
    }
    if letters.len() >= HALVED {
        for first in 0..2 {
            all.push(
                secret.chars().skip(first).step_by(2).flat_map(super::folded::folded).collect(),
            );
        }
    }
    all.extend(whole(secret).map(|number| folded(&format!("{:x}", number.magnitude))));
    all
}

/// Returns the base64 digits when `offset` bytes of their group come before; if nothing follows,
/// the last digit depends on these bytes only.
fn base64_around(text: &str, offset: usize) -> String {
    let padded = [&[0; 2][..offset], text.as_bytes()].concat();
    base64(&padded, STANDARD).split_off((offset * 8).div_ceil(6))
}
