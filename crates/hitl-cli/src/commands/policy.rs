//! `hitl policy test`: checks a rule file and runs its own tests.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hitl_base::display::visible;
use hitl_core::RuleSet;
use hitl_core::policy::RuleErrors;
use serde::Serialize;

use super::Output;
use crate::exit::{Exit, Failure};

/// The report on a rule file, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyReport {
    /// The policy's name, version and digest, when it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    rules: usize,
    /// The mistakes in the file.
    pub(super) mistakes: Vec<Diagnostic>,
    /// Rules that do less than they seem to.
    pub(super) warnings: Vec<Diagnostic>,
    /// The results of its own tests.
    pub(super) tests: Vec<TestLine>,
}

#[derive(Debug, Serialize)]
pub(super) struct Diagnostic {
    line: Option<usize>,
    column: Option<usize>,
    pub(super) message: String,
}

#[derive(Debug, Serialize)]
pub(super) struct TestLine {
    line: Option<usize>,
    pub(super) passed: bool,
    pub(super) message: String,
}

pub(super) fn run(path: &Path, output: &Output) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let report = check(&text);
    output.print_folded(&report, || report_text(&path.display().to_string(), &report))?;
    if report.passed() { Ok(()) } else { Err(Failure::new(Exit::Found, "")) }
}

/// Reads the rules and runs their tests. Pure.
pub(super) fn check(text: &str) -> PolicyReport {
    match RuleSet::parse(text) {
        Ok(rules) => PolicyReport {
            policy: Some(rules.id().to_string()),
            rules: rules.rules().len(),
            mistakes: Vec::new(),
            warnings: rules
                .warnings()
                .iter()
                .map(|w| Diagnostic { line: w.line(), column: None, message: w.to_string() })
                .collect(),
            tests: rules
                .self_test()
                .iter()
                .map(|test| TestLine {
                    line: test.line(),
                    passed: test.passed(),
                    message: test.to_string(),
                })
                .collect(),
        },
        Err(errors) => {
            let (mistakes, warnings) = (mistakes(&errors), Vec::new());
            PolicyReport { policy: None, rules: 0, mistakes, warnings, tests: Vec::new() }
        }
    }
}

fn mistakes(errors: &RuleErrors) -> Vec<Diagnostic> {
    errors
        .iter()
        .map(|e| Diagnostic { line: e.line(), column: e.column(), message: e.to_string() })
        .collect()
}

impl PolicyReport {
    fn passed(&self) -> bool {
        self.mistakes.is_empty() && self.tests.iter().all(|test| test.passed)
    }
}

/// Renders the report for people.
fn report_text(file: &str, report: &PolicyReport) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for mistake in &report.mistakes {
        let _ = writeln!(out, "{file}: {}", visible(&mistake.message));
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "{file}: warning: {}", visible(&warning.message));
    }
    for test in report.tests.iter().filter(|test| !test.passed) {
        let line = test.line.unwrap_or_default();
        let _ = writeln!(out, "{file}: line {line}: {}", visible(&test.message));
    }
    if let Some(policy) = &report.policy {
        let held = report.tests.iter().filter(|test| test.passed).count();
        let (rules, tests) = (report.rules, report.tests.len());
        let _ = writeln!(out, "{}: {rules} rules, {held} of {tests} tests hold", visible(policy));
    }
    out
}
