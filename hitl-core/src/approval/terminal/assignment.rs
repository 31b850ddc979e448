//! Changes of arguments that are typed as `name=value`. Pure.

use hitl_base::Json;
use hitl_base::json::parse_json;

/// Returns the arguments after a line `name=value`, or what is wrong with the line.
///
/// The value is JSON: `500`, `["a"]`, `{"city": "Bonn"}`. Where the argument is a text already, and
/// where the value is no JSON, it is a text as it stands. `null` leaves the argument out.
pub(super) fn assign(arguments: &Json, line: &str) -> Result<Json, &'static str> {
    let Some((name, typed)) = line.split_once('=') else {
        return Err("type a name, an equals sign and a value, like  amount=500");
    };
    let (name, typed) = (name.trim(), typed.trim());
    if name.is_empty() {
        return Err("the name of the argument is missing");
    }
    let mut entries = arguments.entries().to_vec();
    let at = entries.iter().position(|(key, _)| key == name);
    let value = value(typed, at.map(|at| &entries[at].1))?;
    match (at, value) {
        (Some(at), Json::Null) => drop(entries.remove(at)),
        (Some(at), value) => entries[at].1 = value,
        (None, Json::Null) => return Err("there is no such argument"),
        (None, value) => entries.push((name.to_owned(), value)),
    }
    Ok(Json::Object(entries))
}

fn value(typed: &str, present: Option<&Json>) -> Result<Json, &'static str> {
    let is_text = matches!(present, Some(Json::String(_)));
    if typed.starts_with('"') {
        return parse_json(typed).map_err(|_| "the quoted text is not complete");
    }
    match parse_json(typed) {
        Ok(Json::Null) => Ok(Json::Null),
        Ok(value) if !is_text => Ok(value),
        _ if typed.is_empty() && !is_text => {
            Err("the value is missing; `null` leaves the argument out")
        }
        // Half a list is a slip, not a text.
        Err(_) if !is_text && typed.starts_with(['[', '{']) => Err("the value is not JSON"),
        _ => Ok(Json::String(typed.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(line: &str) -> Result<String, &'static str> {
        let arguments = r#"{"to":"ann","amount":900,"tags":["a"],"note":null}"#;
        assign(&parse_json(arguments).unwrap(), line).map(|tree| tree.to_text())
    }

    #[test]
    fn a_line_changes_one_argument() {
        for (line, expected) in [
            ("amount=500", r#"{"to":"ann","amount":500,"tags":["a"],"note":null}"#),
            (" amount = 500.10 ", r#"{"to":"ann","amount":500.10,"tags":["a"],"note":null}"#),
            ("to=bob = carl", r#"{"to":"bob = carl","amount":900,"tags":["a"],"note":null}"#),
            ("to=42", r#"{"to":"42","amount":900,"tags":["a"],"note":null}"#),
            (r#"to="4\n2""#, r#"{"to":"4\n2","amount":900,"tags":["a"],"note":null}"#),
            ("to=", r#"{"to":"","amount":900,"tags":["a"],"note":null}"#),
            ("to=null", r#"{"amount":900,"tags":["a"],"note":null}"#),
            (r#"tags=["b", "c"]"#, r#"{"to":"ann","amount":900,"tags":["b","c"],"note":null}"#),
            ("note=call first", r#"{"to":"ann","amount":900,"tags":["a"],"note":"call first"}"#),
            ("new=true", r#"{"to":"ann","amount":900,"tags":["a"],"note":null,"new":true}"#),
        ] {
            assert_eq!(assigned(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn an_unclear_line_changes_nothing() {
        for line in ["amount", "", "=5", "amount=", "tags=[\"b\"", "to=\"x", "gone=null"] {
            assert!(assigned(line).is_err(), "{line}");
        }
    }
}
