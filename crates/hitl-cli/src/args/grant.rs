//! The terms of `hitl allow`, and the filters of `hitl grants`.

use clap::Args;
use hitl_core::{Amount, GrantId};

pub(crate) use super::values::Until;
use super::values::{named_amount, named_text, until};
use super::{DecideArgs, IdArg};

#[derive(Debug, Args)]
pub(crate) struct GrantsArgs {
    /// Show only this grant: its id, or the beginning or the end of it.
    pub(crate) grant: Option<IdArg<GrantId>>,
    /// Include grants that are revoked or expired.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only grants for this tool.
    #[arg(long)]
    pub(crate) tool: Option<String>,
    /// Only grants for calls of this principal.
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// Maximum number to list.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct AllowArgs {
    #[command(flatten)]
    pub(crate) decide: DecideArgs,
    /// In every run, until revoked; without it, only in this run.
    #[arg(long)]
    pub(crate) durable: bool,
    /// With any arguments.
    #[arg(long, conflicts_with_all = ["same", "at_most", "like", "inside", "host"])]
    pub(crate) any: bool,
    /// With this argument as it is in the call; arguments that no option names are free
    /// (repeatable).
    #[arg(long, value_name = "ARGUMENT")]
    pub(crate) same: Vec<String>,
    /// With at most this number in this argument (repeatable).
    #[arg(long, value_name = "ARGUMENT=NUMBER", value_parser = named_amount)]
    pub(crate) at_most: Vec<(String, Amount)>,
    /// With plain text of this form in this argument, `*` for any text (repeatable). Text with
    /// characters that are special in a shell, a path or a URL is asked about.
    #[arg(long, value_name = "ARGUMENT=FORM", value_parser = named_text)]
    pub(crate) like: Vec<(String, String)>,
    /// With the path of a file below this folder in this argument (repeatable).
    #[arg(long, value_name = "ARGUMENT=FOLDER", value_parser = named_text)]
    pub(crate) inside: Vec<(String, String)>,
    /// With an https URL of this host in this argument (repeatable).
    #[arg(long, value_name = "ARGUMENT=HOST", value_parser = named_text)]
    pub(crate) host: Vec<(String, String)>,
    /// Maximum number of starts.
    #[arg(long, value_name = "N")]
    pub(crate) uses: Option<u64>,
    /// Maximum sum of this argument over all calls.
    #[arg(long, value_name = "ARGUMENT=NUMBER", value_parser = named_amount)]
    pub(crate) sum: Option<(String, Amount)>,
    /// When it ends: a moment like 2027-01-31T18:00:00Z, or a time from now like 30m, 8h or 7d.
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub(crate) until: Option<Until>,
    /// Show the rule without giving the grant.
    #[arg(long)]
    pub(crate) preview: bool,
}
