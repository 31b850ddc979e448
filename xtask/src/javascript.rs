//! The formatter of our scripts: those of the console, and of tests.

use std::path::PathBuf;
use std::process::Command;

use crate::browser;
use crate::cargo::root;

/// Set to `1` to skip the check.
const SKIP: &str = "HITL_SKIP_JAVASCRIPT";
/// The formatter, pinned to a version whose output is known.
const PRETTIER: &str = "prettier@3.6.2";
/// The files to format. Fetched code and data have their own rules.
const FILES: [&str; 2] =
    ["crates/hitl-console/assets/*.js", "adapters/mcp/tests/clients/scripts/*.js"];
const OPTIONS: [&str; 6] =
    ["--no-config", "--no-editorconfig", "--use-tabs", "--print-width", "120", "--log-level=warn"];

/// The handling of files that are not formatted.
#[derive(Clone, Copy)]
pub(crate) enum Mode {
    Check,
    Write,
}

/// Formats our scripts, or checks that they are formatted.
pub(crate) fn format(mode: Mode) -> Result<(), String> {
    if std::env::var_os(SKIP).is_some_and(|value| value == "1") {
        if std::env::var_os("CI").is_some() {
            return Err(format!("{SKIP} is set, and in CI nothing is skipped"));
        }
        println!("\n{SKIP} is set: SKIPPED is the format of the scripts\n");
        return Ok(());
    }
    let program = prettier()?;
    let mode = match mode {
        Mode::Check => "--check",
        Mode::Write => "--write",
    };
    let mut command = Command::new("node");
    command.arg(program).args(OPTIONS).arg(mode).args(FILES).current_dir(root());
    browser::run(&mut command)
        .map_err(|why| format!("scripts are not formatted; run `cargo xtask javascript`: {why}"))
}

/// Fetches the formatter with npm, from its configured registry, into the target folder. Returns
/// the path of its program.
fn prettier() -> Result<PathBuf, String> {
    let folder = crate::tools::target().join("javascript").join(PRETTIER);
    let program = folder.join("package/bin/prettier.cjs");
    if program.is_file() {
        return Ok(program);
    }
    let hint = format!(
        "the formatter of scripts is missing, and npm cannot fetch it: install node \
         and npm, or unpack {PRETTIER} into {}, or set {SKIP}=1 to go without this check",
        folder.display()
    );
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("fetching {PRETTIER} with npm");
    let archive = format!("{}.tgz", PRETTIER.replace('@', "-"));
    let fetch = || {
        browser::run(
            Command::new("npm").args(["pack", "--silent", PRETTIER]).current_dir(&folder),
        )?;
        browser::run(Command::new("tar").args(["-xzf", &archive]).current_dir(&folder))
    };
    fetch().map_err(|why| format!("{hint}. {why}"))?;
    Ok(program)
}
