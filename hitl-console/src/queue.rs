//! The reviewers' queue: what waits, sorted and filtered; and what was decided.
//!
//! The store lists by age; this reads what waits and sorts it here.

use std::collections::BTreeMap;
use std::time::Duration;

use hitl_base::Timestamp;
use hitl_core::{CallRecord, CallState, Gate, GateError, PageRequest, Priority, RequestId, Tenant};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::view::CallSummary;

/// How many calls are looked at, at most, to answer one question.
const MOST: usize = 20_000;
/// How many are read in one go.
const PAGE: usize = 1000;

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
    /// The most urgent first, among these what is due first.
    #[default]
    Priority,
    /// What is due first.
    Due,
    /// What was submitted first.
    Oldest,
    /// What changed last.
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
    /// `priority` (unless said), `due`, `oldest`, `newest`.
    #[serde(default)]
    #[param(inline)]
    pub(crate) order: Order,
    /// Only this tool.
    pub(crate) tool: Option<String>,
    /// Only this risk.
    pub(crate) risk: Option<String>,
    /// Only this level: `quick` or `full`.
    pub(crate) level: Option<String>,
    /// Only calls whose title, tool or requester contain this.
    pub(crate) text: Option<String>,
    /// Only calls submitted within so many days. What is over is listed for 30 unless said.
    pub(crate) days: Option<u32>,
    /// How many to leave out.
    #[serde(default)]
    pub(crate) skip: usize,
    /// At most so many; 100 unless said, at most 500.
    pub(crate) limit: Option<usize>,
}

/// A part of the queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    /// The calls.
    calls: Vec<CallSummary>,
    /// How many there are that the filter lets through.
    total: usize,
    /// There are more than were looked at; counts are of those.
    cut: bool,
    /// How many there are without the filter, by property and value.
    counts: Counts,
    /// The present, by the clock that expiry is judged by.
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
}

/// How many calls there are without the filter.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    /// All of them.
    all: usize,
    /// Past their due time.
    overdue: usize,
    /// By level.
    level: BTreeMap<String, usize>,
    /// By risk.
    risk: BTreeMap<String, usize>,
    /// By tool.
    tool: BTreeMap<String, usize>,
}

/// Answers a query.
pub(crate) async fn list(
    gate: &Gate,
    tenant: &Tenant,
    query: &Query,
) -> Result<Listing, GateError> {
    let now = gate.now().await?;
    let days = query.days.or((query.which == Which::Ended).then_some(30));
    let (mut records, cut) = read(gate, tenant, states(query.which), since(now, days)).await?;
    // What has expired but was not looked at since still reads as pending; nobody can decide it.
    if query.which == Which::Pending {
        records.retain(|record| record.request.expires_at > now);
    }
    let counts = count(&records, now);
    records.retain(|record| query.takes(record));
    sort(&mut records, query.order);
    let limit = query.limit.unwrap_or(100).clamp(1, 500);
    let calls = records.iter().skip(query.skip).take(limit).map(CallSummary::of).collect();
    Ok(Listing { calls, total: records.len(), cut, counts, now })
}

/// Every call in one of these states, submitted after this id; and whether there are too many.
pub(crate) async fn read(
    gate: &Gate,
    tenant: &Tenant,
    states: &[CallState],
    since: Option<RequestId>,
) -> Result<(Vec<CallRecord>, bool), GateError> {
    let (mut records, mut after) = (Vec::new(), since);
    loop {
        let mut page = PageRequest::of(states).limit(PAGE);
        page.after = after;
        let more = gate.page(tenant, page).await?;
        let Some(last) = more.last() else { return Ok((records, false)) };
        after = Some(last.id());
        let full = more.len() == PAGE;
        records.extend(more);
        if !full {
            return Ok((records, false));
        }
        if records.len() >= MOST {
            return Ok((records, true));
        }
    }
}

/// An id that is older than every call submitted within so many days: ids begin with their time.
pub(crate) fn since(now: Timestamp, days: Option<u32>) -> Option<RequestId> {
    let back = Duration::from_secs(u64::from(days?) * 24 * 3600).as_millis();
    let millis = now.as_millis().saturating_sub(i64::try_from(back).ok()?).max(0);
    let time = format!("{millis:012x}");
    format!("{}-{}-7000-8000-000000000000", time.get(..8)?, time.get(8..12)?).parse().ok()
}

pub(crate) const fn states(which: Which) -> &'static [CallState] {
    match which {
        Which::Pending => &[CallState::Pending],
        Which::Underway => &[CallState::Approved, CallState::Claimed],
        Which::Unknown => &[CallState::OutcomeUnknown],
        Which::Ended => &[
            CallState::Executed,
            CallState::Failed,
            CallState::Rejected,
            CallState::Responded,
            CallState::Expired,
            CallState::Cancelled,
            CallState::Denied,
        ],
    }
}

impl Query {
    fn takes(&self, record: &CallRecord) -> bool {
        let request = &record.request;
        let is = |wanted: &Option<String>, there: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == there)
        };
        is(&self.tool, &request.tool)
            && is(&self.risk, &request.risk.to_string())
            && is(&self.level, &request.level.to_string())
            && self.text.as_deref().is_none_or(|text| {
                let text = text.to_lowercase();
                [request.title.as_str(), request.tool.as_str(), request.principal.as_str()]
                    .iter()
                    .any(|field| field.to_lowercase().contains(&text))
            })
    }
}

fn sort(records: &mut [CallRecord], order: Order) {
    let urgency = |record: &CallRecord| match record.request.priority {
        Priority::Urgent => 0,
        Priority::High => 1,
        Priority::Medium => 2,
    };
    match order {
        Order::Priority => {
            records.sort_by_key(|call| (urgency(call), call.request.due_at, call.id()));
        }
        Order::Due => records.sort_by_key(|call| (call.request.due_at, call.id())),
        Order::Oldest => records.sort_by_key(CallRecord::id),
        Order::Newest => {
            records.sort_by_key(|call| std::cmp::Reverse((call.updated_at, call.id())));
        }
    }
}

fn count(records: &[CallRecord], now: Timestamp) -> Counts {
    let mut counts = Counts { all: records.len(), ..Counts::default() };
    for record in records {
        let request = &record.request;
        counts.overdue += usize::from(request.due_at < now);
        *counts.level.entry(request.level.to_string()).or_default() += 1;
        *counts.risk.entry(request.risk.to_string()).or_default() += 1;
        *counts.tool.entry(request.tool.clone()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_time_is_older_than_every_id_since() {
        let now = Timestamp::now();
        let (id, start) = (RequestId::new(), since(now, Some(0)).unwrap());
        assert!(start <= id, "{start} {id}");
        assert!(since(now, Some(1)).unwrap() < start);
        assert_eq!(since(now, None), None);
    }
}
