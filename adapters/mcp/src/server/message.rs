//! One line of a client as a message. Pure.

use rmcp::ErrorData;
use rmcp::model::{ClientJsonRpcMessage, ErrorCode, RequestId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::arguments::{RawArguments, find_arguments, read_object};

/// A line of a client, read.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A message; a call with its exact arguments.
    Message(Box<ClientJsonRpcMessage>, Option<RawArguments>),
    /// A line without meaning: empty, or a notification that nobody knows.
    Nothing,
    /// No message. It is answered with an error, to its id if it has one.
    Refused(Option<RequestId>, ErrorData),
}

/// Reads a line, without its end.
pub(super) fn read_line(line: &[u8]) -> Incoming {
    // A byte order mark may stand before JSON.
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let Ok(text) = str::from_utf8(line) else {
        return Incoming::Refused(None, ErrorData::parse_error("the line is not UTF-8", None));
    };
    if text.trim().is_empty() {
        return Incoming::Nothing;
    }
    if let Err(error) = serde_json::from_str::<&RawValue>(text) {
        let why = format!("the line is not JSON: {}", reason(&error));
        return Incoming::Refused(None, ErrorData::parse_error(why, None));
    }
    let found = match find_arguments(text) {
        Ok(found) => found,
        Err(unclear) => {
            let id = id_of(text);
            // Without an id it may be a notification, which is not answered.
            let error = ErrorData::new(code_of(unclear), unclear.to_string(), None);
            return Incoming::Refused(id, error);
        }
    };
    let parsed = match &found {
        Some(found) => serde_json::from_str(&found.without_arguments(text)),
        None => serde_json::from_str(text),
    };
    match parsed {
        Ok(message) => Incoming::Message(Box::new(message), found.map(|found| found.arguments)),
        Err(_) => match (id_of(text), is_notification(text)) {
            (None, true) => Incoming::Nothing,
            (id, _) => {
                let why = "the line is no JSON-RPC message of the protocol";
                Incoming::Refused(id, ErrorData::invalid_request(why, None))
            }
        },
    }
}

fn code_of(unclear: super::arguments::Unclear) -> ErrorCode {
    use super::arguments::Unclear;
    match unclear {
        Unclear::Message => ErrorCode::INVALID_REQUEST,
        Unclear::Parameters | Unclear::Arguments => ErrorCode::INVALID_PARAMS,
    }
}

/// Returns the reason without the text that it may quote.
fn reason(error: &serde_json::Error) -> String {
    let kind = if error.is_eof() { "it ends early" } else { "a mistake" };
    format!("{kind} at column {}", error.column())
}

#[derive(Deserialize)]
struct Head<'m> {
    #[serde(default, borrow)]
    id: Option<&'m RawValue>,
    #[serde(default, borrow)]
    method: Option<&'m RawValue>,
}

/// Returns the id of a message, if it has one that can be answered.
pub(super) fn id_of(text: &str) -> Option<RequestId> {
    let head: Head<'_> = read_object(text)?;
    serde_json::from_str(head.id?.get()).ok()
}

fn is_notification(text: &str) -> bool {
    let head: Option<Head<'_>> = read_object(text);
    head.is_some_and(|head| head.id.is_none() && head.method.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &[u8]) -> (Option<RequestId>, i32) {
        match read_line(line) {
            Incoming::Refused(id, error) => (id, error.code.0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_message_is_refused_to_its_id() {
        assert_eq!(refused(b"{\"id\":1"), (None, -32700));
        assert_eq!(refused(b"\xff\xfe"), (None, -32700));
        assert_eq!(refused(b"hello"), (None, -32700));
        assert_eq!(refused(b"[]"), (None, -32600));
        assert_eq!(refused(br#"{"jsonrpc":"2.0","id":7}"#), (Some(RequestId::Number(7)), -32600));
        let text = br#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#;
        assert_eq!(refused(text), (Some(RequestId::String("a".into())), -32600));
        let twice =
            br#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"a","name":"b"}}"#;
        assert_eq!(refused(twice), (Some(RequestId::Number(3)), -32602));
        let list = br#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"a","arguments":[]}}"#;
        assert_eq!(refused(list), (Some(RequestId::Number(3)), -32602));
    }

    #[test]
    fn a_call_keeps_its_arguments_and_other_lines_have_none() {
        let line = br#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"a","arguments":{"n":1e400,"n":2}}}"#;
        let Incoming::Message(message, Some(arguments)) = read_line(line) else { panic!() };
        assert_eq!(arguments.text(), r#"{"n":1e400,"n":2}"#);
        let (request, _) = message.into_request().unwrap();
        assert_eq!(request.method(), "tools/call");
        for line in [
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"action":"decline"}}"#,
        ] {
            assert!(matches!(read_line(line.as_bytes()), Incoming::Message(_, None)), "{line}");
        }
        for line in ["", "  ", "\t"] {
            assert!(matches!(read_line(line.as_bytes()), Incoming::Nothing));
        }
    }

    #[test]
    fn errors_quote_nothing() {
        let line = br#"{"password": "hunter2" oops}"#;
        let Incoming::Refused(_, error) = read_line(line) else { panic!() };
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}
