//! Truncation of long text that nobody can mistake for the whole.

use std::borrow::Cow;

/// Shortens `text` to about `max` characters, keeping both ends and noting how much is left out.
///
/// ```
/// # use hitl::display::clip;
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
    fn clipping_keeps_both_ends_and_whole_characters() {
        let text: String = ('а'..='я').cycle().take(300).collect();
        let short = clip(&text, 10);
        assert!(short.starts_with("абвгдеж"));
        assert!(short.contains("290 of 300"));
        assert!(text.ends_with(short.rsplit(' ').next().unwrap()));
    }
}
