//! Redaction: keeps secrets out of everything that is shown or stored.
//!
//! Two questions decide: is the key's *name* that of a secret ([`is_secret_key`]), and has the
//! value the *shape* of one? Names count in objects, in JSON inside strings, in URL queries,
//! headers, `key=value` text and command-line flags. A secret is masked, not dropped, so that a
//! reader sees that something was there; under a key, equal secrets get equal fingerprints.

mod contexts;
mod encoded;
mod entropy;
mod folded;
mod forms;
mod identifiers;
mod issuer_tokens;
mod key_value;
mod manifests;
mod marks;
mod mask;
mod name_cache;
mod natural_text;
mod patterns;
mod pem;
mod placeholder;
mod prefilter;
mod programs;
mod recorder;
mod redacted_json;
mod secret_names;
mod sensitive;
mod shapes;
mod spelling;
mod taint;
mod tree;
mod values;
mod vocabulary;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use folded::Folded;
use mask::Masker;
pub use mask::{MASK, MaskReason};
use name_cache::verdict_on;
pub use natural_text::looks_drawn;
use prefilter::{Signs, signs};
use recorder::Recorder;
pub use redacted_json::{MAX_POINTER, MaskedPlace, RedactedJson};
use secret_names::Name;
pub use secret_names::is_secret_key;
pub(crate) use secret_names::words;
pub use sensitive::{Sensitive, marking, reveal};
pub use taint::Taint;
use tree::{VALUE, changed};

use crate::json::{Json, Limits, Token, parse_with_limits, walk};

/// The depth to which JSON inside strings is redacted; anything deeper is masked as a whole.
const STRINGS_IN_STRINGS: usize = 4;

/// Masks secrets in text and in JSON. Cheap to clone and to share.
///
/// ```
/// # use hitl::{json::parse_json, redact::Redactor};
/// let redactor = Redactor::standard();
/// let call = parse_json(r#"{"user": {"apiKey": "abc"}, "note": "use Bearer abcdefgh12345678"}"#)?;
/// assert_eq!(
///     redactor.json(&call).to_text(),
///     r#"{"user":{"apiKey":"[redacted]"},"note":"use [redacted]"}"#,
/// );
/// assert_eq!(redactor.text("curl --password hunter2 'https://x.org/?token=t0k3n&page=2'"),
///     "curl --password [redacted] 'https://x.org/?token=[redacted]&page=2'");
/// # Ok::<(), hitl::json::ParseJsonError>(())
/// ```
#[derive(Clone, Default)]
pub struct Redactor {
    masker: Masker,
    only: Option<Arc<HashSet<String>>>,
}

impl Redactor {
    /// Returns the standard redactor: it knows secret key names, and the shapes of well-known
    /// tokens, keys, passwords in URLs and payment card numbers.
    pub fn standard() -> Self {
        Self::default()
    }

    /// Adds a short HMAC under `key` to each mask, like `[redacted:1a2b3c4d5e]`, so that equal
    /// secrets can be matched without being seen. Secrets that could be guessed (a PIN, a card
    /// number) get none.
    #[must_use]
    pub fn with_key(mut self, key: [u8; 32]) -> Self {
        self.masker = Masker::with_key(key);
        self
    }

    /// Shows only these top-level fields of an object and masks all others.
    #[must_use]
    pub fn only<N: Into<String>>(mut self, fields: impl IntoIterator<Item = N>) -> Self {
        self.only = Some(Arc::new(fields.into_iter().map(Into::into).collect()));
        self
    }

    /// Returns a copy of `tree` without secrets.
    pub fn json(&self, tree: &Json) -> Json {
        self.json_if_changed(tree).unwrap_or_else(|| tree.clone())
    }

    /// Returns a copy of `tree` without secrets, or `None` if it has none and need not be copied.
    pub fn json_if_changed(&self, tree: &Json) -> Option<Json> {
        match (tree, &self.only) {
            (Json::Object(entries), Some(only)) => changed(entries, |_, (key, value)| {
                let listed = only.contains(key);
                let clean = if listed {
                    self.value(key, value, 0)
                } else {
                    self.masked(value, MaskReason::Name)
                };
                clean.map(|clean| (key.clone(), clean))
            })
            .map(Json::Object),
            (other, Some(_)) => self.masked(other, MaskReason::Name),
            (tree, None) => self.tree(tree, 0),
        }
    }

