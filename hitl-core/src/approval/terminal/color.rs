//! Colours, where they are wanted.

use std::borrow::Cow;
use std::io::IsTerminal;

use crate::approval::TextStyle;

/// The choice between plain and coloured text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: yes or no.
pub enum ColorMode {
    /// Text without colours.
    Plain,
    /// Text with ANSI escape sequences.
    Ansi,
}

impl ColorMode {
    /// Returns [`Ansi`](Self::Ansi) if `stream` is a terminal and the environment has no
    /// `NO_COLOR`.
    pub fn from_stream(stream: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if stream.is_terminal() && !unwanted { Self::Ansi } else { Self::Plain }
    }

    /// Returns the text in the colour of its tone. Make untrusted text visible first: this only
    /// adds escape sequences.
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
