//! Colours, where they are wanted.

use std::borrow::Cow;
use std::io::IsTerminal;

/// Whether text may be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Text alone.
    Plain,
    /// With the escape sequences of ANSI terminals.
    Ansi,
}

/// What a piece of text is, for the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// What to read first.
    Strong,
    /// What to read last.
    Faint,
    /// It went well.
    Good,
    /// It asks for attention.
    Warning,
    /// It is dangerous, or went wrong.
    Bad,
}

impl Ink {
    /// Colours when `stream` is a terminal and the environment has no `NO_COLOR`.
    pub fn of(stream: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if stream.is_terminal() && !unwanted { Self::Ansi } else { Self::Plain }
    }

    /// The text in its style. Make foreign text visible before: this adds escape sequences only.
    pub fn paint(self, style: Style, text: &str) -> Cow<'_, str> {
        if self == Self::Plain || text.is_empty() {
            return Cow::Borrowed(text);
        }
        let code = match style {
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "31",
        };
        Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m"))
    }
}
