//! The bounds of a value: quotes of any spelling, or white space.

use std::ops::Range;

use super::mask::is_mask;
use super::patterns::floor;

/// The most bytes of an unquoted value that are examined. A longer one is not a word.
const BARE: usize = 512;

/// The quotes around a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// Nothing.
    None,
    /// An opening quote without a closing one.
    Open,
    /// Opening and closing quotes.
    Closed,
    /// Backticks.
    Ticks,
}

/// A value and its quotes.
pub(super) struct Value {
    pub(super) place: Range<usize>,
    pub(super) quotes: Quotes,
    /// True if it may continue beyond the part that was examined.
    pub(super) cut: bool,
}

/// Returns the value that begins here: quoted, or up to white space or a separator. A quote without
/// an end was cut off.
pub(super) fn value_at(text: &str, at: usize) -> Option<Value> {
    quoted_at(text, at).or_else(|| entity_at(text, at)).or_else(|| bare_at(text, at))
}

/// Returns the value between quotes that are encoded as HTML or in a URL.
fn entity_at(text: &str, at: usize) -> Option<Value> {
    const QUOTES: &[&str] = &["&quot;", "&apos;", "&#34;", "&#39;", "%22", "%27"];
    let rest = text.get(at..)?;
    let quote = QUOTES.iter().find(|quote| rest.starts_with(**quote))?;
    let from = at + quote.len();
    let value = &text[from..];
    let length = entity_length(value, quote);
    let place = from..from + length;
    (length > 0).then_some(Value { place, quotes: Quotes::Closed, cut: false })
}

/// Returns the length of a value that ends with this quote, or with a word if its line has none.
/// The search ends at the next quote of its kind, so that no two values search the same text.
fn entity_length(value: &str, quote: &str) -> usize {
    let first = quote.chars().next();
    let stops = |c: char| Some(c) == first || matches!(c, '\r' | '\n' | '<');
    for (at, stop) in value.match_indices(stops) {
        if value[at..].starts_with(quote) {
            return at;
        }
        if !quote.starts_with(stop) {
            return word_length(&value[..at]);
        }
    }
    word_length(value)
}

fn word_length(line: &str) -> usize {
    line.find(char::is_whitespace).unwrap_or(line.len())
}

/// Returns the length of a percent-encoded value: up to an encoded separator.
pub(super) fn percent_length(value: &str) -> usize {
    const ENDS: &[&str] =
        &["%26", "%22", "%27", "%20", "%2C", "%2c", "%3B", "%3b", "%7D", "%7d", "%0"];
    ENDS.iter().filter_map(|end| value.find(end)).min().unwrap_or(value.len())
}

