//! The results as text and JSON. Pure.

use std::fmt::Write as _;

use serde::Serialize;

use super::trial::{Ended, TrialResult};
use crate::view::{one_line, wrap};

const COLUMNS: usize = 80;
/// The width of a result, with the spaces after it.
const INDENT: usize = 9;

/// All results.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The scratch store, as far as it says what was tried.
    pub(super) store: String,
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) not_applicable: usize,
    pub(super) trials: Vec<TrialResult>,
}

impl Report {
    pub(super) fn new(store: String, trials: Vec<TrialResult>) -> Self {
        let count = |is: fn(&Ended) -> bool| trials.iter().filter(|it| is(&it.ended)).count();
        let passed = count(|ended| matches!(ended, Ended::Passed { .. }));
        let not_applicable = count(|ended| matches!(ended, Ended::NotApplicable { .. }));
        let failed = trials.len() - passed - not_applicable;
        Self { store, passed, failed, not_applicable, trials }
    }

    /// Returns whether every guarantee that could be tried held, and at least one was tried.
    pub(super) fn holds(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// Renders the results for people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let mut lines = |word: &str, text: &str| {
            for (at, line) in wrap(&one_line(text), COLUMNS - INDENT, "").iter().enumerate() {
                let before = if at == 0 { word } else { "" };
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{before:<INDENT$}{line}");
            }
        };
        lines("tried on", &self.store);
        for TrialResult { guarantee, ended, .. } in &self.trials {
            match ended {
                Ended::Passed { control, guard } => {
                    lines("passed", guarantee);
                    lines("", &format!("without: {control}"));
                    lines("", &format!("with: {guard}"));
                }
                Ended::Failed { why } => {
                    lines("FAILED", guarantee);
                    lines("", why);
                }
                Ended::NotApplicable { why } => {
                    lines("n/a", guarantee);
                    lines("", why);
                }
            }
        }
        let Self { passed, failed, not_applicable, .. } = self;
        let _ = writeln!(out, "{passed} passed, {failed} failed, {not_applicable} not applicable");
        out
    }
}

#[cfg(test)]
pub(super) mod fixture {
    use super::*;

    pub(in super::super) fn result(name: &'static str, ended: Ended) -> TrialResult {
        TrialResult { name, guarantee: "it holds", ended, milliseconds: 1_234 }
    }

    pub(in super::super) fn passed() -> Ended {
        Ended::Passed { control: "it ran".to_owned(), guard: "it did not".to_owned() }
    }

    pub(in super::super) fn failed(why: &str) -> Ended {
        Ended::Failed { why: why.to_owned() }
    }

    pub(in super::super) fn skipped(why: &str) -> Ended {
        Ended::NotApplicable { why: why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::{failed, passed, result, skipped};
    use super::*;

    #[test]
    fn what_was_not_tried_does_not_count_as_passed() {
        let report = |ended: Vec<Ended>| {
            let trials = ended.into_iter().map(|ended| result("a", ended)).collect();
            Report::new("a scratch store".to_owned(), trials)
        };
        assert!(report(vec![passed(), skipped("no file")]).holds());
        assert!(!report(vec![passed(), failed("it ran twice")]).holds());
        assert!(!report(vec![skipped("no file")]).holds());
        assert!(!report(Vec::new()).holds());
        let text =
            report(vec![passed(), skipped("no file"), failed("x\u{202e} ".repeat(90).trim())]);
        let text = text.text();
        assert!(text.contains("passed   it holds\n         without: it ran\n"), "{text}");
        assert!(text.contains("n/a      it holds\n         no file\n"), "{text}");
        assert!(text.ends_with("1 passed, 1 failed, 1 not applicable\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert!(!text.contains('\u{202e}'));
    }
}
