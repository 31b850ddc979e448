//! Secrets in JSON: the relation of each entry and each item to its neighbours.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::mask::{self, MaskReason};
use super::name_cache::verdict_on;
use super::programs::Program;
use super::secret_names::{self, Name};
use super::{Redactor, entropy, pem, shapes};
use crate::json::Json;

impl Redactor {
    /// Returns the tree without secrets; `None` if there are none.
    pub(super) fn tree(&self, tree: &Json, depth: usize) -> Option<Json> {
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

    /// Returns an object without secrets. If `drawn`, random-looking keys are themselves secrets:
    /// `{"api": {"<a key>": "its owner"}}`.
    fn object(&self, entries: &[(String, Json)], drawn: bool, depth: usize) -> Option<Json> {
        let named = spelled_out(entries);
        let kept = secret_parts(entries);
        self.entries(entries, drawn, |key, value| match named {
            _ if kept.contains(&key) => self.all_masked(value),
            Some(name) if VALUE.contains(&key) => self.value(name, value, depth),
            _ => self.value(key, value, depth),
        })
    }

    /// Returns the entries of an object with their keys redacted, too.
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

    /// Returns the items of an array, each redacted by itself or as the value of the one before it.
    fn items(&self, items: &[Json], depth: usize) -> Option<Vec<Json>> {
        let follows = |at: usize| {
            let name = items[at.checked_sub(1)?].as_str()?;
            // `["curl", "--token", "x"]` and `["Authorization", "x"]`.
            let flag = name.starts_with('-') && !name.contains(['=', ' ']);
            (flag || items.len() == 2 && verdict_on(name).name == Name::Secret).then_some(name)
        };
        let key = pem::lines(items);
        let program = items.first().and_then(Json::as_str).and_then(Program::named);
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

    pub(super) fn value(&self, key: &str, value: &Json, depth: usize) -> Option<Json> {
        let said = verdict_on(key);
        let secret = match said.name {
            Name::Secret => true,
            Name::Suspect => match value {
                Json::String(text) => {
                    entropy::looks_secret(text)
                        || entropy::is_uuid(text) && secret_names::names_a_key(key)
                }
                Json::Array(items) => is_bytes(items),
                Json::Object(entries) if entries.iter().any(|(key, _)| is_drawn_key(key)) => {
                    return self.object(entries, true, depth);
                }
                _ => false,
            },
            // A value declared public, or an identifier, is shown whatever it looks like, unless it
            // has an issuer's prefix.
            Name::Plain if said.public => match value {
                Json::String(text) if is_one_piece(text) => return self.issued_masked(text),
                Json::Number(_) if shapes::is_click(key) => return None,
                _ => false,
            },
            Name::Plain => false,
        };
        if secret { self.masked(value, MaskReason::Name) } else { self.tree(value, depth) }
    }

    /// Returns the text without tokens that have an issuer's prefix; `None` if there are none.
    fn issued_masked(&self, text: &str) -> Option<Json> {
        match shapes::tokens_masked(text, &self.masker) {
            Cow::Borrowed(_) => None,
            Cow::Owned(clean) => Some(Json::String(clean)),
        }
    }

    /// Returns the value with every value in it masked, at any depth; keys stay, except
    /// random-looking ones.
    fn all_masked(&self, value: &Json) -> Option<Json> {
        match value {
            Json::Object(entries) => self.entries(entries, true, |_, value| self.all_masked(value)),
            other => self.masked(other, MaskReason::Name),
        }
    }

    pub(super) fn masked(&self, value: &Json, reason: MaskReason) -> Option<Json> {
        if self.masker.is_recording() && matches!(value, Json::Object(_) | Json::Array(_)) {
            return self.leaves_masked(value, reason);
        }
        match value {
            // Null, booleans and masks hold no secret.
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

    /// Returns the value with every text and number in it masked, at any depth: lists and objects
    /// stay.
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
}

/// Returns the names of the entries that are secret because of the object's kind: a Kubernetes
/// Secret, a private JSON Web Key (RFC 7517).
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

/// Returns whether a list is a key as the numbers of its bytes.
fn is_bytes(items: &[Json]) -> bool {
    let byte = |item: &Json| matches!(item, Json::Number(n) if n.parse::<u8>().is_ok());
    (8..=1_024).contains(&items.len()) && items.iter().all(byte)
}

fn is_drawn_key(key: &str) -> bool {
    entropy::looks_secret(key) && !mask::is_mask(key)
}

/// Returns whether a text is neither prose nor anything that may hold a named secret.
fn is_one_piece(text: &str) -> bool {
    text.len() <= 1_024 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b))
}

/// The keys of an entry's value where the entry's name is spelled out, too.
pub(super) const VALUE: &[&str] = &[
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

/// Returns the name that an object gives its own value: `{"name": "API_TOKEN", "value": "x"}`, as
/// in lists of headers and of variables.
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

/// Returns a copy of the items in which some have changed; `None` if none has.
pub(super) fn changed<I: Clone>(
    items: &[I],
    clean: impl Fn(usize, &I) -> Option<I>,
) -> Option<Vec<I>> {
    let mut copy: Option<Vec<I>> = None;
    for (at, item) in items.iter().enumerate() {
        if let Some(clean) = clean(at, item) {
            copy.get_or_insert_with(|| items.to_vec())[at] = clean;
        }
    }
    copy
}

/// Numbers keys that have become equal by masking, so that no entry hides another.
pub(super) fn apart(mut entries: Vec<(String, Json)>) -> Vec<(String, Json)> {
    if entries.iter().filter(|(key, _)| key.contains("[redacted")).nth(1).is_none() {
        return entries;
    }
    let mut seen = HashSet::new();
    // The next number for each key: the search continues from there, not from the first.
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
