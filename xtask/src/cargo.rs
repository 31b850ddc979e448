//! A cargo command as a step.

use std::path::Path;
use std::process::{Command, Stdio};

/// A cargo command, with the environment that it needs.
pub(crate) struct Cargo {
    arguments: Vec<&'static str>,
    environment: Vec<(&'static str, &'static str)>,
    /// Variables that a person who types the command does not need.
    unprinted: Vec<(&'static str, &'static str)>,
}

pub(crate) fn cargo(arguments: &[&'static str]) -> Cargo {
    Cargo { arguments: arguments.to_vec(), environment: Vec::new(), unprinted: Vec::new() }
}

impl Cargo {
    pub(crate) fn and(mut self, arguments: &[&'static str]) -> Self {
        self.arguments.extend(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    pub(crate) fn unprinted_env(mut self, name: &'static str, value: &'static str) -> Self {
        self.unprinted.push((name, value));
        self
    }

    /// Returns the command as a person would type it.
    pub(crate) fn typed(&self) -> String {
        let set = self.environment.iter().map(|(name, value)| format!("{name}='{value}' "));
        format!("{}cargo {}", set.collect::<String>(), self.arguments.join(" "))
    }

    pub(crate) fn command(&self) -> Command {
        // The cargo that runs this program, regardless of the path.
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        command.args(&self.arguments).current_dir(root()).stdin(Stdio::null());
        command.envs(self.environment.iter().chain(&self.unprinted).copied());
        command
    }
}

/// Returns the top folder of the repository, regardless of the working directory.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}
