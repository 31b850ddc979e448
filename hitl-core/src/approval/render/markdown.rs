//! The view as Markdown, in which no input text is markup.

use std::fmt::Write as _;

use super::budget::MAX_MARKDOWN;
use super::text::bar;
use super::view::{ReviewCard, SectionName};

impl ReviewCard {
    /// Returns the view as Markdown (`CommonMark`, and GitHub's dialect). Headings and lists are
    /// ours, and every punctuation mark in other text is escaped, so that there are no links,
    /// mentions, images or HTML in it; an `@` that could begin a name is written as `\u{40}`. A
    /// forge may still turn a mail address into a link. At most 60,000 characters: lines that do
    /// not fit are left out, and the text says so.
    pub fn to_markdown(&self) -> String {
        self.fitted(MAX_MARKDOWN, Self::markdown)
    }

    fn markdown(&self) -> String {
        let mut out = String::with_capacity(2048);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "## {} approval: {}\n", self.level, escape(&self.title.text));
        if let Some(label) = self.title.origin.label() {
            let _ = writeln!(out, "_({})_\n", escape(label));
        }
        for warning in &self.warnings {
            let _ = writeln!(out, "> **Beware:** {}\n", escape(warning));
        }
        for section in &self.sections {
            let _ = write!(out, "**{}**", escape(&section.heading));
            if let Some(label) = &section.label {
                let _ = write!(out, " _({})_", escape(label));
            }
            out.push_str("\n\n");
            if section.name == SectionName::Confidence {
                let _ = writeln!(out, "- {}", escape(&bar(self.score)));
            }
            for line in &section.lines {
                out.push_str(&"  ".repeat(usize::from(line.depth)));
                out.push('-');
                if let Some(label) = &line.label {
                    let _ = write!(out, " {}\\:", escape(label));
                }
                if !line.value.is_empty() {
                    let _ = write!(out, " {}", escape(line.value.trim_start()));
                }
                if let Some(reads) = &line.reads {
                    let _ = write!(out, " _({})_", escape(reads));
                }
                out.push('\n');
            }
            out.push('\n');
        }
        out
    }
}

/// Escapes every ASCII punctuation mark, which makes it literal. But forges look for names to
/// notify in the rendered text, where the escape is gone: an `@` that could begin a name is written
/// as `\u{40}`.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut spaces, mut before) = (0, ' ');
    for c in text.chars() {
        let begins = c == '@' && !before.is_alphanumeric();
        before = c;
        if begins {
            out.push_str("\\\\u\\{40\\}");
            spaces = 0;
            continue;
        }
        // Markdown would collapse several spaces into one.
        spaces = if c == ' ' { spaces + 1 } else { 0 };
        if spaces > 1 {
            out.push('\u{a0}');
            continue;
        }
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
