//! Finds the id of a message that is too long to be kept. Pure, and in constant memory.

use rmcp::model::RequestId;

/// The longest text of an id that is kept, in bytes.
const MAX_ID: usize = 256;

/// Finds the member `id` of the outermost object in JSON text that is given in parts.
///
/// Text that is no JSON has no id, or a wrong one: it is answered with an error either way.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact about the place in the text")]
pub(super) struct IdScan {
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
}

impl IdScan {
    /// Reads the next part of the text.
    pub(super) fn feed(&mut self, part: &[u8]) {
        for byte in part {
            self.step(*byte);
        }
    }

    /// Returns the id, if there was one.
    pub(super) fn id(mut self) -> Option<RequestId> {
        self.end_of_value();
        serde_json::from_slice(&self.found?).ok()
    }

    fn step(&mut self, byte: u8) {
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

    fn id(text: &str) -> Option<RequestId> {
        let mut scan = IdScan::default();
        scan.feed(text.as_bytes());
        let whole = scan.id();
        // It is the same in any parts.
        let mut bytes = IdScan::default();
        text.as_bytes().iter().for_each(|byte| bytes.feed(&[*byte]));
        assert_eq!(bytes.id(), whole, "{text}");
        whole
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
}
