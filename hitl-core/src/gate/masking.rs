//! Masks secrets in text that is shown, stored or audited.

use std::borrow::Cow;

use hitl_base::display::clip;
use hitl_base::redact::{MASK, Taint};
use hitl_base::{Json, Redactor};

use crate::call::effect_text;

/// The most characters of an effect that are shown.
const MAX_EFFECT: usize = 1_000;

/// Returns text without the call's own secrets and without anything that looks like a secret.
pub(in crate::gate) fn mask_text<'t>(
    redactor: &Redactor,
    text: &'t str,
    secrets: &Taint,
) -> Cow<'t, str> {
    // The call's own secrets first: a mask inside a secret would hide the rest of it from the
    // search for that secret.
    let own = secrets.text(text);
    match redactor.text(&own) {
        Cow::Borrowed(_) => own,
        Cow::Owned(clean) => Cow::Owned(clean),
    }
}

/// Returns a title without secrets, in which a mask covers no syntax.
pub(in crate::gate) fn mask_title(redactor: &Redactor, title: &str, secrets: &Taint) -> String {
    let own = secrets.text(title);
    if matches!(redactor.text(&own), Cow::Borrowed(_)) {
        return own.into_owned();
    }
    let own = Json::String(own.into_owned());
    let clean = redactor.redact_with_places(&own).map_or(own, |marked| marked.tree);
    clean.as_str().map_or_else(|| MASK.to_owned(), str::to_owned)
}

/// Returns the effect of a call as a reviewer reads it: that of the `shown` arguments, without
/// secrets. What is compared is a digest of the text without its letter case.
pub(in crate::gate) fn show_effect(
    redactor: &Redactor,
    template: &str,
    shown: &Json,
    secrets: &Taint,
) -> String {
    let effect = mask_title(redactor, &effect_text(template, shown), secrets);
    clip(&effect, MAX_EFFECT).into_owned()
}

/// Returns whether a text in a document is or contains something that looks like a secret.
pub(in crate::gate) fn holds_secret(redactor: &Redactor, tree: &Json) -> bool {
    match tree {
        Json::String(text) => matches!(redactor.text(text), Cow::Owned(_)),
        Json::Array(items) => items.iter().any(|item| holds_secret(redactor, item)),
        Json::Object(entries) => entries.iter().any(|(_, value)| holds_secret(redactor, value)),
        _ => false,
    }
}
