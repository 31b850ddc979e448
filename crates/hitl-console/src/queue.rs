//! The reviewers' queue over the wire: a page of it, in the gate's order, with the gate's filters,
//! counts and cursors.

use hitl_base::Timestamp;
use hitl_core::queue::{CappedCount, Cursor, InvalidCursor, shown_to};
use hitl_core::{
    ApprovalLevel, CallRecord, CallState, Gate, Priority, QueueCounts, QueueOrder, QueueQuery,
    ReviewScope, Risk,
};
use hitl_wire::queue::{CallCounts, Count};
use hitl_wire::{CallPage, CallSummary, GrantSummary};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::absences::absences;
use crate::auth::Reviewer;
use crate::decided_calls;
use crate::error::Problem;

/// The number of overdue calls up to which they are counted.
const MAX_OVERDUE: usize = 200;

/// Which calls to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CallGroup {
    /// Pending calls.
    #[default]
    Pending,
    /// Calls that are approved or run.
    Underway,
    /// Parked calls, whose outcome is unknown.
    Unknown,
    /// Calls that have ended.
    Ended,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// The most urgent first; within a priority agents take turns, then what is due first.
    #[default]
    Priority,
    /// By due time, earliest first.
    Due,
    /// By submission time, oldest first.
    Oldest,
    /// By end time, newest first; only for calls that have ended.
    Newest,
}

/// Which calls to list, and in which order.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// `pending` (unless said), `underway`, `unknown`, `ended`.
    #[serde(default)]
    #[param(inline)]
    pub(crate) which: CallGroup,
    /// Instead of `which`: calls in these states, as `approved,claimed`.
    pub(crate) state: Option<String>,
    /// `priority` (default), `due`, `oldest`; `newest` for ended calls. Ended calls are listed by
    /// age alone.
    #[param(inline)]
    pub(crate) order: Option<Order>,
    /// Only this tool.
    pub(crate) tool: Option<String>,
    /// Only this risk: `low`, `medium`, `high`, `critical`.
    #[param(value_type = Option<String>)]
    pub(crate) risk: Option<Risk>,
    /// Only this level: `quick` or `full`.
    #[param(value_type = Option<String>)]
    pub(crate) level: Option<ApprovalLevel>,
    /// Only this priority: `medium`, `high`, `urgent`.
    #[param(value_type = Option<String>)]
    pub(crate) priority: Option<Priority>,
    /// Only calls that this principal asked for.
    pub(crate) principal: Option<String>,
    /// Only this run, and the runs that it delegated to.
    pub(crate) run: Option<String>,
    /// Only calls of this agent: the one that submitted in the principal's name, or the principal
    /// where none is named.
    pub(crate) agent: Option<String>,
    /// Only calls for which the other side has exactly this id.
    pub(crate) tool_call: Option<String>,
    /// Only calls that are assigned to this reviewer.
    pub(crate) assigned: Option<String>,
    /// `true`: only calls that are assigned to the signed-in reviewer, or to somebody who is away
    /// and for whom they stand in.
    #[serde(default)]
    pub(crate) mine: bool,
    /// Only calls with this text in the title or in the arguments as they are shown, in upper or
    /// lower case.
    pub(crate) text: Option<String>,
    /// Only calls that are due before this moment; with a page's `now`, the overdue ones.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) due_before: Option<Timestamp>,
    /// With `order=newest`: only calls submitted within this many days; 30 by default.
    pub(crate) days: Option<u32>,
    /// With `order=newest`: only calls that this person decided.
    pub(crate) by: Option<String>,
    /// Continues after a page: its `next`. It fits the same filter and order only.
    pub(crate) after: Option<String>,
    /// The maximum number of calls; 100 by default, at most 200.
    pub(crate) limit: Option<usize>,
}

/// Answers a query.
pub(crate) async fn list(
    gate: &Gate,
    reviewer: &Reviewer,
    query: &Query,
) -> Result<CallPage, Problem> {
    let tenant = &reviewer.tenant;
    let away = absences(gate).await;
    let queue = gate.scoped_to(ReviewScope::tenant(tenant.clone())).queue();
    let mut asked = to_query(query)?;
    if query.mine {
        asked = asked.assigned(shown_to(&reviewer.principal, &away));
    }
    let page = if query.order == Some(Order::Newest) {
        let days = query.days.unwrap_or(30);
        let by = query.by.as_deref();
        let wanted = |record: &CallRecord| {
            let is_by = |by| record.decision().is_some_and(|decided| decided.by.as_str() == by);
            asked.filter().fits(record) && by.is_none_or(is_by)
        };
        let states = asked.filter().states();
        let calls =
            decided_calls::newest(gate, tenant, days, (&states, wanted), limit(query)).await?;
        Page { calls, next: None, now: gate.now().await? }
    } else {
        let page = queue.page(asked).await?;
        Page { calls: page.entries, next: page.next, now: page.now }
    };
    let late = QueueQuery::pending().order(QueueOrder::Due).due_before(page.now).limit(MAX_OVERDUE);
    let late = queue.page(late).await?;
    let mut overdue = CappedCount::new(late.entries.len() as u64);
    overdue.more |= late.next.is_some();
    let broken = gate.broken_glass(tenant).await?;
    Ok(CallPage {
        calls: page.calls.iter().map(|call| CallSummary::from(call).with_absences(&away)).collect(),
        next: page.next.map(|next| next.to_string()),
        counts: counts(&queue.counts().await?, overdue),
        tools: gate.tools().into_iter().map(|tool| tool.name.into_owned()).collect(),
        broken_glass: broken.iter().map(|grant| GrantSummary::new(grant, page.now)).collect(),
        now: page.now,
    })
}

