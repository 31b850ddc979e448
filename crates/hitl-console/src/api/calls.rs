//! Lists and shows calls.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::queue::ReviewScope;
use hitl_core::{CallState, RequestId};
use hitl_wire::earlier::EARLIER_SHOWN;
use hitl_wire::{CallDetail, CallPage, EarlierList};

use super::extract::{Path, Query};
use crate::absences::absences;
use crate::auth::Reviewer;
use crate::card::card;
use crate::error::Problem;
use crate::queue;
use crate::state::Shared;

/// Lists calls: what waits, unless asked otherwise; the most urgent first.
#[utoipa::path(get, path = "/api/calls", tag = "calls", params(queue::Query),
    responses((status = 200, body = CallPage), (status = 401, body = Problem)))]
pub(super) async fn list(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Query(query): Query<queue::Query>,
) -> Result<Json<CallPage>, Problem> {
    Ok(Json(queue::list(&state.gate, &reviewer, &query).await?))
}

/// Shows one call.
#[utoipa::path(get, path = "/api/calls/{id}", tag = "calls",
    params(("id" = String, Path, description = "the call's id")),
    responses((status = 200, body = CallDetail), (status = 404, body = Problem)))]
pub(super) async fn show(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<RequestId>,
) -> Result<Json<CallDetail>, Problem> {
    let record = state.call(&reviewer, id).await?;
    let onlookers = state.presence.onlookers_of(&reviewer.tenant, id);
    let now = state.gate.now().await?;
    let waits = record.state() == CallState::Pending;
    let status = if waits { Some(state.gate.tool_status(&record).await?) } else { None };
    let warning = status.and_then(|status| status.warning());
    let scoped = state.gate.scoped_to(ReviewScope::tenant(reviewer.tenant.clone()));
    let earlier = EarlierList::from(&scoped.earlier_calls(&record, EARLIER_SHOWN).await?);
    let result = state.gate.scoped_to(reviewer.authority()).result(&record).await?;
    let mut detail = card(&record, &state.gate, onlookers, now, warning, earlier, result);
    detail.summary = detail.summary.with_absences(&absences(&state.gate).await);
    Ok(Json(detail))
}
