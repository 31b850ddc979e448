//! A search for a call's own secrets in other places: verbatim, in common encodings, and in
//! disguises.

mod automaton;
mod disguise;
mod folded;
mod forms;
mod grams;
mod split;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::mask::MASK;
use crate::json::{Json, same_number};
use automaton::Automaton;
use disguise::Disguises;
use folded::{Counted, Equals, characters, folded, joined, may_be_quoted};

/// The shortest secret that is searched for: shorter ones occur in ordinary text by chance.
const SHORTEST: usize = 3;
/// The length below which a secret must not adjoin letters or digits: a PIN is not part of an order
/// number.
const WITHIN: usize = 6;
/// The shortest secret whose halves are searched for, in characters: a half has eight at least.
const HALVED: usize = 16;
/// The shortest secret that is searched for in disguises, in letters and digits.
const DISGUISED: usize = 8;
/// The most characters between two characters of a spaced secret.
const GAP: usize = 6;
/// The most characters of any kind between two characters of a secret, if the distance is constant.
const BETWEEN: usize = 2;
/// The most bytes of all secrets together; beyond that, texts are masked whole.
const TOGETHER: usize = 512 * 1024;
/// The most bytes of all encodings that are searched for.
const ENCODED: usize = 256 * 1024;
/// The longest form that is searched for together with others, in bytes.
const ALONE: usize = 4_096;
/// The most forms that are searched for one by one: each is one more pass over the text.
const PASSES: usize = 64;
/// The most numbers of nearly the same value that are told apart.
const ALIKE: usize = 16;

/// A set of known secrets, to find them in places where they do not belong.
///
/// They are found verbatim, in the encodings that programs commonly use, and, from eight letters
/// and digits on, in any case, backwards, and with blanks or signs between their characters,
/// encoded or not; from sixteen on, by either half. [`json`](Self::json) also finds one that is
/// split over neighbouring texts.
///
/// ```
/// # use hitl::redact::Taint;
/// let taint = Taint::new(["s3cret-word".to_owned(), "9731".to_owned()]);
/// assert_eq!(taint.text("it was s3cret-word, pin 9731"), "it was [redacted], pin [redacted]");
/// assert_eq!(taint.text("order 97310 of base64 czNjcmV0LXdvcmQ="), "order 97310 of base64 [redacted]=");
/// assert_eq!(taint.text("in parts: S 3 C R E T - W O R D."), "in parts: [redacted].");
/// ```
#[derive(Clone, Default)]
pub struct Taint(Option<Arc<Forms>>);

/// The forms of the secrets to search for.
#[derive(Default)]
struct Forms {
    /// Forms that are searched for verbatim.
    exact: Automaton,
    /// Forms that are too long to be searched for together.
    alone: Vec<String>,
    /// The numbers among the secrets, by approximate value.
    numbers: HashMap<u64, Vec<String>>,
    /// True if there are too many to search for.
    overflows: bool,
    /// Patterns for the letters and digits of a text.
    disguises: Option<Disguises>,
    /// The length in bytes of the longest form.
    longest: usize,
}

impl Taint {
    /// Returns a set of these secrets. Those of fewer than three characters are not searched for.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<String> =
            secrets.into_iter().filter(|secret| secret.chars().count() >= SHORTEST).collect();
        secrets.sort_unstable();
        secrets.dedup();
        if secrets.is_empty() { Self(None) } else { Self(Some(Arc::new(Forms::new(&secrets)))) }
    }

    /// Returns whether there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the length in bytes of the longest form.
    pub fn longest(&self) -> usize {
        self.0.as_ref().map_or(0, |forms| forms.longest)
    }

    /// Returns `text` without any of the secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.0.as_ref().map_or(Cow::Borrowed(text), |forms| forms.text(text))
    }

    /// Returns a copy of `tree` without any of the secrets, in keys, texts and numbers; nor one
    /// that is split over adjacent texts.
    pub fn json(&self, tree: &Json) -> Json {
        match &self.0 {
            None => tree.clone(),
            Some(forms) => match &forms.disguises {
                None => forms.each(tree),
                // Split secrets first: once a half is masked, the rest of the secret is no longer
                // whole.
                Some(disguises) => forms.each(&split::mask(tree.clone(), disguises)),
            },
        }
    }
}

