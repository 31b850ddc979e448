//! Arguments reach the upstream to the digit, or are refused.

use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::installed::installed;
use crate::raw::Raw;
use crate::upstream::{Upstream, tool};

/// Numbers that a float does not hold.
const EXACT: [&str; 6] = [
    "9007199254740993",
    "123456789012345678901234567890",
    "0.1000000000000000055511151231257827",
    "-9223372036854775809",
    "18446744073709551616",
    "1.50",
];

/// Sends a call whose arguments are this text, in either era.
fn call(raw: &mut Raw, tool: &str, arguments: &str, modern: bool) -> Value {
    let id = raw.take_id();
    let meta = if modern { crate::raw::meta(&json!({})) } else { json!({}) };
    raw.lines.send(&format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"_meta":{meta},"name":"{tool}","arguments":{arguments}}}}}"#
    ));
    raw.response(id)
}

fn runs_exactly(raw: &mut Raw, upstream: &Upstream, modern: bool) {
    for number in EXACT {
        let before = upstream.received().len();
        let answer = call(raw, "read_note", &format!(r#"{{"n":{number}}}"#), modern);
        let received = upstream.received()[before..].to_owned();
        assert!(received.contains(number), "{number}: {answer}\n{received}");
        assert_eq!(answer["result"]["content"][0]["text"], "read_note has run", "{number}");
    }
    let before = upstream.runs("read_note");
    for refused in [
        r#"{"n":1,"n":2}"#,
        r#"{"note":"a","n":1,"note":"b"}"#,
        r#"{"n":1e400}"#,
        r#"{"n":-1e400}"#,
        r#"{"n":1,"\u006e":2}"#,
    ] {
        let answer = call(raw, "read_note", refused, modern);
        let is_refusal = answer.get("error").is_some() || answer["result"]["isError"] == true;
        assert!(is_refusal, "{refused}: {answer}");
    }
    assert_eq!(upstream.runs("read_note"), before, "{}", upstream.received());
}

#[test]
fn invariant_2_arguments_reach_the_upstream_to_the_digit_or_not_at_all() {
    let Some(installed) = installed() else { return };
    let upstream = Upstream::with(&json!([tool("read_note", true, "Reads a note.")]));
    let gateway = Gateway::before(upstream.command(&installed));
    let mut modern = Raw::start(&gateway.command());
    runs_exactly(&mut modern, &upstream, true);
    modern.lines.kill();
    let mut older = Raw::initialized(&gateway.command(), &json!({}));
    runs_exactly(&mut older, &upstream, false);
}
