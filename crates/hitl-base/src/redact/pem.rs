//! Keys and certificates between their dashes (RFC 7468, RFC 9580).

use std::ops::Range;

use memchr::memmem;

use crate::json::Json;

const BEGIN: &str = "BEGIN ";
const END: &str = "END ";
/// So many dashes there are: five, but for SSH2's four with a blank (RFC 4716), and for those who
/// have lost one.
const DASHES: Range<usize> = 4..6;
/// The longest label, in bytes.
const LABEL: usize = 64;
/// So many headers of a public block are read, each of so many bytes.
const HEADERS: usize = 4;
const HEADER: usize = 256;

/// A block that is masked as a whole, or shown as a whole.
pub(super) struct Block {
    pub(super) place: Range<usize>,
    /// Whether it is a private key's.
    pub(super) private: bool,
}

/// The blocks of a text. A private key's that does not end goes on to the end of the text.
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

/// Which items of a list are the lines of a private key.
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

/// Where the dashes end that come after the label that begins here.
fn label_end(text: &str, from: usize) -> Option<usize> {
    let rest = &text.as_bytes()[from..];
    let of_it = |b: &&u8| b.is_ascii_uppercase() || b.is_ascii_digit() || **b == b' ';
    let length = rest.iter().take(LABEL).take_while(of_it).count();
    let dashes = dashes(&rest[length..]);
    DASHES.contains(&dashes).then_some(from + length + dashes)
}

/// How many dashes a text begins with; of more than enough, as many as are enough.
fn dashes(text: &[u8]) -> usize {
    text.iter().take(DASHES.end - 1).take_while(|byte| **byte == b'-').count()
}

/// Where the dashes begin that a text ends with, before one blank at most.
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

/// Where a block ends that has nothing but headers and base64 in it.
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
