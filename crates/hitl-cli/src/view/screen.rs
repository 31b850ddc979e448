//! The room and the colours that a text for people has. Renderers get it as an argument; only
//! [`Screen::output`] and [`Screen::messages`] look at the process's streams.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _};

use hitl_base::display::fold;
use hitl_core::approval::terminal::{ColorMode, Style};

/// The number of columns of a terminal that does not say how many it has.
const USUAL: usize = 80;
/// The least number of columns that text is laid out for; a narrower terminal breaks lines itself.
const LEAST: usize = 24;

/// The room for a line of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// As much as a line needs: there is no terminal.
    Unlimited,
    /// This many columns.
    Columns(usize),
}

impl Width {
    /// Returns the room of a stream. `size` is the number of columns that the terminal reports, and
    /// `wished` the environment's `COLUMNS`, which can only make it smaller: a line that is too
    /// wide would be broken by the terminal, and its rest could pass for a line of hitl.
    fn of(is_terminal: bool, size: Option<usize>, wished: Option<&str>) -> Self {
        if !is_terminal {
            return Self::Unlimited;
        }
        let wished = wished.and_then(|columns| columns.trim().parse().ok());
        let known = size.into_iter().chain(wished).filter(|columns| *columns > 0).min();
        Self::Columns(known.unwrap_or(USUAL).max(LEAST))
    }

    /// Returns the number of columns; `usize::MAX` without a limit.
    pub(crate) fn columns(self) -> usize {
        match self {
            Self::Unlimited => usize::MAX,
            Self::Columns(columns) => columns,
        }
    }
}

/// The room and the colours that a text for people has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    width: Width,
    ink: ColorMode,
}

impl Screen {
    pub(crate) const fn new(width: Width, ink: ColorMode) -> Self {
        Self { width, ink }
    }

    /// Returns the screen of standard output.
    pub(crate) fn output() -> Self {
        let out = io::stdout();
        let width = Self::width_of(out.is_terminal(), terminal_size::terminal_size_of(&out));
        Self::new(width, ColorMode::from_stream(&out))
    }

    /// Returns the screen of standard error, where notes and questions are.
    pub(crate) fn messages() -> Self {
        let out = io::stderr();
        let width = Self::width_of(out.is_terminal(), terminal_size::terminal_size_of(&out));
        Self::new(width, ColorMode::from_stream(&out))
    }

    fn width_of(
        is_terminal: bool,
        size: Option<(terminal_size::Width, terminal_size::Height)>,
    ) -> Width {
        let size = size.map(|(columns, _)| usize::from(columns.0));
        Width::of(is_terminal, size, std::env::var("COLUMNS").ok().as_deref())
    }

    pub(crate) const fn width(self) -> Width {
        self.width
    }

    /// Returns the text in the colour of its style. Make untrusted text visible first.
    pub(crate) fn paint(self, style: Style, text: &str) -> Cow<'_, str> {
        self.ink.paint(style, text)
    }

    /// Returns the text with its long lines continued behind a mark; without a limit, as it is.
    pub(crate) fn fold(self, text: &str) -> String {
        match self.width {
            Width::Unlimited => text.to_owned(),
            Width::Columns(columns) => fold(text, columns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_wide_as_the_terminal_and_a_wish_can_only_narrow_it() {
        for (size, wished, expected) in [
            (Some(200), None, 200),
            (Some(200), Some("80"), 80),
            (Some(80), Some("200"), 80),
            (None, Some("132"), 132),
            (None, None, USUAL),
            (Some(0), None, USUAL),
            (Some(100), Some("0"), 100),
            (Some(100), Some("wide"), 100),
            (Some(5), None, LEAST),
        ] {
            let expected = Width::Columns(expected);
            assert_eq!(Width::of(true, size, wished), expected, "{size:?} {wished:?}");
            assert_eq!(Width::of(false, size, wished), Width::Unlimited);
        }
    }
}
