//! Which calls `hitl next` asks about, and who decides.

use clap::Args;

use super::{DeciderArgs, FilterArgs, OrderArg};

#[derive(Debug, Args)]
pub(crate) struct NextArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// The order in which they are shown.
    #[arg(long, value_enum, default_value_t = OrderArg::Reviewer)]
    pub(crate) order: OrderArg,
    #[command(flatten)]
    pub(crate) who: DeciderArgs,
}
