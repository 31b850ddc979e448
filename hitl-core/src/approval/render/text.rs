//! The view as lines of text.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::view::{Line, ReviewCard, Score, Section, SectionName};

/// What a piece of text is, for the eye.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum TextStyle {
    /// Nothing special.
    #[default]
    Plain,
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

/// Where the values begin.
const COLUMN: usize = 14;
/// Cells of the confidence bar.
const CELLS: u8 = 20;

impl ReviewCard {
    /// The view as lines of text, without colours.
    pub fn to_text(&self) -> String {
        self.to_text_in(|_, text| Cow::Borrowed(text))
    }

    /// The view as lines of text, painted: `paint` may put something around a text that says what
    /// it is for the eye, such as the escape sequences of a terminal.
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

/// A line's own text: its indent, its name, its value, and what it reads as.
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

impl Line {
    /// Whether it stands for items that are left out.
    pub(super) fn is_gap(&self) -> bool {
        self.label.is_none() && self.value.starts_with('[') && self.value.starts_with("[… ")
    }
}

fn row(out: &mut String, label: &str, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "  {label:<width$}{text}", width = COLUMN - 2);
}

/// The score filled up on a bar, with a mark at either threshold.
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
