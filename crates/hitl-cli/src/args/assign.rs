//! To whom a call is assigned, and who is away.

use clap::Args;
use hitl_core::RequestId;

use super::values::until;
use super::{DeciderArgs, IdArg, Until};

#[derive(Debug, Args)]
pub(crate) struct AssignArgs {
    /// The call's id, or the beginning or the end of it.
    pub(crate) id: IdArg<RequestId>,
    /// The reviewer.
    #[arg(long, value_name = "NAME", required_unless_present = "nobody")]
    pub(crate) to: Option<String>,
    /// To nobody any more.
    #[arg(long, conflicts_with = "to")]
    pub(crate) nobody: bool,
    #[command(flatten)]
    pub(crate) who: DeciderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AwayArgs {
    /// When it ends: a moment like 2027-01-31T18:00:00Z, or a time from now like 8h or 7d; without
    /// it, those who are away are listed.
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub(crate) until: Option<Until>,
    /// Who is shown their calls meanwhile. They gain no right.
    #[arg(long, value_name = "NAME", requires = "until")]
    pub(crate) deputy: Option<String>,
    /// Whose absence, over a store [default: your own].
    #[arg(long, value_name = "NAME", requires = "until")]
    pub(crate) reviewer: Option<String>,
    #[command(flatten)]
    pub(crate) who: DeciderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BackArgs {
    /// Whose absence ends, over a store [default: your own].
    #[arg(long, value_name = "NAME")]
    pub(crate) reviewer: Option<String>,
    #[command(flatten)]
    pub(crate) who: DeciderArgs,
}
