//! Keeping secrets out of everything that is shown or kept.
//!
//! Two questions decide: is the key's *name* that of a secret ([`is_secret_key`]), and has the value
//! the *shape* of one? Names count in objects, in JSON inside strings, in URL queries, headers,
//! `key=value` text and command-line flags. A hit is masked, not dropped, so that a reader sees that
//! something was there; under a key, equal secrets get equal marks.

mod entropy;
mod keys;
mod marks;
mod mask;
mod pairs;
mod plain;
mod sensitive;
mod shapes;
mod taint;
mod tokens;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use keys::Name;
pub use keys::is_secret_key;
pub(crate) use keys::words;
pub use mask::MASK;
use mask::Masker;
pub use sensitive::{Sensitive, marking, reveal};
pub use taint::Taint;

use crate::json::{Json, Limits, scan_within};

/// JSON inside strings is looked into this deep; what is nested deeper is masked as a whole.
const STRINGS_IN_STRINGS: usize = 4;

/// Masks secrets in text and in JSON. Cheap to clone and to share.
///
/// ```
/// # use hitl_base::{json::scan, Redactor};
/// let redactor = Redactor::standard();
/// let call = scan(r#"{"user": {"apiKey": "abc"}, "note": "use Bearer abcdefgh12345678"}"#)?;
/// assert_eq!(
///     redactor.json(&call).to_text(),
///     r#"{"user":{"apiKey":"[redacted]"},"note":"use [redacted]"}"#,
/// );
/// assert_eq!(redactor.text("curl --password hunter2 'https://x.org/?token=t0k3n&page=2'"),
///     "curl --password [redacted] 'https://x.org/?token=[redacted]&page=2'");
/// # Ok::<(), hitl_base::json::ScanError>(())
/// ```
#[derive(Clone, Default)]
pub struct Redactor {
    masker: Masker,
    only: Option<Arc<HashSet<String>>>,
}

impl Redactor {
    /// Secret key names, and the shapes of well-known tokens, keys, passwords in URLs and payment
    /// card numbers.
    pub fn standard() -> Self {
        Self::default()
    }

    /// Marks each masked secret with a short HMAC under `key`, like `[redacted:1a2b3c4d5e]`, so that
    /// equal secrets can be matched without being seen. Secrets that could be guessed (a PIN, a
    /// card number) get no mark.
    #[must_use]
    pub fn keyed(mut self, key: [u8; 32]) -> Self {
        self.masker = Masker::keyed(key);
        self
    }

    /// Shows only these top-level fields of an object, whatever the others hold.
    #[must_use]
    pub fn only<N: Into<String>>(mut self, fields: impl IntoIterator<Item = N>) -> Self {
        self.only = Some(Arc::new(fields.into_iter().map(Into::into).collect()));
        self
    }

    /// A copy of `tree` without secrets.
    pub fn json(&self, tree: &Json) -> Json {
        self.cleaned(tree).unwrap_or_else(|| tree.clone())
    }

    /// A copy of `tree` without secrets, when it has any: what has none need not be copied.
    pub fn cleaned(&self, tree: &Json) -> Option<Json> {
        match (tree, &self.only) {
            (Json::Object(entries), Some(only)) => {
                let shown = entries.iter().map(|(key, value)| {
                    let listed = only.contains(key);
                    let clean = if listed { self.value(key, value, 0) } else { self.masked(value) };
                    (key.clone(), clean.unwrap_or_else(|| value.clone()))
                });
                Some(Json::Object(shown.collect()))
            }
            (other, Some(_)) => self.masked(other),
            (tree, None) => self.tree(tree, 0),
        }
    }

    /// Whether a JSON document surely has nothing to hide, by a look at its text. `false` says nothing;
    /// [`cleaned`](Self::cleaned) tells.
    pub fn leaves_as_it_is(&self, document: &str) -> bool {
        self.only.is_none() && plain::is_plain(document)
    }

