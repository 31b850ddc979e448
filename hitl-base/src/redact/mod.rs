//! Keeping secrets out of everything that is shown or kept.
//!
//! Two questions decide: is the key's *name* that of a secret ([`is_secret_key`]), and has the value
//! the *shape* of one? Names count in objects, in JSON inside strings, in URL queries, headers,
//! `key=value` text and command-line flags. A hit is masked, not dropped, so that a reader sees that
//! something was there; under a key, equal secrets get equal marks.

mod encoded;
mod entropy;
mod identifiers;
mod keys;
mod known;
mod lists;
mod marked;
mod marks;
mod mask;
mod pairs;
mod patterns;
mod pem;
mod placeholder;
mod places;
mod programs;
mod recorder;
mod sensitive;
mod shapes;
mod signs;
mod spelling;
mod taint;
mod tokens;
mod values;
mod wordy;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use keys::Name;
pub use keys::is_secret_key;
pub(crate) use keys::words;
use known::said_by;
pub use marked::{MAX_POINTER, Marked, MaskedPlace};
use mask::Masker;
pub use mask::{MASK, MaskReason};
use programs::Program;
pub use sensitive::{Sensitive, marking, reveal};
use signs::{Signs, signs};
pub use taint::Taint;

use crate::json::{Json, Limits, Token, scan_within, walk};

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

    /// Whether a document surely has no secret, told from its text: as [`Json::write`] has it, and not
    /// read into a tree. `false` says nothing: then [`cleaned`](Self::cleaned) tells.
    ///
    /// ```
    /// # use hitl_base::Redactor;
    /// let redactor = Redactor::standard();
    /// assert!(redactor.has_nothing_in(r#"{"customer":"C-1042","note":"on the second leg"}"#));
    /// assert!(!redactor.has_nothing_in(r#"{"password":"on the second leg"}"#));
    /// ```
    pub fn has_nothing_in(&self, document: &str) -> bool {
        self.only.is_none() && walk(document).all(|token| is_nothing(token))
    }

    /// The same, and tells what stands in it.
    #[doc(hidden)]
    pub fn has_nothing_but<'d>(&self, document: &'d str, mut told: impl FnMut(Token<'d>)) -> bool {
        let mut nothing = self.only.is_none();
        for token in walk(document) {
            told(token);
            nothing = nothing && is_nothing(token);
        }
        nothing
    }

    /// `text` without secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.text_within(text, 0)
    }

    /// The same without secrets; nothing when there are none.
    fn tree(&self, tree: &Json, depth: usize) -> Option<Json> {
        match tree {
            Json::Object(entries) => self.object(entries, false, depth),
            Json::Array(items) => self.items(items, depth).map(Json::Array),
            Json::String(text) => match self.text_within(text, depth) {
                Cow::Borrowed(_) => None,
                Cow::Owned(clean) => Some(Json::String(clean)),
            },
            Json::Number(lexeme) if shapes::is_card_number(lexeme) => {
                self.masked(tree, MaskReason::Shape)
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => None,
        }
    }

    /// An object's entries. What its keys are for is told by its own: when they are drawn, they are the
    /// secrets: `{"api": {"<a key>": "its owner"}}`.
    fn object(&self, entries: &[(String, Json)], drawn: bool, depth: usize) -> Option<Json> {
        let named = spelled_out(entries);
        let kept = secret_parts(entries);
        self.entries(entries, drawn, |key, value| match named {
            _ if kept.contains(&key) => self.all_masked(value),
            Some(name) if VALUE.contains(&key) => self.value(name, value, depth),
            _ => self.value(key, value, depth),
        })
    }

    /// The entries of an object with their keys cleaned, too: those that are drawn as a whole, if `drawn`.
    fn entries(
        &self,
        entries: &[(String, Json)],
        drawn: bool,
        clean: impl Fn(&str, &Json) -> Option<Json>,
    ) -> Option<Json> {
        let entries = changed(entries, |_, (key, value)| {
            let clean = clean(key, value);
            let key = if drawn && is_drawn_key(key) {
                Cow::Owned(self.masker.mask(key))
            } else {
                self.plain(key)
            };
            match (key, clean) {
                (Cow::Borrowed(_), None) => None,
                (key, clean) => Some((key.into_owned(), clean.unwrap_or_else(|| value.clone()))),
            }
        });
        entries.map(|entries| Json::Object(apart(entries)))
    }

    /// The items of an array: each by itself, or as what it is to the one before it.
    fn items(&self, items: &[Json], depth: usize) -> Option<Vec<Json>> {
        let follows = |at: usize| {
            let name = items[at.checked_sub(1)?].as_str()?;
            // `["curl", "--token", "x"]` and `["Authorization", "x"]`.
            let flag = name.starts_with('-') && !name.contains(['=', ' ']);
            (flag || items.len() == 2 && said_by(name).name == Name::Secret).then_some(name)
        };
        let key = pem::lines(items);
        let program = items.first().and_then(Json::as_str).and_then(Program::of);
        let own = program.map_or(0, |program| program.own(items.iter().map(Json::as_str)));
        let program = |at: usize| program.filter(|_| at < own);
        changed(items, |at, item| match (follows(at), item) {
            _ if key.contains(&at) => self.masked(item, MaskReason::Shape),
            (Some(option), Json::String(_) | Json::Number(_))
                if program(at).is_some_and(|program| program.takes_a_password(option)) =>
            {
                self.masked(item, MaskReason::Name)
            }
            (_, Json::String(text))
                if let Some(begins) = program(at).and_then(|own| own.attached_password(text)) =>
            {
                let (option, password) = text.split_at(begins);
                let clean = || self.masker.mask_for(password, MaskReason::Name);
                (!mask::is_mask(password)).then(|| Json::String(format!("{option}{}", clean())))
            }
            (Some(name), Json::String(text)) if !text.starts_with('-') => {
                self.value(name, item, depth)
            }
            (Some(name), Json::Number(_)) => self.value(name, item, depth),
            _ => self.tree(item, depth),
        })
    }

    fn value(&self, key: &str, value: &Json, depth: usize) -> Option<Json> {
        let said = said_by(key);
        let secret = match said.name {
            Name::Secret => true,
            Name::Suspect => match value {
                Json::String(text) => {
                    entropy::looks_secret(text) || entropy::is_uuid(text) && keys::names_a_key(key)
                }
                Json::Array(items) => is_bytes(items),
                Json::Object(entries) if entries.iter().any(|(key, _)| is_drawn_key(key)) => {
                    return self.object(entries, true, depth);
                }
                _ => false,
            },
            // What is said to be public, or an identifier, is shown however it looks, unless its issuer
            // has marked it as a secret.
            Name::Plain if said.public => match value {
                Json::String(text) if is_one_piece(text) => return self.issued_masked(text),
                _ => false,
            },
            Name::Plain => false,
        };
        if secret { self.masked(value, MaskReason::Name) } else { self.tree(value, depth) }
    }

    /// The text without what its issuer has marked as a secret; nothing when there is none.
    fn issued_masked(&self, text: &str) -> Option<Json> {
        match shapes::mask_marked(text, &self.masker) {
            Cow::Borrowed(_) => None,
            Cow::Owned(clean) => Some(Json::String(clean)),
        }
    }

    /// With every value masked, however deep; its keys stay, but for those that are drawn.
    fn all_masked(&self, value: &Json) -> Option<Json> {
        match value {
            Json::Object(entries) => self.entries(entries, true, |_, value| self.all_masked(value)),
            other => self.masked(other, MaskReason::Name),
        }
    }

    fn masked(&self, value: &Json, reason: MaskReason) -> Option<Json> {
        if self.masker.is_recording() && matches!(value, Json::Object(_) | Json::Array(_)) {
            return self.leaves_masked(value, reason);
        }
        match value {
            // Nothing, a flag, and the mask itself hold no secret.
            Json::Null | Json::Bool(_) => None,
            Json::String(text) if text.is_empty() || mask::is_mask(text) => None,
            Json::Array(items) if items.is_empty() => None,
            Json::Object(entries) if entries.is_empty() => None,
            Json::String(text) => {
                let masked = self.masker.mask_for(text, reason);
                (masked != *text).then_some(Json::String(masked))
            }
            other => Some(Json::String(self.masker.mask_for(&other.to_text(), reason))),
        }
    }

    /// With every text and number masked, however deep: what is a list or an object stays one.
    fn leaves_masked(&self, value: &Json, reason: MaskReason) -> Option<Json> {
        match value {
            Json::Object(entries) => {
                self.entries(entries, true, |_, value| self.leaves_masked(value, reason))
            }
            Json::Array(items) => {
                changed(items, |_, item| self.leaves_masked(item, reason)).map(Json::Array)
            }
            leaf => self.masked(leaf, reason),
        }
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
            // What was no JSON has become some: it is looked into as such, so that doing it again
            // changes nothing.
            Cow::Owned(clean) if nested(&clean).is_some() => {
                Cow::Owned(self.text_within(&clean, depth).into_owned())
            }
            other => other,
        }
    }

    fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        /// A mask may show that what is around it is a secret too; it seldom does so twice.
        const PASSES: usize = 4;
        if is_words(text) || is_short(text) {
            return Cow::Borrowed(text);
        }
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

    fn once<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let signs = signs(text);
        match pairs::mask(text, signs, &self.masker) {
            Cow::Borrowed(text) if !signs.shape => Cow::Borrowed(text),
            Cow::Borrowed(text) => shapes::mask(text, &self.masker),
            Cow::Owned(text) => Cow::Owned(shapes::mask(&text, &self.masker).into_owned()),
        }
    }
}

