//! `hitl policy test`: whether a rule file is right.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hitl_base::display::visible;
use hitl_core::RuleSet;
use hitl_core::policy::RuleErrors;
use serde::Serialize;

use super::Output;
use crate::exit::{Exit, Failure};

/// What was found, as programs get it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tested {
    /// The policy's name, version and digest, when it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    rules: usize,
    /// What is wrong with the file.
    mistakes: Vec<Place>,
    /// What in it does less than it seems to.
    warnings: Vec<Place>,
    /// How its own tests went.
    tests: Vec<Test>,
}

#[derive(Debug, Serialize)]
struct Place {
    line: Option<usize>,
    column: Option<usize>,
    message: String,
}

#[derive(Debug, Serialize)]
struct Test {
    line: Option<usize>,
    passed: bool,
    message: String,
}

pub(super) fn run(path: &Path, output: &Output) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let tested = test(&text);
    output.print(&tested, || report(&path.display().to_string(), &tested))?;
    if tested.passed() { Ok(()) } else { Err(Failure::new(Exit::Found, "")) }
}

/// Reads the rules and runs their tests. Pure.
fn test(text: &str) -> Tested {
    match RuleSet::parse(text) {
        Ok(rules) => Tested {
            policy: Some(rules.id().to_string()),
            rules: rules.rules().len(),
            mistakes: Vec::new(),
            warnings: rules
                .warnings()
                .iter()
                .map(|w| Place { line: w.line(), column: None, message: w.to_string() })
                .collect(),
            tests: rules
                .self_test()
                .iter()
                .map(|test| Test {
                    line: test.line(),
                    passed: test.passed(),
                    message: test.to_string(),
                })
                .collect(),
        },
        Err(errors) => {
            let (mistakes, warnings) = (mistakes(&errors), Vec::new());
            Tested { policy: None, rules: 0, mistakes, warnings, tests: Vec::new() }
        }
    }
}

fn mistakes(errors: &RuleErrors) -> Vec<Place> {
    errors
        .iter()
        .map(|e| Place { line: e.line(), column: e.column(), message: e.to_string() })
        .collect()
}

impl Tested {
    fn passed(&self) -> bool {
        self.mistakes.is_empty() && self.tests.iter().all(|test| test.passed)
    }
}

/// For people.
fn report(file: &str, tested: &Tested) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for mistake in &tested.mistakes {
        let _ = writeln!(out, "{file}: {}", visible(&mistake.message));
    }
    for warning in &tested.warnings {
        let _ = writeln!(out, "{file}: warning: {}", visible(&warning.message));
    }
    for test in tested.tests.iter().filter(|test| !test.passed) {
        let line = test.line.unwrap_or_default();
        let _ = writeln!(out, "{file}: line {line}: {}", visible(&test.message));
    }
    if let Some(policy) = &tested.policy {
        let held = tested.tests.iter().filter(|test| test.passed).count();
        let (rules, tests) = (tested.rules, tested.tests.len());
        let _ = writeln!(out, "{}: {rules} rules, {held} of {tests} tests hold", visible(policy));
    }
    out
}
