//! What a scene shows, and its text.

use std::fmt::Write as _;

use hitl_base::display::visible;
use hitl_core::approval::terminal::Style;
use serde::Serialize;

use crate::args::SceneName;
use crate::view::Screen;

/// The maximum width of the text.
const COLUMNS: usize = 80;
/// The width of the labels.
const INDENT: usize = 13;

/// A loss, without and with a gate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Scene {
    pub(super) name: SceneName,
    /// The loss, in a few words.
    pub(super) title: &'static str,
    /// What somebody attempts, or what happens.
    pub(super) story: String,
    pub(super) without: Side,
    pub(super) with: Side,
    /// What prevents the loss.
    pub(super) stopped_by: &'static str,
    /// What it does not prevent.
    pub(super) limit: &'static str,
}

/// What happened on one side.
#[derive(Debug, Serialize)]
pub(super) struct Side {
    pub(super) steps: Vec<String>,
    /// The loss, if there is one.
    pub(super) loss: Option<String>,
}

impl Scene {
    /// Returns the reason why this scene does not show what it is meant to show, if there is one.
    pub(super) fn fault(&self) -> Option<String> {
        match (&self.without.loss, &self.with.loss) {
            (_, Some(loss)) => Some(format!("{}: lost with hitl: {loss}", self.title)),
            (None, None) => Some(format!("{}: nothing was lost without hitl", self.title)),
            (Some(_), None) => None,
        }
    }

    /// Writes the scene for people.
    pub(super) fn text(&self, screen: Screen) -> String {
        let room = screen.width().columns().min(COLUMNS);
        let mut out = format!("{}\n", screen.paint(Style::Strong, self.title));
        labelled(&mut out, room, "", &self.story);
        for (label, side) in [("without", &self.without), ("with hitl", &self.with)] {
            let mut label = label;
            for step in &side.steps {
                labelled(&mut out, room, std::mem::take(&mut label), step);
            }
            let (style, end) = match &side.loss {
                Some(loss) => (Style::Bad, format!("LOST: {loss}")),
                None => (Style::Good, "no loss".to_owned()),
            };
            let mut lines = String::new();
            labelled(&mut lines, room, "", &end);
            for line in lines.lines() {
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{}", screen.paint(style, line));
            }
        }
        labelled(&mut out, room, "because", self.stopped_by);
        labelled(&mut out, room, "but", self.limit);
        out
    }
}

/// Writes a text beside a label, wrapped between words.
fn labelled(out: &mut String, room: usize, label: &str, text: &str) {
    let mut line = format!("  {label:<width$}", width = INDENT - 2);
    let mut length = INDENT;
    for word in visible(text).split(' ') {
        let space = usize::from(length > INDENT);
        let word_length = word.chars().count();
        if length + space + word_length > room && length > INDENT {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(INDENT);
            length = INDENT;
        } else if space > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += word_length;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use hitl_core::approval::terminal::ColorMode;

    use super::*;
    use crate::view::Width;

    fn scene(without: Option<&str>, with: Option<&str>) -> Scene {
        let side = |loss: Option<&str>| Side {
            steps: vec!["one".to_owned(), "two ".repeat(30)],
            loss: loss.map(str::to_owned),
        };
        Scene {
            name: SceneName::Amount,
            title: "A title",
            story: "story ".repeat(20),
            without: side(without),
            with: side(with),
            stopped_by: "a check",
            limit: "not more",
        }
    }

    #[test]
    fn a_scene_whose_sides_are_not_as_they_should_be_is_a_fault() {
        assert_eq!(scene(Some("9"), None).fault(), None);
        assert!(scene(Some("9"), Some("9")).fault().unwrap_or_default().contains("with hitl: 9"));
        assert!(scene(None, None).fault().unwrap_or_default().contains("without hitl"));
    }

    #[test]
    fn lines_fit_the_screen_and_colours_are_where_they_are_wanted() {
        let plain =
            scene(Some("9"), None).text(Screen::new(Width::Columns(COLUMNS), ColorMode::Plain));
        assert!(plain.lines().all(|line| line.chars().count() <= COLUMNS), "{plain}");
        assert!(plain.contains("\n  without    one\n             two two"), "{plain}");
        assert!(!plain.contains('\x1b'));
        let colored =
            scene(Some("9\x1b[2J"), None).text(Screen::new(Width::Unlimited, ColorMode::Ansi));
        assert!(colored.contains("\x1b[31m             LOST: 9"), "{colored}");
        assert!(!colored.contains("\x1b[2J"), "{colored}");
    }
}
