//! The checks that only the full tier has.

use crate::cargo::cargo;
use crate::test::report::Report;

/// Runs them in turn.
pub(crate) fn checks(report: &mut Report) -> Result<(), String> {
    report.cargo(
        "examples, as a newcomer builds them",
        &cargo(&["build", "-p", "hitl", "--examples"]),
    )?;
    report.cargo(
        "benchmarks run once",
        &cargo(&["test", "--workspace", "--all-features", "--benches"]),
    )
}
