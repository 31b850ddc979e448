//! The parser: it turns JSON text into an exact tree, or returns an error that quotes no value.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use super::Json;
use super::tree::special;
use crate::display::{clip, visible};

/// The limits of the parser.
#[derive(Clone, Copy, Debug)]
// Exhaustive: a new limit has to be chosen by each caller.
pub struct Limits {
    /// The deepest nesting, in levels. The parser recurses, so this also bounds its stack.
    pub depth: usize,
    /// The longest text, in bytes.
    pub bytes: usize,
}

impl Default for Limits {
    /// Returns 64 levels and 8 MiB.
    fn default() -> Self {
        Self { depth: 64, bytes: 8 << 20 }
    }
}

/// The most path segments that an error names.
const PATH: usize = 16;

/// The kind of a [`ParseJsonError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseJsonErrorKind {
    /// Text that is not JSON.
    Syntax,
    /// A key that occurs twice in an object, so that it is unclear which value is meant.
    DuplicateKey,
    /// Nesting deeper than [`Limits::depth`].
    TooDeep,
    /// Text longer than [`Limits::bytes`].
    TooLong,
    /// A number beyond the finite range of a double.
    NotFinite,
}

/// An error for text that the parser refused: it names the place and what was expected there. It
/// never quotes a value, because a value may be a secret.
#[derive(Clone, Debug)]
pub struct ParseJsonError {
    kind: ParseJsonErrorKind,
    path: String,
    line: usize,
    column: usize,
    expected: &'static str,
}

impl ParseJsonError {
    /// Returns the kind of the error.
    pub fn kind(&self) -> ParseJsonErrorKind {
        self.kind
    }

    /// Returns the line, the column, and what was expected there.
    pub fn reason(&self) -> String {
        format!("line {}, column {}: {}", self.line, self.column, self.expected)
    }

    /// Returns the path in the document, like `flights[2].date`; empty at the top.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for ParseJsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, " (at `{}`)", self.path)?;
        }
        write!(f, ": {}", self.expected)
    }
}

impl std::error::Error for ParseJsonError {}

/// Parses one JSON document within the default [`Limits`].
///
/// The parser is stricter than JSON itself: a key must not occur twice in an object, at any depth,
/// and a number must be finite as a double.
///
/// ```
/// # use hitl::json::{parse_json, ParseJsonErrorKind};
/// let tree = parse_json(r#"{"amount": 9007199254740993}"#)?;
/// assert_eq!(tree.to_text(), r#"{"amount":9007199254740993}"#);
///
/// let error = parse_json(r#"{"to": "bob", "to": "eve"}"#).unwrap_err();
/// assert_eq!(error.kind(), ParseJsonErrorKind::DuplicateKey);
/// # Ok::<(), hitl::json::ParseJsonError>(())
/// ```
pub fn parse_json(text: &str) -> Result<Json, ParseJsonError> {
    parse_with_limits(text, Limits::default())
}

/// Parses one JSON document within given limits.
pub fn parse_with_limits(text: &str, limits: Limits) -> Result<Json, ParseJsonError> {
    let mut scanner = Scanner { text, at: 0, depth: limits.depth };
    scanner.document(limits.bytes).map_err(|refused| refused.located(text))
}

/// A refusal by the parser. Its path is built while the parser unwinds, so that valid text does not
/// pay for it.
struct Refused(Box<Refusal>);

struct Refusal {
    kind: ParseJsonErrorKind,
    at: usize,
    expected: &'static str,
    /// The path, innermost segment first.
    path: Vec<Segment>,
}

type Scanned<T> = Result<T, Refused>;

impl Refused {
    fn located(self, text: &str) -> ParseJsonError {
        let Refusal { kind, at, expected, path: segments } = *self.0;
        let before = &text.as_bytes()[..at.min(text.len())];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let mut path = String::new();
        for (depth, segment) in segments.iter().rev().enumerate() {
            if depth == PATH {
                path.push('…');
                break;
            }
            match segment {
                Segment::Key(key) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&visible(&clip(key, 64)));
                }
                // Writing to a String cannot fail.
                Segment::Index(index) => drop(write!(path, "[{index}]")),
            }
        }
        ParseJsonError {
            kind,
            path,
            line: before.split(|b| *b == b'\n').count(),
            column: at - line_start + 1,
            expected,
        }
    }

    fn inside(mut self, segment: Segment) -> Self {
        self.0.path.push(segment);
        self
    }
}

enum Segment {
    Key(String),
    Index(usize),
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn error(&self, kind: ParseJsonErrorKind, expected: &'static str) -> Refused {
        Refused(Box::new(Refusal { kind, at: self.at, expected, path: Vec::new() }))
    }

