//! Keys and certificates between their dashes (RFC 7468, RFC 9580).

use std::ops::Range;

use memchr::memmem;

use crate::json::Json;

const BEGIN: &str = "BEGIN ";
const END: &str = "END ";
/// The number of dashes: five, except SSH2's four with a blank (RFC 4716), and copies that lost
/// one.
const DASHES: Range<usize> = 4..6;
/// The longest label, in bytes.
const LABEL: usize = 64;
/// The most headers that a public block may have, and the longest header in bytes.
const HEADERS: usize = 4;
const HEADER: usize = 256;

/// A block that is masked or shown as a whole.
pub(super) struct Block {
    pub(super) place: Range<usize>,
    /// True if it is a private key.
    pub(super) private: bool,
}

/// Returns the blocks of a text. A private key without an end marker extends to the end of the
/// text.
pub(super) fn blocks(text: &str) -> impl Iterator<Item = Block> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let found = at + memmem::find(&text.as_bytes()[at..], BEGIN.as_bytes())?;
            let label = found + BEGIN.len();
            let from = std::mem::replace(&mut at, label);
            let Some(start) = dashes_before(&text[from..found]).map(|at| from + at) else {
                continue;
            };
            let Some(body) = label_end(text, label) else { continue };
            let named = text[label..body].trim_end_matches(['-', ' ']);
            let private = is_private(named);
            let end = if private {
                Some(private_end(text, body))
            } else {
                public_end(text, body).filter(|_| is_public(named))
            };
            if let Some(end) = end {
                at = end;
                return Some(Block { place: start..end, private });
            }
        }
    })
}

/// Returns the range of the list items that are the lines of a private key.
pub(super) fn lines(items: &[Json]) -> Range<usize> {
    let has = |item: &Json, dashes: &str| {
        let fenced = |text: &str| text.contains("--") && text.contains(dashes);
        item.as_str().is_some_and(|text| fenced(text) && text.contains("PRIVATE KEY"))
    };
    let Some(start) = items.iter().position(|item| has(item, BEGIN)) else { return 0..0 };
    let end = items[start..].iter().position(|item| has(item, END));
    start..end.map_or(items.len(), |end| start + end + 1)
}

fn is_private(label: &str) -> bool {
    label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK")
}

fn is_public(label: &str) -> bool {
    ["CERTIFICATE", "PUBLIC KEY", "SIGNATURE"].iter().any(|public| label.contains(public))
}

/// Returns the end of the dashes after the label that begins here.
fn label_end(text: &str, from: usize) -> Option<usize> {
    let rest = &text.as_bytes()[from..];
    let of_it = |b: &&u8| b.is_ascii_uppercase() || b.is_ascii_digit() || **b == b' ';
    let length = rest.iter().take(LABEL).take_while(of_it).count();
    let dashes = dashes(&rest[length..]);
    DASHES.contains(&dashes).then_some(from + length + dashes)
}

/// Returns the number of dashes a text begins with, capped just above the most that are allowed.
fn dashes(text: &[u8]) -> usize {
    text.iter().take(DASHES.end - 1).take_while(|byte| **byte == b'-').count()
}

/// Returns the start of the dashes that a text ends with, ignoring one trailing blank.
fn dashes_before(text: &str) -> Option<usize> {
    let fence = text.strip_suffix(' ').unwrap_or(text);
    let dashes = fence.bytes().rev().take(DASHES.end - 1).take_while(|byte| *byte == b'-').count();
    DASHES.contains(&dashes).then(|| fence.len() - dashes)
}

fn private_end(text: &str, from: usize) -> usize {
    memmem::find_iter(&text.as_bytes()[from..], END.as_bytes())
        .find_map(|at| {
            dashes_before(&text[from..from + at])?;
            let label = from + at + END.len();
            let end = label_end(text, label)?;
            is_private(text[label..end].trim_end_matches(['-', ' '])).then_some(end)
        })
        .unwrap_or(text.len())
}

/// Returns the end of a block that contains only headers and base64.
fn public_end(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let skip = |at: usize, is: fn(&u8) -> bool| {
        at + bytes[at..].iter().take_while(|byte| is(byte)).count()
    };
    let mut at = from;
    for _ in 0..HEADERS {
        let header = skip(at, u8::is_ascii_whitespace);
        if !["Version: ", "Comment: "].iter().any(|name| text[header..].starts_with(name)) {
            break;
        }
        let line = &bytes[header..bytes.len().min(header + HEADER)];
        at = header + line.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    }
    let of_base64 = |byte: &u8| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=\\".contains(byte)
    };
    let end = skip(at, of_base64);
    let dashes = dashes(&bytes[end..]);
    let fenced = &text[end + dashes..];
    let blank = usize::from(fenced.starts_with(' '));
    let label = end + dashes + blank + END.len();
    (DASHES.contains(&dashes) && fenced[blank..].starts_with(END))
        .then(|| label_end(text, label))?
}
