//! Kubernetes secrets as tools print them: `kind: Secret`, and every value under `data` or
//! `stringData`, whatever its name.

use std::borrow::Cow;

use memchr::memmem;

use super::mask::{NameMasker, is_mask};

/// Masks the values in each Secret manifest.
pub(super) fn mask<'t>(text: &'t str, masked: &mut NameMasker<'_>) -> Cow<'t, str> {
    if memmem::find(text.as_bytes(), b"ecret").is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while at < text.len() {
        let length = document_length(&text[at..]);
        let document = &text[at..at + length];
        if is_secret(document) {
            for value in values(document) {
                let place = at + value.0..at + value.1;
                if !is_mask(&text[place.clone()]) {
                    out.push_str(&text[copied..place.start]);
                    out.push_str(&masked.mask(&text[place.clone()]));
                    copied = place.end;
                }
            }
        }
        at += length;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Returns the length of the first document, including the line that ends it.
fn document_length(text: &str) -> usize {
    let end = memmem::find(text.as_bytes(), b"\n---");
    end.map_or(text.len(), |end| end + "\n---".len())
}

fn is_secret(document: &str) -> bool {
    document.lines().any(|line| {
        let kind = line.trim_start_matches([' ', '-']).strip_prefix("kind:");
        kind.is_some_and(|kind| {
            kind.trim().trim_matches(['"', '\'']).eq_ignore_ascii_case("secret")
        })
    })
}

/// Returns the ranges of the values under `data` or `stringData`.
fn values(document: &str) -> Vec<(usize, usize)> {
    let (mut found, mut at) = (Vec::new(), 0);
    // The indent of the current section; its values are indented further.
    let mut under: Option<usize> = None;
    for line in document.split_inclusive('\n') {
        let body = line.trim_end();
        let indent = body.len() - body.trim_start().len();
        let (name, value) = body.split_once(':').unwrap_or((body, ""));
        if body.is_empty() {
            // An empty line ends nothing.
        } else if under.is_some_and(|under| indent > under) {
            let start = if body.contains(": ") {
                name.len() + 1 + (value.len() - value.trim_start().len())
            } else if value.is_empty() && body.ends_with(':') {
                body.len()
            } else {
                indent
            };
            let inner = body[start..].trim_matches(['"', '\'']);
            let start =
                start + (body[start..].len() - body[start..].trim_start_matches(['"', '\'']).len());
            if !inner.is_empty() && !matches!(inner, "|" | ">" | "|-" | ">-" | "{}") {
                found.push((at + start, at + start + inner.len()));
            }
        } else {
            let block =
                matches!(name.trim_start(), "data" | "stringData") && value.trim().is_empty();
            under = block.then_some(indent);
        }
        at += line.len();
    }
    found
}