    /// Returns whether a document surely has no secret, without parsing it. The text must be in the
    /// form of [`Json::write`]. `false` decides nothing: call
    /// [`json_if_changed`](Self::json_if_changed).
    ///
    /// ```
    /// # use hitl::redact::Redactor;
    /// let redactor = Redactor::standard();
    /// assert!(redactor.has_nothing_in(r#"{"customer":"C-1042","note":"on the second leg"}"#));
    /// assert!(!redactor.has_nothing_in(r#"{"password":"on the second leg"}"#));
    /// ```
    pub fn has_nothing_in(&self, document: &str) -> bool {
        self.only.is_none() && walk(document).all(|token| is_nothing(token))
    }

    /// Does the same, and passes each token to `told`.
    // Pays 21 % of the instructions of "auto_call", which need no tree (cargo xtask instructions).
    #[doc(hidden)]
    pub fn has_nothing_but<'d>(&self, document: &'d str, mut told: impl FnMut(Token<'d>)) -> bool {
        let mut nothing = self.only.is_none();
        for token in walk(document) {
            told(token);
            nothing = nothing && is_nothing(token);
        }
        nothing
    }

    /// Returns `text` without secrets. Idempotent.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.text_within(text, 0)
    }

    fn text_within<'t>(&self, text: &'t str, depth: usize) -> Cow<'t, str> {
        if let Some(tree) = nested(text) {
            if depth == STRINGS_IN_STRINGS {
                return Cow::Owned(self.masker.mask_for(text, MaskReason::Depth));
            }
            // Unchanged text keeps its spelling.
            let clean = self.tree(&tree, depth + 1);
            return clean.map_or(Cow::Borrowed(text), |clean| Cow::Owned(clean.to_text()));
        }
        match self.plain(text) {
            // Redaction turned the text into JSON: it is redacted as such, so that the function is
            // idempotent.
            Cow::Owned(clean) if nested(&clean).is_some() => {
                Cow::Owned(self.text_within(&clean, depth).into_owned())
            }
            other => other,
        }
    }

    fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if is_words(text) || is_short(text) {
            return Cow::Borrowed(text);
        }
        match self.as_read(text) {
            Cow::Borrowed(text) => self.as_written(text),
            Cow::Owned(text) => Cow::Owned(self.as_written(&text).into_owned()),
        }
    }

    /// Returns the text without the secrets that are visible as written.
    fn as_written<'t>(&self, text: &'t str) -> Cow<'t, str> {
        /// A mask may show that its surroundings are a secret too; this seldom happens twice.
        const PASSES: usize = 4;
        let mut clean = self.once(text);
        for _ in 1..PASSES {
            match &clean {
                Cow::Borrowed(_) => break,
                Cow::Owned(text) => {
                    let again = self.once(text);
                    if again == *text {
                        break;
                    }
                    clean = Cow::Owned(again.into_owned());
                }
            }
        }
        clean
    }

    /// Returns the text without the secrets that become visible once it is read: invisible
    /// characters ignored, escapes and lookalikes resolved. Everything but the secrets stays as it
    /// is written.
    fn as_read<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(folded) = Folded::new(text) else { return Cow::Borrowed(text) };
        if signs(folded.text()) == Signs::default() {
            return Cow::Borrowed(text);
        }
        let recorder = Arc::new(Recorder::from_text(folded.text()));
        let recording =
            Self { masker: Masker::default().recording(Arc::clone(&recorder)), only: None };
        let Cow::Owned(found) = recording.as_written(folded.text()) else {
            return Cow::Borrowed(text);
        };
        let mut out = String::with_capacity(text.len());
        let (mut copied, mut read, mut rest) = (0, 0, found.as_str());
        while let Some(at) = rest.find("[redacted") {
            read += at;
            rest = &rest[at..];
            let Some((mask, masked)) = recorder.leading(rest) else {
                // The placeholder is in the original text too.
                read += 1;
                rest = &rest[1..];
                continue;
            };
            let place = folded.written(&(read..read + masked.secret.len()));
            let here = folded.text().get(read..).is_some_and(|at| at.starts_with(&masked.secret));
            if !here || place.start < copied || text.get(place.clone()).is_none() {
                // The secret cannot be located in its surroundings, so the whole text is masked.
                return Cow::Owned(self.masker.mask_for(text, masked.reason));
            }
            out.push_str(&text[copied..place.start]);
            out.push_str(&self.masker.mask_for(&text[place.clone()], masked.reason));
            copied = place.end;
            read += masked.secret.len();
            rest = &rest[mask.len()..];
        }
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    }

    fn once<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let signs = signs(text);
        match key_value::mask(text, signs, &self.masker) {
            Cow::Borrowed(text) if !signs.shape => Cow::Borrowed(text),
            Cow::Borrowed(text) => shapes::mask(text, &self.masker),
            Cow::Owned(text) => Cow::Owned(shapes::mask(&text, &self.masker).into_owned()),
        }
    }
}