/// Returns the next part of a string that is written in parts: `"ab" + "cd"`, `"ab" \` and `"cd"`
/// on the next line. The previous part ends at `end`. A part has no blanks.
pub(super) fn next_part(text: &str, end: usize) -> Option<Range<usize>> {
    /// The most text between two parts, in bytes.
    const BETWEEN: usize = 160;
    let rest = &text[end..floor(text, end + BETWEEN)];
    let slashes = escapes(rest);
    let quote = rest[slashes..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let between = &rest[slashes + 1..];
    let length = between.find(quote)?;
    let (joint, opens) = (&between[..length], end + slashes + 1 + length + 1);
    let sign = joint.trim_matches(|c: char| c.is_whitespace() || c == '\\');
    let joined = matches!(sign, "+" | "." | ".." | "&" | "~" | "||" | "<>" | "++" | "^")
        || sign.is_empty() && joint.contains('\n');
    if !joined {
        return None;
    }
    let value = &text[opens..];
    let length = value.find(|c: char| c == quote || c == '\\' || c.is_whitespace())?;
    let closed = value[length..].starts_with([quote, '\\']);
    (closed && length > 0).then_some(opens..opens + length)
}

/// Returns the additional length of a value on lines of its own (YAML), up to a line that is
/// indented less than its first one.
pub(super) fn block_length(text: &str, value: &Range<usize>) -> usize {
    let before = &text[..value.start];
    let indent = before.bytes().rev().take(BARE).take_while(|b| matches!(b, b' ' | b'\t')).count();
    let mut length = 0;
    for line in text[value.end..].split_inclusive('\n') {
        let blanks = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let rest = line.trim();
        if length > 0 && (rest.is_empty() || blanks < indent) {
            break;
        }
        // The rest of the first line belongs to the value.
        length += line.trim_end().len();
        if !line.ends_with('\n') {
            break;
        }
        let next = value.end + length + (line.len() - line.trim_end().len());
        let goes_on =
            text[next..].bytes().take(indent).filter(|b| matches!(b, b' ' | b'\t')).count();
        let blank = text[next..].trim_start_matches([' ', '\t']).starts_with(['\n', '\r']);
        if goes_on < indent || indent == 0 || blank || next >= text.len() {
            break;
        }
        length = next - value.end;
    }
    length
}

fn quoted_at(text: &str, at: usize) -> Option<Value> {
    let rest = text.get(at..)?;
    // `b"..."`, `@"..."`, `"""..."""`, `\"...\"`.
    let prefix = rest.bytes().take(2).take_while(|b| b"bBrRfFuUL@".contains(b)).count();
    (0..=prefix).rev().find_map(|prefix| {
        let rest = &rest[prefix..];
        let twice = ["\"\"\"", "'''"].iter().any(|three| rest.starts_with(three));
        let escapes = escapes(&rest[if twice { 2 } else { 0 }..]);
        let opens = at + prefix + if twice { 2 } else { 0 } + escapes;
        let quote = text[opens..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
        let from = opens + 1;
        if twice && text[from..].starts_with(['\n', '\r']) {
            return lines_at(text, from, &text[opens - 2..=opens]);
        }
        // The first quote of its kind ends the value, escaped or not: if one were skipped, each
        // pair could read to the end of the text.
        let end = from + text[from..].find([quote, '\r', '\n'])?;
        let closed = text[end..].starts_with(quote);
        let slashes = text[from..end].bytes().rev().take(4).take_while(|b| *b == b'\\').count();
        let end = end - slashes;
        let quotes = if quote == '`' { Quotes::Ticks } else { Quotes::Closed };
        (closed && end > from).then_some(Value { place: from..end, quotes, cut: false })
    })
}

/// Returns a value on lines of its own between triple quotes, the opening ones just before `from`.
fn lines_at(text: &str, from: usize, quotes: &str) -> Option<Value> {
    let window = &text[from..floor(text, from + BARE)];
    let inner = &window[..window.find(quotes)?];
    let start = from + inner.len() - inner.trim_start().len();
    let place = start..start + inner.trim().len();
    (!place.is_empty()).then_some(Value { place, quotes: Quotes::Closed, cut: false })
}

fn bare_at(text: &str, at: usize) -> Option<Value> {
    let escapes = escapes(text.get(at..)?);
    let opens = &text[at + escapes..];
    let quote = match opens.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) {
        Some(_) if opens.starts_with("\"\"\"") || opens.starts_with("'''") => 3,
        Some(_) => 1,
        None => 0,
    };
    [at + escapes + quote, at].into_iter().find_map(|from| {
        let window = &text[from..floor(text, from + BARE)];
        let length = bare_length(window);
        let cut = length == window.len() && from + length < text.len();
        let opened = from > at && text[..from].ends_with(['"', '\'', '`']);
        let quotes = if opened { Quotes::Open } else { Quotes::None };
        (length > 0).then_some(Value { place: from..from + length, quotes, cut })
    })
}

/// Returns the number of backslashes that escape the next quote.
fn escapes(text: &str) -> usize {
    text.bytes().take(4).take_while(|byte| *byte == b'\\').count()
}

/// Returns the length of the bare value that the text begins with.
pub(super) fn bare_length(text: &str) -> usize {
    if text.starts_with("[redacted") {
        let end = text.find(']').map_or(0, |end| end + 1);
        return if is_mask(&text[..end]) { end } else { 0 };
    }
    let mut length = 0;
    loop {
        length += plain_length(&text[length..]);
        // An escaped character is part of the value, except quotes and line ends.
        let mut next = text[length..].chars();
        let goes_on = next.next() == Some('\\');
        match next.next().filter(|c| goes_on && !c.is_whitespace() && !"\"'`nrtu\\".contains(*c)) {
            Some(c) => length += 1 + c.len_utf8(),
            None => return length,
        }
    }
}

/// Returns the length of the text before a character that may end a bare value.
fn plain_length(text: &str) -> usize {
    let ends = |byte: u8| {
        byte <= b' '
            || matches!(byte, 0x7F..|b'"'| b'\'' | b'`' | b',' | b';' | b'&' | b'\\')
            || matches!(byte, b'<' | b'>' | b'(' | b')' | b'{' | b'}' | b'[' | b']')
    };
    let mut length = 0;
    loop {
        let rest = &text.as_bytes()[length..];
        length += rest.iter().position(|byte| ends(*byte)).unwrap_or(rest.len());
        // Beyond ASCII only white space ends it, and most control characters do not.
        match text[length..].chars().next() {
            Some(c) if !c.is_whitespace() && (c.is_control() || !c.is_ascii()) => {
                length += c.len_utf8();
            }
            _ => return length,
        }
    }
}
