//! The performance budget, measured: builds the measuring program and runs it.

use crate::cargo::cargo;

/// Runs it with these arguments; its output is the table.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let command = cargo(&["run", "--release", "--quiet", "-p", "hitl-benches", "--bin"])
        .and(&["hitl-bench", "--"]);
    let typed = format!("{} {}", command.typed(), arguments.join(" "));
    let status = command.command().args(arguments).status();
    let status = status.map_err(|error| format!("cannot start `{typed}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the benchmark failed ({status}): {typed}")) }
}