    /// `text` without secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.text_within(text, 0)
    }

    /// The same without secrets; nothing when there are none.
    fn tree(&self, tree: &Json, depth: usize) -> Option<Json> {
        match tree {
            Json::Object(entries) => {
                let clean = changed(entries, |(key, value)| {
                    match (self.plain(key), self.value(key, value, depth)) {
                        (Cow::Borrowed(_), None) => None,
                        (key, clean) => {
                            Some((key.into_owned(), clean.unwrap_or_else(|| value.clone())))
                        }
                    }
                });
                clean.map(|entries| Json::Object(apart(entries)))
            }
            Json::Array(items) => changed(items, |item| self.tree(item, depth)).map(Json::Array),
            Json::String(text) => match self.text_within(text, depth) {
                Cow::Borrowed(_) => None,
                Cow::Owned(clean) => Some(Json::String(clean)),
            },
            Json::Number(lexeme) if shapes::is_card_number(lexeme) => self.masked(tree),
            Json::Null | Json::Bool(_) | Json::Number(_) => None,
        }
    }

    fn value(&self, key: &str, value: &Json, depth: usize) -> Option<Json> {
        let secret = match keys::judge(key) {
            Name::Secret => true,
            Name::Suspect => value.as_str().is_some_and(entropy::looks_secret),
            Name::Plain => false,
        };
        if secret { self.masked(value) } else { self.tree(value, depth) }
    }

    fn masked(&self, value: &Json) -> Option<Json> {
        match value {
            // Nothing, a flag, and the mask itself hold no secret.
            Json::Null | Json::Bool(_) => None,
            Json::String(text) if text.is_empty() || mask::is_mask(text) => None,
            Json::Array(items) if items.is_empty() => None,
            Json::Object(entries) if entries.is_empty() => None,
            Json::String(text) => Some(Json::String(self.masker.mask(text))),
            other => Some(Json::String(self.masker.mask(&other.to_text()))),
        }
    }

    fn text_within<'t>(&self, text: &'t str, depth: usize) -> Cow<'t, str> {
        if let Some(tree) = nested(text) {
            if depth == STRINGS_IN_STRINGS {
                return Cow::Owned(self.masker.mask(text));
            }
            // Unchanged text keeps its spelling.
            return match self.tree(&tree, depth + 1).filter(|clean| *clean != tree) {
                None => Cow::Borrowed(text),
                Some(clean) => Cow::Owned(clean.to_text()),
            };
        }
        match self.plain(text) {
            // What was no JSON has become some: it is looked into as such, so that doing it again
            // changes nothing.
            Cow::Owned(clean) if nested(&clean).is_some() => {
                Cow::Owned(self.text_within(&clean, depth).into_owned())
            }
            other => other,
        }
    }

    fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !marks::may_hold_a_secret(text) {
            return Cow::Borrowed(text);
        }
        match pairs::mask(text, &self.masker) {
            Cow::Borrowed(text) => shapes::mask(text, &self.masker),
            Cow::Owned(text) => Cow::Owned(shapes::mask(&text, &self.masker).into_owned()),
        }
    }
}

/// A copy of the items in which some have changed; nothing when none has.
fn changed<I: Clone>(items: &[I], clean: impl Fn(&I) -> Option<I>) -> Option<Vec<I>> {
    let mut copy: Option<Vec<I>> = None;
    for (at, item) in items.iter().enumerate() {
        match (clean(item), &mut copy) {
            (None, None) => {}
            (None, Some(copy)) => copy.push(item.clone()),
            (Some(clean), Some(copy)) => copy.push(clean),
            (Some(clean), copy) => {
                let mut begun = Vec::with_capacity(items.len());
                begun.extend_from_slice(&items[..at]);
                begun.push(clean);
                *copy = Some(begun);
            }
        }
    }
    copy
}

/// Numbers keys that have become the same by masking, so that no entry hides another.
fn apart(mut entries: Vec<(String, Json)>) -> Vec<(String, Json)> {
    if entries.iter().filter(|(key, _)| key.contains("[redacted")).nth(1).is_none() {
        return entries;
    }
    let mut seen = HashSet::new();
    for (key, _) in &mut entries {
        if key.contains("[redacted") {
            let masked = key.clone();
            let mut number = 2;
            while seen.contains(key) {
                *key = format!("{masked} #{number}");
                number += 1;
            }
        }
        seen.insert(key.clone());
    }
    entries
}

/// The object or array that a string holds as JSON text.
fn nested(text: &str) -> Option<Json> {
    let bounds = (text.trim_start().as_bytes().first()?, text.trim_end().as_bytes().last()?);
    if !matches!(bounds, (b'{', b'}') | (b'[', b']')) || mask::is_mask(text) {
        return None;
    }
    scan_within(text, Limits::default()).ok()
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("only", &self.only).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
