//! What the history page draws.

use std::collections::BTreeMap;

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_base::Timestamp;
use hitl_core::approval::Choice;
use hitl_core::{CallRecord, CallState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::read::Query;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::past;
use crate::state::Shared;

/// The bounds of time to decision, in seconds; the last band has none.
const BOUNDS: [u64; 7] = [10, 60, 300, 1800, 7200, 28_800, 86_400];

/// For how long.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StatsQuery {
    /// How many days back; 14 unless said, at most 90.
    days: Option<u32>,
}

/// What became of the calls of some days.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    /// How many days back.
    days: u32,
    /// How many calls were submitted in that time.
    calls: usize,
    /// There were more than were looked at; the numbers are of the oldest.
    cut: bool,
    /// How many a human decided.
    decided: usize,
    /// By day (UTC) and outcome: `approved`, `edited`, `rejected`, `responded`, `aborted`,
    /// `expired`, `denied`, `auto`, `granted` (a grant answered for it), `withdrawn`.
    by_day: BTreeMap<String, BTreeMap<&'static str, usize>>,
    /// How long decisions took.
    time_to_decision: Vec<TimeBand>,
    /// Half of the decisions took no longer, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    median_seconds: Option<u64>,
    /// Nine in ten took no longer, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    p90_seconds: Option<u64>,
    /// How often humans approved, by confidence.
    by_confidence: Vec<ConfidenceBand>,
}

/// How many decisions took how long.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TimeBand {
    /// Less than this many seconds; the last band has no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    below_seconds: Option<u64>,
    count: usize,
}

/// What humans decided about calls of a confidence.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfidenceBand {
    /// From this confidence, ten points up.
    from: u8,
    approved: usize,
    decided: usize,
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
    let since = past::since(now, days);
    let (records, cut) = past::read(&state.gate, &reviewer.tenant, &[], since).await?;
    Ok(Json(Stats { cut, ..count(&records, days) }))
}

/// Pure: what follows from the records.
fn count(records: &[CallRecord], days: u32) -> Stats {
    let mut stats = Stats { days, calls: records.len(), ..Stats::default() };
    let mut took: Vec<u64> = Vec::new();
    let mut bands = [(0_usize, 0_usize); 10];
    for record in records {
        if let Some((at, outcome)) = outcome(record) {
            *stats.by_day.entry(day(at)).or_default().entry(outcome).or_default() += 1;
        }
        // What a grant answered for, no human looked at.
        let Some(decided) = record.decided.as_ref().filter(|_| record.grant_use.is_none()) else {
            continue;
        };
        took.push(decided.at.since(record.request.created_at).as_secs());
        let band = usize::from(record.request.assessment.confidence / 10).min(9);
        bands[band].1 += 1;
        bands[band].0 +=
            usize::from(matches!(decided.answer.choice(), Choice::Approve | Choice::Edit));
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
    let part = |share: usize| took.get((took.len() * share).div_ceil(100).max(1) - 1).copied();
    stats.median_seconds = part(50);
    stats.p90_seconds = part(90);
    stats.by_confidence = (0_u8..)
        .zip(bands)
        .map(|(band, (approved, decided))| ConfidenceBand { from: band * 10, approved, decided })
        .collect();
    stats
}

/// What was decided about a call, and when; nothing while it waits.
fn outcome(record: &CallRecord) -> Option<(Timestamp, &'static str)> {
    if record.grant_use.is_some() {
        let decided = record.decided.as_ref().map(|decided| decided.at);
        return Some((decided.unwrap_or(record.updated_at), "granted"));
    }
    if let Some(decided) = &record.decided {
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
    let outcome = match record.state {
        CallState::Pending => return None,
        CallState::Expired => "expired",
        CallState::Denied => "denied",
        CallState::Cancelled => "withdrawn",
        _ => "auto",
    };
    Some((record.updated_at, outcome))
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}
