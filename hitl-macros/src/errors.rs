//! Collects mistakes, so that one build shows them all.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Reports a mistake at the tokens that are at fault.
    pub(crate) fn at(&mut self, fault: impl ToTokens, message: impl Display) {
        self.0.push(syn::Error::new_spanned(fault, message));
    }

    /// Reports a mistake at a place.
    pub(crate) fn at_span(&mut self, at: proc_macro2::Span, message: impl Display) {
        self.0.push(syn::Error::new(at, message));
    }

    /// Reports what a parser found.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    /// The value, or nothing and a report.
    pub(crate) fn take<T>(&mut self, read: syn::Result<T>) -> Option<T> {
        read.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns what makes the compiler show each of them, at its place.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }
}

/// The accepted word that was probably meant.
pub(crate) fn nearest<'w>(
    given: &str,
    accepted: impl IntoIterator<Item = &'w str>,
) -> Option<&'w str> {
    accepted
        .into_iter()
        .map(|word| (distance(given, word), word))
        .filter(|(distance, word)| {
            *distance <= word.len().div_ceil(3).min(3)
                // `auto` for `auto_threshold`, `risk_level` for `risk`.
                || given.len() >= 3 && (word.starts_with(given) || given.starts_with(word))
        })
        .min()
        .map(|(_, word)| word)
}

/// `: did you mean `x`?` or nothing.
pub(crate) fn suggestion<'w>(given: &str, accepted: impl IntoIterator<Item = &'w str>) -> String {
    nearest(given, accepted).map_or_else(String::new, |word| format!(": did you mean `{word}`?"))
}

/// "`a`, `b` and `c`".
pub(crate) fn list<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} and {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// Returns how many letters have to be added, dropped or changed to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
