//! Keeping secrets out of everything that is shown or kept.
//!
//! Two questions decide: is the key's *name* that of a secret ([`is_secret_key`]), and has the value
//! the *shape* of one? Names count in objects, in JSON inside strings, in URL queries, headers,
//! `key=value` text and command-line flags. A hit is masked, not dropped, so that a reader sees that
//! something was there; under a key, equal secrets get equal marks.

mod entropy;
mod keys;
mod mask;
mod pairs;
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
        match (tree, &self.only) {
            (Json::Object(entries), Some(only)) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| {
                        let listed = only.contains(key);
                        (
                            key.clone(),
                            if listed { self.value(key, value, 0) } else { self.masked(value) },
                        )
                    })
                    .collect(),
            ),
            (other, Some(_)) => self.masked(other),
            (tree, None) => self.tree(tree, 0),
        }
    }

    /// `text` without secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.text_within(text, 0)
    }

    fn tree(&self, tree: &Json, depth: usize) -> Json {
        match tree {
            Json::Object(entries) => {
                let shown = entries.iter().map(|(key, value)| {
                    (self.plain(key).into_owned(), self.value(key, value, depth))
                });
                Json::Object(apart(shown.collect()))
            }
            Json::Array(items) => {
                Json::Array(items.iter().map(|item| self.tree(item, depth)).collect())
            }
            Json::String(text) => Json::String(self.text_within(text, depth).into_owned()),
            Json::Number(lexeme) if shapes::is_card_number(lexeme) => self.masked(tree),
            other => other.clone(),
        }
    }

    fn value(&self, key: &str, value: &Json, depth: usize) -> Json {
        let secret = match keys::judge(key) {
            Name::Secret => true,
            Name::Suspect => value.as_str().is_some_and(entropy::looks_secret),
            Name::Plain => false,
        };
        if secret { self.masked(value) } else { self.tree(value, depth) }
    }

    fn masked(&self, value: &Json) -> Json {
        match value {
            // Nothing, a flag, and the mask itself hold no secret.
            Json::Null | Json::Bool(_) => value.clone(),
            Json::String(text) if text.is_empty() || mask::is_mask(text) => value.clone(),
            Json::Array(items) if items.is_empty() => value.clone(),
            Json::Object(entries) if entries.is_empty() => value.clone(),
            Json::String(text) => Json::String(self.masker.mask(text)),
            other => Json::String(self.masker.mask(&other.to_text())),
        }
    }

    fn text_within<'t>(&self, text: &'t str, depth: usize) -> Cow<'t, str> {
        if let Some(tree) = nested(text) {
            if depth == STRINGS_IN_STRINGS {
                return Cow::Owned(self.masker.mask(text));
            }
            let clean = self.tree(&tree, depth + 1);
            // Unchanged text keeps its spelling.
            return if clean == tree { Cow::Borrowed(text) } else { Cow::Owned(clean.to_text()) };
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
        match pairs::mask(text, &self.masker) {
            Cow::Borrowed(text) => shapes::mask(text, &self.masker),
            Cow::Owned(text) => Cow::Owned(shapes::mask(&text, &self.masker).into_owned()),
        }
    }
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
