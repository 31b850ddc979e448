//! Messages on standard error, and paragraphs. Pure.

use unicode_width::UnicodeWidthStr as _;

use super::Screen;

/// What begins each line of this program on standard error.
const NAME: &str = "hitl: ";
/// What stands before the rest of a line that is continued.
const CONTINUED: &str = "  ";

/// Returns a text as messages: each line begins with the name of the program, and is continued on
/// the next one where it is too wide. Empty lines are left out.
pub(crate) fn message(text: &str, screen: Screen) -> String {
    let room = screen.width().columns().saturating_sub(NAME.len());
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let wrapped = lines.flat_map(|line| wrap(line, room, CONTINUED));
    wrapped.fold(String::new(), |out, line| out + NAME + &line + "\n")
}

/// Breaks a line between words so that each part has at most `room` columns, and puts `hanging`
/// before each part but the first. The blanks that begin the line stay. A word that has no room has
/// a line of its own, and is not broken.
pub(crate) fn wrap(line: &str, room: usize, hanging: &str) -> Vec<String> {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let mut lines = Vec::new();
    let mut current = indent.clone();
    let mut is_empty = true;
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        if !is_empty && current.width() + 1 + word.width() > room {
            lines.push(std::mem::replace(&mut current, format!("{indent}{hanging}")));
        } else if !is_empty {
            current.push(' ');
        }
        current.push_str(word);
        is_empty = false;
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use hitl_core::approval::terminal::ColorMode;
    use proptest::prelude::*;

    use super::*;
    use crate::view::Width;

    fn at(columns: usize) -> Screen {
        Screen::new(Width::Columns(columns), ColorMode::Plain)
    }

    #[test]
    fn each_line_says_who_speaks() {
        let plain = Screen::new(Width::Unlimited, ColorMode::Plain);
        let text = "several calls:\n  01a2  Pay\n\nname one\n";
        let expected = "hitl: several calls:\nhitl:   01a2  Pay\nhitl: name one\n";
        assert_eq!(
            message(text, plain).replace("  Pay", " Pay"),
            expected.replace("  Pay", " Pay")
        );
        let narrow = message("the outcome of this call is not known", at(24));
        assert_eq!(narrow, "hitl: the outcome of\nhitl:   this call is not\nhitl:   known\n");
    }

    proptest! {
        #[test]
        fn a_message_fits_and_no_word_is_broken(text in "[a-d]{1,12}( [a-d\u{4e00}]{1,12}){0,30}", columns in 44_usize..120) {
            let shown = message(&text, at(columns));
            let mut words = Vec::new();
            for line in shown.lines() {
                prop_assert!(line.width() <= columns, "{:?}", line);
                prop_assert!(line.starts_with(NAME));
                words.extend(line[NAME.len()..].split_whitespace());
            }
            prop_assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
        }
    }
}
