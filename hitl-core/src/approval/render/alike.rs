//! Names and values of one card that can be mistaken for each other.

use std::collections::BTreeMap;

use hitl_base::Json;
use hitl_base::display::{clip, decoded_hosts, quoted, reads_as, skeleton};

/// The shortest text, in characters, that is compared: too many short ones look alike.
const MIN_LENGTH: usize = 4;
/// The number of characters by which longer texts are compared.
const MAX_LENGTH: usize = 200;
/// The number of characters of a text that a warning shows.
const SHOWN: usize = 40;
/// The most texts that are compared. A warning says if there are more.
const MAX_TEXTS: usize = 2_000;
/// The most warnings of each kind.
const MAX_WARNINGS: usize = 6;

/// Returns warnings about texts that a reader could mistake: those that read as ASCII and are not,
/// and those that look like others of the same card. Linear in the arguments.
pub(super) fn warnings(arguments: &Json) -> Vec<String> {
    let mut texts = Vec::new();
    collect(arguments, &mut texts);
    let are_more = texts.len() > MAX_TEXTS;
    texts.truncate(MAX_TEXTS);
    let mut warnings = readings_of(&texts);
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut pairs = Vec::new();
    for text in texts {
        let first = *seen.entry(skeleton(text)).or_insert(text);
        if first != text {
            pairs.push(format!("{} and {} look alike and differ", short(first), short(text)));
        }
    }
    pairs.dedup();
    shorten(&mut pairs);
    warnings.extend(pairs);
    if are_more {
        warnings.push(format!(
            "only the first {MAX_TEXTS} names and values were compared for letters that look alike"
        ));
    }
    warnings
}

/// Returns warnings about texts that could be read as something else. Linear in the texts.
pub(super) fn readings(texts: &Json) -> Vec<String> {
    let mut each = Vec::new();
    collect(texts, &mut each);
    readings_of(&each)
}

fn short(text: &str) -> String {
    quoted(&clip(text, SHOWN))
}

fn readings_of(texts: &[&str]) -> Vec<String> {
    // A host in IDNA form is compared as people would read it.
    let reads = texts.iter().filter_map(|text| match decoded_hosts(text) {
        Some(decoded) => reads_as(&decoded),
        None => reads_as(text),
    });
    let mut warnings: Vec<String> =
        reads.map(|reads| format!("letters that are others read as {}", short(&reads))).collect();
    warnings.sort_unstable();
    warnings.dedup();
    shorten(&mut warnings);
    warnings
}

/// Truncates the warnings, and adds how many were left out.
fn shorten(warnings: &mut Vec<String>) {
    let more = warnings.len().saturating_sub(MAX_WARNINGS);
    if more > 0 {
        warnings.truncate(MAX_WARNINGS);
        warnings.push(format!("and {more} more that look alike"));
    }
}

/// Collects the names and values that a reader compares.
fn collect<'j>(tree: &'j Json, into: &mut Vec<&'j str>) {
    match tree {
        Json::String(text) => add(text, into),
        Json::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Json::Object(entries) => entries.iter().for_each(|(key, value)| {
            add(key, into);
            collect(value, into);
        }),
        _ => {}
    }
}

fn add<'j>(text: &'j str, into: &mut Vec<&'j str>) {
    let end = text.char_indices().nth(MAX_LENGTH).map_or(text.len(), |(at, _)| at);
    if into.len() <= MAX_TEXTS && text.chars().nth(MIN_LENGTH - 1).is_some() {
        into.push(&text[..end]);
    }
}
