//! Text that a person will read, made so that what is shown is what is there.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes everything in `text` that would not be seen as itself: control characters (a line break
/// reads `\n`), bidirectional overrides, and characters of no width. Other text stays as it is.
///
/// ```
/// # use hitl_base::display::visible;
/// assert_eq!(visible("pay Bob"), "pay Bob");
/// assert_eq!(visible("pay \u{202e}boB"), "pay \\u{202e}boB");
/// assert_eq!(visible("a\nb\u{200b}"), "a\\nb\\u{200b}");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_unseen) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for c in text[first..].chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unseen(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether a character is shown as nothing, or changes how its neighbours are shown.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x2800 | 0x3164 | 0xFEFF
            | 0xFFA0
            | 0x180B..=0x180F
            | 0x200B..=0x200F
            | 0x2028..=0x202E
            | 0x2060..=0x206F
            | 0xFE00..=0xFE0F
            | 0xFFF0..=0xFFFB
            | 0x13430..=0x1345F
            | 0x1BCA0..=0x1BCA3
            | 0x1D159
            | 0x1D173..=0x1D17A
            | 0xE0000..=0xE0FFF)
}

/// Shortens `text` to about `max` characters, keeping both ends and saying how much is left out.
///
/// ```
/// # use hitl_base::display::clip;
/// assert_eq!(clip("short", 40), "short");
/// let long = "x".repeat(500) + "end";
/// assert!(clip(&long, 40).contains(" of 503 characters left out] "));
/// assert!(clip(&long, 40).ends_with("end"));
/// ```
pub fn clip(text: &str, max: usize) -> Cow<'_, str> {
    let total = text.chars().count();
    if total <= max {
        return Cow::Borrowed(text);
    }
    let (head, tail) = (max - max / 3, max / 3);
    let left_out = total - head - tail;
    let head_end = text.char_indices().nth(head).map_or(text.len(), |(at, _)| at);
    let tail_start = text.char_indices().nth(total - tail).map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!(
        "{} [… {left_out} of {total} characters left out] {}",
        &text[..head_end],
        &text[tail_start..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_9_nothing_unseen_survives() {
        let nasty: String =
            (0..=0x0010_FFFF).filter_map(char::from_u32).filter(|c| is_unseen(*c)).collect();
        assert!(!visible(&nasty).chars().any(is_unseen));
        assert!(nasty.chars().count() > 4_000);
    }

    #[test]
    fn invariant_9_format_characters_beyond_the_first_plane_are_unseen() {
        for c in ['\u{2800}', '\u{13430}', '\u{1bca0}', '\u{1d159}', '\u{1d173}', '\u{1d17a}'] {
            assert_eq!(visible(&c.to_string()), format!("\\u{{{:x}}}", u32::from(c)));
        }
    }

    #[test]
    fn clipping_keeps_both_ends_and_whole_characters() {
        let text: String = ('а'..='я').cycle().take(300).collect();
        let short = clip(&text, 10);
        assert!(short.starts_with("абвгдеж"));
        assert!(short.contains("290 of 300"));
        assert!(text.ends_with(short.rsplit(' ').next().unwrap()));
    }
}