/// Whether what stands in a document surely has no secret, and does not say that something else is
/// one.
fn is_nothing(token: Token<'_>) -> bool {
    let name = |key: &str| said_by(key).name;
    match token {
        Token::Key(key) => name(key) == Name::Plain && !tells_of_others(key) && has_no_sign(key),
        Token::Value(text) => !may_be_nested(text) && has_no_sign(text),
        Token::Item(text, first) => {
            // The first of two may name the other, and so may an option.
            let names = text.starts_with('-') || first && name(text) == Name::Secret;
            !names && !may_be_nested(text) && has_no_sign(text)
        }
        Token::Number(lexeme) => !shapes::is_card_number(lexeme),
        Token::Escaped => false,
    }
}

/// Whether no pattern would find anything.
fn has_no_sign(text: &str) -> bool {
    is_words(text) || is_short(text) || signs(text) == Signs::default()
}

/// Whether what stands under this key may say what another entry is: see [`secret_parts`] and
/// [`spelled_out`].
fn tells_of_others(key: &str) -> bool {
    matches!(key, "kind" | "kty") || VALUE.contains(&key)
}

/// Whether a string may hold a document.
fn may_be_nested(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// The parts of an object that are secret because of what it is: a Kubernetes Secret, a private key as
/// JSON (RFC 7517).
fn secret_parts(entries: &[(String, Json)]) -> &'static [&'static str] {
    let is = |(key, value): &(String, Json), kind: &str| match key.as_str() {
        "kind" => kind == "Secret" && value.as_str() == Some("Secret"),
        "kty" => kind == "kty" && value.as_str().is_some(),
        _ => false,
    };
    if entries.iter().any(|entry| is(entry, "Secret")) {
        &["data", "stringData"]
    } else if entries.iter().any(|entry| is(entry, "kty")) {
        &["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
    } else {
        &[]
    }
}

/// A quick look: short words and blanks hold no secret, and most names are nothing else.
fn is_words(text: &str) -> bool {
    /// What is drawn without a digit or a sign, and is found, is longer.
    const WORD: usize = 11;
    text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ')
        && text.split(' ').all(|word| word.len() <= WORD)
}

/// Another one: a number, a date or a short id in one piece is no pair of a name and a value, and
/// shorter than what is known or drawn.
fn is_short(text: &str) -> bool {
    text.len() <= SHORT
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !names_a_code(text)
}

/// Whether a short text may be a code after its name: `pin-4711`.
fn names_a_code(text: &str) -> bool {
    const NAMES: &[&str] = &["pin", "otp", "tan", "cvv", "cvc", "vv2", "vc2", "ode"];
    text.bytes()
        .enumerate()
        .skip(3)
        .filter(|(_, byte)| *byte == b'-')
        .any(|(at, _)| NAMES.iter().any(|name| text[at - 3..at].eq_ignore_ascii_case(name)))
}

/// The longest text that is passed over for being short, in bytes.
const SHORT: usize = 10;

/// Whether a list is a key as the numbers of its bytes.
fn is_bytes(items: &[Json]) -> bool {
    let byte = |item: &Json| matches!(item, Json::Number(n) if n.parse::<u8>().is_ok());
    (8..=1_024).contains(&items.len()) && items.iter().all(byte)
}

fn is_drawn_key(key: &str) -> bool {
    entropy::looks_secret(key) && !mask::is_mask(key)
}

/// Whether a text is neither prose nor anything that may hold a secret beside a name.
fn is_one_piece(text: &str) -> bool {
    text.len() <= 1_024 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b))
}

