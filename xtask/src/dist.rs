//! The program `hitl` as it is released, and its size.

use std::fs;

use crate::cargo::{cargo, root};
use crate::tools::target;

/// A build of the program.
struct Build {
    name: &'static str,
    features: &'static [&'static str],
    /// The size that it may have, in megabytes.
    max_mb: f64,
}

const EVERYTHING: Build =
    Build { name: "with everything", features: &["--all-features"], max_mb: 25.0 };
const DEFAULTS: Build = Build { name: "with its defaults", features: &[], max_mb: 12.0 };

/// Builds the program with every feature into `target/dist/hitl`.
pub(crate) fn run() -> Result<(), String> {
    EVERYTHING.build()
}

/// Builds it with its defaults and with everything; fails if one is too large.
pub(crate) fn check() -> Result<(), String> {
    DEFAULTS.build()?;
    EVERYTHING.build()
}

impl Build {
    fn build(&self) -> Result<(), String> {
        let command = cargo(&["build", "--profile", "dist", "-p", "hitl-cli"]).and(self.features);
        let typed = command.typed();
        let status = command.command().status();
        let status = status.map_err(|error| format!("cannot start `{typed}`: {error}"))?;
        if !status.success() {
            return Err(format!("the build failed ({status}). Again: {typed}"));
        }
        let name = format!("hitl{}", std::env::consts::EXE_SUFFIX);
        let program = root().join(target()).join("dist").join(name);
        let data = fs::metadata(&program)
            .map_err(|error| format!("cannot read {}: {error}", program.display()))?;
        let size = megabytes(data.len());
        println!("hitl {}: {size:.1} MB, {}", self.name, program.display());
        if size > self.max_mb {
            return Err(format!("hitl {} has {size:.1} MB, of {} at most", self.name, self.max_mb));
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
