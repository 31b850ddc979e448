//! The destination of lines for people, which never garble the progress bar.

use std::io::{self, IsTerminal as _, Write as _};

use hitl::approval::terminal::{ColorMode, Style, Terminal};
use hitl::tasks::ProgressBars;

/// Lines for people, and the progress bar between them.
#[derive(Clone)]
pub(crate) struct Screen {
    bars: ProgressBars,
    ink: ColorMode,
    way: Way,
}

#[derive(Clone, Copy)]
enum Way {
    /// Standard output, which is no terminal: the bar is elsewhere.
    Stdout,
    /// Standard error, above the bar if there is one.
    Bars,
}

impl Screen {
    /// Creates the screen. With `--json`, standard output is for the counts alone.
    pub(crate) fn new(json: bool) -> Self {
        let both = io::stdout().is_terminal() && io::stderr().is_terminal();
        let way = if json || both { Way::Bars } else { Way::Stdout };
        let ink = match way {
            Way::Stdout => ColorMode::from_stream(&io::stdout()),
            Way::Bars => ColorMode::from_stream(&io::stderr()),
        };
        Self { bars: ProgressBars::stderr(), ink, way }
    }

    pub(crate) fn bars(&self) -> ProgressBars {
        self.bars.clone()
    }

    /// Returns the terminal, with the bar hidden while a question is asked.
    pub(crate) fn terminal(&self) -> Terminal {
        let bars = self.bars.clone();
        Terminal::new().around(move || bars.pause())
    }

    pub(crate) fn line(&self, line: impl AsRef<str>) {
        match self.way {
            // The reader may have gone; the calls matter more.
            Way::Stdout => drop(writeln!(io::stdout(), "{}", line.as_ref())),
            Way::Bars => self.bars.println(line),
        }
    }

    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        self.ink.paint(style, text).into_owned()
    }
}
