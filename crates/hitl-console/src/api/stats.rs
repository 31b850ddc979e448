//! Outcomes, times to decision and approvals by confidence, for the history page.

use std::collections::BTreeMap;

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_base::Timestamp;
use hitl_core::approval::Choice;
use hitl_core::{CallRecord, CallState};
use hitl_wire::stats::{ConfidenceBand, DecisionTally, Stats, TimeBand};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Query;
use crate::auth::Reviewer;
use crate::decided_calls;
use crate::error::Problem;
use crate::state::Shared;

/// The bounds of time to decision, in seconds; the last band has none.
const BOUNDS: [u64; 7] = [10, 60, 300, 1800, 7200, 28_800, 86_400];

/// The most tools, or reviewers, that are listed.
const MAX_NAMES: usize = 50;

/// For how long.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StatsQuery {
    /// The number of days back; 14 unless said, at most 90.
    days: Option<u32>,
}

/// Counts what became of the calls of the last days.
#[utoipa::path(get, path = "/api/stats", tag = "calls", params(StatsQuery),
    responses((status = 200, body = Stats), (status = 401, body = Problem)))]
pub(super) async fn stats(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Query(query): Query<StatsQuery>,
) -> Result<Json<Stats>, Problem> {
    let days = query.days.unwrap_or(14).clamp(1, 90);
    let now = state.gate.now().await?;
    let since = decided_calls::since(now, days);
    let (records, cut) = decided_calls::read(&state.gate, &reviewer.tenant, &[], since).await?;
    Ok(Json(Stats { cut, ..count(&records, days) }))
}

/// Counts the records. Pure.
fn count(records: &[CallRecord], days: u32) -> Stats {
    let mut stats = Stats { days, calls: records.len(), ..Stats::default() };
    let mut took: Vec<u64> = Vec::new();
    let mut bands = [(0_usize, 0_usize); 10];
    let mut by_tool: BTreeMap<String, Taken> = BTreeMap::new();
    let mut by_reviewer: BTreeMap<String, Taken> = BTreeMap::new();
    for record in records {
        if let Some((at, outcome)) = outcome(record) {
            *stats.by_day.entry(day(at)).or_default().entry(outcome.to_owned()).or_default() += 1;
        }
        // No human looked at a call that a grant answered.
        let Some(decided) = record.decision().filter(|_| record.grant_use().is_none()) else {
            continue;
        };
        let seconds = decided.at.saturating_duration_since(record.request().created_at).as_secs();
        took.push(seconds);
        let approved = matches!(decided.answer.choice(), Choice::Approve | Choice::Edit);
        by_tool.entry(record.request().tool.clone()).or_default().add(seconds, approved);
        by_reviewer.entry(decided.by.to_string()).or_default().add(seconds, approved);
        let band = usize::from(record.request().assessment.confidence / 10).min(9);
        bands[band].1 += 1;
        bands[band].0 += usize::from(approved);
    }
    took.sort_unstable();
    stats.decided = took.len();
    let bounds = BOUNDS.into_iter().map(Some).chain([None]);
    let mut before = 0;
    for below_seconds in bounds {
        let up_to = below_seconds.map_or(took.len(), |bound| took.partition_point(|t| *t < bound));
        stats.time_to_decision.push(TimeBand { below_seconds, count: up_to - before });
        before = up_to;
    }
    stats.median_seconds = quantile(&took, 50);
    stats.p90_seconds = quantile(&took, 90);
    stats.p99_seconds = quantile(&took, 99);
    stats.by_tool = ranking(by_tool);
    stats.by_reviewer = ranking(by_reviewer);
    stats.by_confidence = (0_u8..)
        .zip(bands)
        .map(|(band, (approved, decided))| ConfidenceBand { from: band * 10, approved, decided })
        .collect();
    stats
}

/// Decisions of one kind.
#[derive(Default)]
struct Taken {
    seconds: Vec<u64>,
    approved: usize,
}

impl Taken {
    fn add(&mut self, seconds: u64, approved: bool) {
        self.seconds.push(seconds);
        self.approved += usize::from(approved);
    }
}

/// Returns the smallest value that this percentage of sorted values does not exceed.
fn quantile(sorted: &[u64], percent: usize) -> Option<u64> {
    sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied()
}

/// Returns the decisions of each name, the most first.
fn ranking(taken: BTreeMap<String, Taken>) -> Vec<DecisionTally> {
    let tally = |(name, Taken { mut seconds, approved }): (String, Taken)| {
        seconds.sort_unstable();
        let median_seconds = quantile(&seconds, 50).unwrap_or_default();
        DecisionTally { name, decided: seconds.len(), approved, median_seconds }
    };
    let mut ranked: Vec<DecisionTally> = taken.into_iter().map(tally).collect();
    ranked.sort_by_key(|tally| std::cmp::Reverse(tally.decided));
    ranked.truncate(MAX_NAMES);
    ranked
}

/// Returns the outcome of a call and its time; `None` while it is pending.
fn outcome(record: &CallRecord) -> Option<(Timestamp, &'static str)> {
    if record.grant_use().is_some() {
        let decided = record.decision().map(|decided| decided.at);
        return Some((decided.unwrap_or(record.updated_at()), "granted"));
    }
    if let Some(decided) = record.decision() {
        let outcome = match decided.answer.choice() {
            Choice::Approve => "approved",
            Choice::Edit => "edited",
            Choice::Reject => "rejected",
            Choice::Respond => "responded",
            Choice::Abort => "aborted",
            _ => "other",
        };
        return Some((decided.at, outcome));
    }
    let outcome = match record.state() {
        CallState::Pending => return None,
        CallState::Expired => "expired",
        CallState::Denied => "denied",
        CallState::Cancelled => "withdrawn",
        _ => "auto",
    };
    Some((record.updated_at(), outcome))
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}
