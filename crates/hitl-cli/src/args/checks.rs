//! `hitl audit` and `hitl policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check that no record was changed, removed or inserted. With --db, also check that every call
    /// that ran is in the log. Only a checkpoint kept elsewhere can detect a log that was rewritten
    /// as a whole.
    Verify {
        /// The log's files, one for each chain, or its folder, with all of its chains. Segments
        /// that were rotated out are found by name.
        #[arg(required = true, value_name = "FILE|FOLDER")]
        files: Vec<PathBuf>,
        /// A checkpoint that was kept elsewhere, as JSON (repeatable).
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// Trust only checkpoints signed by this key, 64 hexadecimal digits (repeatable).
        #[arg(long, value_name = "KEY")]
        trust: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Read a rule file and run its own tests.
    Test {
        /// The rule file (TOML).
        file: PathBuf,
    },
    /// Accept a rule file that may relax what was accepted before. The difference is shown and you
    /// are asked; elsewhere --digest names what you have seen. With --db the acceptance is kept
    /// beside the store, otherwise beside the rule file: give what the host gives. A first load
    /// waits too, because this program does not know whether the host trusts it. Without --db no
    /// one-time code can be checked, so only a person at a terminal can accept.
    Accept(AcceptArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AcceptArgs {
    /// The rule file (TOML).
    pub(crate) file: PathBuf,
    /// The SHA-256 of the file that you have seen, or at least its first 8 digits, as this command
    /// prints it.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) digest: Option<String>,
    /// Show the difference without accepting it.
    #[arg(long)]
    pub(crate) preview: bool,
    /// Authenticate the acceptance with the host's key: that of --key-file, or of the store.
    #[arg(long)]
    pub(crate) keyed: bool,
    /// Who accepts it [default: the operating system's user].
    #[arg(long = "as", env = "HITL_APPROVER", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The folder of the audit log; this program writes a file of its own there, before the
    /// acceptance takes effect. Without it, only the acceptance file names who accepted.
    #[arg(long, env = "HITL_AUDIT", value_name = "FOLDER")]
    pub(crate) audit: Option<PathBuf>,
    /// A one-time code, from a device or printed, that proves that it is you even when an agent
    /// runs the command.
    #[arg(long, env = "HITL_CODE", hide_env_values = true, value_name = "CODE")]
    pub(crate) code: Option<String>,
}
