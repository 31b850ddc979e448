//! Converts alternative spellings of a text to the one that types read.

use std::fmt::Write as _;

use hitl_base::Json;
use hitl_base::json::whole;

use super::ArgumentError;
use super::places::{PlaceId, Places};

/// Returns the arguments' text. An empty list of arguments has several spellings: nothing, blanks,
/// `null`, or an empty string.
pub(crate) fn or_empty(text: &str) -> &str {
    let said = text.trim();
    let quoted = said.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let nothing = said.is_empty() || said == "null" || quoted.is_some_and(|q| q.trim().is_empty());
    if nothing { "{}" } else { text }
}

/// Writes integers as such (`5.0`, `1e2`) wherever the schema has them. Types that serde buffers
/// (tagged, flattened) do not recognize an integer in them. Returns `None` if there are none.
pub(super) fn whole_numbers(given: &Json, places: &Places) -> Option<Json> {
    let mut tree = given.clone();
    respell(&mut tree, places, Places::ROOT).then_some(tree)
}

fn respell(tree: &mut Json, places: &Places, at: PlaceId) -> bool {
    match tree {
        Json::Number(lexeme) if places.is_integer(at) && lexeme.contains(['.', 'e', 'E']) => {
            let Some(whole) = whole(lexeme) else { return false };
            let sign = if whole.negative { "-" } else { "" };
            *lexeme = format!("{sign}{}", whole.magnitude).into();
            true
        }
        Json::Array(items) => {
            let Some(inner) = places.items(at) else { return false };
            items.iter_mut().fold(false, |any, item| respell(item, places, inner) | any)
        }
        Json::Object(entries) => entries.iter_mut().fold(false, |any, (key, value)| {
            let Some(inner) = places.entry(at, key) else { return any };
            respell(value, places, inner) | any
        }),
        _ => false,
    }
}

/// Removes the `null` that `error` is about, if the schema allows it and does not require the
/// field. Returns `None` if there is none.
pub(super) fn without_null(given: &Json, places: &Places, error: &ArgumentError) -> Option<Json> {
    let mut tree = given.clone();
    let path = error.path();
    remove(&mut tree, places, Places::ROOT, &mut String::new(), path).then_some(tree)
}

fn remove(tree: &mut Json, places: &Places, at: PlaceId, here: &mut String, path: &str) -> bool {
    let before = here.len();
    match tree {
        Json::Array(items) => {
            let Some(inner) = places.items(at) else { return false };
            items.iter_mut().enumerate().any(|(index, item)| {
                here.truncate(before);
                // Writing to a String cannot fail.
                let _ = write!(here, "[{index}]");
                path.starts_with(here.as_str()) && remove(item, places, inner, here, path)
            })
        }
        Json::Object(entries) => {
            for index in 0..entries.len() {
                let Some((key, value)) = entries.get_mut(index) else { return false };
                // A null under a key of a map is not a field that could be left out.
                let field = places.field(at, key);
                let Some(inner) = places.entry(at, key) else { continue };
                here.truncate(before);
                if before > 0 {
                    here.push('.');
                }
                here.push_str(key);
                if !path.starts_with(here.as_str()) {
                    continue;
                }
                if *value == Json::Null {
                    let optional = field.is_some_and(|field| !field.required);
                    if here == path && optional && places.takes_null(inner) {
                        entries.remove(index);
                        return true;
                    }
                } else if remove(value, places, inner, here, path) {
                    return true;
                }
            }
            false
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::or_empty;

    #[test]
    fn no_arguments_are_sent_in_several_ways() {
        for text in ["", " ", "\n\t", "null", " null ", "\"\"", " \" \" ", "\u{a0}"] {
            assert_eq!(or_empty(text), "{}", "{text:?}");
        }
        for text in ["{}", "[]", "0", "\"null\"", "nul", "nullnull", "\"", "{", "false", "\"x\""] {
            assert_eq!(or_empty(text), text);
        }
    }
}
