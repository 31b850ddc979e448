//! Where a value ends, and what else is on its line.

use super::super::forms::run;
use super::super::spelling::{bare_length, block_length};
use super::{Join, Pair};

impl Pair<'_> {
    /// Returns whether nothing but a comment follows the value on its line.
    pub(super) fn ends_its_line(&self) -> bool {
        let rest = self.after().split('\n').next().unwrap_or_default();
        let trimmed = rest.trim_start();
        trimmed.is_empty() || trimmed.len() < rest.len() && trimmed.starts_with('#')
    }

    /// Returns the end of the value. A bare value continues over brackets that are part of it, and
    /// beyond the part that was examined; one on lines of its own continues to the last of them.
    pub(super) fn end(&self) -> usize {
        if self.join == Join::Block && !self.is_quoted() {
            return self.value.end + block_length(self.text, &self.value);
        }
        let end = self.odd_end().unwrap_or(self.value.end);
        if self.cut { end + bare_length(&self.text[end..]) } else { end }
    }

    /// Returns the end of a bare value that contains brackets in a way that code does not: a
    /// closing one, unmatched, in the middle of a word.
    pub(super) fn odd_end(&self) -> Option<usize> {
        let end = self.value.end;
        if self.is_quoted() || !matches!(self.join, Join::Sign | Join::Colon) {
            return None;
        }
        let run = run(self.after());
        let mut open = Vec::new();
        let mut chars = run.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '(' | '[' | '{' => open.push(c),
                ')' | ']' | '}' => {
                    let opened = open
                        .pop()
                        .is_some_and(|o| matches!((o, c), ('(', ')') | ('[', ']') | ('{', '}')));
                    if !opened && chars.peek().is_some_and(|next| next.is_alphanumeric()) {
                        return Some(end + run.len());
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Returns whether name and value are alone on their line: a line of YAML, of an INI file, a
    /// header.
    pub(super) fn is_a_line(&self) -> bool {
        let before = self.before();
        let after = self.after().split('\n').next().unwrap_or_default().trim();
        let indent = before.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'-' | b'"' | b'\''));
        let many = self.lines || before.starts_with(' ');
        many && indent && self.value.len() >= 4 && (after.is_empty() || after.starts_with('#'))
    }

    /// Returns whether name and value are the whole text.
    pub(super) fn is_all(&self) -> bool {
        self.start == 0 && self.value.end == self.text.len()
    }
}
