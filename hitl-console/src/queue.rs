//! The reviewers' queue over the wire: a page of it, in the gate's order, with the gate's filters,
//! counts and cursors.

use hitl_base::Timestamp;
use hitl_core::queue::{Cursor, InvalidCursor, Tally};
use hitl_core::{
    ApprovalLevel, CallRecord, CallState, Gate, Priority, QueueCounts, QueueOrder, QueueQuery,
    Risk, Tenant, Viewer,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::Problem;
use crate::past;
use crate::view::CallSummary;

/// How many overdue calls are counted.
const OVERDUE: usize = 200;

/// Which calls to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Which {
    /// What waits for a decision.
    #[default]
    Pending,
    /// What is approved or runs.
    Underway,
    /// What is parked: nobody knows how it ended.
    Unknown,
    /// What is over.
    Ended,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// The most urgent first; within a priority agents take turns, then what is due first.
    #[default]
    Priority,
    /// What is due first.
    Due,
    /// What was submitted first.
    Oldest,
    /// What ended last; for what is over only.
    Newest,
}

/// What to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// `pending` (unless said), `underway`, `unknown`, `ended`.
    #[serde(default)]
    #[param(inline)]
    pub(crate) which: Which,
    /// Instead of `which`: calls in these states, as `approved,claimed`.
    pub(crate) state: Option<String>,
    /// `priority` (unless said), `due`, `oldest`; `newest` for what is over. What is over is listed
    /// by age alone.
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
    /// Only what this principal asked for.
    pub(crate) principal: Option<String>,
    /// Only this run, and the runs that it delegated to.
    pub(crate) run: Option<String>,
    /// Only calls with this text in the title, in upper or lower case.
    pub(crate) text: Option<String>,
    /// Only what is due before this moment; with a page's `now`, what is overdue.
    #[param(value_type = Option<String>, format = DateTime)]
    pub(crate) due_before: Option<Timestamp>,
    /// With `order=newest`: only calls submitted within so many days; 30 unless said.
    pub(crate) days: Option<u32>,
    /// Goes on after a page: its `next`. It fits the same filter and order only.
    pub(crate) after: Option<String>,
    /// At most so many; 100 unless said, at most 200.
    pub(crate) limit: Option<usize>,
}

/// A page of the queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    /// The calls, in order. Where a filter leaves many out, a page may hold fewer than were asked
    /// for, or none, and still go on.
    calls: Vec<CallSummary>,
    /// Where the next page begins: `after`. Nothing when this is the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How many there are without the filter.
    counts: Counts,
    /// The tools that are registered here.
    tools: Vec<String>,
    /// The present, by the clock that expiry is judged by.
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
}

/// How many calls wait, without the filter. A count ends at a thousand: then `more` is true.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    /// All that wait.
    #[schema(value_type = Object)]
    all: Tally,
    /// Of these, past their due time; counted as far as 200.
    #[schema(value_type = Object)]
    overdue: Tally,
    /// Of these, what is quickly decided.
    #[schema(value_type = Object)]
    quick: Tally,
    /// Of these, what needs a full review.
    #[schema(value_type = Object)]
    full: Tally,
    /// Of these, by priority.
    #[schema(value_type = Object)]
    urgent: Tally,
    /// The same.
    #[schema(value_type = Object)]
    high: Tally,
    /// The same.
    #[schema(value_type = Object)]
    medium: Tally,
    /// Approved, and not begun.
    #[schema(value_type = Object)]
    approved: Tally,
    /// It runs.
    #[schema(value_type = Object)]
    claimed: Tally,
    /// Parked: nobody knows how it ended.
    #[schema(value_type = Object)]
    unknown: Tally,
}

/// Answers a query.
pub(crate) async fn list(gate: &Gate, tenant: &Tenant, query: &Query) -> Result<Listing, Problem> {
    let queue = gate.queue(Viewer::of(tenant.clone()));
    let asked = asked(query)?;
    let page = if query.order == Some(Order::Newest) {
        let days = query.days.unwrap_or(30);
        let calls = past::newest(gate, tenant, days, asked.filter(), limit(query)).await?;
        Page { calls, next: None, now: gate.now().await? }
    } else {
        let page = queue.page(asked).await?;
        Page { calls: page.entries, next: page.next, now: page.now }
    };
    let late = QueueQuery::pending().order(QueueOrder::Due).due_before(page.now).limit(OVERDUE);
    let late = queue.page(late).await?;
    let mut overdue = Tally::of(late.entries.len() as u64);
    overdue.more |= late.next.is_some();
    Ok(Listing {
        calls: page.calls.iter().map(CallSummary::of).collect(),
        next: page.next.map(|next| next.to_string()),
        counts: Counts::of(&queue.counts().await?, overdue),
        tools: gate.tools().into_iter().map(|tool| tool.name.into_owned()).collect(),
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

/// What the gate is asked for. Pure.
fn asked(query: &Query) -> Result<QueueQuery, Problem> {
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
    let mut asked = QueueQuery::of(&states).order(order).limit(limit(query));
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
    if let Some(principal) = &query.principal {
        asked = asked.principal(principal.as_str());
    }
    if let Some(run) = &query.run {
        asked = asked.run(run.as_str());
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

const fn states(which: Which) -> &'static [CallState] {
    match which {
        Which::Pending => &[CallState::Pending],
        Which::Underway => &[CallState::Approved, CallState::Claimed],
        Which::Unknown => &[CallState::OutcomeUnknown],
        Which::Ended => &past::ENDED,
    }
}

fn state(name: &str) -> Result<CallState, Problem> {
    let known = CallState::ALL.into_iter().find(|state| state.name() == name);
    known.ok_or_else(|| {
        let names = CallState::ALL.map(CallState::name);
        Problem::bad(format!("`state` takes names like {}", names.join(", ")))
    })
}

impl Counts {
    fn of(counts: &QueueCounts, overdue: Tally) -> Self {
        Self {
            all: counts.state(CallState::Pending),
            overdue,
            quick: counts.level(ApprovalLevel::Quick),
            full: counts.level(ApprovalLevel::Full),
            urgent: counts.priority(Priority::Urgent),
            high: counts.priority(Priority::High),
            medium: counts.priority(Priority::Medium),
            approved: counts.state(CallState::Approved),
            claimed: counts.state(CallState::Claimed),
            unknown: counts.state(CallState::OutcomeUnknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(which: Which, order: Option<Order>) -> Query {
        Query { which, order, ..Query::default() }
    }

    #[test]
    fn what_is_over_is_listed_by_age_and_the_newest_first_is_for_nothing_else() {
        assert!(asked(&query(Which::Ended, None)).is_ok());
        assert!(asked(&query(Which::Ended, Some(Order::Newest))).is_ok());
        for which in [Which::Pending, Which::Underway, Which::Unknown] {
            assert!(asked(&query(which, None)).is_ok());
            assert!(asked(&query(which, Some(Order::Newest))).is_err());
        }
        let paged =
            Query { after: Some("0".to_owned()), ..query(Which::Ended, Some(Order::Newest)) };
        assert!(asked(&paged).is_err());
    }

    #[test]
    fn states_are_named_one_by_one() {
        let of = |names: &str| {
            let query = Query { state: Some(names.to_owned()), ..Query::default() };
            asked(&query).map(|asked| asked.filter().states())
        };
        let two = of("approved,claimed").unwrap();
        assert_eq!(two, [CallState::Approved, CallState::Claimed]);
        for wrong in ["", "aproved", "approved,", "Approved"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
