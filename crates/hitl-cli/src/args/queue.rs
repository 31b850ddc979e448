//! Filters and order of `hitl queue` and `hitl next`.

use clap::{Args, ValueEnum};
use hitl_core::{ApprovalLevel, CallState, Priority, QueueOrder, QueueQuery, Risk};

use super::values::{call_state, json_word};

#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    /// Only calls in this state (repeatable) [default: pending].
    #[arg(long, value_parser = call_state)]
    pub(crate) state: Vec<CallState>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Only calls that are assigned to this reviewer.
    #[arg(long, value_name = "NAME")]
    pub(crate) assigned: Option<String>,
    /// Only calls that are assigned to you, or to somebody who is away and for whom you stand in;
    /// over a store, with --as, to whom you name.
    #[arg(long, conflicts_with = "assigned")]
    pub(crate) mine: bool,
    /// With --mine over a store: who you are [default: the operating system's user].
    #[arg(long = "as", env = "HITL_APPROVER", value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The order. Calls that have ended are listed by age.
    #[arg(long, value_enum, default_value_t = OrderArg::Reviewer)]
    pub(crate) order: OrderArg,
    /// Maximum number to list.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
}

/// Which of the calls that wait.
#[derive(Clone, Debug, Args)]
pub(crate) struct FilterArgs {
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
    /// Only calls with this text in the title or in the arguments as they are shown.
    #[arg(long)]
    pub(crate) text: Option<String>,
}

impl FilterArgs {
    /// Returns the store's query for calls in these states.
    pub(crate) fn query(&self, states: &[CallState], order: OrderArg) -> QueueQuery {
        let mut query = QueueQuery::new(states);
        let ended = states.iter().any(|state| state.is_terminal());
        query = query.order(if ended { QueueOrder::Created } else { order.into() });
        if let Some(tool) = &self.tool {
            query = query.tool(tool);
        }
        if let Some(priority) = self.priority {
            query = query.priority(priority);
        }
        if let Some(level) = self.level {
            query = query.level(level);
        }
        if let Some(risk) = self.risk {
            query = query.risk(risk);
        }
        if let Some(run) = &self.run {
            query = query.run(run.as_str());
        }
        if let Some(principal) = &self.principal {
            query = query.principal(principal.as_str());
        }
        if let Some(text) = &self.text {
            query = query.text(text);
        }
        query
    }

    /// Returns the parameters of the console's list of calls in these states.
    pub(crate) fn parameters(
        &self,
        states: &[CallState],
        order: OrderArg,
    ) -> Vec<(&'static str, String)> {
        let ended = states.iter().any(|state| state.is_terminal());
        let order = match order {
            _ if ended => "oldest",
            OrderArg::Reviewer => "priority",
            OrderArg::Due => "due",
            OrderArg::Created => "oldest",
        };
        let mut query = vec![("order", order.to_owned())];
        if !states.is_empty() {
            let names: Vec<_> = states.iter().copied().map(CallState::name).collect();
            query.push(("state", names.join(",")));
        }
        let mut add = |name, value: Option<String>| query.extend(value.map(|value| (name, value)));
        add("tool", self.tool.clone());
        add("priority", self.priority.map(|priority| priority.to_string()));
        add("level", self.level.map(|level| level.to_string()));
        add("risk", self.risk.map(|risk| risk.to_string()));
        add("principal", self.principal.clone());
        add("run", self.run.clone());
        add("text", self.text.clone());
        query
    }
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
