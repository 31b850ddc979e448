//! Programs that a check needs, pinned to a version, fetched into the target folder once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo::root;

/// The source of a program.
pub(crate) enum Origin {
    /// Built by `cargo install`, without default features.
    Cargo,
    /// A wheel that contains the binary, installed by pip.
    Pip,
}

/// A program at a pinned version.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) origin: Origin,
}

impl Program {
    /// Returns the path of the program, after installing it if it is missing.
    pub(crate) fn prepare(&self) -> Result<PathBuf, String> {
        let folder = target().join("tools").join(format!("{}-{}", self.name, self.version));
        let binary = folder.join("bin").join(self.name);
        if binary.is_file() {
            return Ok(binary);
        }
        println!(
            "{} {} is missing; installing it below {}",
            self.name,
            self.version,
            folder.display()
        );
        let (mut command, typed) = self.installation(&folder);
        let output = command.stdin(Stdio::null()).output();
        let why = match output {
            Ok(output) if output.status.success() && binary.is_file() => return Ok(binary),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        Err(format!("{} {} could not be installed by `{typed}`: {why}", self.name, self.version))
    }

    /// Returns the command that installs into `folder`, and the form in which a person would type
    /// it.
    fn installation(&self, folder: &Path) -> (Command, String) {
        let Self { name, version, origin } = self;
        match origin {
            Origin::Cargo => {
                let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
                let mut command = Command::new(program);
                // A debug build: it takes less time to build than it saves.
                command.args([
                    "install",
                    "--debug",
                    "--quiet",
                    "--locked",
                    "--no-default-features",
                ]);
                command.args(["--version", version, "--root"]).arg(folder).arg(name);
                // Without its own target folder, its builds would replace those of our
                // dependencies.
                command.env("CARGO_TARGET_DIR", folder.join("build"));
                (command, format!("cargo install --locked {name}@{version}"))
            }
            Origin::Pip => {
                let wanted = format!("{name}=={version}");
                let mut command = Command::new("python3");
                command.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]);
                command.arg(folder).arg(&wanted);
                (command, format!("python3 -m pip install {wanted}"))
            }
        }
    }
}

/// Returns cargo's target folder.
pub(crate) fn target() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}
