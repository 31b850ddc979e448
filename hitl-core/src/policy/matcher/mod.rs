//! Matchers for text that is interpreted later: by a file system, a browser, a shell.
//!
//! | file | contents |
//! |---|---|
//! | `plain` | text that nothing interprets, and arguments that an interpreter reads |
//! | `file_path` | paths of files, below a root and by globs |
//! | `glob` | globs over path segments |
//! | `url` | URLs, by scheme, host, port and path |
//! | `first_look` | a fast check that arguments name no own file: one pass over the text |
//! | `spelling` | text without its quotes and escapes |
//! | `own_files` | the check whether a call names one of the gate's own files |
//! | `number` | exact decimal numbers between bounds |
//!
//! A matcher returns [`Match::Unknown`] if a text can be read in more than one way. A rule that
//! relaxes takes that as a no, a rule that tightens as a yes. All matchers are pure and linear in
//! the text.

mod file_path;
mod first_look;
mod glob;
mod number;
mod own_files;
mod plain;
mod spelling;
mod url;

pub use file_path::PathMatcher;
pub(crate) use file_path::PathProgram;
pub use number::NumberRange;
pub(crate) use own_files::OwnFiles;
pub(crate) use plain::{PATH_NAMES, has_plain_letters, has_word, is_for_an_interpreter, is_plain};
pub use url::UrlMatcher;
pub(crate) use url::UrlProgram;

/// The result of a matcher for a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// The text matches.
    Yes,
    /// The text does not match.
    No,
    /// The text can be read in more than one way.
    Unknown,
}

/// The way in which a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// For a rule that relaxes: text that is not in the plainest form is [`Match::Unknown`].
    Strict,
    /// For a rule that tightens: every known disguise is removed first.
    Loose,
}

/// The most bytes of a text that a matcher reads; longer ones are [`Match::Unknown`].
const MAX_TEXT_BYTES: usize = 4096;

/// Removes the disguises of a path or a URL: percent signs, full-width and lookalike forms,
/// backslashes, invisible characters.
fn undisguised(text: &str) -> String {
    let mut text = text.to_owned();
    // Text encoded twice or three times counts too; if it is encoded more often, the caller treats
    // it as unknown.
    for _ in 0..3 {
        match percent_decoded(&text) {
            Some(decoded) => text = decoded,
            None => break,
        }
    }
    text.chars().filter(|c| !hitl_base::display::is_unseen(*c)).map(ascii_of).collect()
}

/// Returns the text with its percent escapes decoded; `None` if there are none.
fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at, mut any) = (Vec::with_capacity(bytes.len()), 0, false);
    while let Some(byte) = bytes.get(at) {
        if let (b'%', Some(high), Some(low)) = (byte, digit(at + 1), digit(at + 2)) {
            out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            (at, any) = (at + 3, true);
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    any.then(|| String::from_utf8_lossy(&out).into_owned())
}

/// Returns the ASCII character of which this one is a form or lookalike, for characters with a
/// syntactic role in paths and URLs.
fn ascii_of(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => {
            u32::from(c).checked_sub(0xFEE0).and_then(char::from_u32).unwrap_or(c)
        }
        '\\' | '\u{2044}' | '\u{2215}' | '\u{29F8}' | '\u{2571}' | '\u{29F5}' | '\u{FE68}'
        | '\u{2216}' | '\u{3033}' | '\u{30CE}' | '\u{31D3}' | '\u{4E3F}' => '/',
        '\u{2024}' | '\u{FE52}' | '\u{3002}' | '\u{FF61}' | '\u{0660}' | '\u{06F0}' => '.',
        '\u{017F}' => 's',
        '\u{FE55}' | '\u{2236}' | '\u{A789}' | '\u{02D0}' => ':',
        c => c,
    }
}