struct Page {
    calls: Vec<CallRecord>,
    next: Option<Cursor>,
    now: Timestamp,
}

fn limit(query: &Query) -> usize {
    query.limit.unwrap_or(100).clamp(1, 200)
}

/// Converts the parameters to the gate's own query. Pure.
fn to_query(query: &Query) -> Result<QueueQuery, Problem> {
    let states = match &query.state {
        None => states(query.which).to_vec(),
        Some(names) => names.split(',').map(state).collect::<Result<_, _>>()?,
    };
    let over = states.iter().any(|state| state.is_terminal());
    let order = match query.order {
        None if over => QueueOrder::Created,
        None | Some(Order::Priority) => QueueOrder::Reviewer,
        Some(Order::Due) => QueueOrder::Due,
        Some(Order::Oldest) => QueueOrder::Created,
        Some(Order::Newest) => {
            if query.after.is_some() || !states.iter().all(|state| state.is_terminal()) {
                let why = "`newest` lists what is over, and has one page: leave out `after`";
                return Err(Problem::bad(why));
            }
            QueueOrder::Created
        }
    };
    if query.by.is_some() && query.order != Some(Order::Newest) {
        return Err(Problem::bad("`by` belongs to `order=newest`"));
    }
    let mut asked = QueueQuery::new(&states).order(order).limit(limit(query));
    if let Some(tool) = &query.tool {
        asked = asked.tool(tool);
    }
    if let Some(risk) = query.risk {
        asked = asked.risk(risk);
    }
    if let Some(level) = query.level {
        asked = asked.level(level);
    }
    if let Some(priority) = query.priority {
        asked = asked.priority(priority);
    }
    if query.mine && query.assigned.is_some() {
        return Err(Problem::bad("`mine` and `assigned` exclude each other"));
    }
    asked = asked.assigned(query.assigned.as_deref());
    if let Some(principal) = &query.principal {
        asked = asked.principal(principal.as_str());
    }
    if let Some(agent) = &query.agent {
        asked = asked.agent(agent.as_str());
    }
    if let Some(run) = &query.run {
        asked = asked.run(run.as_str());
    }
    if let Some(id) = &query.tool_call {
        asked = asked.tool_call(id);
    }
    if let Some(text) = &query.text {
        asked = asked.text(text);
    }
    if let Some(moment) = query.due_before {
        asked = asked.due_before(moment);
    }
    if let Some(after) = &query.after {
        let after: Cursor =
            after.parse().map_err(|why: InvalidCursor| Problem::bad(format!("`after`: {why}")))?;
        asked = asked.after(after);
    }
    Ok(asked)
}

const fn states(which: CallGroup) -> &'static [CallState] {
    match which {
        CallGroup::Pending => &[CallState::Pending],
        CallGroup::Underway => &[CallState::Approved, CallState::Claimed],
        CallGroup::Unknown => &[CallState::OutcomeUnknown],
        CallGroup::Ended => &decided_calls::ENDED,
    }
}

fn state(name: &str) -> Result<CallState, Problem> {
    let known = CallState::ALL.into_iter().find(|state| state.name() == name);
    known.ok_or_else(|| {
        let names = CallState::ALL.map(CallState::name);
        Problem::bad(format!("`state` takes names like {}", names.join(", ")))
    })
}

fn counts(counts: &QueueCounts, overdue: CappedCount) -> CallCounts {
    let state = |state| Count::from(counts.state(state));
    let level = |level| Count::from(counts.level(level));
    let priority = |priority| Count::from(counts.priority(priority));
    CallCounts {
        all: state(CallState::Pending),
        overdue: overdue.into(),
        quick: level(ApprovalLevel::Quick),
        full: level(ApprovalLevel::Full),
        urgent: priority(Priority::Urgent),
        high: priority(Priority::High),
        medium: priority(Priority::Medium),
        approved: state(CallState::Approved),
        claimed: state(CallState::Claimed),
        unknown: state(CallState::OutcomeUnknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(which: CallGroup, order: Option<Order>) -> Query {
        Query { which, order, ..Query::default() }
    }

    #[test]
    fn what_is_over_is_listed_by_age_and_the_newest_first_is_for_nothing_else() {
        assert!(to_query(&query(CallGroup::Ended, None)).is_ok());
        assert!(to_query(&query(CallGroup::Ended, Some(Order::Newest))).is_ok());
        for which in [CallGroup::Pending, CallGroup::Underway, CallGroup::Unknown] {
            assert!(to_query(&query(which, None)).is_ok());
            assert!(to_query(&query(which, Some(Order::Newest))).is_err());
        }
        let paged =
            Query { after: Some("0".to_owned()), ..query(CallGroup::Ended, Some(Order::Newest)) };
        assert!(to_query(&paged).is_err());
    }

    #[test]
    fn states_are_named_one_by_one() {
        let of = |names: &str| {
            let query = Query { state: Some(names.to_owned()), ..Query::default() };
            to_query(&query).map(|asked| asked.filter().states())
        };
        let two = of("approved,claimed").unwrap();
        assert_eq!(two, [CallState::Approved, CallState::Claimed]);
        for wrong in ["", "aproved", "approved,", "Approved"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
