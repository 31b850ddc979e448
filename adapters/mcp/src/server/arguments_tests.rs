use proptest::prelude::*;

use super::*;

fn call(arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"pay","arguments":{arguments},"_meta":{{"a":"}}"}}}}}}"#
    )
}

fn text_of(message: &str) -> Result<Option<String>, Unclear> {
    find_arguments(message).map(|found| found.map(|found| found.arguments.text().to_owned()))
}

#[test]
fn the_text_is_kept_to_the_digit() {
    for arguments in [
        "{}",
        r#"{"a":1,"a":2}"#,
        r#"{"n":9007199254740993.0}"#,
        r#"{"n":1e400}"#,
        r#"{"n":-0, "m":123456789012345678901234567890}"#,
        r#"{ "text" : "}{\"\u0061" }"#,
        "{\"a\":\n[1,\t2]}",
    ] {
        assert_eq!(text_of(&call(arguments)), Ok(Some(arguments.to_owned())));
    }
}

#[test]
fn names_of_members_are_read_as_json() {
    let message = r#"{"meth\u006fd":"tools\/call","params":{"argum\u0065nts":{"a":1}}}"#;
    assert_eq!(text_of(message), Ok(Some(r#"{"a":1}"#.to_owned())));
}

#[test]
fn no_arguments_are_an_empty_object() {
    for params in [r#"{"name":"x"}"#, r#"{"name":"x","arguments":null}"#] {
        let message = format!(r#"{{"method":"tools/call","params":{params}}}"#);
        assert_eq!(text_of(&message), Ok(Some("{}".to_owned())));
    }
}

#[test]
fn other_messages_have_none() {
    for message in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"arguments":{}}}"#,
        r#"{"method":"tools/list","params":{"arguments":{"a":1,"a":2}}}"#,
    ] {
        assert_eq!(text_of(message), Ok(None), "{message}");
    }
}

#[test]
fn invariant_5_what_could_be_read_in_two_ways_is_refused() {
    let twice = [
        (r#"{"method":"tools/call","method":"ping","params":{}}"#, Unclear::Message),
        (r#"{"method":"tools/call","params":{},"params":{}}"#, Unclear::Message),
        (r#"{"method":"tools/call","id":1,"id":2,"params":{}}"#, Unclear::Message),
        (
            r#"{"method":"tools/call","params":{"arguments":{},"arguments":{}}}"#,
            Unclear::Parameters,
        ),
        (
            r#"{"method":"tools/call","params":{"arguments":{},"arg\u0075ments":{}}}"#,
            Unclear::Parameters,
        ),
        (r#"{"method":"tools/call","params":{"name":"a","name":"b"}}"#, Unclear::Parameters),
        (
            r#"{"method":"tools/call","params":{"requestState":"a","requestState":"b"}}"#,
            Unclear::Parameters,
        ),
        (
            r#"{"method":"tools/call","params":{"inputResponses":{},"inputResponses":{}}}"#,
            Unclear::Parameters,
        ),
        (r#"{"method":"tools/call","params":{"_meta":{},"_meta":{}}}"#, Unclear::Parameters),
    ];
    for (message, why) in twice {
        assert_eq!(text_of(message), Err(why), "{message}");
    }
    for params in ["[]", r#"[{"text":"a"},"write_note",{"text":"b"}]"#, "7", "\"x\""] {
        let message = format!(r#"{{"method":"tools/call","params":{params}}}"#);
        assert_eq!(text_of(&message), Err(Unclear::Parameters), "{message}");
    }
    assert_eq!(text_of(r#"{"method":"tools/call"}"#), Err(Unclear::Parameters));
    for arguments in ["[]", "7", "true", "\"{}\""] {
        assert_eq!(text_of(&call(arguments)), Err(Unclear::Arguments), "{arguments}");
    }
    let list = r#"["tools/call",{"arguments":{}},1]"#;
    for broken in ["", "[]", list, "{", "{}{}", "nothing", r#"{"a":1"#] {
        assert_eq!(text_of(broken), Err(Unclear::Message), "{broken}");
    }
}

/// Any JSON value, as text with its own spaces and numbers.
fn any_json() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let text = any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap());
    let leaf =
        prop_oneof![number.prop_map(|n| n), text, Just("null".to_owned()), Just("true".to_owned())];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = any::<String>().prop_map(|name| serde_json::to_string(&name).unwrap());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::vec((name, inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("{name} : {value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn the_text_of_any_object_is_kept_and_cut_out(value in any_json(), name in any::<String>()) {
        let name = serde_json::to_string(&name).unwrap();
        let arguments = format!("{{{name}:{value}}}");
        let message = call(&arguments);
        let found = find_arguments(&message).unwrap().unwrap();
        prop_assert_eq!(found.arguments.text(), &arguments);
        prop_assert_eq!(found.without_arguments(&message), call("{}"));
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = find_arguments(&text);
    }
}
