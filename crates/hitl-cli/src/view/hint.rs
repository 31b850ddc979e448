//! Commands that are suggested to the reader, as they would have to type them. Pure.

use hitl_base::display::{shell_word, visible};

use super::Width;

/// The width of a line of a suggested command where a line may have any.
const COLUMNS: usize = 80;
/// What stands before a command, and before each line that continues it.
const INDENT: &str = "  ";
const CONTINUED: &str = "      ";

/// The place of the reader's calls, as the options that name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A store.
    Store,
    /// A console.
    Console,
}

/// Suggests commands on the reader's own store or console.
#[derive(Clone, Debug)]
pub(crate) struct CommandHint {
    place: Place,
    /// The options that name it, such as `--db` and a path; empty where the environment does.
    options: Vec<String>,
    /// The width of the lines of a command.
    columns: usize,
}

impl CommandHint {
    pub(crate) fn new(place: Place, options: Vec<String>) -> Self {
        Self { place, options, columns: COLUMNS }
    }

    /// Breaks commands for this room.
    #[must_use]
    pub(crate) fn within(self, width: Width) -> Self {
        let columns = match width {
            Width::Unlimited => COLUMNS,
            Width::Columns(columns) => columns,
        };
        Self { columns, ..self }
    }

    /// Returns the place of the reader's calls.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Returns the command in one line, to stand in a sentence.
    pub(crate) fn inline(&self, words: &[&str]) -> String {
        self.words(words).join(" ")
    }

    /// Returns the command behind a heading, or below it where there is no room.
    pub(crate) fn beside(&self, heading: &str, words: &[&str], width: Width) -> String {
        let line = format!("{heading}: {}\n", self.inline(words));
        if line.chars().count() <= width.columns() { line } else { self.block(heading, words) }
    }

    /// Returns the command on lines of its own under a heading. It is broken before options, so
    /// that a shell takes it as it stands.
    pub(crate) fn block(&self, heading: &str, words: &[&str]) -> String {
        let mut out = format!("{heading}:\n{INDENT}");
        let mut used = INDENT.len();
        // An option stays with its value.
        let mut parts: Vec<String> = Vec::new();
        for word in self.words(words) {
            match parts.last_mut() {
                Some(part) if !word.starts_with("--") => *part = format!("{part} {word}"),
                _ => parts.push(word),
            }
        }
        for (at, part) in parts.iter().enumerate() {
            let width = part.chars().count();
            // Two columns are kept for the mark that continues a line.
            if at > 0 && used + 1 + width + 2 > self.columns {
                out.push_str(" \\\n");
                out.push_str(CONTINUED);
                used = CONTINUED.len();
            } else if at > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(part);
            used += width;
        }
        out.push('\n');
        out
    }

    /// Returns the words of the command, each safe to paste: `hitl`, those given, and the options.
    fn words(&self, words: &[&str]) -> Vec<String> {
        let own = self.options.iter().map(|word| visible(&shell_word(word)).into_owned());
        let given = words.iter().map(|word| (*word).to_owned());
        std::iter::once("hitl".to_owned()).chain(given).chain(own).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(options: &[&str]) -> CommandHint {
        let options = options.iter().map(|word| (*word).to_owned()).collect();
        CommandHint::new(Place::Store, options)
    }

    #[test]
    fn a_command_names_the_readers_own_store_and_is_safe_to_paste() {
        let hint = hint(&["--db", "/srv/my refunds.db"]);
        let expected = "hitl show 72e1f84a37cd --db '/srv/my refunds.db'";
        assert_eq!(hint.inline(&["show", "72e1f84a37cd"]), expected);
        assert_eq!(
            hint.block("to see it", &["show", "72e1f84a37cd"]),
            format!("to see it:\n  {expected}\n")
        );
        let hostile = self::hint(&["--db", "a\n\u{202e}'; rm -rf x"]).inline(&["queue"]);
        assert!(!hostile.contains(['\n', '\u{202e}']), "{hostile}");
    }

    #[test]
    fn a_long_command_is_broken_between_words_and_is_one_command_to_a_shell() {
        let long = format!("/srv/{}/refunds.db", "folder".repeat(4));
        let hint = hint(&["--db", &long, "--key-file", "/srv/keys/of-the-host.txt"]);
        let block =
            hint.block("to approve", &["approve", "72e1f84a37cd", "--binding", "0123456789ab"]);
        let lines: Vec<&str> = block.lines().collect();
        assert!(
            lines.len() > 2 && lines.iter().all(|line| line.chars().count() <= COLUMNS),
            "{block}"
        );
        let joined: String = lines[1..].join("\n").replace(" \\\n", "");
        let words: Vec<&str> = joined.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            hint.inline(&["approve", "72e1f84a37cd", "--binding", "0123456789ab"])
        );
    }
}
