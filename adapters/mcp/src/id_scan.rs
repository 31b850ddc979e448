//! Finds the id of a message that is too long to be kept. Pure, and in constant memory.

use rmcp::model::RequestId;

/// The longest text of an id that is kept, in bytes.
const MAX_ID: usize = 256;
/// The bytes that may stand before JSON.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The facts about a message that is too long to be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LongMessage {
    /// Its id, if it is one that can be answered.
    pub(crate) id: Option<RequestId>,
    /// True if it has a result or an error, and no method.
    pub(crate) is_answer: bool,
}

/// Finds the member `id` of the outermost object in JSON text that is given in parts.
///
/// Text that does not begin as an object is no message, and has no id.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact about the place in the text")]
pub(crate) struct IdScan {
    /// The number of objects and arrays that are open.
    depth: u32,
    in_text: bool,
    escaped: bool,
    /// The text of the member's name or value that is being read, of the outermost object.
    token: Vec<u8>,
    too_long: bool,
    /// The name of the member whose value is being read.
    is_id: bool,
    reads_value: bool,
    found: Option<Vec<u8>>,
    /// The bytes before the object that were read: more than a mark of the byte order is no JSON.
    before: Vec<u8>,
    foreign: bool,
    has_method: bool,
    has_result: bool,
}

impl IdScan {
    /// Reads the next part of the text.
    pub(crate) fn feed(&mut self, part: &[u8]) {
        for byte in part {
            self.step(*byte);
        }
    }

    /// Returns what was found.
    pub(crate) fn end(mut self) -> LongMessage {
        self.end_of_value();
        if self.foreign {
            return LongMessage::default();
        }
        let id = self.found.and_then(|id| serde_json::from_slice(&id).ok());
        LongMessage { id, is_answer: self.has_result && !self.has_method }
    }

    fn step(&mut self, byte: u8) {
        if self.foreign {
            return;
        }
        if self.depth == 0 && byte != b'{' {
            self.step_outside(byte);
            return;
        }
        if self.in_text {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_text = true;
                self.keep(byte);
            }
            b'{' | b'[' => {
                self.depth = self.depth.saturating_add(1);
                self.clear();
            }
            b'}' | b']' => {
                if self.depth == 1 {
                    self.end_of_value();
                }
                self.depth = self.depth.saturating_sub(1);
                self.clear();
            }
            b':' if self.depth == 1 => {
                self.is_id = self.token == b"\"id\"";
                self.has_method |= self.token == b"\"method\"";
                self.has_result |= self.token == b"\"result\"" || self.token == b"\"error\"";
                self.reads_value = true;
                self.clear();
            }
            b',' if self.depth == 1 => {
                self.end_of_value();
                self.clear();
            }
            b' ' | b'\t' | b'\r' => {}
            _ => self.keep(byte),
        }
    }

    /// Reads a byte before the object, or after it.
    fn step_outside(&mut self, byte: u8) {
        if matches!(byte, b' ' | b'\t' | b'\r') {
            return;
        }
        self.before.push(byte);
        self.foreign = !BYTE_ORDER_MARK.starts_with(&self.before);
    }

    fn keep(&mut self, byte: u8) {
        if self.depth != 1 {
            return;
        }
        if self.token.len() < MAX_ID {
            self.token.push(byte);
        } else {
            self.too_long = true;
        }
    }

    fn end_of_value(&mut self) {
        if self.is_id && self.reads_value && !self.too_long && !self.token.is_empty() {
            self.found.get_or_insert_with(|| self.token.clone());
        }
        self.reads_value = false;
        self.is_id = false;
    }

    fn clear(&mut self) {
        self.token.clear();
        self.too_long = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> LongMessage {
        let mut scan = IdScan::default();
        scan.feed(text.as_bytes());
        let whole = scan.end();
        // It is the same in any parts.
        let mut bytes = IdScan::default();
        text.as_bytes().iter().for_each(|byte| bytes.feed(&[*byte]));
        assert_eq!(bytes.end(), whole, "{text}");
        whole
    }

    fn id(text: &str) -> Option<RequestId> {
        scan(text).id
    }

    #[test]
    fn the_id_of_the_message_is_found() {
        let seven = Some(RequestId::Number(7));
        for text in [
            r#"{"id":7}"#,
            r#"{"jsonrpc":"2.0", "id" : 7 , "method":"x"}"#,
            r#"{"params":{"id":1,"a":[{"id":2}],"t":"\"id\":3,"},"id":7}"#,
            r#"{"params":"},\"id\":9","id":7"#,
            r#"{"id":7,"id":8}"#,
        ] {
            assert_eq!(id(text), seven, "{text}");
        }
        assert_eq!(id(r#"{"id":"a\"b"}"#), Some(RequestId::String("a\"b".into())));
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(MAX_ID));
        for none in
            [r#"{"params":{"id":7}}"#, "", "[]", r#"{"id":null}"#, r#"{"id":{"id":7}}"#, &long]
        {
            assert_eq!(id(none), None, "{none}");
        }
    }

    #[test]
    fn a_line_that_is_no_message_has_no_id() {
        for log in [
            r#"INFO answered {"id":7,"result":{}}"#,
            r#""{\"id\":7}" {"id":7}"#,
            r#"[{"id":7,"result":{}}]"#,
            r#"[7] {"id":7,"result":{}}"#,
            r#"{"level":"info","fields":{"id":7,"result":{}}}"#,
            r#"{"id":7,"result":{}} trailing"#,
        ] {
            assert_eq!(scan(log), LongMessage::default(), "{log}");
        }
        assert_eq!(id("\u{feff} {\"id\":7}"), Some(RequestId::Number(7)));
    }

    #[test]
    fn only_a_result_or_an_error_is_an_answer() {
        for (text, is_answer) in [
            (r#"{"id":7,"result":{"method":"x"}}"#, true),
            (r#"{"error":{"code":1},"id":7}"#, true),
            (r#"{"id":7,"method":"elicitation/create","params":{"result":1}}"#, false),
            (r#"{"id":7,"level":"info"}"#, false),
            (r#"{"id":7,"result":{},"method":"x"}"#, false),
        ] {
            let id = Some(RequestId::Number(7));
            assert_eq!(scan(text), LongMessage { id, is_answer }, "{text}");
        }
    }
}
