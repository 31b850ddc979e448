//! Messages to and from an upstream, with the parts that rmcp's types would round: arguments go out
//! and results come in as the text that was written. Pure.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, GetMeta as _, ProgressToken, RequestId};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// The longest line or event that is read, in bytes: the limit of the protocol's own library.
pub(super) const LONGEST_LINE: usize = 16 << 20;

/// The exact text of a call's arguments, in the extensions of the request that carries them.
#[derive(Clone, Debug)]
pub(super) struct ExactArguments(pub(super) Arc<str>);

/// Where the exact text of the answer to a request goes; in the extensions of the request.
#[derive(Clone, Debug, Default)]
pub(super) struct AnswerSlot(Arc<AnswerState>);

#[derive(Debug, Default)]
struct AnswerState {
    /// Set once the request is about to be written; with the token of its progress.
    sent: OnceLock<Option<ProgressToken>>,
    answer: OnceLock<RawAnswer>,
}

impl AnswerSlot {
    /// Notes that the request is about to be written: from now on it may take effect.
    /// `token` is the one that the server names when it says how far it is.
    pub(super) fn note_sent(&self, token: Option<ProgressToken>) {
        let _first = self.0.sent.set(token);
    }

    /// Returns whether the request has this token.
    pub(super) fn has_token(&self, token: &ProgressToken) -> bool {
        matches!(self.0.sent.get(), Some(Some(sent)) if sent == token)
    }

    /// Returns whether the request may have reached the upstream.
    pub(super) fn is_sent(&self) -> bool {
        self.0.sent.get().is_some()
    }

    /// Fills the slot. The first answer counts.
    pub(super) fn fill(&self, answer: RawAnswer) {
        let _first = self.0.answer.set(answer);
    }

    /// Returns the answer, if one came.
    pub(super) fn answer(&self) -> Option<&RawAnswer> {
        self.0.answer.get()
    }
}

/// The text of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RawAnswer {
    /// The `result`.
    Result(String),
    /// A JSON-RPC error, with its message.
    Error { code: i64, message: String },
    /// An answer came that cannot be read, and why.
    Unreadable(String),
    /// The request did not reach the server, or was refused before it was read; and why.
    NotSent(String),
}

/// Returns the slot of a request, and its id and token.
pub(super) fn slot_of(message: &ClientJsonRpcMessage) -> Option<SlotOf> {
    let ClientJsonRpcMessage::Request(request) = message else { return None };
    let extensions = match &request.request {
        ClientRequest::CallToolRequest(call) => &call.extensions,
        ClientRequest::ListToolsRequest(list) => &list.extensions,
        _ => return None,
    };
    let slot = extensions.get::<AnswerSlot>()?.clone();
    let token = request.request.get_meta().get_progress_token();
    Some(SlotOf { id: request.id.clone(), slot, token })
}

/// A request whose answer is kept as text.
pub(super) struct SlotOf {
    pub(super) id: RequestId,
    pub(super) slot: AnswerSlot,
    pub(super) token: Option<ProgressToken>,
}

/// Returns the text of a message, with the exact arguments if it carries some.
pub(super) fn encode(message: &ClientJsonRpcMessage) -> serde_json::Result<Vec<u8>> {
    let exact = match message {
        ClientJsonRpcMessage::Request(request) => match &request.request {
            ClientRequest::CallToolRequest(call) => call.extensions.get::<ExactArguments>(),
            _ => None,
        },
        _ => None,
    };
    let Some(ExactArguments(arguments)) = exact else { return serde_json::to_vec(message) };
    let Value::Object(fields) = serde_json::to_value(message)? else {
        return serde_json::to_vec(message);
    };
    let mut line = BTreeMap::<&str, Box<RawValue>>::new();
    for (key, value) in &fields {
        let raw = match value {
            Value::Object(params) if key == "params" => {
                let mut raw = BTreeMap::<&str, Box<RawValue>>::new();
                for (key, value) in params {
                    raw.insert(key, to_raw_value(value)?);
                }
                raw.insert("arguments", RawValue::from_string(arguments.to_string())?);
                to_raw_value(&raw)?
            }
            other => to_raw_value(other)?,
        };
        line.insert(key, raw);
    }
    serde_json::to_vec(&line)
}

/// A message of an upstream, as far as the transport has to understand it.
#[derive(Deserialize)]
struct Envelope<'t> {
    #[serde(default)]
    id: Option<RequestId>,
    #[serde(borrow, default)]
    method: Option<&'t RawValue>,
    #[serde(borrow, default)]
    result: Option<&'t RawValue>,
    #[serde(default)]
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

