//! What `hitl verify` tries the guarantees on.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The rule file of the host (TOML): its own tests have to hold, and its rules are in force in
    /// the trials in which a person is asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The kind of audit log that the host keeps.
    #[arg(long = "audit-kind", value_enum, default_value_t = AuditKind::Jsonl)]
    pub(crate) audit_kind: AuditKind,
    /// Also write the results to this file, as `JUnit` XML for a pipeline.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Be the process that is killed in one of the trials, in this scratch folder.
    #[arg(long, hide = true, value_name = "FOLDER")]
    pub(crate) victim: Option<PathBuf>,
    /// Be the process that searches this scratch folder for a text.
    #[arg(long, hide = true, value_name = "FOLDER")]
    pub(crate) search: Option<PathBuf>,
}

/// The kind of an audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditKind {
    /// A file with one record a line.
    Jsonl,
    /// An SQLite file.
    Sqlite,
}
