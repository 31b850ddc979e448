//! Collects errors, so that one build shows them all.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The errors found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Reports an error at the tokens that cause it.
    pub(crate) fn at(&mut self, fault: impl ToTokens, message: impl Display) {
        self.0.push(syn::Error::new_spanned(fault, message));
    }

    /// Reports an error at a span.
    pub(crate) fn at_span(&mut self, at: proc_macro2::Span, message: impl Display) {
        self.0.push(syn::Error::new(at, message));
    }

    /// Reports an error of a parser.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    /// Returns the value, or reports the error and returns `None`.
    pub(crate) fn take<T>(&mut self, read: syn::Result<T>) -> Option<T> {
        read.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the tokens that make the compiler show each error at its span.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }
}

/// Returns the accepted word that was probably meant.
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

/// Returns `: did you mean `x`?`, or an empty text.
pub(crate) fn suggestion<'w>(given: &str, accepted: impl IntoIterator<Item = &'w str>) -> String {
    nearest(given, accepted).map_or_else(String::new, |word| format!(": did you mean `{word}`?"))
}

/// Joins words as "`a`, `b` and `c`".
pub(crate) fn list<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} and {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// Returns the number of letters to add, drop or change to turn one word into the other.
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
