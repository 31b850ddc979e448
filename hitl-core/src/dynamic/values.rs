//! The values of a schema's keywords.

use hitl_base::Json;
use hitl_base::json::{is_whole, same_number};

use super::multiple::Step;
use super::schema::Kind;

pub(super) fn types(value: &Json, at: &str) -> Result<Vec<Kind>, String> {
    let one = |name: &Json| {
        let name = name.as_str().unwrap_or_default();
        let kind = Kind::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        kind.ok_or_else(|| format!("at `{at}`: this is no type of JSON Schema"))
    };
    match value {
        Json::Array(names) if !names.is_empty() => names.iter().map(one).collect(),
        name => Ok(vec![one(name)?]),
    }
}

pub(super) fn list<'j>(value: &'j Json, at: &str) -> Result<&'j [Json], String> {
    value.as_array().ok_or_else(|| format!("at `{at}`: expected a list, found {}", value.kind()))
}

pub(super) fn object<'j>(value: &'j Json, at: &str) -> Result<&'j [(String, Json)], String> {
    match value {
        Json::Object(entries) => Ok(entries),
        other => Err(format!("at `{at}`: expected an object, found {}", other.kind())),
    }
}

pub(super) fn text<'j>(value: &'j Json, at: &str) -> Result<&'j str, String> {
    value.as_str().ok_or_else(|| format!("at `{at}`: expected a string, found {}", value.kind()))
}

pub(super) fn flag(value: &Json, at: &str) -> Result<bool, String> {
    match value {
        Json::Bool(flag) => Ok(*flag),
        other => Err(format!("at `{at}`: expected true or false, found {}", other.kind())),
    }
}

pub(super) fn number(value: &Json, at: &str) -> Result<Box<str>, String> {
    match value {
        Json::Number(lexeme) if same_number(lexeme, lexeme) => Ok(lexeme.clone()),
        other => Err(format!("at `{at}`: expected a number, found {}", other.kind())),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size beyond the exact range of a double is beyond any value"
)]
pub(super) fn size(value: &Json, at: &str) -> Result<u64, String> {
    let lexeme = number(value, at)?;
    match value.as_f64() {
        Some(size) if is_whole(&lexeme) && size >= 0.0 => Ok(size as u64),
        _ => Err(format!("at `{at}`: expected a whole number from 0")),
    }
}

/// Reads a number of which others are multiples.
pub(super) fn step(value: &Json, at: &str) -> Result<Step, String> {
    Step::new(&number(value, at)?)
        .ok_or_else(|| format!("at `{at}`: expected a number above 0 with at most 18 digits"))
}
