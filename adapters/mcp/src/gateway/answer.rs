//! The meaning of the answer to a `tools/call`. Pure.

use hitl_base::JsonText;
use hitl_base::display::{clip, visible};
use rmcp::model::{CallToolResult, InputRequiredResult};
use serde::Deserialize;

use super::wire::RawAnswer;

/// The most characters of a server's message that are passed on.
const LONGEST_MESSAGE: usize = 2_000;

/// The meaning of an answer.
#[derive(Debug)]
pub(super) enum Meaning {
    /// The tool ran. The whole result, as it was sent.
    Ran(JsonText),
    /// The tool ran and says that it failed. The whole result, and its text.
    Failed { output: JsonText, message: String },
    /// The server needs answers before it continues.
    InputRequired(Box<InputRequiredResult>),
    /// The server refused the request: nothing ran.
    Refused(String),
    /// The server says that the call failed, and not how far it came.
    ServerError(String),
    /// An answer that cannot be read: the tool may have run.
    Unclear(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    #[serde(default)]
    result_type: Option<String>,
    #[serde(default)]
    is_error: Option<bool>,
}

/// Reads an answer.
pub(super) fn meaning(answer: &RawAnswer) -> Meaning {
    let text = match answer {
        RawAnswer::Result(text) => text,
        RawAnswer::Error { code, message } => return error_meaning(*code, message),
        RawAnswer::Unreadable(why) => return Meaning::Unclear(why.clone()),
        RawAnswer::NotSent(why) => return Meaning::Refused(shown(why)),
    };
    let unclear = || Meaning::Unclear("the server's answer is no result of a tool".to_owned());
    let (Ok(kind), Ok(output)) = (serde_json::from_str::<Kind>(text), JsonText::new(text.clone()))
    else {
        return unclear();
    };
    match kind.result_type.as_deref() {
        None | Some("complete") => {}
        Some("input_required") => {
            return serde_json::from_str(text)
                .map_or_else(|_| unclear(), |it| Meaning::InputRequired(Box::new(it)));
        }
        Some(_) => return unclear(),
    }
    // What the client could not read would be lost on the way to it.
    let Ok(result) = serde_json::from_str::<CallToolResult>(text) else { return unclear() };
    if kind.is_error != Some(true) {
        return Meaning::Ran(output);
    }
    let texts = result.content.iter().filter_map(|content| content.as_text());
    let texts: Vec<_> = texts.map(|text| text.text.as_str()).collect();
    let message = match texts.join("\n") {
        empty if empty.is_empty() => "the tool reported an error".to_owned(),
        text => shown(&text),
    };
    Meaning::Failed { output, message }
}

/// Tells what an error says of the call.
fn error_meaning(code: i64, message: &str) -> Meaning {
    let said = format!("{} (error {code})", shown(message));
    match code {
        // No JSON, no request, no such method, other parameters: the server read no further.
        -32700 | -32602..=-32600 => Meaning::Refused(said),
        // Proxies answer so for a server that was too slow or whose connection ended.
        -32001 | -32000 => Meaning::Unclear(format!("the call may have run: {said}")),
        _ => Meaning::ServerError(format!("the server reported an error: {said}")),
    }
}

fn shown(message: &str) -> String {
    clip(&visible(message), LONGEST_MESSAGE).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Meaning {
        meaning(&RawAnswer::Result(text.to_owned()))
    }

    #[test]
    fn a_result_is_kept_as_it_was_sent() {
        for text in [
            r#"{"content":[{"type":"text","text":"1"}],"structuredContent":{"a":1.00}}"#,
            r#"{"content":[],"structuredContent":[123456789012345678901234567890],"resultType":"complete"}"#,
            r#"{"content":[{"type":"image","data":"aGk=","mimeType":"image/png"}],"_meta":{"x":1}}"#,
            r#"{"content":[],"isError":false}"#,
        ] {
            let Meaning::Ran(output) = of(text) else { panic!("{text}: {:?}", of(text)) };
            assert_eq!(output.as_str(), text);
        }
    }

    #[test]
    fn an_error_of_the_tool_keeps_its_content_and_its_text() {
        let text = r#"{"content":[{"type":"text","text":"no \u001b[2J"},{"type":"text","text":"file"}],"isError":true}"#;
        let Meaning::Failed { output, message } = of(text) else { panic!("{:?}", of(text)) };
        assert_eq!(output.as_str(), text);
        assert_eq!(message, "no \\u{1b}[2J\\nfile");
        let Meaning::Failed { message, .. } = of(r#"{"content":[],"isError":true}"#) else {
            panic!();
        };
        assert_eq!(message, "the tool reported an error");
    }

    #[test]
    fn invariant_5_an_answer_that_cannot_be_read_is_no_success() {
        for text in [
            r#"{"resultType":"task","taskId":"1"}"#,
            r#"{"resultType":"else","content":[]}"#,
            r#"{"resultType":"input_required","inputRequests":3}"#,
            r#"{"content":3}"#,
            r#"{"isError":"yes"}"#,
            "[]",
            "3",
            "null",
        ] {
            assert!(matches!(of(text), Meaning::Unclear(_)), "{text}: {:?}", of(text));
        }
        let refused = RawAnswer::Error { code: -32602, message: "unknown\u{200b}".to_owned() };
        let Meaning::Refused(why) = meaning(&refused) else { panic!() };
        assert_eq!(why, "unknown\\u{200b} (error -32602)");
    }

    #[test]
    fn invariant_5_only_an_error_about_the_request_itself_says_that_nothing_ran() {
        let of = |code| meaning(&RawAnswer::Error { code, message: "no".to_owned() });
        for code in [-32700, -32600, -32601, -32602] {
            assert!(matches!(of(code), Meaning::Refused(_)), "{code}: {:?}", of(code));
        }
        for code in [-32000, -32001] {
            assert!(matches!(of(code), Meaning::Unclear(_)), "{code}: {:?}", of(code));
        }
        for code in [-32603, -32002, -32099, -32599, -32701, 0, 1, 500, i64::MIN, i64::MAX] {
            assert!(matches!(of(code), Meaning::ServerError(_)), "{code}: {:?}", of(code));
        }
    }
}
