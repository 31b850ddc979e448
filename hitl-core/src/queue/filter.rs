//! Filters and queries of the queue.

use hitl_base::Timestamp;
use hitl_base::json::write_string;
use serde::Serialize;

use super::{Cursor, QueueOrder};
use crate::approval::ApprovalRequest;
use crate::call::{Identity, Principal, Risk, RunId};
use crate::machine::{CallRecord, CallState};
use crate::policy::{ApprovalLevel, Priority};

/// A filter of calls. An empty field does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueueFilter {
    /// The states; pending if empty.
    pub states: Vec<CallState>,
    /// The tool.
    pub tool: Option<String>,
    /// The risk.
    pub risk: Option<Risk>,
    /// The level.
    pub level: Option<ApprovalLevel>,
    /// The priority.
    pub priority: Option<Priority>,
    /// The principal.
    pub principal: Option<Principal>,
    /// The agent or service that acts: the one that submitted in the principal's name, or the
    /// principal where none is named.
    pub agent: Option<Principal>,
    /// The run, including runs that it delegated to.
    pub run: Option<RunId>,
    /// The other side's id of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<String>,
    /// The moment before which calls are due.
    pub due_before: Option<Timestamp>,
    /// The reviewers to one of whom the calls are assigned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assigned: Vec<Principal>,
    /// Text in the title or in the arguments as they are shown, case-insensitive.
    pub text: Option<String>,
}

impl QueueFilter {
    /// Returns whether a record matches.
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
            && self.tool_call.as_ref().is_none_or(|id| request.tool_call_id.as_ref() == Some(id))
            && self.due_before.is_none_or(|moment| request.due_at < moment)
            && self
                .agent
                .as_ref()
                .is_none_or(|agent| *agent == *request.agent.as_ref().unwrap_or(&request.principal))
            && (self.assigned.is_empty() || is_assigned(record, &self.assigned))
            && self.text.as_ref().is_none_or(|text| is_about(request, text))
    }

    /// Returns the states of the filter, each once.
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

/// Returns whether a call is assigned to one of these reviewers, in any spelling of their names.
fn is_assigned(record: &CallRecord, reviewers: &[Principal]) -> bool {
    record.assigned().is_some_and(|assigned| {
        let to = Identity::new(&assigned.to, None);
        reviewers.iter().any(|reviewer| to.is(&Identity::new(reviewer, None)))
    })
}

/// Returns whether a text is in the title or in the arguments, whose secrets are masked: nobody
/// finds a secret by searching.
fn is_about(request: &ApprovalRequest, text: &str) -> bool {
    let text = text.to_lowercase();
    let has = |whole: &str| whole.to_lowercase().contains(&text);
    if has(&request.title) {
        return true;
    }
    // Arguments are JSON, in which some characters of a text are written otherwise.
    let mut quoted = String::new();
    write_string(&mut quoted, &text);
    let arguments = request.arguments.as_str().to_lowercase();
    arguments.contains(&text)
        || quoted.get(1..quoted.len() - 1).is_some_and(|inside| arguments.contains(inside))
}

/// A query of the queue: the filter, the order, the limit, and the position from which to continue.
///
/// ```
/// use hitl::{policy::Priority, queue::{QueueOrder, QueueQuery}};
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
    /// Returns a query for calls that wait for a decision, fifty at a time, in the order in which
    /// reviewers work.
    pub fn pending() -> Self {
        Self::new(&[])
    }

    /// Returns a query for calls in these states. Ended calls are listed in [`QueueOrder::Created`]
    /// only.
    pub fn new(states: &[CallState]) -> Self {
        let filter = QueueFilter { states: states.to_vec(), ..QueueFilter::default() };
        Self { filter, order: QueueOrder::default(), after: None, limit: 50 }
    }

    /// Restricts the query to one tool.
    pub fn tool(mut self, name: impl Into<String>) -> Self {
        self.filter.tool = Some(name.into());
        self
    }

    /// Restricts the query to one risk.
    pub fn risk(mut self, risk: Risk) -> Self {
        self.filter.risk = Some(risk);
        self
    }

    /// Restricts the query to one level.
    pub fn level(mut self, level: ApprovalLevel) -> Self {
        self.filter.level = Some(level);
        self
    }

    /// Restricts the query to one priority.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.filter.priority = Some(priority);
        self
    }

    /// Restricts the query to one principal.
    pub fn principal(mut self, principal: impl Into<Principal>) -> Self {
        self.filter.principal = Some(principal.into());
        self
    }

    /// Restricts the query to calls that are assigned to one of these reviewers; without any, it
    /// restricts nothing.
    pub fn assigned<P: Into<Principal>>(mut self, to: impl IntoIterator<Item = P>) -> Self {
        self.filter.assigned = to.into_iter().map(Into::into).collect();
        self
    }

    /// Restricts the query to one agent: the one that submitted in the principal's name, or the
    /// principal where none is named.
    pub fn agent(mut self, agent: impl Into<Principal>) -> Self {
        self.filter.agent = Some(agent.into());
        self
    }

    /// Restricts the query to one run, and the runs that it delegated to.
    pub fn run(mut self, run: impl Into<RunId>) -> Self {
        self.filter.run = Some(run.into());
        self
    }

    /// Restricts the query to calls for which the other side has this id, exactly: see
    /// [`CallContext::tool_call_id`](crate::CallContext::tool_call_id).
    pub fn tool_call(mut self, id: impl Into<String>) -> Self {
        self.filter.tool_call = Some(id.into());
        self
    }

    /// Restricts the query to calls due before a moment; with the store's present, overdue calls.
    pub fn due_before(mut self, moment: Timestamp) -> Self {
        self.filter.due_before = Some(moment);
        self
    }

    /// Restricts the query to calls with this text in the title or in the arguments as they are
    /// shown, case-insensitive.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.filter.text = Some(text.into());
        self
    }

    /// Sets the order.
    pub fn order(mut self, order: QueueOrder) -> Self {
        self.order = order;
        self
    }

    /// Limits the number of calls, 1 to 200.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, 200);
        self
    }

    /// Continues after a page. The cursor must be of the same viewer, filter and order.
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Returns the filter.
    pub fn filter(&self) -> &QueueFilter {
        &self.filter
    }
}
