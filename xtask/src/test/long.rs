//! The checks that only the full tier has.

use crate::cargo::cargo;
use crate::test::report::Report;
use crate::{dist, docs_rs, package};

/// Runs them in turn.
pub(crate) fn checks(report: &mut Report) -> Result<(), String> {
    for (name, alone) in [
        ("hitl-store alone", "hitl-store"),
        ("hitl-console alone", "hitl-console"),
        ("hitl-cli alone", "hitl-cli"),
        ("hitl alone", "hitl"),
    ] {
        for features in ["--no-default-features", "--all-features"] {
            report.cargo(name, &cargo(&["check", "-p", alone, features]))?;
        }
    }
    report.cargo("packages, each built from its files alone", &package::build())?;
    report.time("size of the program, and its archive", dist::check)?;
    report.cargo("documentation, as docs.rs builds it", &docs_rs::build())?;
    report.time("features in that documentation", docs_rs::check)?;
    report.cargo(
        "examples, as a newcomer builds them",
        &cargo(&["build", "-p", "hitl", "--examples"]),
    )?;
    report.cargo(
        "benchmarks run once",
        &cargo(&["test", "--workspace", "--all-features", "--benches"]),
    )
}
