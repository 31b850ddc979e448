//! The program `hitl` as it is released, and its size.

use std::fs;
use std::path::PathBuf;

use crate::cargo::{cargo, root};
use crate::tools::target;

/// A build of the program.
pub(super) struct Build {
    name: &'static str,
    features: &'static [&'static str],
    /// The size that it may have, in megabytes.
    max_mb: f64,
}

pub(super) const EVERYTHING: Build =
    Build { name: "with everything", features: &["--all-features"], max_mb: 25.0 };
pub(super) const DEFAULTS: Build = Build { name: "with its defaults", features: &[], max_mb: 12.0 };

impl Build {
    /// Builds it. Returns its path, or fails if it is too large.
    pub(super) fn build(&self) -> Result<PathBuf, String> {
        let command = cargo(&["build", "--profile", "dist", "-p", "hitl-cli"]).and(self.features);
        let typed = command.typed();
        let status = command.command().status();
        let status = status.map_err(|error| format!("cannot start `{typed}`: {error}"))?;
        if !status.success() {
            return Err(format!("the build failed ({status}). Again: {typed}"));
        }
        let program = root().join(target()).join("dist").join(file_name());
        let data = fs::metadata(&program)
            .map_err(|error| format!("cannot read {}: {error}", program.display()))?;
        let size = megabytes(data.len());
        println!("hitl {}: {size:.1} MB, {}", self.name, program.display());
        if size > self.max_mb {
            return Err(format!("hitl {} has {size:.1} MB, of {} at most", self.name, self.max_mb));
        }
        Ok(program)
    }
}

/// Returns the name of the program's file on this platform.
pub(super) fn file_name() -> String {
    format!("hitl{}", std::env::consts::EXE_SUFFIX)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