impl Forms {
    fn new(secrets: &[String]) -> Self {
        let (mut exact, mut alone) = (Vec::new(), Vec::new());
        let (mut room, mut longest) = (TOGETHER, 0);
        let mut overflows = false;
        for secret in secrets {
            for form in forms::verbatim(secret) {
                longest = longest.max(form.len());
                if form.len() > ALONE && alone.len() < PASSES {
                    alone.push(form);
                } else if form.len() > room {
                    overflows = true;
                } else {
                    room -= form.len();
                    exact.extend(pieces(form));
                }
            }
            longest = longest.max(disguise::longest(secret));
        }
        if overflows {
            return Self { overflows, longest, ..Self::default() };
        }
        room = ENCODED;
        for secret in secrets.iter().filter(|secret| !disguise::covers_encodings(secret)) {
            for form in forms::encodings(secret) {
                longest = longest.max(form.len());
                if form.len() > ALONE && alone.len() < PASSES {
                    alone.push(form);
                } else if form.len() <= room {
                    room -= form.len();
                    exact.extend(pieces(form));
                }
            }
        }
        let whole =
            |form: &String| (form.clone().into_bytes().into_iter().map(char::from), form.len());
        Self {
            exact: Automaton::new(exact.iter().map(whole)),
            alone,
            numbers: numbers(secrets),
            overflows,
            disguises: Disguises::new(secrets),
            longest,
        }
    }

    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.overflows && text != MASK && text.len() >= SHORTEST {
            return Cow::Borrowed(MASK);
        }
        let stands_alone = |place: &Range<usize>| {
            let before = text[..place.start].chars().next_back();
            let after = text[place.end..].chars().next();
            place.len() >= WITHIN
                || ![before, after].into_iter().flatten().any(char::is_alphanumeric)
        };
        let bytes = text.bytes().map(|byte| (char::from(byte), false));
        let mut places = self.exact.find(bytes, stands_alone);
        for form in self.alone.iter().filter(|form| form.len() <= text.len()) {
            let found = memchr::memmem::find_iter(text.as_bytes(), form);
            places.extend(found.map(|at| at..at + form.len()));
        }
        places.extend(self.disguised(text));
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(replace_places(text, joined(places)))
    }

    /// Returns the places of secrets in a disguise.
    fn disguised(&self, text: &str) -> Vec<Range<usize>> {
        let Some(disguises) = self.disguises.as_ref().filter(|_| text.len() >= DISGUISED) else {
            return Vec::new();
        };
        let find = |letters: &[Counted]| {
            let in_text = |at: Range<usize>| letters[at.start].at..letters[at.end - 1].end;
            let found = disguises.find(letters, |c| (c.letter, c.far));
            found.into_iter().map(in_text).collect::<Vec<_>>()
        };
        let mut places = find(&characters(text, Equals::Plain));
        if may_be_quoted(text) {
            places.extend(find(&characters(text, Equals::Quoted)));
        }
        for stride in 2..=1 + BETWEEN {
            for first in 0..stride {
                let read = text.char_indices().skip(first).step_by(stride);
                let letters = read.flat_map(|(at, c)| {
                    let end = at + c.len_utf8();
                    folded(c).map(move |letter| Counted { letter, at, end, far: false })
                });
                places.extend(find(&letters.collect::<Vec<_>>()));
            }
        }
        places
    }

    fn each(&self, tree: &Json) -> Json {
        match tree {
            Json::String(text) => Json::String(self.text(text).into_owned()),
            Json::Number(number) if self.is_secret(number) => Json::String(MASK.to_owned()),
            Json::Array(items) => Json::Array(items.iter().map(|item| self.each(item)).collect()),
            Json::Object(entries) => {
                let clean =
                    |(key, value): &(String, Json)| (self.text(key).into_owned(), self.each(value));
                Json::Object(super::tree::apart(entries.iter().map(clean).collect()))
            }
            other => other.clone(),
        }
    }

    fn is_secret(&self, number: &str) -> bool {
        let alike = about(number).and_then(|about| self.numbers.get(&about));
        self.overflows
            || alike.is_some_and(|alike| {
                alike.len() > ALIKE || alike.iter().any(|secret| same_number(secret, number))
            })
    }
}

impl std::fmt::Debug for Taint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_empty() { "Taint(nothing)" } else { "Taint([redacted])" })
    }
}

/// Returns the numbers among the secrets, by approximate value.
fn numbers(secrets: &[String]) -> HashMap<u64, Vec<String>> {
    let mut numbers: HashMap<u64, Vec<String>> = HashMap::new();
    for secret in secrets.iter().filter(|s| s.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
    {
        if let Some(about) = about(secret) {
            numbers.entry(about).or_default().push(secret.clone());
        }
    }
    numbers
}

/// Returns a key that equal numbers share: their approximate value.
fn about(number: &str) -> Option<u64> {
    // Zero has no sign.
    number.parse::<f64>().ok().map(|about| (about + 0.0).to_bits())
}

/// Splits a form into pieces that are searched for together.
fn pieces(form: String) -> Vec<String> {
    if form.len() <= 2 * ALONE {
        return vec![form];
    }
    let mut pieces = Vec::new();
    let mut rest = form.as_str();
    while rest.len() > 2 * ALONE {
        let (piece, more) = rest.split_at(super::patterns::floor(rest, ALONE));
        pieces.push(piece.to_owned());
        rest = more;
    }
    pieces.push(rest.to_owned());
    pieces
}

fn replace_places(text: &str, places: Vec<Range<usize>>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for place in places {
        out.push_str(&text[copied..place.start]);
        out.push_str(MASK);
        copied = place.end;
    }
    out.push_str(&text[copied..]);
    out
}

#[cfg(test)]
#[path = "taint/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "taint/attacks_tests.rs"]
mod attacks_tests;
