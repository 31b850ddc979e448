//! Text that the parser accepts and refuses.

use super::*;
use proptest::prelude::*;

fn kind(text: &str) -> ParseJsonErrorKind {
    parse_json(text).unwrap_err().kind()
}

#[test]
fn what_json_forbids_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "nul",
        "NaN",
        "Infinity",
        "-",
        "\"",
        "\"\u{1}\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\u12\"",
        "1 2",
        "{a:1}",
        "{'a':1}",
        "\u{feff}1",
        "[1}",
        "// c\n1",
    ] {
        assert_eq!(kind(text), ParseJsonErrorKind::Syntax, "{text:?}");
    }
}

#[test]
fn duplicate_keys_are_refused_at_any_depth_and_size() {
    assert_eq!(kind(r#"{"a":1,"a":1}"#), ParseJsonErrorKind::DuplicateKey);
    // The same key, spelled with an escape.
    assert_eq!(kind(r#"[{"b":{"a":1,"\u0061":2}}]"#), ParseJsonErrorKind::DuplicateKey);
    let many: Vec<String> = (0..1000).map(|i| format!("\"k{}\":0", i % 999)).collect();
    let error = parse_json(&format!("{{\"x\":{{{}}}}}", many.join(","))).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ParseJsonErrorKind::DuplicateKey, "x.k0"));
}

#[test]
fn deep_long_and_endless_input_is_refused() {
    let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert!(parse_json(&deep(64)).is_ok());
    assert_eq!(kind(&deep(65)), ParseJsonErrorKind::TooDeep);
    assert_eq!(kind(&"[".repeat(1_000_000)), ParseJsonErrorKind::TooDeep);
    assert_eq!(kind("1e400"), ParseJsonErrorKind::NotFinite);
    assert_eq!(kind("-1e400"), ParseJsonErrorKind::NotFinite);
    let short = Limits { bytes: 4, ..Limits::default() };
    assert_eq!(parse_with_limits("12345", short).unwrap_err().kind(), ParseJsonErrorKind::TooLong);
}

#[test]
fn errors_say_where_and_quote_no_value() {
    let error = parse_json("{\"flights\": [{}, {\n  \"pin\": \"hunter2\" \"x\"}]}").unwrap_err();
    assert_eq!(error.to_string(), "line 2, column 20 (at `flights[1]`): expected `,` or `}`");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn numbers_stay_as_written() {
    for n in ["0", "-0", "1.0", "1", "1e5", "9007199254740993", "0.1000", "1E-7"] {
        assert_eq!(parse_json(n).unwrap().to_text(), n);
    }
}

proptest! {
    #[test]
    fn strings_round_trip(text: String) {
        let literal = Json::String(text.clone()).to_text();
        prop_assert_eq!(parse_json(&literal).unwrap(), Json::String(text.clone()));
        prop_assert_eq!(serde_json::from_str::<String>(&literal).unwrap(), text);
    }

    #[test]
    fn never_panics_and_accepts_only_json(text in "[\\[\\]{}\",:0-9eE+.\\\\untrfalsde -]{0,40}") {
        if parse_json(&text).is_ok() {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
        }
    }
}
