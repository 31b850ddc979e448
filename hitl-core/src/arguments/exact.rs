//! Whether a typed value still says everything that the model's text said.

use hitl_base::Json;
use hitl_base::json::same_number;

use super::{ArgumentError, ArgumentErrorKind};

/// Compares what was given with what will be shown and run. A number must be the same number, and
/// nothing that was given may be gone: a nested type that drops unknown fields, or takes them by an
/// alias, would show less than the model asked for.
pub(super) fn check(given: &Json, kept: &Json) -> Result<(), ArgumentError> {
    match (given, kept) {
        (Json::Number(a), Json::Number(b)) if !same_number(a, b) => Err(changed()),
        // A type that keeps numbers as text (a decimal, say) must keep the same number.
        (Json::Number(a), Json::String(b)) if is_number(b) && !same_number(a, b) => Err(changed()),
        (Json::Array(given), Json::Array(kept)) if given.len() == kept.len() => {
            for (index, (a, b)) in given.iter().zip(kept).enumerate() {
                check(a, b).map_err(|error| error.inside_item(index))?;
            }
            Ok(())
        }
        (Json::Object(given), Json::Object(entries)) => {
            for (key, value) in given {
                // What is kept was written by us, in the order of its keys: a hostile object of many
                // keys costs no quadratic time.
                let at = entries.binary_search_by(|(k, _)| k.as_bytes().cmp(key.as_bytes()));
                match at.ok().and_then(|at| entries.get(at)).map(|(_, kept)| kept) {
                    Some(kept) => check(value, kept).map_err(|error| error.inside(key))?,
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
        _ => Ok(()),
    }
}

fn changed() -> ArgumentError {
    let why =
        "this number would be changed by the parameter's type; write one that fits it exactly";
    ArgumentError::new(ArgumentErrorKind::Inexact, why)
}

fn is_number(text: &str) -> bool {
    same_number(text, text)
}
