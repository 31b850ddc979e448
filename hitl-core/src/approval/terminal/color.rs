//! Colours, where they are wanted.

use std::borrow::Cow;
use std::io::IsTerminal;

use crate::approval::TextStyle;

/// Whether text may be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: yes or no.
pub enum ColorMode {
    /// Text alone.
    Plain,
    /// With the escape sequences of ANSI terminals.
    Ansi,
}

impl ColorMode {
    /// Colours when `stream` is a terminal and the environment has no `NO_COLOR`.
    pub fn from_stream(stream: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if stream.is_terminal() && !unwanted { Self::Ansi } else { Self::Plain }
    }

    /// The text in its tone. Make foreign text visible before: this adds escape sequences only.
    pub fn paint(self, tone: TextStyle, text: &str) -> Cow<'_, str> {
        let code = match tone {
            _ if self == Self::Plain || text.is_empty() => return Cow::Borrowed(text),
            TextStyle::Plain => return Cow::Borrowed(text),
            TextStyle::Strong => "1",
            TextStyle::Faint => "2",
            TextStyle::Good => "32",
            TextStyle::Warning => "33",
            TextStyle::Bad => "31",
        };
        Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m"))
    }
}
