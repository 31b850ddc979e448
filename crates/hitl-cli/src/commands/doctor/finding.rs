//! A finding, and the answer of `hitl doctor`. Pure.

use std::fmt::Write as _;

use serde::Serialize;

use crate::view::{one_line, wrap};

/// The width of a line of the answer.
const COLUMNS: usize = 80;
/// The width of a verdict, of an area, and of both with the spaces after them.
const VERDICT: usize = 8;
const AREA: usize = 9;
const INDENT: usize = VERDICT + 1 + AREA + 1;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Verdict {
    Ok,
    /// It works, and will not if nothing is done; or it could not be checked.
    Warning,
    /// It does not work.
    Problem,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What a problem prevents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Prevents {
    Nothing,
    /// No decision would be taken right now.
    Decisions,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    area: &'static str,
    verdict: Verdict,
    what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
    prevents: Prevents,
}

impl Finding {
    fn new(area: &'static str, verdict: Verdict, what: impl Into<String>) -> Self {
        Self { area, verdict, what: what.into(), advice: None, prevents: Prevents::Nothing }
    }

    /// Reports that something is as it should be.
    pub(super) fn ok(area: &'static str, what: impl Into<String>) -> Self {
        Self::new(area, Verdict::Ok, what)
    }

    /// Reports what works so far, and what to do about it.
    pub(super) fn warning(
        area: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { advice: Some(advice.into()), ..Self::new(area, Verdict::Warning, what) }
    }

    /// Reports what does not work, and what to do about it.
    pub(super) fn problem(
        area: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { advice: Some(advice.into()), ..Self::new(area, Verdict::Problem, what) }
    }

    /// Adds that no decision would be taken.
    #[must_use]
    pub(super) fn that_prevents_decisions(self) -> Self {
        Self { prevents: Prevents::Decisions, ..self }
    }

    /// Returns the area, if no decision would be taken because of this.
    pub(super) fn preventing(&self) -> Option<&'static str> {
        (self.prevents == Prevents::Decisions).then_some(self.area)
    }

    #[cfg(test)]
    pub(super) fn is(&self, verdict: Verdict, part: &str) -> bool {
        self.verdict == verdict && self.what.contains(part)
    }

    /// Renders the finding on lines that are not wrapped by a terminal.
    fn text(&self) -> String {
        let head = format!("{:<VERDICT$} {:<AREA$} ", self.verdict.name(), self.area);
        let mut out = String::new();
        let mut lines = |text: &str, first: &str, others: &str| {
            for (at, line) in wrap(&one_line(text), COLUMNS - INDENT - 3, "").iter().enumerate() {
                let before = if at == 0 { first } else { others };
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{before:<INDENT$}{line}");
            }
        };
        lines(&self.what, &head, "");
        let (arrow, under) = (format!("{:<INDENT$}-> ", ""), format!("{:<INDENT$}   ", ""));
        if let Some(advice) = &self.advice {
            lines(advice, &arrow, &under);
        }
        out
    }
}

/// The whole answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Diagnosis {
    /// The worst of the verdicts.
    verdict: Verdict,
    findings: Vec<Finding>,
}

impl Diagnosis {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        let worst = findings.iter().map(|finding| finding.verdict).max();
        Self { verdict: worst.unwrap_or(Verdict::Problem), findings }
    }

    /// Returns whether there is no problem. Warnings are none.
    pub(super) fn is_healthy(&self) -> bool {
        self.verdict < Verdict::Problem
    }

    /// Renders the answer for people.
    pub(super) fn text(&self) -> String {
        let mut out: String = self.findings.iter().map(Finding::text).collect();
        let count = |verdict| self.findings.iter().filter(|it| it.verdict == verdict).count();
        let (problems, warnings) = (count(Verdict::Problem), count(Verdict::Warning));
        let plural = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            many => format!("{many} {what}s"),
        };
        let (problems, warnings) = (plural(problems, "problem"), plural(warnings, "warning"));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{problems}, {warnings}");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_verdict_area_and_what_to_do_on_80_columns() {
        let long = "x ".repeat(120);
        let findings = vec![
            Finding::ok("store", "hitl.db: schema 12"),
            Finding::warning("audit", long.as_str(), "name it\u{202e}"),
            Finding::problem("executors", "none is alive", long.as_str()),
        ];
        let diagnosis = Diagnosis::new(findings);
        let text = diagnosis.text();
        assert!(text.starts_with("ok       store     hitl.db: schema 12\n"), "{text}");
        assert!(text.contains("\nwarning  audit     x x"), "{text}");
        assert!(text.contains("-> name it\\u{202e}"), "{text}");
        assert!(text.ends_with("1 problem, 1 warning\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert!(!diagnosis.is_healthy());
    }

    #[test]
    fn warnings_are_no_problem_and_no_finding_is_one() {
        assert!(Diagnosis::new(vec![Finding::warning("a", "b", "c")]).is_healthy());
        assert!(!Diagnosis::new(Vec::new()).is_healthy());
    }
}
