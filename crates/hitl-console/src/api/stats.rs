//! Outcomes, times to decision and approvals by confidence, for the history page.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_wire::stats::{Stats, StatsCounter};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Query;
use crate::auth::Reviewer;
use crate::decided_calls;
use crate::error::Problem;
use crate::state::Shared;

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
    let mut counter = StatsCounter::default();
    for record in &records {
        counter.add(record);
    }
    Ok(Json(Stats { cut, ..counter.finish(days) }))
}