/// Returns whether a token surely contains no secret, and does not mark another one as a secret.
fn is_nothing(token: Token<'_>) -> bool {
    let name = |key: &str| verdict_on(key).name;
    match token {
        Token::Key(key) => name(key) == Name::Plain && !tells_of_others(key) && has_no_sign(key),
        Token::Value(text) => !may_be_nested(text) && has_no_sign(text),
        Token::Item(text, first) => {
            // In an array of two, the first may name the second, and so may an option.
            let names = text.starts_with('-') || first && name(text) == Name::Secret;
            !names && !may_be_nested(text) && has_no_sign(text)
        }
        Token::Number(lexeme) => !shapes::is_card_number(lexeme),
        Token::Escaped => false,
    }
}

/// Returns whether no pattern would match.
fn has_no_sign(text: &str) -> bool {
    is_words(text)
        || is_short(text)
        || signs(text) == Signs::default()
            && Folded::new(text).is_none_or(|read| signs(read.text()) == Signs::default())
}

/// Returns whether the value under this key may describe another entry: see [`secret_parts`] and
/// [`spelled_out`].
fn tells_of_others(key: &str) -> bool {
    matches!(key, "kind" | "kty") || VALUE.contains(&key)
}

/// Returns whether a string may hold a document.
fn may_be_nested(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Returns whether a text is only short words and blanks, which hold no secret. A quick check: most
/// names are nothing else.
// With `is_short`, it pays 47 % of the time of "redaction, 4 KB" (cargo xtask bench redaction).
fn is_words(text: &str) -> bool {
    /// The longest word that cannot be a secret: random text without a digit or a sign that is
    /// detected is longer.
    const WORD: usize = 11;
    text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ')
        && text.split(' ').all(|word| word.len() <= WORD)
}

/// Returns whether a text is one short piece, such as a number, a date or a short id: it is no pair
/// of a name and a value, and shorter than any known or random secret.
fn is_short(text: &str) -> bool {
    text.len() <= SHORT
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !names_a_code(text)
}

/// Returns whether a short text may be a code after its name: `pin-4711`.
fn names_a_code(text: &str) -> bool {
    const NAMES: &[&str] = &["pin", "otp", "tan", "cvv", "cvc", "vv2", "vc2", "ode"];
    text.bytes()
        .enumerate()
        .skip(3)
        .filter(|(_, byte)| *byte == b'-')
        .any(|(at, _)| NAMES.iter().any(|name| text[at - 3..at].eq_ignore_ascii_case(name)))
}

/// The longest text that is skipped for being short, in bytes.
const SHORT: usize = 10;

/// Returns the object or array that a string holds as JSON text.
fn nested(text: &str) -> Option<Json> {
    let bounds = (text.trim_start().as_bytes().first()?, text.trim_end().as_bytes().last()?);
    if !matches!(bounds, (b'{', b'}') | (b'[', b']')) || mask::is_mask(text) {
        return None;
    }
    parse_with_limits(text, Limits::default()).ok()
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("only", &self.only).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod disguises_tests;
#[cfg(test)]
mod formats_tests;
#[cfg(test)]
mod kinds_tests;
#[cfg(test)]
mod recall_tests;
#[cfg(test)]
mod tests;
