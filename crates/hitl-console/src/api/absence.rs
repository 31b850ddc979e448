//! Reviewers who are away.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::Gate;
use hitl_core::gate::AbsenceSetter;
use hitl_wire::assignment::{AbsenceList, AbsenceSummary, AwayBody};

use super::extract::Body;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::Shared;

/// Lists the reviewers who are away now.
#[utoipa::path(get, path = "/api/absences", tag = "session",
    responses((status = 200, body = AbsenceList), (status = 401, body = Problem)))]
pub(super) async fn list(From(state): From<Shared>) -> Result<Json<AbsenceList>, Problem> {
    in_force(&state.gate).await
}

/// Says that the signed-in reviewer is away until a time: calls that are assigned to them are shown
/// to the deputy too, who gains no right.
#[utoipa::path(post, path = "/api/absences/mine", tag = "session", request_body = AwayBody,
    responses((status = 200, body = AbsenceList), (status = 401, body = Problem),
        (status = 422, description = "it does not end within a year, or the deputy cannot stand in", body = Problem),
        (status = 503, description = "the store cannot be reached; nothing was done", body = Problem)))]
pub(super) async fn set(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Body(body): Body<AwayBody>,
) -> Result<Json<AbsenceList>, Problem> {
    let by = AbsenceSetter::Themselves(reviewer.authority());
    state.gate.away(reviewer.principal, body.until, body.deputy, by).await?;
    in_force(&state.gate).await
}

/// Says that the signed-in reviewer is back.
#[utoipa::path(post, path = "/api/absences/end", tag = "session",
    responses((status = 200, body = AbsenceList), (status = 401, body = Problem),
        (status = 503, description = "the store cannot be reached; nothing was done", body = Problem)))]
pub(super) async fn end(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
) -> Result<Json<AbsenceList>, Problem> {
    let by = AbsenceSetter::Themselves(reviewer.authority());
    state.gate.back(reviewer.principal, by).await?;
    in_force(&state.gate).await
}

async fn in_force(gate: &Gate) -> Result<Json<AbsenceList>, Problem> {
    let away = gate.absences().await?;
    Ok(Json(AbsenceList { away: away.iter().map(AbsenceSummary::from).collect() }))
}
