//! What `hitl doctor` looks at beside the store or the console.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// A folder of audit logs, or the file of one chain (repeatable). It is verified, and compared
    /// with the store.
    #[arg(long, env = "HITL_AUDIT", value_name = "FOLDER|FILE")]
    pub(crate) audit: Vec<PathBuf>,
    /// The rule file of the host (TOML). Its own tests are run.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The acceptance of the rule file is authenticated with the host's key.
    #[arg(long, requires = "policy")]
    pub(crate) keyed: bool,
    /// Who would decide [default: the operating system's user].
    #[arg(long = "as", env = "HITL_APPROVER", value_name = "NAME")]
    pub(crate) name: Option<String>,
}
