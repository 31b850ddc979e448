//! Filters and order of `hitl queue`.

use clap::{Args, ValueEnum};
use hitl_core::{ApprovalLevel, CallState, Priority, QueueOrder, Risk};

use super::values::{call_state, json_word};

#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    /// Only calls in this state (repeatable) [default: pending].
    #[arg(long, value_parser = call_state)]
    pub(crate) state: Vec<CallState>,
    /// Only calls of this tool.
    #[arg(long)]
    pub(crate) tool: Option<String>,
    /// Only calls of this priority: medium, high, urgent.
    #[arg(long, value_parser = json_word::<Priority>)]
    pub(crate) priority: Option<Priority>,
    /// Only calls at this level: quick, full.
    #[arg(long, value_parser = json_word::<ApprovalLevel>)]
    pub(crate) level: Option<ApprovalLevel>,
    /// Only calls of this risk: low, medium, high, critical.
    #[arg(long, value_parser = json_word::<Risk>)]
    pub(crate) risk: Option<Risk>,
    /// Only calls of this run.
    #[arg(long)]
    pub(crate) run: Option<String>,
    /// Only calls that this principal asked for.
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// Only calls that are assigned to this reviewer.
    #[arg(long, value_name = "NAME")]
    pub(crate) assigned: Option<String>,
    /// Only calls that are assigned to you, or to somebody who is away and for whom you stand in;
    /// over a store, with --as, to whom you name.
    #[arg(long, conflicts_with = "assigned")]
    pub(crate) mine: bool,
    /// With --mine over a store: who you are [default: the operating system's user].
    #[arg(long = "as", env = "HITL_APPROVER", value_name = "NAME", requires = "mine")]
    pub(crate) name: Option<String>,
    /// Only calls with this text in the title or in the arguments as they are shown.
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// The order. Calls that have ended are listed by age.
    #[arg(long, value_enum, default_value_t = OrderArg::Reviewer)]
    pub(crate) order: OrderArg,
    /// Maximum number to list.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OrderArg {
    /// By priority and due time; agents take turns.
    Reviewer,
    /// By due time, earliest first.
    Due,
    /// By submission time, oldest first.
    Created,
}

impl From<OrderArg> for QueueOrder {
    fn from(order: OrderArg) -> Self {
        match order {
            OrderArg::Reviewer => Self::Reviewer,
            OrderArg::Due => Self::Due,
            OrderArg::Created => Self::Created,
        }
    }
}
