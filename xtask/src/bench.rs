//! The performance budget, measured: builds the measuring program and runs it.

use crate::cargo::{Cargo, cargo};

/// Runs the program with these arguments; its output is the table.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    // The program starts a second one, which counts the heap use.
    step(&cargo(&["build", "--release", "--quiet", "-p", "hitl-benches", "--bins"]), &[])?;
    let measure = cargo(&["run", "--release", "--quiet", "-p", "hitl-benches", "--bin"]);
    step(&measure.and(&["hitl-bench", "--"]), arguments)
}

fn step(command: &Cargo, arguments: &[&str]) -> Result<(), String> {
    let typed = format!("{} {}", command.typed(), arguments.join(" "));
    let status = command.command().args(arguments).status();
    let status = status.map_err(|error| format!("cannot start `{typed}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the benchmark failed ({status}): {typed}")) }
}
