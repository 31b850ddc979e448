//! Which calls of the queue somebody wants to see.

use hitl_base::Timestamp;
use serde::Serialize;

use super::{Cursor, QueueOrder};
use crate::call::{Principal, Risk, RunId};
use crate::machine::{CallRecord, CallState};
use crate::policy::{ApprovalLevel, Priority};

/// Which calls somebody wants to see. What is not said, is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueueFilter {
    /// In one of these states; pending when empty.
    pub states: Vec<CallState>,
    /// Of this tool.
    pub tool: Option<String>,
    /// Of this risk.
    pub risk: Option<Risk>,
    /// At this level.
    pub level: Option<ApprovalLevel>,
    /// Of this priority.
    pub priority: Option<Priority>,
    /// Asked for by this principal.
    pub principal: Option<Principal>,
    /// Of this run, or of a run that it delegated to.
    pub run: Option<RunId>,
    /// Due before this moment.
    pub due_before: Option<Timestamp>,
    /// With this text in the title, in upper or lower case.
    pub text: Option<String>,
}

impl QueueFilter {
    /// Whether a record is among those that are wanted.
    pub fn fits(&self, record: &CallRecord) -> bool {
        let request = &record.request;
        self.states().contains(&record.state)
            && self.tool.as_ref().is_none_or(|tool| *tool == request.tool)
            && self.risk.is_none_or(|risk| risk == request.risk)
            && self.level.is_none_or(|level| level == request.level)
            && self.priority.is_none_or(|priority| priority == request.priority)
            && self.principal.as_ref().is_none_or(|principal| *principal == request.principal)
            && self.run.as_ref().is_none_or(|run| {
                record.key().run == *run || record.context.parent.as_ref() == Some(run)
            })
            && self.due_before.is_none_or(|moment| request.due_at < moment)
            && self.text.as_ref().is_none_or(|text| has(&request.title, text))
    }

    /// The states that are asked for, each once.
    pub fn states(&self) -> Vec<CallState> {
        if self.states.is_empty() {
            return vec![CallState::Pending];
        }
        let mut states = self.states.clone();
        states.sort_unstable();
        states.dedup();
        states
    }
}

fn has(title: &str, text: &str) -> bool {
    title.to_lowercase().contains(&text.to_lowercase())
}

/// What somebody asks the queue for: which calls, in which order, how many, and from where on.
///
/// ```
/// use hitl_core::{Priority, QueueOrder, QueueQuery};
/// let query = QueueQuery::pending().priority(Priority::Urgent).text("refund").limit(20);
/// let query = query.order(QueueOrder::Due);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a query does nothing until it is given to a queue"]
pub struct QueueQuery {
    pub(crate) filter: QueueFilter,
    pub(crate) order: QueueOrder,
    pub(crate) after: Option<Cursor>,
    pub(crate) limit: usize,
}

impl QueueQuery {
    /// What waits for a decision, fifty at a time, in the order in which reviewers work.
    pub fn pending() -> Self {
        Self::new(&[])
    }

    /// Calls in these states. What has ended is listed in [`QueueOrder::Created`] only.
    pub fn new(states: &[CallState]) -> Self {
        let filter = QueueFilter { states: states.to_vec(), ..QueueFilter::default() };
        Self { filter, order: QueueOrder::default(), after: None, limit: 50 }
    }

    /// Of one tool.
    pub fn tool(mut self, name: impl Into<String>) -> Self {
        self.filter.tool = Some(name.into());
        self
    }

    /// Of one risk.
    pub fn risk(mut self, risk: Risk) -> Self {
        self.filter.risk = Some(risk);
        self
    }

    /// At one level.
    pub fn level(mut self, level: ApprovalLevel) -> Self {
        self.filter.level = Some(level);
        self
    }

    /// Of one priority.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.filter.priority = Some(priority);
        self
    }

    /// Asked for by one principal.
    pub fn principal(mut self, principal: impl Into<Principal>) -> Self {
        self.filter.principal = Some(principal.into());
        self
    }

    /// Of one run, and of the runs that it delegated to.
    pub fn run(mut self, run: impl Into<RunId>) -> Self {
        self.filter.run = Some(run.into());
        self
    }

    /// Due before a moment; with the store's present, what is overdue.
    pub fn due_before(mut self, moment: Timestamp) -> Self {
        self.filter.due_before = Some(moment);
        self
    }

    /// With this text in the title, in upper or lower case.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.filter.text = Some(text.into());
        self
    }

    /// In this order.
    pub fn order(mut self, order: QueueOrder) -> Self {
        self.order = order;
        self
    }

    /// At most so many, 1 to 200.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, 200);
        self
    }

    /// Goes on after a page. The cursor must be of the same viewer, filter and order.
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Which calls are asked for.
    pub fn filter(&self) -> &QueueFilter {
        &self.filter
    }
}
