//! Text on lines that a terminal does not wrap. Pure.

use hitl_base::display::visible;

/// Makes a text of several lines one that is safe to show: the lines are joined by semicolons.
pub(crate) fn one_line(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| visible(line.trim())).collect();
    lines.join("; ")
}

/// Breaks a text into lines of at most `width` characters, between words; a longer word is cut.
/// Make it safe to show first, with [`one_line`].
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest = word;
        while !rest.is_empty() {
            let line = lines.last_mut().map_or(0, |line| line.chars().count());
            let room = width.saturating_sub(line + usize::from(line > 0));
            let length = rest.chars().count();
            // A word that fits on no line is cut on a line of its own.
            if line > 0 && length > room {
                lines.push(String::new());
                continue;
            }
            let at = rest.char_indices().nth(room.max(1)).map_or(rest.len(), |(at, _)| at);
            if let Some(current) = lines.last_mut() {
                if line > 0 {
                    current.push(' ');
                }
                current.push_str(&rest[..at]);
            }
            rest = &rest[at..];
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_too_long_and_no_word_is_lost() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a abcdefgh b", 3), ["a", "abc", "def", "gh", "b"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(one_line("one\n  two\u{202e}\n"), "one; two\\u{202e}");
        for width in 1..20 {
            let text = "some words, \u{e9}\u{e9}\u{e9}, and averyveryverylongone at the end";
            let lines = wrap(text, width);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:?}");
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(letters(&lines.concat()), letters(text));
        }
    }
}
