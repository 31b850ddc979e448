//! Texts of several lines, on one. Pure.

use hitl_base::display::visible;

/// Makes a text of several lines one that is safe to show: the lines are joined by semicolons.
pub(crate) fn one_line(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| visible(line.trim())).collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_nothing_moves_the_cursor() {
        assert_eq!(one_line("one\n  two\u{202e}\n"), "one; two\\u{202e}");
    }
}
