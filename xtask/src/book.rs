//! The guide as a book.

use std::process::Command;

use crate::cargo::root;
use crate::tools::{Origin, Program, target};

const MDBOOK: Program = Program { name: "mdbook", version: "0.5.4", origin: Origin::Cargo };

/// Builds the book below the target folder. `tidy` has checked its links and its table of contents.
pub(crate) fn build() -> Result<(), String> {
    let mdbook = MDBOOK.prepare()?;
    let folder = target().join("book");
    let status = Command::new(&mdbook)
        .arg("build")
        .arg(root().join("docs"))
        .arg("--dest-dir")
        .arg(&folder)
        .status()
        .map_err(|error| format!("cannot start {}: {error}", mdbook.display()))?;
    if !status.success() {
        return Err(format!("mdbook build docs failed ({status})"));
    }
    let index = folder.join("index.html");
    if !index.is_file() {
        return Err(format!("the book has no {}", index.display()));
    }
    println!("book: {}", index.display());
    Ok(())
}
