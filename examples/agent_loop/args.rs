//! The command line.

use std::path::PathBuf;
use std::time::Duration;

const HELP: &str = "usage: agent_loop [FOLDER] [--approve] [--script FILE] [--pace MILLISECONDS]";

/// The options.
pub(crate) struct Options {
    /// The folder of transcript, store, audit and ledger.
    pub(crate) folder: PathBuf,
    /// True if what is asked is approved without a person.
    pub(crate) approve: bool,
    /// The replies of the model, one response a line.
    pub(crate) script: Option<PathBuf>,
    /// The time that each tool takes.
    pub(crate) pace: Duration,
}

impl Options {
    pub(crate) fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            folder: PathBuf::from("agent-loop"),
            approve: false,
            script: None,
            pace: Duration::ZERO,
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| HELP.to_owned());
            match arg.as_str() {
                "--approve" => options.approve = true,
                "--script" => options.script = Some(value()?.into()),
                "--pace" => {
                    let pace = value()?.parse().map_err(|_| HELP.to_owned())?;
                    options.pace = Duration::from_millis(pace);
                }
                folder if !folder.starts_with('-') => options.folder = folder.into(),
                _ => return Err(HELP.to_owned()),
            }
        }
        Ok(options)
    }
}
