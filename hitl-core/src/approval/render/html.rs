//! The view as HTML: a fragment without script, style or link, in which everything is escaped.

use std::fmt::Write as _;

use super::TextStyle;
use super::budget::MAX_HTML;
use super::view::{Line, Origin, ReviewCard, Section};

impl ReviewCard {
    /// Returns the view as an HTML fragment: an `<article class="hitl-request">`. The classes say
    /// what a thing is (`hitl-warning`, `hitl-origin-model`, `hitl-tone-bad`); its look is up to
    /// the page.
    ///
    /// No text of the model is ever markup in it. At most 100,000 characters: lines that do not fit
    /// are left out, and the text says so.
    pub fn to_html(&self) -> String {
        self.fitted(MAX_HTML, Self::html)
    }

    fn html(&self) -> String {
        let mut out = String::with_capacity(4096);
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "<article class=\"hitl-request\" data-request=\"{}\" data-revision=\"{}\" data-binding=\"{}\">\n<header><p class=\"hitl-level\">{} approval</p><h2 class=\"{}\">{}</h2>",
            self.request,
            self.revision,
            self.binding,
            escape(self.level.name()),
            class_of(self.title.origin),
            escape(&self.title.text),
        );
        if let Some(label) = self.title.origin.label() {
            let _ = write!(out, "<p class=\"hitl-label\">{}</p>", escape(label));
        }
        out.push_str("</header>\n");
        if !self.warnings.is_empty() {
            out.push_str("<ul class=\"hitl-warnings\" role=\"alert\">");
            for warning in &self.warnings {
                let _ = write!(out, "<li class=\"hitl-warning\">{}</li>", escape(warning));
            }
            out.push_str("</ul>\n");
        }
        for section in &self.sections {
            write_section(&mut out, section);
        }
        out.push_str("</article>\n");
        out
    }
}

fn write_section(out: &mut String, section: &Section) {
    let _ = write!(
        out,
        "<section class=\"{}\"><h3>{}</h3>",
        class_of(section.origin),
        escape(&section.heading)
    );
    if let Some(label) = &section.label {
        let _ = write!(out, "<p class=\"hitl-label\">{}</p>", escape(label));
    }
    out.push_str("<ul>");
    for line in &section.lines {
        write_line(out, line);
    }
    out.push_str("</ul></section>\n");
}

fn write_line(out: &mut String, line: &Line) {
    let tone = match line.tone {
        TextStyle::Plain => "plain",
        TextStyle::Strong => "strong",
        TextStyle::Faint => "faint",
        TextStyle::Good => "good",
        TextStyle::Warning => "warning",
        TextStyle::Bad => "bad",
    };
    let _ = write!(out, "<li class=\"hitl-tone-{tone} hitl-depth-{}\">", line.depth);
    if let Some(label) = &line.label {
        let _ = write!(out, "<b>{}</b> ", escape(label));
    }
    if !line.value.is_empty() {
        let _ = write!(out, "<code>{}</code>", escape(&line.value));
    }
    if let Some(reads) = &line.reads {
        let _ = write!(out, " <span class=\"hitl-reads\">{}</span>", escape(reads));
    }
    out.push_str("</li>");
}

const fn class_of(origin: Origin) -> &'static str {
    match origin {
        Origin::Host => "hitl-origin-host",
        Origin::Tool => "hitl-origin-tool",
        Origin::Model => "hitl-origin-model",
        Origin::Mixed => "hitl-origin-mixed",
        Origin::Preview => "hitl-origin-preview",
        Origin::Content => "hitl-origin-content",
    }
}

/// Escapes text for use between tags and inside a quoted attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