/// What an entry's value is called where its name is spelled out, too.
const VALUE: &[&str] = &[
    "value",
    "Value",
    "VALUE",
    "val",
    "v",
    "content",
    "default",
    "defaultValue",
    "default_value",
    "answer",
];

/// The name that an object has for its own value: `{"name": "API_TOKEN", "value": "x"}`, as lists of
/// headers and of variables have it.
fn spelled_out(entries: &[(String, Json)]) -> Option<&str> {
    const NAME: &[&str] = &[
        "name",
        "Name",
        "NAME",
        "key",
        "Key",
        "k",
        "label",
        "Label",
        "title",
        "variable",
        "var",
        "env",
        "field",
        "property",
        "param",
        "parameter",
        "attribute",
        "header",
        "question",
        "id",
    ];
    if entries.len() > 8 || !entries.iter().any(|(key, _)| VALUE.contains(&key.as_str())) {
        return None;
    }
    let named =
        |(key, name): &'_ (String, Json)| NAME.contains(&key.as_str()) && name.as_str().is_some();
    entries.iter().find(|entry| named(entry)).and_then(|(_, name)| name.as_str())
}

/// A copy of the items in which some have changed; nothing when none has.
fn changed<I: Clone>(items: &[I], clean: impl Fn(usize, &I) -> Option<I>) -> Option<Vec<I>> {
    let mut copy: Option<Vec<I>> = None;
    for (at, item) in items.iter().enumerate() {
        if let Some(clean) = clean(at, item) {
            copy.get_or_insert_with(|| items.to_vec())[at] = clean;
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
    // Which number comes next: each key looks on from there, not from the first.
    let mut numbers = HashMap::new();
    for (key, _) in &mut entries {
        if key.contains("[redacted") && seen.contains(key) {
            let number = numbers.entry(key.clone()).or_insert(1);
            let masked = key.clone();
            while seen.contains(key) {
                *number += 1;
                *key = format!("{masked} #{number}");
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
mod kinds_tests;
#[cfg(test)]
mod tests;
