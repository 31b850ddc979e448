//! Whether a typed value still says everything that the model's text said.

use hitl_base::Json;
use hitl_base::json::same_number;

use super::{ArgumentError, ArgumentErrorKind};

/// Compares what was given with what will be shown and run. A number must be the same number, and
/// nothing that was given may be gone: a nested type that drops unknown fields, takes them by an
/// alias, or keeps fewer items, would show less than the model asked for.
///
/// `clear` is what is kept, without what is secret: inside a secret, an error names no keys.
pub(super) fn check(given: &Json, kept: &Json, clear: &Json) -> Result<(), ArgumentError> {
    if kept != &Json::Null && clear == &Json::Null {
        return compare(given, kept, kept).map_err(ArgumentError::without_path);
    }
    compare(given, kept, clear)
}

fn compare(given: &Json, kept: &Json, clear: &Json) -> Result<(), ArgumentError> {
    match (given, kept) {
        (Json::Number(a), Json::Number(b)) if same_number(a, b) => Ok(()),
        // A type may name numbers by words; where it keeps digits, they are those of the number.
        (Json::Number(a), Json::String(b)) if !has_digits(b) || same_number(a, b) => Ok(()),
        (Json::String(a), Json::Number(b)) if !has_digits(a) || same_number(a, b) => Ok(()),
        (Json::Number(_), Json::Number(_) | Json::String(_))
        | (Json::String(_), Json::Number(_)) => Err(changed()),
        (Json::Array(given), Json::Array(kept)) => {
            if given.len() != kept.len() {
                let why = "the parameter's type keeps another number of items; \
                           leave out what stands here twice";
                return Err(ArgumentError::new(ArgumentErrorKind::Inexact, why));
            }
            let clear = clear.as_array().unwrap_or(kept);
            for (index, ((a, b), c)) in given.iter().zip(kept).zip(clear).enumerate() {
                check(a, b, c).map_err(|error| error.inside_item(index))?;
            }
            Ok(())
        }
        (Json::Object(given), Json::Object(entries)) => {
            for (key, value) in given {
                // What is kept was written by us, in the order of its keys: a hostile object of many
                // keys costs no quadratic time.
                let at = entries.binary_search_by(|(k, _)| k.as_bytes().cmp(key.as_bytes())).ok();
                match at.and_then(|at| Some((&entries.get(at)?.1, clear.entries().get(at)))) {
                    Some((kept, clear)) => check(value, kept, clear.map_or(kept, |(_, c)| c))
                        .map_err(|error| error.inside(key))?,
                    None if *value == Json::Null => {}
                    None => {
                        let why = "the parameter's type does not keep this field: it is unknown or an alias";
                        return Err(
                            ArgumentError::new(ArgumentErrorKind::UnknownField, why).inside(key)
                        );
                    }
                }
            }
            Ok(())
        }
        (given, Json::Null) if says_something(given) => {
            let why = "the parameter's type does not keep this value";
            Err(ArgumentError::new(ArgumentErrorKind::Inexact, why))
        }
        _ => Ok(()),
    }
}

/// Whether a value is more than nothing in one of its forms.
fn says_something(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(entries) => !entries.is_empty(),
        Json::Bool(_) | Json::Number(_) => true,
    }
}

fn has_digits(text: &str) -> bool {
    text.chars().any(char::is_numeric)
}

fn changed() -> ArgumentError {
    let why =
        "this number would be changed by the parameter's type; write one that fits it exactly";
    ArgumentError::new(ArgumentErrorKind::Inexact, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hitl_base::json::scan;

    fn checked(given: &str, kept: &str) -> Result<(), ArgumentError> {
        let kept = scan(kept).unwrap();
        check(&scan(given).unwrap(), &kept, &kept)
    }

    #[test]
    fn what_says_the_same_is_kept() {
        for (given, kept) in [
            ("5000", "5000.0"),
            ("5e3", r#""5000""#),
            (r#""5e3""#, "5000"),
            ("1", r#""low""#),
            (r#""low""#, "1"),
            ("[1,2]", "[1.0,2.0]"),
            (r#"{"a":null}"#, r#"{"b":1}"#),
            (r#""""#, "null"),
        ] {
            assert_eq!(checked(given, kept), Ok(()), "{given} {kept}");
        }
    }

    #[test]
    fn invariant_2_what_a_type_changes_or_drops_is_refused() {
        for (given, kept, path) in [
            ("9007199254740993", "9007199254740992", ""),
            ("5000", r#""5000 EUR""#, ""),
            (r#""5000 EUR""#, "5000", ""),
            (r#""5,000""#, "5", ""),
            (r#"{"ids":[1,1]}"#, r#"{"ids":[1]}"#, "ids"),
            (r#"{"ids":["a"]}"#, r#"{"ids":["a","b"]}"#, "ids"),
            (r#"[["a",1],["b",2]]"#, r#"[["a",1],["b",3]]"#, "[1][1]"),
            (r#"{"to":"bob"}"#, r#"{"to":null}"#, "to"),
            (r#"{"all":true}"#, r#"{"all":null}"#, "all"),
            (r#"{"x":1}"#, "{}", "x"),
        ] {
            let error = checked(given, kept).unwrap_err();
            assert_eq!(error.path(), path, "{given} {kept}");
        }
    }

    #[test]
    fn invariant_8_what_is_wrong_inside_a_secret_names_no_keys() {
        let given = scan(r#"{"login":{"hunter2":1,"user":"u"}}"#).unwrap();
        let kept = scan(r#"{"login":{"user":"u"}}"#).unwrap();
        let clear = scan(r#"{"login":null}"#).unwrap();
        assert_eq!(check(&given, &kept, &kept).unwrap_err().path(), "login.hunter2");
        assert_eq!(check(&given, &kept, &clear).unwrap_err().path(), "login");
    }
}
