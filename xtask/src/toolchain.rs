//! The tools that the steps need besides cargo: checks that they are installed, fetches them, or
//! names the missing ones.

use std::process::{Command, Stdio};

use crate::cargo::cargo;

/// Checks rustfmt, clippy and a C compiler.
pub(crate) fn prepare() -> Result<(), String> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        let there = || succeeds(cargo(&[subcommand, "--version"]).command());
        if there() {
            continue;
        }
        println!("{component} is missing; adding it with rustup");
        let added = Command::new("rustup").args(["component", "add", component]).status();
        if !added.is_ok_and(|status| status.success()) || !there() {
            return Err(format!(
                "{component} is missing and could not be added: run `rustup component add \
                 {component}`, or install it from where your Rust came from"
            ));
        }
    }
    if !has_c_compiler() {
        let why = "a C compiler is missing, and SQLite is built from source: install one (Debian: \
                   `apt install gcc libc6-dev`; macOS: `xcode-select --install`), or set CC";
        return Err(why.to_owned());
    }
    Ok(())
}

/// Returns whether there is a C compiler. On Windows the build of SQLite finds it by itself.
fn has_c_compiler() -> bool {
    let version = |name: &&str| {
        let mut command = Command::new(name);
        command.arg("--version");
        succeeds(command)
    };
    cfg!(windows) || std::env::var_os("CC").is_some() || ["cc", "gcc", "clang"].iter().any(version)
}

fn succeeds(mut command: Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
