//! Words of a command line that a person pastes into a shell.

use std::borrow::Cow;

/// Returns `text` as one word of a POSIX shell's command line: as it is if it holds nothing that a
/// shell acts on, otherwise in single quotes.
///
/// ```
/// # use hitl::display::shell_word;
/// assert_eq!(shell_word("/srv/refunds.db"), "/srv/refunds.db");
/// assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
/// assert_eq!(shell_word(""), "''");
/// ```
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_word() {
        assert_eq!(shell_word("a'; rm -rf /; '"), r"'a'\''; rm -rf /; '\'''");
        for text in ["$(x)", "a b", "~", "a&", "a\nb", "*", "\\", "é", "!x", "#"] {
            assert_eq!(shell_word(text), format!("'{text}'"));
        }
    }
}
