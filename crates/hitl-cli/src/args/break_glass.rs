//! What `hitl break-glass` is to let run.

use std::time::Duration;

use clap::Args;
use hitl_core::Amount;

use super::DeciderArgs;
use super::values::length;

#[derive(Debug, Args)]
pub(crate) struct BreakGlassArgs {
    /// The tool whose calls may run.
    #[arg(long, value_name = "NAME")]
    pub(crate) tool: String,
    /// Whose calls may run [default: the only one whose calls of the tool wait].
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// Only in this run, and in what it delegates.
    #[arg(long)]
    pub(crate) run: Option<String>,
    /// How long, like 30m or 2h; at most what the host's envelope permits, and 24 hours.
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    pub(crate) lasting: Duration,
    /// Maximum number of starts.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) uses: u64,
    /// Maximum sum of the tool's amounts over all calls [default: what the envelope permits].
    #[arg(long, value_name = "NUMBER")]
    pub(crate) sum: Option<Amount>,
    /// Why. The audit, the card of each call and every notice repeat it.
    #[arg(long)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) who: DeciderArgs,
}
