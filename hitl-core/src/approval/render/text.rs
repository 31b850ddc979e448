//! The view as lines of text.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::view::{Line, ReviewCard, Score, Section, SectionName};
use crate::call::Risk;

/// The visual style of a piece of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum TextStyle {
    /// No emphasis.
    #[default]
    Plain,
    /// Text to read first.
    Strong,
    /// Text to read last.
    Faint,
    /// A good result.
    Good,
    /// Something that needs attention.
    Warning,
    /// Something dangerous, or a failure.
    Bad,
}

impl From<Risk> for TextStyle {
    /// Returns the style of a risk, the same on every surface.
    fn from(risk: Risk) -> Self {
        match risk {
            Risk::Low => Self::Good,
            Risk::Medium => Self::Warning,
            Risk::High | Risk::Critical => Self::Bad,
        }
    }
}

/// The column at which the values begin.
const COLUMN: usize = 14;
/// The number of cells of the confidence bar.
const CELLS: u8 = 20;

impl ReviewCard {
    /// Returns the view as lines of text, without colours.
    pub fn to_text(&self) -> String {
        self.to_text_in(|_, text| Cow::Borrowed(text))
    }

    /// Returns the view as lines of text with styles: `paint` may wrap a text in whatever expresses
    /// its style, such as the escape sequences of a terminal.
    pub fn to_text_in(&self, paint: impl for<'t> Fn(TextStyle, &'t str) -> Cow<'t, str>) -> String {
        let mut out = String::with_capacity(1024);
        let asks = format!("{} approval", self.level);
        let _ = writeln!(
            out,
            "{}  {}",
            paint(TextStyle::Warning, &asks),
            paint(TextStyle::Strong, &self.title.text)
        );
        if let Some(label) = self.title.origin.label() {
            row(&mut out, "title", &paint(TextStyle::Faint, &format!("({label})")));
        }
        for warning in &self.warnings {
            row(&mut out, "beware", &paint(TextStyle::Bad, warning));
        }
        for section in &self.sections {
            write_section(&mut out, section, self.score, &paint);
        }
        out
    }
}

fn write_section(
    out: &mut String,
    section: &Section,
    score: Score,
    paint: &impl for<'t> Fn(TextStyle, &'t str) -> Cow<'t, str>,
) {
    let mut heading = section.heading.as_str();
    if let Some(label) = &section.label {
        row(out, heading, &paint(TextStyle::Faint, &format!("({label})")));
        heading = "";
    } else if section.name == SectionName::Confidence {
        row(out, heading, &bar(score));
        heading = "";
    }
    for line in &section.lines {
        row(out, heading, &paint(line.tone, &text_of(line, section.name)));
        heading = "";
    }
}

/// Returns a line's own text: its indent, its name, its value, and the common notation of it.
fn text_of(line: &Line, section: SectionName) -> String {
    let mut text = "  ".repeat(usize::from(line.depth));
    match &line.label {
        Some(label) => {
            text.push_str(label);
            text.push(':');
        }
        None if section == SectionName::Arguments && !line.is_gap() => text.push('-'),
        None => {}
    }
    if !line.value.is_empty() {
        if line.label.is_some() || text.ends_with('-') {
            text.push(' ');
        }
        text.push_str(&line.value);
    }
    if let Some(reads) = &line.reads {
        let seam = if line.value.is_empty() { " " } else { "  " };
        let _ = write!(text, "{seam}({reads})");
    }
    text
}

impl Section {
    /// Returns its lines as text, indented like in [`ReviewCard::to_text`] and without heading and
    /// label: for a surface with a layout of its own.
    pub fn to_lines(&self) -> Vec<String> {
        self.lines.iter().map(|line| text_of(line, self.name)).collect()
    }
}

impl Line {
    /// Returns whether the line represents items that are left out.
    pub(super) fn is_gap(&self) -> bool {
        self.label.is_none() && self.value.starts_with('[') && self.value.starts_with("[… ")
    }
}

fn row(out: &mut String, label: &str, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "  {label:<width$}{text}", width = COLUMN - 2);
}

/// Draws the score as a bar, with a mark at each threshold.
pub(super) fn bar(score: Score) -> String {
    let cell = |points: u8| points.min(100) / (100 / CELLS);
    let mut out = String::from("[");
    for at in 0..CELLS {
        if at > 0 && (at == cell(score.quick) || at == cell(score.auto)) {
            out.push('|');
        }
        out.push(if at < cell(score.confidence) { '#' } else { '.' });
    }
    let Score { confidence, auto, quick, .. } = score;
    let _ = write!(out, "] {confidence} of 100 (auto from {auto}, quick from {quick})");
    out
}
