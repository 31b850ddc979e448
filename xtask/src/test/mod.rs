//! The checks of a change, in three tiers.

mod long;
mod report;
pub(crate) mod runner;
mod tier;

use crate::cargo::cargo;
use crate::javascript::Mode;
use crate::{
    book, browser, dependencies, instructions, javascript, mcp_clients, package, postgres,
    quickstart, spelling, tidy, toolchain,
};
use report::Report;
pub(crate) use tier::Tier;

/// The targets of the quick tier: unit tests, and what a store and a journal have to hold.
const QUICK_TARGETS: [&str; 10] = [
    "--lib", "--bins", "--test", "gate", "--test", "parts", "--test", "sqlite", "--test", "manager",
];

/// The options of test binaries that leave out the tests of growth, by their names: they measure
/// long inputs, and took three quarters of the time of hitl-base's unit tests.
pub(crate) const WITHOUT_GROWTH: [&str; 4] = ["--skip", "linear", "--skip", "no_faster"];

/// Runs every check of a tier in turn; stops at the first that fails. Prints the time of each.
pub(crate) fn run(tier: Tier) -> Result<(), String> {
    let mut report = Report::default();
    let checked = checks(tier, &mut report);
    report.print();
    checked?;
    println!("\nxtask: all {} checks of `cargo xtask test{}` passed", report.count(), tier.flag());
    Ok(())
}

fn checks(tier: Tier, report: &mut Report) -> Result<(), String> {
    toolchain::prepare()?;
    report.time("texts", tidy::run)?;
    report.cargo("format", &cargo(&["fmt", "--all", "--check"]))?;
    if tier >= Tier::Standard {
        report.time("dependencies", dependencies::check)?;
        report.time("packages", package::check)?;
        report.time("spelling", spelling::check)?;
        report.time("format of scripts", || javascript::format(Mode::Check))?;
    }
    // The quick tier compiles the tests, but does not lint them.
    let targets: &[&'static str] =
        if tier == Tier::Fast { &["--lib", "--bins"] } else { &["--all-targets"] };
    let lints = cargo(&["clippy", "--workspace", "--all-features"]).and(targets);
    report.cargo("lints", &lints.and(&["--", "-D", "warnings"]))?;
    if tier == Tier::Fast {
        let tests = cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]);
        let tests = tests.and(&QUICK_TARGETS).and(&["--"]).and(&WITHOUT_GROWTH);
        return report.tests("tests", tests, tier);
    }
    report.time("book", book::build)?;
    report.cargo(
        "the library without its features",
        &cargo(&["clippy", "-p", "hitl", "--no-default-features", "--", "-D", "warnings"]),
    )?;
    // Together they are built with each other's features, which a user of one does not have.
    for (name, alone) in [
        ("hitl-base alone", "hitl-base"),
        ("hitl-core alone", "hitl-core"),
        ("hitl-tasks alone", "hitl-tasks"),
        ("hitl-wire alone", "hitl-wire"),
        // What `cargo install hitl-cli` builds.
        ("hitl-cli alone", "hitl-cli"),
    ] {
        report.cargo(name, &cargo(&["check", "-p", alone]))?;
    }
    report.cargo(
        "documentation",
        &cargo(&["doc", "--workspace", "--no-deps", "--all-features"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    report.cargo("examples", &cargo(&["build", "--workspace", "--all-features", "--examples"]))?;
    // The server lives until the tests have run.
    let database = postgres::prepare()?;
    let mut tests = cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"])
        // Tests that run examples find them built.
        .env("HITL_TEST_BUILT", "1");
    for (name, value) in database.iter().flat_map(|database| database.environment) {
        tests = tests.env(name, value);
    }
    if let Some((name, value)) = browser::prepare()? {
        tests = tests.env(name, value);
    }
    let mut clients = None;
    report.time("MCP's official clients and servers", || {
        clients = mcp_clients::prepare()?;
        Ok(())
    })?;
    if let Some((name, value)) = clients {
        tests = tests.env(name, value);
    }
    report.tests("tests, and examples in documentation", tests, tier)?;
    report.time("quickstart", || quickstart::run(tier))?;
    if tier == Tier::Full {
        long::checks(report)?;
        report.time("instructions", || instructions::run(instructions::Baseline::Compare))?;
    }
    Ok(())
}
