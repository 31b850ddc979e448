//! Escapes for characters that would not be visible.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::invisible::{is_mark, is_unseen};
use super::marks::is_any_mark;
use crate::hex;
use crate::json::Json;

/// Runs of more spaces than this are shown as a count: they push text out of sight.
const SPACES: usize = 8;
/// The most common marks on one character that are shown; more are escaped, because they overlap
/// other lines.
const MARKS: usize = 2;
/// The same limit for marks of other scripts, some of which need several.
const ANY_MARKS: usize = 6;

/// The counts of consecutive marks so far.
#[derive(Clone, Copy, Default)]
struct Pile {
    common: usize,
    any: usize,
}

impl Pile {
    /// Counts the next character and returns whether it is a mark too many.
    fn is_too_high(&mut self, c: char) -> bool {
        // Most text returns here.
        if c < '\u{300}' {
            *self = Self::default();
            return false;
        }
        self.common = if is_mark(c) { self.common + 1 } else { 0 };
        self.any = if is_any_mark(c) { self.any + 1 } else { 0 };
        self.common > MARKS || self.any > ANY_MARKS
    }
}

/// Escapes everything in `text` that would not be seen as itself: control characters (a line break
/// becomes `\n`), bidirectional overrides, zero-width characters, unusual spaces, and marks that
/// pile up on one character. Other text stays as it is, and the function is idempotent.
///
/// A backslash stays a backslash, so text that spells out an escape looks like the character it
/// spells out: for values, where that matters, there is [`quoted`].
///
/// ```
/// # use hitl::display::visible;
/// assert_eq!(visible("pay Bob"), "pay Bob");
/// assert_eq!(visible("pay \u{202e}boB"), "pay \\u{202e}boB");
/// assert_eq!(visible("a\nb\u{200b}"), "a\\nb\\u{200b}");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    let mut pile = Pile::default();
    let odd = |c: char, pile: &mut Pile| pile.is_too_high(c) || is_unseen(c);
    let Some(first) = text.find(|c| odd(c, &mut pile)) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    // That character again, with the marks before it.
    let mut pile = Pile { common: pile.common.saturating_sub(1), any: pile.any.saturating_sub(1) };
    for c in text[first..].chars() {
        if pile.is_too_high(c) { escape(&mut out, c) } else { push(&mut out, c) }
    }
    Cow::Owned(out)
}

/// Returns `text` in quotes, as in JSON, with everything invisible escaped. Different texts never
/// look the same: quotes and backslashes are escaped too, long runs of spaces are counted, and
/// marks that pile up on one character are written out.
///
/// ```
/// # use hitl::display::quoted;
/// assert_eq!(quoted("say \"hi\"\n"), r#""say \"hi\"\n""#);
/// assert_eq!(quoted("\u{200b}"), r#""\u{200b}""#);
/// assert_eq!(quoted(r"\u{200b}"), r#""\\u{200b}""#);
/// assert_eq!(quoted(&format!("a{}b", " ".repeat(40))), r#""a\u{20*40}b""#);
/// ```
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let (mut spaces, mut pile) = (0, Pile::default());
    for c in text.chars() {
        if c == ' ' {
            spaces += 1;
            pile = Pile::default();
            continue;
        }
        flush(&mut out, &mut spaces);
        let too_high = pile.is_too_high(c);
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if too_high => escape(&mut out, c),
            c => push(&mut out, c),
        }
    }
    flush(&mut out, &mut spaces);
    out.push('"');
    out
}

fn flush(out: &mut String, spaces: &mut usize) {
    if *spaces > SPACES {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\u{{20*{spaces}}}");
    } else {
        out.extend(std::iter::repeat_n(' ', *spaces));
    }
    *spaces = 0;
}

fn push(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_unseen(c) => escape(out, c),
        c => out.push(c),
    }
}

fn escape(out: &mut String, c: char) {
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

/// A JSON value as it is shown on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EscapedJson {
    /// The text shown. Two different values never have the same text.
    pub text: String,
    /// The length of the whole text in characters, if it is not all shown.
    pub characters: Option<usize>,
    /// The [`fingerprint`] of the whole, if it is not all shown.
    pub digest: Option<String>,
}

/// Shows a value on one line: as JSON, with everything invisible escaped. A value of more than
/// `max` characters shows both ends, the number of characters left out, and the fingerprint of the
/// whole.
///
/// ```
/// # use hitl::{display::value, json::parse_json};
/// let tree = parse_json(r#"["a", 1.0, {"k": "\u202e"}]"#)?;
/// assert_eq!(value(&tree, 80).text, r#"["a",1.0,{"k":"\u{202e}"}]"#);
/// let long = hitl::Json::String("x".repeat(500) + "end");
/// assert!(value(&long, 40).text.contains(r#"x" [… 463 of 503 characters left out, sha256 "#));
/// assert!(value(&long, 40).text.ends_with(r#"] "xxxxxxxxxxend""#));
/// # Ok::<(), hitl::json::ParseJsonError>(())
/// ```
pub fn value(tree: &Json, max: usize) -> EscapedJson {
    if let Json::String(text) = tree {
        let total = text.chars().count();
        if total <= max {
            return EscapedJson { text: quoted(text), characters: None, digest: None };
        }
        return clipped(text, text, total, max, quoted);
    }
    let mut line = String::new();
    write(&mut line, tree);
    let total = line.chars().count();
    if total <= max {
        return EscapedJson { text: line, characters: None, digest: None };
    }
    clipped(&line, &tree.to_text(), total, max, str::to_owned)
}

