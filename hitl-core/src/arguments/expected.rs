//! The words of JSON for the types that serde expects: a model that wrote the arguments knows no
//! `u32`.

use std::borrow::Cow;

use super::nearest::listed;

/// The most characters of a type's own words.
const MAX_WORDS: usize = 200;

/// Returns the words of JSON for what a type expects. Words of the type's own stay as they are.
pub(super) fn in_json_words(expected: &str) -> Cow<'_, str> {
    let expected = expected.trim();
    if let Some(range) = whole_number(expected) {
        return Cow::Owned(range);
    }
    let items = |n: &str| format!("an array of {n} item{}", if n == "1" { "" } else { "s" });
    match expected {
        "f32" | "f64" | "a float" => "a number".into(),
        "an integer" | "integer" => "a whole number".into(),
        "a boolean" | "bool" => "true or false".into(),
        "a character" | "a char" => "a string of one character".into(),
        "a string" | "a borrowed string" | "string" | "str" | "path string" | "a borrowed path"
        | "variant identifier" | "field identifier" | "identifier" | "os string" => {
            "a string".into()
        }
        "a byte array" | "a borrowed byte array" | "byte array" => {
            "an array of whole numbers from 0 to 255".into()
        }
        "unit" | "unit value" | "unit variant" => "null".into(),
        "option" | "an optional" | "Option value" => "a value or null".into(),
        "a sequence" | "sequence" | "a tuple" | "a tuple struct" | "tuple variant" => {
            "an array".into()
        }
        "a map" | "map" | "struct variant" => "an object".into(),
        "map with a single key" | "newtype variant" => "an object with one key".into(),
        "string or map" | "enum" | "an enum" => "a string, or an object with one key".into(),
        "any value" | "any valid JSON value" | "anything at all" => "a value".into(),
        "IP address" => "an IP address".into(),
        "socket address" => "an IP address and a port".into(),
        _ => {
            let starts = |kinds: &[&str]| {
                kinds.iter().any(|kind| {
                    expected.strip_prefix(kind).is_some_and(|rest| rest.starts_with(' '))
                })
            };
            let number = |before: &str| {
                let rest = expected.strip_prefix(before)?;
                let rest = rest.strip_suffix(" elements").or(rest.strip_suffix(" element"));
                rest.or(expected.strip_prefix(before)).filter(|n| is_number(n))
            };
            let with = || {
                let rest = expected.rsplit_once(" with ").map(|(_, rest)| rest)?;
                let n = rest.strip_suffix(" elements").or(rest.strip_suffix(" element"))?;
                is_number(n).then_some(n)
            };
            let size = ["an array of length ", "an array of ", "a tuple of size ", "tuple of "];
            if let Some(n) = size.iter().find_map(|before| number(before)) {
                return items(n).into();
            }
            if starts(&["tuple struct", "tuple variant", "newtype struct"]) {
                return with().map_or(Cow::Borrowed("an array"), |n| items(n).into());
            }
            if starts(&["unit struct", "unit variant"]) {
                return "null".into();
            }
            if starts(&["struct", "struct variant", "internally tagged enum"])
                || starts(&["adjacently tagged enum", "map"])
            {
                return "an object".into();
            }
            if starts(&["enum", "variant of enum"]) {
                return "a string, or an object with one key".into();
            }
            // `a type tag `kind` or any other value`, and the words of types.
            hitl_base::display::clip(expected, MAX_WORDS)
        }
    }
}

/// Returns the allowed strings, as JSON.
pub(super) fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing: no value is allowed here".to_owned(),
        [word] => hitl_base::display::quoted(word),
        _ => {
            format!("one of {}", listed(words.iter().map(|word| hitl_base::display::quoted(word))))
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the range of a type of whole numbers, by its name in Rust.
fn whole_number(expected: &str) -> Option<String> {
    let (name, not_zero) = match expected.strip_prefix("a nonzero ") {
        Some(name) => (name, true),
        None => (expected, false),
    };
    macro_rules! ranges {
        ($($type:ident)*) => {
            match name {
                $(stringify!($type) => ($type::MIN.to_string(), $type::MAX.to_string()),)*
                _ => return None,
            }
        };
    }
    let (least, most) = ranges!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);
    Some(match (not_zero, least.as_str()) {
        (true, "0") => format!("a whole number from 1 to {most}"),
        (true, _) => format!("a whole number from {least} to {most} that is not 0"),
        (false, _) => format!("a whole number from {least} to {most}"),
    })
}

#[cfg(test)]
mod tests {
    use super::{in_json_words, one_of};

    #[test]
    fn types_of_rust_are_told_in_the_words_of_json() {
        for (rust, json) in [
            ("u8", "a whole number from 0 to 255"),
            ("u32", "a whole number from 0 to 4294967295"),
            ("i64", "a whole number from -9223372036854775808 to 9223372036854775807"),
            ("a nonzero u16", "a whole number from 1 to 65535"),
            ("a nonzero i8", "a whole number from -128 to 127 that is not 0"),
            ("f64", "a number"),
            ("a boolean", "true or false"),
            ("unit", "null"),
            ("option", "a value or null"),
            ("a sequence", "an array"),
            ("a map", "an object"),
            ("an array of length 3", "an array of 3 items"),
            ("a tuple of size 1", "an array of 1 item"),
            ("an empty array", "an empty array"),
            ("map with a single key", "an object with one key"),
            ("string or map", "a string, or an object with one key"),
            ("unit variant", "null"),
            ("byte array", "an array of whole numbers from 0 to 255"),
            ("struct Order", "an object"),
            ("struct Order with 2 elements", "an object"),
            ("struct variant Choice::Fields", "an object"),
            ("tuple struct Point with 2 elements", "an array of 2 items"),
            ("tuple variant Choice::Two", "an array"),
            ("internally tagged enum Choice", "an object"),
            ("enum Choice", "a string, or an object with one key"),
            // A type's own words.
            ("an amount like \"12.50 EUR\"", "an amount like \"12.50 EUR\""),
            ("structure of the house", "structure of the house"),
        ] {
            assert_eq!(in_json_words(rust), json, "{rust}");
        }
        assert!(in_json_words(&"x".repeat(5_000)).len() < 300);
    }

    #[test]
    fn allowed_strings_are_listed_as_json() {
        assert_eq!(one_of(&["low", "hi\"gh"]), r#"one of "low", "hi\"gh""#);
        assert_eq!(one_of(&["low"]), "\"low\"");
        assert!(one_of(&["x"; 500]).ends_with("and 470 more"));
    }
}