    fn syntax(&self, expected: &'static str) -> Refused {
        self.error(ParseJsonErrorKind::Syntax, expected)
    }

    fn document(&mut self, longest: usize) -> Scanned<Json> {
        if self.text.len() > longest {
            return Err(self.error(ParseJsonErrorKind::TooLong, "the text is longer than allowed"));
        }
        self.space();
        let tree = self.value()?;
        self.space();
        if self.at < self.text.len() {
            return Err(self.syntax("one JSON document, but more text follows it"));
        }
        Ok(tree)
    }

    fn value(&mut self) -> Scanned<Json> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(self.syntax("expected a JSON value")),
        }
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Scanned<Json>) -> Scanned<Json> {
        let Some(left) = self.depth.checked_sub(1) else {
            return Err(self.error(ParseJsonErrorKind::TooDeep, "nested deeper than allowed"));
        };
        self.depth = left;
        self.at += 1;
        let value = inner(self)?;
        self.depth += 1;
        Ok(value)
    }

    fn word(&mut self, word: &str, value: Json) -> Scanned<Json> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.syntax("expected a JSON value"))
        }
    }

    fn object(&mut self) -> Scanned<Json> {
        let mut entries: Vec<(String, Json)> = Vec::new();
        // Small objects are searched linearly; a large one gets an index, so that a hostile object
        // with many keys does not cost quadratic time.
        let mut seen: Option<HashSet<String>> = None;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(entries));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.syntax("expected a key in double quotes"));
            }
            let key = self.string()?;
            let twice = if entries.len() < 16 {
                entries.iter().any(|(k, _)| *k == key)
            } else {
                let all = || entries.iter().map(|(k, _)| k.clone()).collect();
                !seen.get_or_insert_with(all).insert(key.clone())
            };
            match self.under_key(twice) {
                Ok(value) => entries.push((key, value)),
                Err(refused) => return Err(refused.inside(Segment::Key(key))),
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(entries));
                }
                _ => return Err(self.syntax("expected `,` or `}`")),
            }
        }
    }

    /// Returns the value after a key, or an error if the key is a duplicate.
    fn under_key(&mut self, twice: bool) -> Scanned<Json> {
        if twice {
            let why = "the same key stands here twice, so it is unclear which value is meant";
            return Err(self.error(ParseJsonErrorKind::DuplicateKey, why));
        }
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.syntax("expected `:` after the key"));
        }
        self.at += 1;
        self.space();
        self.value()
    }

    fn array(&mut self) -> Scanned<Json> {
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            self.space();
            match self.value() {
                Ok(value) => items.push(value),
                Err(refused) => return Err(refused.inside(Segment::Index(items.len()))),
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(items));
                }
                _ => return Err(self.syntax("expected `,` or `]`")),
            }
        }
    }

    fn digits(&mut self) -> Scanned<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.syntax("expected a digit"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Scanned<Json> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        let exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if exponent {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let lexeme = &self.text[start..self.at];
        // The largest double has 309 digits before its point.
        let surely = !exponent && lexeme.len() <= 300;
        if surely || lexeme.parse::<f64>().is_ok_and(f64::is_finite) {
            Ok(Json::Number(lexeme.into()))
        } else {
            Err(self.error(ParseJsonErrorKind::NotFinite, "the number is not finite"))
        }
    }

    fn string(&mut self) -> Scanned<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(run) = special(&self.text.as_bytes()[self.at..]) else {
                self.at = self.text.len();
                return Err(self.syntax("expected `\"` at the end of the string"));
            };
            // `"`, `\` and control bytes are ASCII, so this cuts between characters.
            out.push_str(&self.text[self.at..self.at + run]);
            self.at += run;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return Err(self.syntax("a control character in a string must be escaped")),
            }
        }
    }

    fn escape(&mut self) -> Scanned<char> {
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.syntax("expected an escape that JSON knows")),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode(&mut self) -> Scanned<char> {
        let lone = "expected a whole character: half of a surrogate pair is none";
        let first = self.hex4()?;
        let code = match first {
            0xD800..=0xDBFF => {
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(self.syntax(lone));
                }
                self.at += 2;
                let second = self.hex4()?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(self.syntax(lone));
                }
                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.syntax(lone))
    }

    fn hex4(&mut self) -> Scanned<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).unwrap_or(&[]);
        let mut code = 0;
        for digit in digits {
            match char::from(*digit).to_digit(16) {
                Some(value) => code = code * 16 + value,
                None => return Err(self.syntax("expected four hexadecimal digits")),
            }
        }
        if digits.len() < 4 {
            return Err(self.syntax("expected four hexadecimal digits"));
        }
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