/// Returns both ends of `line` and, between them and outside any quotes, a note of the part left
/// out.
fn clipped(
    line: &str,
    whole: &str,
    total: usize,
    max: usize,
    end: fn(&str) -> String,
) -> EscapedJson {
    let (head, tail) = (max - max / 3, max / 3);
    let at = |n: usize| line.char_indices().nth(n).map_or(line.len(), |(at, _)| at);
    let (head_end, tail_start) = (at(head), at(total - tail));
    let digest = fingerprint(whole);
    let text = format!(
        "{} [… {} of {total} characters left out, sha256 {digest}] {}",
        end(&line[..head_end]),
        total - head - tail,
        end(&line[tail_start..]),
    );
    EscapedJson { text, characters: Some(total), digest: Some(digest) }
}

fn write(out: &mut String, tree: &Json) {
    match tree {
        Json::String(text) => out.push_str(&quoted(text)),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(out, item);
            }
            out.push(']');
        }
        Json::Object(entries) => {
            out.push('{');
            for (i, (key, item)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&quoted(key));
                out.push(':');
                write(out, item);
            }
            out.push('}');
        }
        other => other.write(out),
    }
}

/// Returns the fingerprint of a long value: the first half of its SHA-256, as 32 hexadecimal
/// digits.
///
/// ```
/// # use hitl::display::fingerprint;
/// assert_eq!(fingerprint(""), "e3b0c44298fc1c149afbf4c8996fb924");
/// ```
pub fn fingerprint(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn invariant_9_nothing_unseen_survives() {
        let nasty: String =
            (0..=0x0010_FFFF).filter_map(char::from_u32).filter(|c| is_unseen(*c)).collect();
        assert!(!visible(&nasty).chars().any(is_unseen));
        assert!(!quoted(&nasty).chars().any(is_unseen));
        assert!(nasty.chars().count() > 4_000);
    }

    #[test]
    fn invariant_9_format_characters_beyond_the_first_plane_are_unseen() {
        for c in ['\u{2800}', '\u{13430}', '\u{1bca0}', '\u{1d159}', '\u{1d173}', '\u{1d17a}'] {
            assert_eq!(visible(&c.to_string()), format!("\\u{{{:x}}}", u32::from(c)));
        }
    }

    #[test]
    fn invariant_9_padding_and_piled_marks_are_written_out() {
        assert_eq!(quoted("a\u{a0}b\u{3000}"), r#""a\u{a0}b\u{3000}""#);
        assert_eq!(quoted("        "), "\"        \"");
        assert_eq!(quoted("         "), r#""\u{20*9}""#);
        assert_eq!(quoted("e\u{301}\u{302}\u{303}"), "\"e\u{301}\u{302}\\u{303}\"");
    }

    #[test]
    fn invariant_9_marks_of_any_writing_that_pile_up_are_written_out() {
        for mark in ['\u{301}', '\u{591}', '\u{64b}', '\u{93c}', '\u{e49}', '\u{f74}', '\u{1e8d0}']
        {
            let piled: String = std::iter::once('a').chain(std::iter::repeat_n(mark, 30)).collect();
            for shown in [quoted(&piled), visible(&piled).into_owned()] {
                assert!(shown.matches(mark).count() <= ANY_MARKS, "{shown}");
                assert!(shown.contains("\\u{"), "{shown}");
            }
        }
        // Ordinary text in other scripts stays as it is.
        let thai = "\u{e17}\u{e35}\u{e48}\u{e19}\u{e35}\u{e48}";
        let hebrew = "\u{5e9}\u{5c1}\u{5b8}\u{5dc}\u{5d5}\u{5b9}\u{5dd}";
        for text in [thai, hebrew, "Vi\u{e2}\u{323}t", "\u{1019}\u{103c}\u{1014}\u{103a}"] {
            assert_eq!(visible(text), text);
            assert_eq!(quoted(text), format!("\"{text}\""));
        }
    }

    /// Texts that could nearly be mistaken for one another.
    fn sly() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\u{200b}".to_owned()),
            Just("\\u{200b}".to_owned()),
            Just("\\".to_owned()),
            Just("\"".to_owned()),
            Just("\\n".to_owned()),
            Just("\n".to_owned()),
            Just("u{20*9}".to_owned()),
            Just(" ".repeat(9)),
            Just("\u{301}".to_owned()),
            Just("\u{e49}\u{e49}\u{e49}".to_owned()),
            Just(" [… 5 of 9 characters left out, sha256 00] ".to_owned()),
            "[a-z0-9]{0,3}",
            any::<char>().prop_map(|c| c.to_string()),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    fn tree() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            "-?[1-9][0-9]{0,3}([.][0-9]{1,2})?".prop_map(|n| Json::Number(n.into())),
            sly().prop_map(Json::String),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
                proptest::collection::vec((sly(), inner), 0..4).prop_map(Json::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn invariant_9_different_texts_never_look_the_same(a in sly(), b in sly()) {
            prop_assert_eq!(a == b, quoted(&a) == quoted(&b));
            prop_assert!(!quoted(&a).chars().any(is_unseen));
        }

        #[test]
        fn invariant_9_different_values_never_look_the_same(a in tree(), b in tree(), max in 1_usize..60) {
            prop_assert_eq!(a == b, value(&a, max).text == value(&b, max).text);
            // A text that spells out the display of another is still displayed differently.
            let spelled = Json::String(value(&a, max).text);
            prop_assert_ne!(value(&spelled, 10_000).text, value(&a, max).text);
            prop_assert!(!value(&a, max).text.chars().any(is_unseen));
        }

        #[test]
        fn making_visible_twice_changes_nothing(text in sly()) {
            let once = visible(&text).into_owned();
            prop_assert_eq!(visible(&once), once.as_str());
        }
    }
}
