//! The checks that only the full tier has.

use crate::cargo::cargo;
use crate::test::report::Report;

/// Runs them in turn.
pub(crate) fn checks(report: &mut Report) -> Result<(), String> {
    for alone in ["hitl-store", "hitl-console", "hitl-cli", "hitl"] {
        for features in ["--no-default-features", "--all-features"] {
            report.cargo("a crate alone", &cargo(&["check", "-p", alone, features]))?;
        }
    }
    report.cargo(
        "examples, as a newcomer builds them",
        &cargo(&["build", "-p", "hitl", "--examples"]),
    )?;
    report.cargo(
        "benchmarks run once",
        &cargo(&["test", "--workspace", "--all-features", "--benches"]),
    )
}
