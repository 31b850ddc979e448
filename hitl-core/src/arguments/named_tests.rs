use hitl_base::json::parse_json;

use super::Secrecy::{Nothing, Part, Whole};
use super::*;

/// Looks up names in a schema, with one path that the host declared sensitive.
fn find(schema: &str, names: &[&str]) -> Vec<Result<Secrecy, String>> {
    let schema = parse_json(schema).unwrap();
    let known = ArgumentNames::of_schema(&schema, ["cards[].number"]);
    names.iter().map(|name| known.find(name)).collect()
}

#[test]
fn names_of_all_alternatives_are_known() {
    let schema = r##"{
        "type": "object",
        "properties": {"id": {}, "note": {"type": ["string", "null"]}},
        "required": ["id"],
        "allOf": [{"$ref": "#/$defs/Money"}],
        "anyOf": [{"properties": {"iban": {}}}, {"oneOf": [{"properties": {"card": {}}}]}],
        "if": {"properties": {"never": {}}}, "then": {"properties": {"then": {}}},
        "$defs": {"Money": {"properties": {"amount": {"$ref": "#/$defs/Money"}}}}
    }"##;
    for found in find(schema, &["id", "note", "amount", "iban", "card", "then"]) {
        assert_eq!(found, Ok(Secrecy::Nothing));
    }
    let other = find(schema, &["amuont", "never", "amount.value", "id[0]", "Money"]);
    let said: Vec<String> = other.into_iter().map(Result::unwrap_err).collect();
    assert_eq!(said[0], "; did you mean `amount`?");
    assert!(said[1].starts_with("; known are `id`, `note`, "), "{}", said[1]);
    assert_eq!(said[2], "; name the whole argument, `amount`: parts have no names here");
    assert!(said[3].contains("the whole argument, `id`"), "{}", said[3]);
    assert!(said[4].starts_with("; known are "), "{}", said[4]);
}

#[test]
fn a_schema_that_takes_other_names_takes_all_but_near_misses() {
    for open in [
        r#"{"properties":{"amount":{}},"additionalProperties":true}"#,
        r#"{"properties":{"amount":{}},"additionalProperties":{"type":"string"}}"#,
        r#"{"properties":{"amount":{}},"patternProperties":{"^x":{}}}"#,
        r#"{"anyOf":[{"properties":{"amount":{}}},{"additionalProperties":{}}]}"#,
    ] {
        let found = find(open, &["amount", "payment_id", "amonut", "Amount"]);
        assert_eq!(found[..2], [Ok(Secrecy::Nothing), Ok(Secrecy::Nothing)], "{open}");
        for near in &found[2..] {
            assert_eq!(near, &Err("; did you mean `amount`?".to_owned()), "{open}");
        }
    }
    // By the standard each of these takes any name, but the first one names what it means.
    assert!(find(r#"{"properties":{"amount":{}}}"#, &["payment_id"])[0].is_err());
    assert_eq!(find(r#"{"type":"object"}"#, &["payment_id"]), [Ok(Secrecy::Nothing)]);
    assert_eq!(find("true", &["payment_id"]), [Ok(Secrecy::Nothing)]);
    for none in
        [r#"{"additionalProperties":false}"#, r#"{"properties":{},"additionalProperties":false}"#]
    {
        assert_eq!(find(none, &["id"]), [Err("; the tool has no arguments".to_owned())]);
    }
}

#[test]
fn secrets_are_found_wherever_they_are_marked() {
    let schema = r##"{
        "properties": {
            "pin": {"$ref": "#/$defs/Pin"}, "login": {"properties": {"pin": {"$ref": "#/$defs/Pin"}}},
            "keys": {"items": {"anyOf": [{"type": "string"}, {"x-sensitive": true}]}},
            "by": {"additionalProperties": {"writeOnly": true}},
            "cards": {"items": {"properties": {"number": {}}}},
            "tree": {"$ref": "#/$defs/Tree"}, "id": {"writeOnly": false}
        },
        "anyOf": [{"properties": {"id2": {}}}, {"properties": {"id2": {"writeOnly": true}}}],
        "$defs": {"Pin": {"type": "string", "writeOnly": true},
            "Tree": {"properties": {"left": {"$ref": "#/$defs/Tree"}}}}
    }"##;
    let names = ["pin", "login", "keys", "by", "cards", "tree", "id", "id2"];
    let found: Vec<Secrecy> = find(schema, &names).into_iter().map(Result::unwrap).collect();
    assert_eq!(found, [Whole, Part, Part, Part, Part, Nothing, Nothing, Whole]);
    for (path, secrecy) in
        [("a", Whole), ("*", Whole), ("a.b", Part), ("*.b", Part), ("b", Nothing)]
    {
        let schema = parse_json(r#"{"properties":{"a":{}}}"#).unwrap();
        assert_eq!(ArgumentNames::of_schema(&schema, [path]).find("a"), Ok(secrecy), "{path}");
    }
}