/// The kind of a line of an upstream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// The answer to a request of ours.
    Answer(RequestId, RawAnswer),
    /// An answer that names no request.
    Uncorrelated,
    /// A request or a notification.
    Other,
    /// No JSON-RPC message.
    Malformed,
}

/// Tells what a text is. Linear in its length; nothing in it is copied but an answer.
pub(super) fn classify(text: &str) -> Incoming {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else {
        return Incoming::Malformed;
    };
    if envelope.method.is_some() {
        return Incoming::Other;
    }
    let answer = match (envelope.result, envelope.error) {
        (Some(result), None) => RawAnswer::Result(result.get().to_owned()),
        (None, Some(error)) => RawAnswer::Error { code: error.code, message: error.message },
        _ => return Incoming::Malformed,
    };
    match envelope.id {
        Some(id) => Incoming::Answer(as_sent(id), answer),
        None => Incoming::Uncorrelated,
    }
}

/// Our ids are numbers; some servers write them back as text.
pub(super) fn as_sent(id: RequestId) -> RequestId {
    let number = match &id {
        RequestId::String(text) => text.parse().ok(),
        RequestId::Number(_) => None,
    };
    number.map_or(id, RequestId::Number)
}

#[cfg(test)]
mod tests {
    use rmcp::model::{CallToolRequest, CallToolRequestParams, NumberOrString};

    use super::*;

    fn call(arguments: &str) -> ClientJsonRpcMessage {
        let rounded = serde_json::from_str(arguments).unwrap_or_default();
        let params = CallToolRequestParams::new("add").with_arguments(rounded);
        let mut request = CallToolRequest::new(params);
        request.extensions.insert(ExactArguments(arguments.into()));
        request.extensions.insert(AnswerSlot::default());
        let id = NumberOrString::Number(7);
        ClientJsonRpcMessage::request(ClientRequest::CallToolRequest(request), id)
    }

    #[test]
    fn invariant_2_arguments_are_written_to_the_digit() {
        for arguments in [
            r#"{"a":9007199254740993.0}"#,
            r#"{"a":123456789012345678901234567890}"#,
            r#"{"a":1.10,"b":1e400,"c":-0.0}"#,
            r#"{"arguments":{"arguments":1},"params":"\u0061"}"#,
            "{}",
        ] {
            let line = String::from_utf8(encode(&call(arguments)).unwrap()).unwrap();
            assert!(line.contains(&format!("\"arguments\":{arguments}")), "{line}");
            assert!(
                line.contains("\"method\":\"tools/call\"") && line.contains("\"id\":7"),
                "{line}"
            );
            assert!(!line.contains('\n'), "{line}");
        }
        assert!(slot_of(&call("{}")).is_some());
    }

    #[test]
    fn messages_are_told_apart() {
        let result = |text: &str| RawAnswer::Result(text.to_owned());
        let id = |n| NumberOrString::Number(n);
        for (text, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"a":1.00}}"#,
                Incoming::Answer(id(1), result(r#"{"a":1.00}"#)),
            ),
            (
                r#"{"id":1,"error":{"code":-3,"message":"no"}}"#,
                Incoming::Answer(id(1), RawAnswer::Error { code: -3, message: "no".to_owned() }),
            ),
            (r#"{"id":"1","result":{}}"#, Incoming::Answer(id(1), result("{}"))),
            (r#"{"id":1,"method":"ping"}"#, Incoming::Other),
            (r#"{"method":"notifications/x","params":{}}"#, Incoming::Other),
            (r#"{"result":{}}"#, Incoming::Uncorrelated),
            (r#"{"id":null,"error":{"message":"no"}}"#, Incoming::Uncorrelated),
            (r#"{"id":1}"#, Incoming::Malformed),
            (r#"{"id":1,"result":{},"error":{}}"#, Incoming::Malformed),
            ("starting..", Incoming::Malformed),
            ("", Incoming::Malformed),
        ] {
            assert_eq!(classify(text), expected, "{text}");
        }
    }

    #[test]
    fn the_first_answer_counts() {
        let slot = AnswerSlot::default();
        assert!(!slot.is_sent() && slot.answer().is_none());
        let token = |number| ProgressToken(NumberOrString::Number(number));
        slot.note_sent(Some(token(4)));
        assert!(slot.has_token(&token(4)) && !slot.has_token(&token(5)));
        slot.fill(RawAnswer::Result("1".to_owned()));
        slot.fill(RawAnswer::Result("2".to_owned()));
        assert!(slot.is_sent());
        assert_eq!(slot.answer(), Some(&RawAnswer::Result("1".to_owned())));
    }
}
