//! Line folding for terminals: if the terminal itself broke a line, the rest would begin at the
//! margin and could pass for a line of hitl's own.

/// The prefix of a continued line.
const MARGIN: &str = "              | ";

/// Breaks the lines of `text` that are wider than `columns`: after a space, if the word behind it
/// fits on a line or the space is in the second half of the line; otherwise anywhere. A continued
/// line is indented behind a mark, so that nothing in it appears where a line of its own would
/// begin. Escape sequences for colours (`ESC [ .. m`) take no columns; letters that may be two
/// columns wide take two.
///
/// ```
/// # use hitl::display::fold;
/// assert_eq!(fold("short\n", 40), "short\n");
/// let long = "x".repeat(30) + "  risk  low";
/// assert_eq!(fold(&long, 34), format!("{}  \n              | risk  low", "x".repeat(30)));
/// ```
pub fn fold(text: &str, columns: usize) -> String {
    let room = columns.max(MARGIN.len() + 8);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let (mut used, mut in_colour) = (0, false);
    let mut last_space: Option<Break> = None;
    for (place, c) in text.char_indices() {
        if c == '\n' {
            (used, last_space) = (0, None);
        } else if c == '\u{1b}' {
            in_colour = true;
        } else if in_colour {
            in_colour = c != 'm';
        } else {
            let width = width(c);
            if used + width > room {
                let margin = format!("\n{MARGIN}");
                // A word that fits on no line and is longer than half of one is broken itself.
                let fits = |space: &Break| {
                    let begun = MARGIN.len() + used - space.used;
                    let rest = word_width(text.get(place..).unwrap_or_default(), room);
                    // The space behind a word needs room, too.
                    let whole = begun + rest.max(width);
                    whole <= room || space.used > room / 2 && begun + width <= room
                };
                if let Some(Break { at, used: before }) = last_space.take().filter(fits) {
                    out.insert_str(at, &margin);
                    used = MARGIN.len() + used - before;
                } else {
                    out.push_str(&margin);
                    used = MARGIN.len();
                }
            }
            used += width;
            if c == ' ' {
                last_space = Some(Break { at: out.len() + 1, used });
            }
        }
        out.push(c);
    }
    out
}

/// A place after a space, where a line may be broken.
struct Break {
    /// The place in the text so far.
    at: usize,
    /// The columns before it.
    used: usize,
}

/// Returns how many columns the rest of a word takes, or at least `enough`: longer words are not
/// read to their end.
fn word_width(text: &str, enough: usize) -> usize {
    let (mut used, mut in_colour) = (0, false);
    for c in text.chars().take_while(|c| !matches!(c, ' ' | '\n')) {
        if c == '\u{1b}' {
            in_colour = true;
        } else if in_colour {
            in_colour = c != 'm';
        } else {
            used += width(c);
        }
        if used > enough {
            break;
        }
    }
    used
}

/// Returns how many columns a character takes, at most.
fn width(c: char) -> usize {
    // Wide letters begin here; counting all later characters as wide only breaks some lines early.
    if u32::from(c) < 0x1100 { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_is_not_broken_where_a_space_comes_before_it() {
        let line = "the same effect as call 01a22eb1, which has since ended without running";
        let folded = fold(line, 40);
        let lines: Vec<_> = folded.lines().map(|line| line.trim_start_matches(MARGIN)).collect();
        assert_eq!(
            lines,
            ["the same effect as call 01a22eb1, which ", "has since ended without ", "running"]
        );
        // A long word has no place of its own.
        let long = format!("a {}", "x".repeat(60));
        assert!(fold(&long, 40).starts_with(&format!("a {}\n", "x".repeat(38))));
        // A digest that fits on a line is whole.
        let digest = "0".repeat(64);
        let line = format!("              binding: {digest}");
        assert_eq!(fold(&line, 80), format!("              binding: \n{MARGIN}{digest}"));
        let colored = format!("              binding: \u{1b}[31m{digest}\u{1b}[0m");
        assert_eq!(fold(&colored, 80).lines().count(), 2);
        assert!(fold(&colored, 80).contains(&digest));
    }

    proptest! {
        #[test]
        fn invariant_9_no_line_is_wider_than_the_terminal_and_nothing_is_lost(
            text in "[a \u{4e00}\n]{0,200}", columns in 24_usize..80,
        ) {
            let folded = fold(&text, columns);
            for line in folded.lines() {
                prop_assert!(line.chars().map(width).sum::<usize>() <= columns, "{line:?}");
            }
            prop_assert_eq!(folded.replace(&format!("\n{MARGIN}"), ""), text);
        }
    }

    #[test]
    fn colours_take_no_room() {
        let text = format!("\u{1b}[31m{}\u{1b}[0m", "x".repeat(40));
        assert_eq!(fold(&text, 40), text);
        assert_eq!(fold(&text, 39).matches('\n').count(), 1);
    }
}
