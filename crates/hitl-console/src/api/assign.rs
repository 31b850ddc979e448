//! Assigns a call to a reviewer.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::RequestId;
use hitl_wire::CallSummary;
use hitl_wire::assignment::{AssignBody, AssignedCall};

use super::extract::{Body, Path};
use crate::absences::absences;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::Shared;

/// Directs a reviewer's attention to a waiting call, or, without a name, no longer to anybody's.
/// It gives no right: who may decide stays the same, and so do the revision and its digest.
#[utoipa::path(post, path = "/api/calls/{id}/assign", tag = "calls", request_body = AssignBody,
    params(("id" = String, Path, description = "the call's id")),
    responses((status = 200, body = AssignedCall),
        (status = 403, description = "it is known that this reviewer may not decide it", body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "it does not wait any more", body = Problem),
        (status = 503, description = "the store cannot be reached; nothing was done", body = Problem)))]
pub(super) async fn assign(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<RequestId>,
    Body(body): Body<AssignBody>,
) -> Result<Json<AssignedCall>, Problem> {
    state.call(&reviewer, id).await?;
    let by = reviewer.authority();
    let assigned = state.gate.assign(&reviewer.tenant, id, body.to, by).await?;
    let call = CallSummary::from(&assigned.record).with_absences(&absences(&state.gate).await);
    Ok(Json(AssignedCall { call, notes: assigned.notes }))
}
