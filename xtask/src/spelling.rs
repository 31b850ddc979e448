//! Spelling, by typos; `_typos.toml` lists what it must not correct.

use std::process::Command;

use crate::cargo::root;
use crate::tools::{Origin, Program};

const TYPOS: Program = Program { name: "typos", version: "1.52.0", origin: Origin::Pip };

pub(crate) fn check() -> Result<(), String> {
    let typos = TYPOS.prepare()?;
    let status = Command::new(&typos)
        .args(["--format", "brief"])
        .current_dir(root())
        .status()
        .map_err(|error| format!("cannot start {}: {error}", typos.display()))?;
    if status.success() {
        return Ok(());
    }
    Err("words are misspelled; what is right as it is belongs into _typos.toml".to_owned())
}
