//! Who decides on which call, and how a call with an unknown outcome is resolved.

use std::path::PathBuf;

use clap::Args;
use hitl_core::RequestId;

use super::IdArg;

/// A decision on one call.
#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// The call's id, or the beginning or the end of it.
    pub(crate) id: IdArg<RequestId>,
    /// The start of the binding digest of what you have seen, at least 8 digits, as `show` prints
    /// it. If the call has changed since, nothing is decided.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) binding: Option<String>,
    #[command(flatten)]
    pub(crate) who: DeciderArgs,
}

/// Who decides. A store believes every process that may write to it; a console goes by the token.
#[derive(Debug, Args)]
pub(crate) struct DeciderArgs {
    /// Who decides [default: the operating system's user]. Name an agent `agent:NAME` and a service
    /// `service:NAME`; they can give only the answers that the host permits them.
    #[arg(long = "as", env = "HITL_APPROVER", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Role to decide as (repeatable).
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<String>,
    /// The folder of the audit log; this program writes a file of its own there. Without it, only
    /// the store's history has the decision.
    #[arg(long, env = "HITL_AUDIT", value_name = "FOLDER")]
    pub(crate) audit: Option<PathBuf>,
    /// A one-time code, from a device or printed, that proves that it is you even when an agent
    /// runs the command. You are prompted for it when it is needed at a terminal; commands that
    /// only stop something do not use it up.
    #[arg(long, env = "HITL_CODE", hide_env_values = true, value_name = "CODE")]
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    /// The call's id, or the beginning or the end of it.
    pub(crate) id: IdArg<RequestId>,
    #[command(flatten)]
    pub(crate) finding: FindingArgs,
    /// With --retry: you attest that the earlier attempt is over, even if its process is alive.
    #[arg(long, requires = "retry")]
    pub(crate) attest: bool,
    /// The version of the record that you have seen, as `show` prints it: the number of its
    /// changes. `hitl --help` says how it differs from --binding and from a revision.
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u64>,
    #[command(flatten)]
    pub(crate) who: DeciderArgs,
}

/// The finding: one of these. Without one, a person at a terminal is asked.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct FindingArgs {
    /// It took effect.
    #[arg(long)]
    pub(crate) done: bool,
    /// It did not take effect, or only in part: what you saw.
    #[arg(long, value_name = "REASON")]
    pub(crate) failed: Option<String>,
    /// It may run once more.
    #[arg(long)]
    pub(crate) retry: bool,
}
