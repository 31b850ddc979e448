//! Colours, where they are wanted.

use std::borrow::Cow;
use std::ffi::OsString;
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
    /// Returns [`Ansi`](Self::Ansi) if `stream` is a terminal that shows colours and the
    /// environment does not refuse them.
    ///
    /// The first variable that applies decides: `NO_COLOR` with any text refuses colours,
    /// `CLICOLOR_FORCE` with any text but `0` asks for them even without a terminal, and
    /// `CLICOLOR=0` and `TERM=dumb` refuse them.
    pub fn from_stream(stream: &impl IsTerminal) -> Self {
        Self::wanted(stream.is_terminal(), |name| std::env::var_os(name))
    }

    /// Does the same for this environment.
    fn wanted(is_terminal: bool, environment: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name| environment(name).filter(|value| !value.is_empty());
        let is = |name, text: &str| value(name).is_some_and(|value| value == text);
        let is_forced = value("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let is_refused = is("CLICOLOR", "0") || is("TERM", "dumb");
        let is_shown = is_forced || is_terminal && !is_refused;
        if is_shown && value("NO_COLOR").is_none() { Self::Ansi } else { Self::Plain }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_and_for_who_wants_them() {
        use ColorMode::{Ansi, Plain};
        let of = |is_terminal, variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
            ColorMode::wanted(is_terminal, |name| {
                find(name).map(|(_, value)| OsString::from(value))
            })
        };
        for (variables, at_terminal, elsewhere) in [
            (&[][..], Ansi, Plain),
            (&[("TERM", "xterm-256color"), ("CLICOLOR", "1")], Ansi, Plain),
            (&[("NO_COLOR", "1")], Plain, Plain),
            (&[("NO_COLOR", "")], Ansi, Plain),
            (&[("CLICOLOR", "0")], Plain, Plain),
            (&[("TERM", "dumb")], Plain, Plain),
            (&[("CLICOLOR_FORCE", "1")], Ansi, Ansi),
            (&[("CLICOLOR_FORCE", "0")], Ansi, Plain),
            (&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")], Ansi, Ansi),
            (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], Plain, Plain),
        ] {
            assert_eq!(of(true, variables), at_terminal, "{variables:?}");
            assert_eq!(of(false, variables), elsewhere, "{variables:?}");
        }
    }
}
